"""Attempts to pay over HTTP."""

from __future__ import annotations

from typing import Any

from billing.kernel.permissions import Permission
from billing.payments.flows.checkouts import cancel_checkout, start_checkout
from billing.payments.flows.readers import look_at_reader, start_reader_payment
from billing.payments.flows.room import Payments
from billing.payments.queries.checkouts import find_checkout
from billing.payments.schemas.checkouts import AskOnReader, CheckoutView, ReadersView
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import request_key

RETURN_PATH = "/pay/thanks"
"""The page to which the processor sends a patient back."""


def add_checkout_routes(routes: ApiBlueprint, edge: Edge, room: Payments) -> None:
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

    @routes.route("/invoices/<invoice_id>/terminal-payments", methods=["POST"])
    @routes.arguments(AskOnReader)
    @routes.response(201, CheckoutView)
    @guard(Permission.PAYMENTS_TAKE)
    def ask_on_reader(body: dict[str, Any], invoice_id: str) -> Any:
        return start_reader_payment(
            room,
            invoice_id=invoice_id,
            reader_id=body["reader_id"],
            request=request_key(),
            actor=current_actor(),
        )

    @routes.route("/readers", methods=["GET"])
    @routes.response(200, ReadersView)
    @guard(Permission.PAYMENTS_TAKE)
    def readers() -> Any:
        return {"items": room.gateway.list_readers()}

    @routes.route("/checkouts/<checkout_id>", methods=["GET"])
    @routes.response(200, CheckoutView)
    @guard(Permission.PAYMENTS_READ)
    def show_checkout(checkout_id: str) -> Any:
        """What a reader asks for is read there first, so that a declined card is told at once."""
        known = edge.read(lambda read: find_checkout(read, checkout_id, current_actor()))
        return look_at_reader(room, known)

    @routes.route("/checkouts/<checkout_id>/cancel", methods=["POST"])
    @routes.response(200, CheckoutView)
    @guard(Permission.PAYMENTS_TAKE)
    def cancel(checkout_id: str) -> Any:
        return cancel_checkout(room, checkout_id=checkout_id, actor=current_actor())
