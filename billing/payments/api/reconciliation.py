"""Reconciliation over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.permissions import Permission
from billing.payments.queries.reconciliation import list_exceptions
from billing.payments.schemas.reconciliation import BookException, ExceptionsQuery, NamedExceptionView
from billing.payments.use_cases.exceptions import book_exception
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write


def add_reconciliation_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/reconciliation", methods=["GET"])
    @routes.arguments(ExceptionsQuery, location="query")
    @routes.response(200, page_view(NamedExceptionView))
    @guard(Permission.PAYMENTS_READ)
    def show_exceptions(query: dict[str, Any]) -> Any:
        limit, actor = query.pop("limit"), current_actor()
        return page_of(edge.read(lambda read: list_exceptions(read, actor, limit=limit + 1, **query)), limit)

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
