"""Saved cards, consents and charges over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.invoices.errors import InvoiceNotOpen
from billing.kernel.permissions import Actor, Permission
from billing.payments.flows.charges import charge_saved_card
from billing.payments.flows.room import Payments
from billing.payments.flows.saved_methods import remove_saved_card
from billing.payments.queries.saved_methods import consents_of, find_saved_method, list_saved_methods
from billing.payments.records.checkouts import Checkout
from billing.payments.records.saved_methods import AfterDecline, ConsentBy, Purpose
from billing.payments.rules.saved_methods import after_decline
from billing.payments.schemas.saved_methods import (
    AskForCard,
    CardLinkView,
    Charge,
    ChargeView,
    ConsentsView,
    RecordConsent,
    RevokeConsent,
    SavedMethodsView,
    SavedMethodView,
)
from billing.payments.use_cases.card_saving import make_card_link
from billing.payments.use_cases.consents import record_written_consent, revoke_consent
from billing.payments.use_cases.links import make_pay_link
from billing.platform.data.database import Tx
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import edge_write, edge_write_secret, request_key


def add_saved_method_routes(routes: ApiBlueprint, edge: Edge, room: Payments) -> None:
    @routes.route("/patients/<patient_id>/card-links", methods=["POST"])
    @routes.arguments(AskForCard)
    @routes.response(201, CardLinkView)
    @guard(Permission.PAYMENTS_TAKE)
    def ask_for_card(body: dict[str, Any], patient_id: str) -> Response:
        actor, now = current_actor(), edge.clock()

        def make(tx: Tx) -> dict[str, Any]:
            link, secret = make_card_link(tx, patient_id=patient_id, **body, actor=actor, now=now)
            return {**vars(link), "url": f"{edge.public_url}/pay/{secret}/card"}

        return edge_write_secret(edge, make, CardLinkView)

    @routes.route("/patients/<patient_id>/saved-methods", methods=["GET"])
    @routes.response(200, SavedMethodsView)
    @guard(Permission.PAYMENTS_READ)
    def show_all(patient_id: str) -> Any:
        actor = current_actor()
        return {"items": edge.read(lambda read: list_saved_methods(read, patient_id, actor))}

    @routes.route("/saved-methods/<saved_method_id>", methods=["GET"])
    @routes.response(200, SavedMethodView)
    @guard(Permission.PAYMENTS_READ)
    def show_one(saved_method_id: str) -> Any:
        return edge.read(lambda read: find_saved_method(read, saved_method_id, current_actor()))

    @routes.route("/saved-methods/<saved_method_id>/remove", methods=["POST"])
    @routes.response(200, SavedMethodView)
    @guard(Permission.PAYMENTS_TAKE)
    def remove(saved_method_id: str) -> Any:
        return remove_saved_card(room, saved_method_id=saved_method_id, actor=current_actor())


def add_consent_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/saved-methods/<saved_method_id>/consents", methods=["GET"])
    @routes.response(200, ConsentsView)
    @guard(Permission.PAYMENTS_READ)
    def show_consents(saved_method_id: str) -> Any:
        return {"items": edge.read(lambda read: consents_of(read, saved_method_id, current_actor()))}

    @routes.route("/saved-methods/<saved_method_id>/consents", methods=["POST"])
    @routes.arguments(RecordConsent)
    @routes.response(201, SavedMethodView)
    @guard(Permission.PAYMENTS_TAKE)
    def record(body: dict[str, Any], saved_method_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: record_written_consent(
                tx, saved_method_id=saved_method_id, **body, actor=actor, now=now
            ),
            SavedMethodView,
        )

    @routes.route("/saved-methods/<saved_method_id>/consents/revoke", methods=["POST"])
    @routes.arguments(RevokeConsent)
    @routes.response(200, SavedMethodView)
    @guard(Permission.PAYMENTS_TAKE)
    def revoke(body: dict[str, Any], saved_method_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: revoke_consent(
                tx,
                saved_method_id=saved_method_id,
                purpose=body["purpose"],
                told_by=ConsentBy.WRITING,
                actor=actor,
                now=now,
            ),
            SavedMethodView,
            status=200,
        )


def add_charge_routes(routes: ApiBlueprint, edge: Edge, room: Payments) -> None:
    @routes.route("/invoices/<invoice_id>/charges", methods=["POST"])
    @routes.arguments(Charge)
    @routes.response(201, ChargeView)
    @guard(Permission.PAYMENTS_TAKE)
    def charge(body: dict[str, Any], invoice_id: str) -> Any:
        """Take what is owed from a saved card, as the patient agreed for visits."""
        actor = current_actor()
        checkout = charge_saved_card(
            room,
            invoice_id=invoice_id,
            **body,
            purpose=Purpose.FUTURE_VISITS,
            request=request_key(),
            actor=actor,
        )
        return {**vars(checkout), **_next_step(edge, checkout, actor)}


def _next_step(edge: Edge, checkout: Checkout, actor: Actor) -> dict[str, str | None]:
    """What to do after a decline. A bank that wants its customer is answered on a link, while it is owed."""
    if checkout.decline is None:
        return {"next_step": None, "pay_link": None}
    step, now = after_decline(checkout.decline), edge.clock()
    if step is not AfterDecline.ASK_PAYER:
        return {"next_step": step, "pay_link": None}
    try:
        _, secret = edge.database.in_transaction(
            lambda tx: make_pay_link(tx, invoice_id=str(checkout.invoice_id), actor=actor, now=now)
        )
    except InvoiceNotOpen:
        return {"next_step": step, "pay_link": None}
    return {"next_step": step, "pay_link": f"{edge.public_url}/pay/{secret}"}
