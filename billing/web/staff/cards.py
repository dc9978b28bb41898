"""A patient's saved cards: seen, asked for by a link, removed, charged. /staff/patients/<id>/cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, get_template_attribute, redirect, render_template, request, url_for
from werkzeug import Response

from billing.invoices.queries import find_invoice
from billing.invoices.records import Invoice
from billing.kernel.errors import Flaw, Unavailable
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import find_patient, is_on_hold
from billing.payments.flows.charges import charge_saved_card
from billing.payments.flows.room import Payments
from billing.payments.flows.saved_methods import remove_saved_card
from billing.payments.queries.credits import credit_coming_off
from billing.payments.queries.saved_methods import consents_of, find_saved_method, list_saved_methods
from billing.payments.records.checkouts import Checkout
from billing.payments.records.saved_methods import AfterDecline, Consent, ConsentDeed, Purpose, SavedMethod
from billing.payments.rules.saved_methods import after_decline
from billing.payments.states.checkouts import STANDING, CheckoutState
from billing.payments.states.saved_methods import SavedState
from billing.payments.use_cases.card_saving import make_card_link
from billing.platform.data.database import Read
from billing.platform.data.idempotency import RequestKey
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import usable_key
from billing.web import words
from billing.web.forms import form_sha256
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, believed, shown_again

PAGE, CHARGE = "staff/cards.html", "staff/charge.html"
SHOWN = (SavedState.ACTIVE, SavedState.BLOCKED, SavedState.REMOVING)
CHOOSE_PURPOSE = "Choose at least one purpose."
CHOOSE_CARD = "Choose the card."
REMOVED = ("The card is removed. It is not charged any more.", "done")
NOT_YET_REMOVED = (
    "The card is not charged any more. The processor has not confirmed its removal yet; this is tried again.",
    "done",
)
NOT_KNOWN_YET = (
    "The processor does not say yet what became of it. It is looked up by itself: do not charge again."
)
NOTHING_TAKEN = "Nothing was taken: the processor refused it, or does not know of it."
DECLINED = {
    AfterDecline.TRY_LATER: "The bank declined the card. Nothing was taken. Try it another day.",
    AfterDecline.NEW_CARD: "The bank declined the card for good. Nothing was taken. Ask for another card.",
    AfterDecline.ASK_PAYER: "The bank asks for its customer. Nothing was taken. Make a pay link and send it.",
}


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A saved card, and the consents that are in force, one for each purpose."""

    method: SavedMethod
    consents: Sequence[Consent]

    @property
    def for_visits(self) -> Consent | None:
        return next((each for each in self.consents if each.purpose is Purpose.FUTURE_VISITS), None)

    @property
    def is_chargeable(self) -> bool:
        return self.method.state is SavedState.ACTIVE and self.for_visits is not None


def make_blueprint(edge: Edge, room: Payments) -> Blueprint:
    routes = Blueprint("staff_cards", __name__)
    _add_cards(routes, edge, room)
    _add_charges(routes, edge, room)
    return routes


def _add_cards(routes: Blueprint, edge: Edge, room: Payments) -> None:
    @routes.get("/staff/patients/<patient_id>/cards")
    @guard(Permission.PAYMENTS_READ)
    def cards(patient_id: str) -> str:
        return render_template(PAGE, **_page(edge, patient_id))

    @routes.post("/staff/patients/<patient_id>/card-link")
    @guard(Permission.PAYMENTS_TAKE)
    def card_link(patient_id: str) -> str | tuple[str, int]:
        """Show a new link, this once; only its hash is kept."""
        actor, now = current_actor(), edge.clock()
        try:
            purposes = _purposes()
            link, secret = edge.database.in_transaction(
                lambda tx: make_card_link(tx, patient_id=patient_id, purposes=purposes, actor=actor, now=now)
            )
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, patient_id))
        url = f"{edge.public_url}/pay/{secret}/card"
        return render_template("staff/card_link.html", link=link, url=url, words=words)

    @routes.get("/staff/saved-methods/<saved_method_id>/remove")
    @guard(Permission.PAYMENTS_TAKE)
    def ask_remove(saved_method_id: str) -> str:
        """What removing would do, in words; nothing does yet."""
        actor = current_actor()
        method, name = edge.audited_read(
            lambda read: _method_and_name(read, saved_method_id, actor),
            actor=actor,
            action="page.card",
            subject_id=saved_method_id,
        )
        return render_template("staff/card_remove.html", method=method, name=name, words=words)

    @routes.post("/staff/saved-methods/<saved_method_id>/remove")
    @guard(Permission.PAYMENTS_TAKE)
    def remove(saved_method_id: str) -> Response:
        actor = current_actor()
        method = edge.read(lambda read: find_saved_method(read, saved_method_id, actor))
        try:
            gone = remove_saved_card(room, saved_method_id=saved_method_id, actor=actor)
            flash(*(REMOVED if gone.state is SavedState.DETACHED else NOT_YET_REMOVED))
        except Unavailable:
            flash(*NOT_YET_REMOVED)
        except REFUSED as error:
            flash(error.detail, "refused")
        return redirect(url_for("staff_cards.cards", patient_id=method.patient_id), 303)


