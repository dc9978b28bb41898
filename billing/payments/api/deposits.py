"""Bank deposits over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.permissions import Permission
from billing.payments.queries.deposits import list_deposits, list_undeposited
from billing.payments.schemas.deposits import (
    BankDepositView,
    BankPayments,
    DepositsQuery,
    UndepositedQuery,
    UndepositedView,
)
from billing.payments.use_cases.deposits import bank_payments
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write


def add_deposit_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/bank-deposits", methods=["POST"])
    @routes.arguments(BankPayments)
    @routes.response(201, BankDepositView)
    @guard(Permission.PAYMENTS_TAKE)
    def bank(body: dict[str, Any]) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: bank_payments(tx, **body, actor=actor, now=now),
            BankDepositView,
            moves_money=True,
        )

    @routes.route("/bank-deposits", methods=["GET"])
    @routes.arguments(DepositsQuery, location="query")
    @routes.response(200, page_view(BankDepositView))
    @guard(Permission.PAYMENTS_READ)
    def show_deposits(query: dict[str, Any]) -> Any:
        limit, actor = query.pop("limit"), current_actor()
        return page_of(edge.read(lambda read: list_deposits(read, actor, limit=limit + 1, **query)), limit)

    @routes.route("/undeposited", methods=["GET"])
    @routes.arguments(UndepositedQuery, location="query")
    @routes.response(200, page_view(UndepositedView))
    @guard(Permission.PAYMENTS_READ)
    def show_undeposited(query: dict[str, Any]) -> Any:
        limit, actor = query.pop("limit"), current_actor()
        return page_of(edge.read(lambda read: list_undeposited(read, actor, limit=limit + 1, **query)), limit)
