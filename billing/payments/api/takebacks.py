"""Takebacks over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.money import Money
from billing.kernel.permissions import Permission
from billing.payments.queries.takebacks import find_takeback, list_takebacks
from billing.payments.records.takebacks import ShownClaim
from billing.payments.schemas.takebacks import Demand, Repay, TakebacksQuery, TakebackView
from billing.payments.use_cases.takebacks import (
    bill_takeback,
    demand_takeback,
    forgive_takeback,
    repay_takeback,
)
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write


def add_takeback_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/takebacks", methods=["POST"])
    @routes.arguments(Demand)
    @routes.response(201, TakebackView)
    @guard(Permission.CREDITS_WRITE)
    def demand(body: dict[str, Any]) -> Response:
        actor, now, left = current_actor(), edge.clock(), body.pop("left")
        shown = None if left is None else ShownClaim(left=left)
        return edge_write(
            edge,
            lambda tx: demand_takeback(tx, **body, shown=shown, actor=actor, now=now),
            TakebackView,
            moves_money=True,
        )

    @routes.route("/takebacks", methods=["GET"])
    @routes.arguments(TakebacksQuery, location="query")
    @routes.response(200, page_view(TakebackView))
    @guard(Permission.CREDITS_READ)
    def show_takebacks(query: dict[str, Any]) -> Any:
        limit, actor = query.pop("limit"), current_actor()
        return page_of(edge.read(lambda read: list_takebacks(read, actor, limit=limit + 1, **query)), limit)

    @routes.route("/takebacks/<takeback_id>", methods=["GET"])
    @routes.response(200, TakebackView)
    @guard(Permission.CREDITS_READ)
    def show_takeback(takeback_id: str) -> Any:
        return edge.read(lambda read: find_takeback(read, takeback_id, current_actor()))


def add_takeback_decisions(routes: ApiBlueprint, edge: Edge, limit: Money) -> None:
    @routes.route("/takebacks/<takeback_id>/bill", methods=["POST"])
    @routes.response(200, TakebackView)
    @guard(Permission.CREDITS_WRITE)
    def bill(takeback_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: bill_takeback(tx, takeback_id=takeback_id, actor=actor, now=now),
            TakebackView,
            status=200,
            moves_money=True,
        )

    @routes.route("/takebacks/<takeback_id>/forgive", methods=["POST"])
    @routes.response(200, TakebackView)
    @guard(Permission.REFUNDS_APPROVE)
    def forgive(takeback_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: forgive_takeback(tx, takeback_id=takeback_id, limit=limit, actor=actor, now=now),
            TakebackView,
            status=200,
            moves_money=True,
        )

    @routes.route("/takebacks/<takeback_id>/repay", methods=["POST"])
    @routes.arguments(Repay)
    @routes.response(200, TakebackView)
    @guard(Permission.CREDITS_WRITE)
    def repay(body: dict[str, Any], takeback_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: repay_takeback(tx, takeback_id=takeback_id, limit=limit, **body, actor=actor, now=now),
            TakebackView,
            status=200,
            moves_money=True,
        )
