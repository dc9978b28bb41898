"""Payments over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.permissions import Permission
from billing.payments.queries.payments import find_payment, list_payments
from billing.payments.schemas.checkouts import PayLinkView
from billing.payments.schemas.payments import MovePayment, PaymentsQuery, PaymentView, TakeCash
from billing.payments.use_cases.links import make_pay_link
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.receive import take_cash
from billing.platform.data.database import Tx
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write, edge_write_secret


def add_payment_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/invoices/<invoice_id>/cash-payments", methods=["POST"])
    @routes.arguments(TakeCash)
    @routes.response(201, PaymentView)
    @guard(Permission.PAYMENTS_TAKE)
    def cash(body: dict[str, Any], invoice_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: take_cash(tx, invoice_id=invoice_id, **body, actor=actor, now=now),
            PaymentView,
            moves_money=True,
        )

    @routes.route("/invoices/<invoice_id>/pay-links", methods=["POST"])
    @routes.response(201, PayLinkView)
    @guard(Permission.PAYMENTS_TAKE)
    def pay_link(invoice_id: str) -> Response:
        actor, now = current_actor(), edge.clock()

        def make(tx: Tx) -> dict[str, Any]:
            link, secret = make_pay_link(tx, invoice_id=invoice_id, actor=actor, now=now)
            return {**vars(link), "url": f"{edge.public_url}/pay/{secret}"}

        return edge_write_secret(edge, make, PayLinkView)

    @routes.route("/payments", methods=["GET"])
    @routes.arguments(PaymentsQuery, location="query")
    @routes.response(200, page_view(PaymentView))
    @guard(Permission.PAYMENTS_READ)
    def show_payments(query: dict[str, Any]) -> Any:
        limit = query.pop("limit")
        return page_of(
            edge.read(lambda read: list_payments(read, current_actor(), limit=limit + 1, **query)), limit
        )

    @routes.route("/payments/<payment_id>", methods=["GET"])
    @routes.response(200, PaymentView)
    @guard(Permission.PAYMENTS_READ)
    def show_payment(payment_id: str) -> Any:
        return edge.read(lambda read: find_payment(read, payment_id, current_actor()))

    @routes.route("/payments/<payment_id>/move", methods=["POST"])
    @routes.arguments(MovePayment)
    @routes.response(201, PaymentView)
    @guard(Permission.CREDITS_WRITE)
    def move(body: dict[str, Any], payment_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: move_payment(tx, payment_id=payment_id, **body, actor=actor, now=now),
            PaymentView,
            moves_money=True,
        )
