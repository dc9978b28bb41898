"""Payouts over HTTP."""

from __future__ import annotations

from typing import Any

from billing.kernel.permissions import Permission
from billing.payments.queries.payouts import list_payouts
from billing.payments.schemas.payouts import PayoutsQuery, PayoutView
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view


def add_payout_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/payouts", methods=["GET"])
    @routes.arguments(PayoutsQuery, location="query")
    @routes.response(200, page_view(PayoutView))
    @guard(Permission.PAYMENTS_READ)
    def show_payouts(query: dict[str, Any]) -> Any:
        limit, actor = query.pop("limit"), current_actor()
        return page_of(edge.read(lambda read: list_payouts(read, actor, limit=limit + 1, **query)), limit)
