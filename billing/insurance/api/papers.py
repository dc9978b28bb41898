"""How superbills and claims are listed and looked at over HTTP. Each look is on the trail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from billing.insurance.records import Paper
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor
from billing.platform.http.pages import Page, page_of

P = TypeVar("P", bound=Paper)
Found = TypeVar("Found", bound=Paper, covariant=True)


class ListPapers(Protocol[Found]):
    """See `queries.papers.list_rows`."""

    def __call__(self, read: Read, actor: Actor, *, limit: int, **which: Any) -> Sequence[Found]: ...


@dataclass(frozen=True)
class Papers(Generic[P]):
    """One kind of them: `kind` is its name on the trail, `everyone` the subject there of a list of all."""

    kind: str
    everyone: str
    find: Callable[[Read, str, Actor], P]
    many: ListPapers[P]

    def look(self, edge: Edge, paper_id: str) -> P:
        actor = current_actor()
        return edge.audited_read(
            lambda read: self.find(read, paper_id, actor),
            actor=actor,
            action=f"{self.kind}.read",
            subject_id=paper_id,
        )

    def page(self, edge: Edge, query: dict[str, Any]) -> Page[P]:
        actor, limit = current_actor(), query.pop("limit")
        found = edge.audited_read(
            lambda read: self.many(read, actor, limit=limit + 1, **query),
            actor=actor,
            action=f"{self.kind}.list",
            subject_id=query["patient_id"] or self.everyone,
        )
        return page_of(found, limit)
