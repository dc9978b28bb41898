"""Disputes over HTTP."""

from __future__ import annotations

from typing import Any

from billing.kernel.permissions import Permission
from billing.payments.queries.disputes import find_dispute, list_disputes
from billing.payments.schemas.disputes import DisputesQuery, DisputeView
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view


def add_dispute_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/disputes", methods=["GET"])
    @routes.arguments(DisputesQuery, location="query")
    @routes.response(200, page_view(DisputeView))
    @guard(Permission.PAYMENTS_READ)
    def show_disputes(query: dict[str, Any]) -> Any:
        limit, actor = query.pop("limit"), current_actor()
        return page_of(edge.read(lambda read: list_disputes(read, actor, limit=limit + 1, **query)), limit)

    @routes.route("/disputes/<dispute_id>", methods=["GET"])
    @routes.response(200, DisputeView)
    @guard(Permission.PAYMENTS_READ)
    def show_dispute(dispute_id: str) -> Any:
        return edge.read(lambda read: find_dispute(read, dispute_id, current_actor()))
