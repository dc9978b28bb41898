"""How a session is coded, over HTTP: each line explained, and changed by staff with a reason."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.care.queries import find_session
from billing.insurance.errors import SuperbillNotPossible
from billing.insurance.queries.coding import CodedSession, coded_session
from billing.insurance.schemas import CodingView, OverrideLines
from billing.insurance.use_cases.overrides import LineAsked, override_lines
from billing.kernel.permissions import Actor, Permission
from billing.platform.data.database import Read
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import edge_write


def add_coding_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/sessions/<session_id>/coding", methods=["GET"])
    @routes.response(200, CodingView)
    @guard(Permission.SUPERBILLS_READ)
    def show_coding(session_id: str) -> Any:
        """The lines of a session as they are coded and billed now; 409 while something is missing."""
        return look_at_coding(edge, session_id)

    @routes.route("/sessions/<session_id>/coding", methods=["POST"])
    @routes.arguments(OverrideLines)
    @routes.response(201, CodingView)
    @guard(Permission.SUPERBILLS_WRITE)
    def change_lines(body: dict[str, Any], session_id: str) -> Response:
        """Bill lines in another way than they are coded, with a reason; no lines take every change back."""
        actor, now = current_actor(), edge.clock()
        lines = [LineAsked(**line) for line in body["lines"]]
        return edge_write(
            edge,
            lambda tx: override_lines(
                tx,
                session_id=session_id,
                lines=lines,
                reason=body["reason"],
                shown=body["shown"],
                actor=actor,
                now=now,
            ),
            CodingView,
        )


def look_at_coding(edge: Edge, session_id: str) -> CodedSession:
    """Raises: NoSuchSession, SuperbillNotPossible."""
    actor = current_actor()
    return edge.audited_read(
        lambda read: _coded(read, session_id, actor),
        actor=actor,
        action="coding.read",
        subject_id=session_id,
    )


def _coded(read: Read, session_id: str, actor: Actor) -> CodedSession:
    return coded_session(read, find_session(read, session_id, actor), SuperbillNotPossible)