def _add_charges(routes: Blueprint, edge: Edge, room: Payments) -> None:
    @routes.get("/staff/invoices/<invoice_id>/charges/new")
    @guard(Permission.PAYMENTS_TAKE)
    def ask(invoice_id: str) -> str:
        """What a charge would take, in words; nothing is taken yet."""
        return render_template(CHARGE, **_charge_page(edge, invoice_id))

    @routes.post("/staff/invoices/<invoice_id>/charges")
    @guard(Permission.PAYMENTS_TAKE)
    def charge(invoice_id: str) -> Response | tuple[str, int]:
        actor = current_actor()
        invoice = edge.read(lambda read: find_invoice(read, invoice_id, actor))
        try:
            checkout = charge_saved_card(
                room,
                invoice_id=invoice_id,
                saved_method_id=_card(),
                due=believed("due"),
                purpose=Purpose.FUTURE_VISITS,
                request=RequestKey(f"{actor.id}/{usable_key(request.form.get('key', ''))}", form_sha256()),
                actor=actor,
            )
        except Unavailable:
            flash(NOT_KNOWN_YET, "refused")
        except REFUSED as error:
            return shown_again(CHARGE, error, **_charge_page(edge, invoice_id))
        else:
            told, kind = _outcome(checkout)
            flash(_with_other_way(told, invoice) if checkout.decline is not None else told, kind)
        return redirect(url_for("staff_account.account", patient_id=invoice.patient_id), 303)


def _with_other_way(told: str, invoice: Invoice) -> str:
    """What is said of a declined card, with the invoice and the way to where it is paid otherwise."""
    page = url_for("staff_patients.patient", patient_id=invoice.patient_id)
    words: str = get_template_attribute("staff/parts.html", "told_with_other_way")(invoice, told, page)
    return words


def _outcome(checkout: Checkout) -> tuple[str, str]:
    """What to say of a charge, and whether it went well."""
    if checkout.state is CheckoutState.PAID and not checkout.amount:
        return "The patient's credit paid all of it, and no card was charged.", "done"
    if checkout.state is CheckoutState.PAID:
        return f"{checkout.amount} was taken from the card.", "done"
    if checkout.decline is not None:
        return DECLINED[after_decline(checkout.decline)], "refused"
    return NOT_KNOWN_YET if checkout.state in STANDING else NOTHING_TAKEN, "refused"


def _purposes() -> list[Purpose]:
    """Raises: InvalidRequest."""
    chosen = request.form.getlist("purposes")
    if not chosen or not set(chosen) <= set(Purpose):
        raise InvalidRequest(CHOOSE_PURPOSE, [Flaw("/purposes", CHOOSE_PURPOSE)])
    return [Purpose(each) for each in chosen]


def _card() -> str:
    """Raises: InvalidRequest."""
    chosen = request.form.get("saved_method_id", "")
    if not chosen:
        raise InvalidRequest(CHOOSE_CARD, [Flaw("/saved_method_id", CHOOSE_CARD)])
    return chosen


def _page(edge: Edge, patient_id: str) -> dict[str, Any]:
    actor = current_actor()
    patient, stopped, name, kept = edge.audited_read(
        lambda read: (
            find_patient(read, patient_id, actor),
            is_on_hold(read, patient_id),
            name_of(read, patient_id, actor),
            _kept(read, patient_id, actor),
        ),
        actor=actor,
        action="page.cards",
        subject_id=patient_id,
    )
    may_take = actor.may(Permission.PAYMENTS_TAKE)
    return {
        "patient": patient,
        "is_on_hold": stopped,
        "name": name,
        "kept": kept,
        "may_take": may_take,
        "words": words,
    }


def _charge_page(edge: Edge, invoice_id: str) -> dict[str, Any]:
    actor = current_actor()

    def look(read: Read) -> Mapping[str, Any]:
        invoice: Invoice = find_invoice(read, invoice_id, actor)
        credit, patient_id = credit_coming_off(read, invoice), invoice.patient_id
        cards = [each for each in _kept(read, patient_id, actor) if each.is_chargeable]
        name = name_of(read, patient_id, actor)
        return {"invoice": invoice, "credit": credit, "cards": cards, "name": name, "words": words}

    found = edge.audited_read(look, actor=actor, action="page.charge", subject_id=invoice_id)
    return dict(found)


def _kept(read: Read, patient_id: str, actor: Actor) -> list[Kept]:
    """Raises: NoSuchPatient."""
    return [
        Kept(method=method, consents=_in_force(read, method, actor))
        for method in list_saved_methods(read, patient_id, actor)
        if method.state in SHOWN and method.card
    ]


def _method_and_name(read: Read, saved_method_id: str, actor: Actor) -> tuple[SavedMethod, str]:
    """Raises: NoSuchSavedMethod."""
    method = find_saved_method(read, saved_method_id, actor)
    return method, name_of(read, method.patient_id, actor)


def _in_force(read: Read, method: SavedMethod, actor: Actor) -> list[Consent]:
    """The last consent to each purpose that the patient agrees to now."""
    given = [each for each in consents_of(read, method.id, actor) if each.deed is ConsentDeed.GIVEN]
    last = {each.purpose: each for each in given if each.purpose in method.purposes}
    return list(last.values())
