"""What every blueprint is made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from billing.kernel.clock import Clock
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Database, Read

T = TypeVar("T")


@dataclass(frozen=True)
class Edge:
    """`public_url` is the address under which patients reach the service, without a final slash."""

    database: Database
    clock: Clock
    public_url: str

    def read(self, query: Callable[[Read], T]) -> T:
        """Run one query that shows no health data."""
        with self.database.reading() as read:
            return query(read)

    def audited_read(self, query: Callable[[Read], T], *, actor: Actor, action: str, subject_id: str) -> T:
        """Run a query that shows health data; the trail names the actor before the answer leaves."""
        answer = self.read(query)
        self.database.in_transaction(
            lambda tx: record_audit(tx, actor=actor, action=action, subject_id=subject_id, now=self.clock())
        )
        return answer
