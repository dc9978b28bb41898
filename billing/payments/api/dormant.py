"""Credits whose owners show no sign, over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.permissions import Permission
from billing.payments.queries.dormant import find_dormant, list_dormant
from billing.payments.schemas.dormant import DormantQuery, DormantView, Letter, Remit
from billing.payments.use_cases.dormant import claim, record_letter, remit, set_aside
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write


def add_dormant_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/dormant-credits", methods=["GET"])
    @routes.arguments(DormantQuery, location="query")
    @routes.response(200, page_view(DormantView))
    @guard(Permission.CREDITS_READ)
    def show_all(query: dict[str, Any]) -> Any:
        limit, actor = query.pop("limit"), current_actor()
        return page_of(edge.read(lambda read: list_dormant(read, actor, limit=limit + 1, **query)), limit)

    @routes.route("/dormant-credits/<dormant_id>", methods=["GET"])
    @routes.response(200, DormantView)
    @guard(Permission.CREDITS_READ)
    def show_one(dormant_id: str) -> Any:
        return edge.read(lambda read: find_dormant(read, dormant_id, current_actor()))


def add_dormant_deeds(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/dormant-credits/<dormant_id>/letter", methods=["POST"])
    @routes.arguments(Letter)
    @routes.response(200, DormantView)
    @guard(Permission.CREDITS_WRITE)
    def keep_letter(body: dict[str, Any], dormant_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: record_letter(tx, dormant_id=dormant_id, **body, actor=actor, now=now),
            DormantView,
            status=200,
        )

    @routes.route("/dormant-credits/<dormant_id>/set-aside", methods=["POST"])
    @routes.response(200, DormantView)
    @guard(Permission.LEDGER_WRITE)
    def keep_set_aside(dormant_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: set_aside(tx, dormant_id=dormant_id, actor=actor, now=now),
            DormantView,
            status=200,
            moves_money=True,
        )

    @routes.route("/dormant-credits/<dormant_id>/remit", methods=["POST"])
    @routes.arguments(Remit)
    @routes.response(200, DormantView)
    @guard(Permission.LEDGER_WRITE)
    def keep_remit(body: dict[str, Any], dormant_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: remit(tx, dormant_id=dormant_id, **body, actor=actor, now=now),
            DormantView,
            status=200,
            moves_money=True,
        )

    @routes.route("/dormant-credits/<dormant_id>/claim", methods=["POST"])
    @routes.response(200, DormantView)
    @guard(Permission.CREDITS_WRITE)
    def keep_claim(dormant_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: claim(tx, dormant_id=dormant_id, actor=actor, now=now),
            DormantView,
            status=200,
            moves_money=True,
        )
