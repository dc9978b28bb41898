"""Checks that refunds go out by, over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.permissions import Permission
from billing.payments.flows.refund_checks import cash_or_ask
from billing.payments.queries.refund_checks import outstanding_checks
from billing.payments.schemas.refunds import (
    CashCheck,
    ChecksQuery,
    OutstandingCheckView,
    RefundView,
    SendCheck,
)
from billing.payments.use_cases.refund_checks import (
    cash_check,
    send_check,
    settle_by_voided_check,
    take_back_cashing,
    void_check,
)
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write


def add_refund_check_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/outstanding-checks", methods=["GET"])
    @routes.arguments(ChecksQuery, location="query")
    @routes.response(200, page_view(OutstandingCheckView))
    @guard(Permission.REFUNDS_READ)
    def show_outstanding(query: dict[str, Any]) -> Any:
        limit, actor, now = query.pop("limit"), current_actor(), edge.clock()
        return page_of(
            edge.read(lambda read: outstanding_checks(read, actor, now, limit=limit + 1, **query)), limit
        )

    @routes.route("/refunds/<refund_id>/check", methods=["POST"])
    @routes.arguments(SendCheck)
    @routes.response(200, RefundView)
    @guard(Permission.REFUNDS_REQUEST)
    def write_check(body: dict[str, Any], refund_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: send_check(tx, refund_id=refund_id, **body, actor=actor, now=now),
            RefundView,
            status=200,
            moves_money=True,
        )

    @routes.route("/refunds/<refund_id>/void-check", methods=["POST"])
    @routes.response(200, RefundView)
    @guard(Permission.REFUNDS_APPROVE)
    def void(refund_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: void_check(tx, refund_id=refund_id, actor=actor, now=now),
            RefundView,
            status=200,
            moves_money=True,
        )

    @routes.route("/refunds/<refund_id>/settle", methods=["POST"])
    @routes.response(200, RefundView)
    @guard(Permission.REFUNDS_APPROVE)
    def settle(refund_id: str) -> Response:
        """The bank paid the voided check of this money after all."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: settle_by_voided_check(tx, refund_id=refund_id, actor=actor, now=now),
            RefundView,
            status=200,
            moves_money=True,
        )


def add_cashing_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/refunds/<refund_id>/cashed", methods=["POST"])
    @routes.arguments(CashCheck)
    @routes.response(200, RefundView)
    @guard(Permission.LEDGER_WRITE)
    def cash(body: dict[str, Any], refund_id: str) -> Response:
        actor, now = current_actor(), edge.clock()

        def record() -> Response:
            return edge_write(
                edge,
                lambda tx: cash_check(tx, refund_id=refund_id, **body, actor=actor, now=now),
                RefundView,
                status=200,
            )

        return cash_or_ask(edge.database, record, refund_id=refund_id, actor=actor, now=now)

    @routes.route("/refunds/<refund_id>/not-cashed", methods=["POST"])
    @routes.response(200, RefundView)
    @guard(Permission.LEDGER_WRITE)
    def not_cashed(refund_id: str) -> Response:
        """It was recorded by mistake that the bank paid this check."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: take_back_cashing(tx, refund_id=refund_id, actor=actor, now=now),
            RefundView,
            status=200,
        )
