"""What an invoice owes, asked for on a card reader at the desk: /staff/invoices/<id>/reader/new.

While the reader asks, the clerk waits on /staff/reader-payments/<id>, which looks again by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.invoices.queries import find_invoice
from billing.invoices.queries.arose import arose_on
from billing.invoices.records import Invoice
from billing.kernel.money import Money
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import may_be_charged
from billing.payments.flows.readers import look_at_reader, start_reader_payment
from billing.payments.flows.room import Payments
from billing.payments.ports import GatewayRefused, GatewayTimeout
from billing.payments.queries.checkouts import find_checkout, standing_checkout
from billing.payments.queries.credits import credit_coming_off
from billing.payments.records.checkouts import Checkout, Way
from billing.payments.rules.tenders import SMALLEST_CARD_PAYMENT
from billing.payments.states.checkouts import CheckoutState
from billing.platform.data.database import Read
from billing.platform.data.idempotency import RequestKey
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import usable_key
from billing.web.forms import form_sha256
from billing.web.patient_words import name_of
from billing.web.readers import have_ended, latest_declines, readers_online, required_reader, told_of_decline
from billing.web.refusals import REFUSED, shown_again

FORM, WAITING = "staff/reader.html", "staff/reader_waiting.html"
DOES_NOT_TAKE_IT = "The reader does not take it. Look whether it is on, or take the payment in another way."
BUSY = "The reader is busy with another payment. Wait until that is done, or ask on another one."
IS_BUSY = "terminal_reader_busy"
"""The processor's word for it."""
NO_ANSWER = "The processor has not answered yet; it is looked up by itself. Do not ask on another reader now."
NOTHING_TAKEN = ("The reader took nothing and does not ask any more. Ask again if it shall.", "refused")
CREDIT_PAID_ALL = ("The patient's credit has paid it all. No reader was asked.", "done")
SAID_OF_READER = {
    CheckoutState.CREATED: (NO_ANSWER, "refused"),
    CheckoutState.PROCESSING: ("The money is on its way. It is booked when it comes.", "done"),
    CheckoutState.PAID: ("The card has paid {amount}.", "done"),
    CheckoutState.REFUSED: NOTHING_TAKEN,
    CheckoutState.EXPIRED: NOTHING_TAKEN,
}
"""Of a card that was declined the patient's page tells."""


@dataclass(frozen=True, kw_only=True)
class Owed:
    """`credit` comes off before the reader asks; `standing` is what may be paying it already.

    `declined` is the card that a reader refused lately.
    """

    invoice: Invoice
    name: str
    credit: Money
    standing: Checkout | None
    declined: Checkout | None
    is_on_hold: bool

    @property
    def asked(self) -> Money:
        return self.invoice.open_balance - self.credit

    @property
    def may_be_paid(self) -> bool:
        return bool(self.invoice.open_balance) and not self.standing and not self.is_on_hold

    @property
    def may_be_asked(self) -> bool:
        return self.may_be_paid and self.asked >= SMALLEST_CARD_PAYMENT


def make_blueprint(edge: Edge, room: Payments) -> Blueprint:
    routes = Blueprint("staff_reader_payments", __name__)

    @routes.get("/staff/invoices/<invoice_id>/reader/new")
    @guard(Permission.PAYMENTS_TAKE)
    def ask(invoice_id: str) -> str:
        return render_template(FORM, **_page(edge, room, invoice_id))

    @routes.post("/staff/invoices/<invoice_id>/reader")
    @guard(Permission.PAYMENTS_TAKE)
    def start(invoice_id: str) -> Response | tuple[str, int]:
        """Sent again, it asks once, and says what became of that."""
        actor = current_actor()
        try:
            checkout = start_reader_payment(
                room,
                invoice_id=invoice_id,
                reader_id=required_reader("reader"),
                request=RequestKey(f"{actor.id}/{usable_key(request.form.get('key', ''))}", form_sha256()),
                actor=actor,
            )
            return _led_on(checkout)
        except GatewayRefused as error:
            flash(BUSY if error.reason == IS_BUSY else DOES_NOT_TAKE_IT, "refused")
        except GatewayTimeout:
            flash(NO_ANSWER, "refused")
        except REFUSED as error:
            return shown_again(FORM, error, **_page(edge, room, invoice_id))
        patient_id = edge.read(lambda read: find_invoice(read, invoice_id, actor)).patient_id
        return redirect(url_for("staff_patients.patient", patient_id=patient_id), 303)

    @routes.get("/staff/reader-payments/<checkout_id>")
    @guard(Permission.PAYMENTS_TAKE)
    def wait(checkout_id: str) -> Response | str:
        """Until the card has paid or was declined, or the payer gave up."""
        known = edge.read(lambda read: find_checkout(read, checkout_id, current_actor()))
        checkout = look_at_reader(room, known)
        if checkout.way is Way.READER and checkout.state is CheckoutState.OPEN:
            return render_template(WAITING, asked=checkout)
        return _led_on(checkout)

    return routes


def _led_on(checkout: Checkout) -> Response:
    """To where the clerk waits for the card, or to the patient with what became of it."""
    if checkout.way is Way.READER and checkout.state is CheckoutState.OPEN:
        return redirect(url_for("staff_reader_payments.wait", checkout_id=checkout.id), 303)
    said = SAID_OF_READER.get(checkout.state) if checkout.amount else CREDIT_PAID_ALL
    if said:
        flash(said[0].format(amount=checkout.amount), said[1])
    return redirect(url_for("staff_patients.patient", patient_id=checkout.patient_id), 303)


def _page(edge: Edge, room: Payments, invoice_id: str) -> dict[str, Any]:
    actor, now = current_actor(), edge.clock()

    def look(read: Read) -> Owed:
        return _owed(read, invoice_id, actor, now)

    owed = edge.audited_read(look, actor=actor, action="page.reader", subject_id=invoice_id)
    if owed.standing and have_ended(room, [owed.standing]):
        owed = edge.read(look)
    return {
        "owed": owed,
        "told_of_decline": told_of_decline,
        "least": SMALLEST_CARD_PAYMENT,
        "may": actor.may,
        "Permission": Permission,
        "readers": readers_online(room) if owed.may_be_asked else (),
    }


def _owed(read: Read, invoice_id: str, actor: Actor, now: datetime) -> Owed:
    """Raises: NoSuchInvoice."""
    invoice = find_invoice(read, invoice_id, actor)
    return Owed(
        invoice=invoice,
        name=name_of(read, invoice.patient_id, actor),
        credit=credit_coming_off(read, invoice),
        standing=standing_checkout(read, invoice_id),
        declined=latest_declines(read, invoice.patient_id, now).get(invoice_id),
        is_on_hold=not may_be_charged(read, invoice.patient_id, arose_on=arose_on(read, invoice)),
    )
