"""Reconciliation over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.money import Money
from billing.kernel.permissions import Permission
from billing.payments.queries.reconciliation import list_exceptions
from billing.payments.schemas.reconciliation import (
    BookAsRefund,
    BookException,
    ExceptionsQuery,
    NamedExceptionView,
)
from billing.payments.schemas.refunds import RefundView
from billing.payments.use_cases.exceptions import book_exception
from billing.payments.use_cases.foreign_refunds import ask_to_book_foreign_refund
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write


def add_reconciliation_routes(routes: ApiBlueprint, edge: Edge, limit: Money) -> None:
    @routes.route("/reconciliation", methods=["GET"])
    @routes.arguments(ExceptionsQuery, location="query")
    @routes.response(200, page_view(NamedExceptionView))
    @guard(Permission.PAYMENTS_READ)
    def show_exceptions(query: dict[str, Any]) -> Any:
        most, actor = query.pop("limit"), current_actor()
        return page_of(edge.read(lambda read: list_exceptions(read, actor, limit=most + 1, **query)), most)

    @routes.route("/reconciliation/<exception_id>/book", methods=["POST"])
    @routes.arguments(BookException)
    @routes.response(200, NamedExceptionView)
    @guard(Permission.LEDGER_WRITE)
    def book(body: dict[str, Any], exception_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: book_exception(tx, exception_id=exception_id, **body, actor=actor, now=now),
            NamedExceptionView,
            status=200,
            moves_money=True,
        )

    @routes.route("/reconciliation/<exception_id>/refund", methods=["POST"])
    @routes.arguments(BookAsRefund)
    @routes.response(201, RefundView)
    @guard(Permission.REFUNDS_REQUEST)
    def ask_for_refund(body: dict[str, Any], exception_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: ask_to_book_foreign_refund(
                tx, exception_id=exception_id, **body, limit=limit, actor=actor, now=now
            ),
            RefundView,
            moves_money=True,
        )
