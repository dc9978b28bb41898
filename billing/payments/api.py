"""Payments, credits and refunds over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Permission
from billing.patients.queries import find_patient
from billing.payments.flows import Payments, cancel_checkout, start_checkout
from billing.payments.ports import Gateway
from billing.payments.queries import (
    applied_to,
    credits_of_patient,
    find_checkout,
    find_credit,
    find_payment,
    find_refund,
    list_payments,
    list_refunds,
)
from billing.payments.records import Election
from billing.payments.schemas import (
    AppliedCreditsView,
    CheckoutView,
    CreditsView,
    CreditView,
    Elect,
    PayLinkView,
    PaymentsQuery,
    PaymentView,
    RefundsQuery,
    RefundView,
    RequestRefund,
    SendCheck,
    TakeCash,
)
from billing.payments.use_cases.credits import apply_credits_now, elect
from billing.payments.use_cases.inbox import keep_event
from billing.payments.use_cases.links import make_pay_link
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refunds import approve_refund, reject_refund, request_refund, send_check
from billing.platform.data.database import Tx
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write, edge_write_secret, request_key

RETURN_PATH = "/pay/thanks"
"""The page to which the processor sends a patient back."""

LARGEST_EVENT = 256 * 1024
"""Bytes of one webhook."""


def make_blueprint(edge: Edge, room: Payments, refund_limit: Money) -> ApiBlueprint:
    """`refund_limit` is the largest refund that needs no second person."""
    routes = ApiBlueprint("payments", __name__, description="Money in, credit, money back")
    _add_checkout_routes(routes, edge, room)
    _add_payment_routes(routes, edge)
    _add_credit_routes(routes, edge)
    _add_refund_routes(routes, edge, refund_limit)
    _add_refund_decisions(routes, edge)
    return routes


def _add_checkout_routes(routes: ApiBlueprint, edge: Edge, room: Payments) -> None:
    @routes.route("/invoices/<invoice_id>/checkouts", methods=["POST"])
    @routes.response(201, CheckoutView)
    @guard(Permission.PAYMENTS_TAKE)
    def checkout(invoice_id: str) -> Any:
        return start_checkout(
            room,
            invoice_id=invoice_id,
            return_url=f"{edge.public_url}{RETURN_PATH}",
            request=request_key(),
            actor=current_actor(),
        )

    @routes.route("/checkouts/<checkout_id>", methods=["GET"])
    @routes.response(200, CheckoutView)
    @guard(Permission.PAYMENTS_READ)
    def show_checkout(checkout_id: str) -> Any:
        return edge.read(lambda read: find_checkout(read, checkout_id, current_actor()))

    @routes.route("/checkouts/<checkout_id>/cancel", methods=["POST"])
    @routes.response(200, CheckoutView)
    @guard(Permission.PAYMENTS_TAKE)
    def cancel(checkout_id: str) -> Any:
        return cancel_checkout(room, checkout_id=checkout_id, actor=current_actor())


def _add_payment_routes(routes: ApiBlueprint, edge: Edge) -> None:
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


def _add_credit_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/invoices/<invoice_id>/credit-applications", methods=["POST"])
    @routes.response(201, AppliedCreditsView)
    @guard(Permission.CREDITS_WRITE)
    def apply(invoice_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: apply_credits_now(tx, invoice_id=invoice_id, actor=actor, now=now),
            AppliedCreditsView,
            moves_money=True,
        )

    @routes.route("/invoices/<invoice_id>/credit-applications", methods=["GET"])
    @routes.response(200, AppliedCreditsView)
    @guard(Permission.CREDITS_READ)
    def show_applications(invoice_id: str) -> Any:
        actor = current_actor()
        return edge.read(lambda read: applied_to(read, invoice_id, actor))

    @routes.route("/patients/<patient_id>/credits", methods=["GET"])
    @routes.response(200, CreditsView)
    @guard(Permission.CREDITS_READ)
    def show_credits(patient_id: str) -> Any:
        actor = current_actor()
        lots = edge.read(
            lambda read: credits_of_patient(read, find_patient(read, patient_id, actor).id, actor)
        )
        return {"available": total(lot.available for lot in lots), "items": lots}

    @routes.route("/credits/<lot_id>", methods=["GET"])
    @routes.response(200, CreditView)
    @guard(Permission.CREDITS_READ)
    def show_credit(lot_id: str) -> Any:
        return edge.read(lambda read: find_credit(read, lot_id, current_actor()))

    @routes.route("/credits/<lot_id>/election", methods=["POST"])
    @routes.arguments(Elect)
    @routes.response(200, CreditView)
    @guard(Permission.CREDITS_WRITE)
    def choose(body: dict[str, Election], lot_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: elect(tx, lot_id=lot_id, election=body["election"], actor=actor, now=now),
            CreditView,
            status=200,
        )


def _add_refund_routes(routes: ApiBlueprint, edge: Edge, limit: Money) -> None:
    @routes.route("/credits/<lot_id>/refunds", methods=["POST"])
    @routes.arguments(RequestRefund)
    @routes.response(201, RefundView)
    @guard(Permission.REFUNDS_REQUEST)
    def ask(body: dict[str, Any], lot_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: request_refund(tx, lot_id=lot_id, limit=limit, **body, actor=actor, now=now),
            RefundView,
            moves_money=True,
        )

    @routes.route("/refunds", methods=["GET"])
    @routes.arguments(RefundsQuery, location="query")
    @routes.response(200, page_view(RefundView))
    @guard(Permission.REFUNDS_READ)
    def show_refunds(query: dict[str, Any]) -> Any:
        limit = query.pop("limit")
        return page_of(
            edge.read(lambda read: list_refunds(read, current_actor(), limit=limit + 1, **query)), limit
        )

    @routes.route("/refunds/<refund_id>", methods=["GET"])
    @routes.response(200, RefundView)
    @guard(Permission.REFUNDS_READ)
    def show_refund(refund_id: str) -> Any:
        return edge.read(lambda read: find_refund(read, refund_id, current_actor()))


def _add_refund_decisions(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/refunds/<refund_id>/approve", methods=["POST"])
    @routes.response(200, RefundView)
    @guard(Permission.REFUNDS_APPROVE)
    def approve(refund_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: approve_refund(tx, refund_id=refund_id, actor=actor, now=now),
            RefundView,
            status=200,
            moves_money=True,
        )

    @routes.route("/refunds/<refund_id>/reject", methods=["POST"])
    @routes.response(200, RefundView)
    @guard(Permission.REFUNDS_APPROVE)
    def reject(refund_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: reject_refund(tx, refund_id=refund_id, actor=actor, now=now),
            RefundView,
            status=200,
            moves_money=True,
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


def make_webhook_blueprint(edge: Edge, gateway: Gateway) -> Blueprint:
    """Where the processor tells us things. Its signature is the permission."""
    routes = Blueprint("webhooks", __name__)

    @routes.post("/webhooks/stripe")
    def stripe() -> Response:
        """Verify, keep, answer 200; the work is done later. Over LARGEST_EVENT bytes: 413."""
        request.max_content_length = LARGEST_EVENT
        payload, now = request.get_data(cache=False), edge.clock()
        event = gateway.read_event(payload, request.headers.get("Stripe-Signature", ""), now)
        edge.database.in_transaction(
            lambda tx: keep_event(tx, event=event, payload=payload, actor=SYSTEM, now=now)
        )
        return Response(status=200)

    return routes
