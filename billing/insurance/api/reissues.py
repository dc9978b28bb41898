"""Outdated papers over HTTP: which they are, and all of them issued again."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.insurance.flows.reissues import outdated_now, reissue_outdated
from billing.insurance.schemas.figures import OutdatedPapersView, ReissueAll, ReissuesView
from billing.kernel.permissions import Permission
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import edge_flow


def add_reissues(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/outdated-papers", methods=["GET"])
    @routes.response(200, OutdatedPapersView)
    @guard(Permission.CLAIMS_WRITE)
    def show_outdated() -> dict[str, Any]:
        """Present superbills and claims that say another charge or payment than the books, oldest first."""
        actor = current_actor()
        found = edge.audited_read(
            lambda read: outdated_now(read, actor),
            actor=actor,
            action="outdated_papers.read",
            subject_id=actor.id,
        )
        return {"items": found}

    @routes.route("/outdated-papers/reissue", methods=["POST"])
    @routes.arguments(ReissueAll)
    @routes.response(200, ReissuesView)
    @guard(Permission.CLAIMS_WRITE)
    def reissue(body: dict[str, Any]) -> Response:
        """Issue all of them again that the insurer does not have yet, each for itself; up to 200 at once.

        What is refused is told with its fields, and keeps no other from being issued.
        """
        actor = current_actor()
        return edge_flow(
            edge,
            lambda: reissue_outdated(edge.database, actor=actor, clock=edge.clock, **body),
            ReissuesView,
        )
