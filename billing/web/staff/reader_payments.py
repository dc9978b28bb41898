"""What an invoice owes, asked for on a card reader at the desk: /staff/invoices/<id>/reader/new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.invoices.queries import find_invoice
from billing.invoices.queries.arose import arose_on
from billing.invoices.records import Invoice
from billing.kernel.errors import Flaw
from billing.kernel.money import Money
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import may_be_charged
from billing.payments.flows.checkouts import start_reader_payment
from billing.payments.flows.room import Payments
from billing.payments.ports import GatewayRefused, GatewayTimeout
from billing.payments.queries.checkouts import standing_checkout
from billing.payments.queries.credits import credit_coming_off
from billing.payments.records.checkouts import Checkout
from billing.payments.states.checkouts import CheckoutState
from billing.platform.data.database import Read
from billing.platform.data.idempotency import RequestKey
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import usable_key
from billing.web.forms import form_sha256
from billing.web.readers import chosen_reader, readers_online
from billing.web.refusals import REFUSED, shown_again
from billing.web.staff.refunds import name_of

FORM = "staff/reader.html"
DOES_NOT_TAKE_IT = "The reader does not take it. Look whether it is on, or take the payment in another way."
NO_ANSWER = "The processor has not answered yet; it is looked up by itself. Do not ask on another reader now."
NOTHING_TAKEN = ("The reader took nothing and does not ask any more. Ask again if it shall.", "refused")
SAID_OF_READER = {
    CheckoutState.CREATED: (NO_ANSWER, "refused"),
    CheckoutState.OPEN: ("The reader asks for {amount}. It is booked once the card has paid.", "done"),
    CheckoutState.PROCESSING: ("The money is on its way. It is booked when it comes.", "done"),
    CheckoutState.PAID: ("The card has paid {amount}.", "done"),
    CheckoutState.REFUSED: NOTHING_TAKEN,
    CheckoutState.DECLINED: NOTHING_TAKEN,
    CheckoutState.EXPIRED: NOTHING_TAKEN,
}


@dataclass(frozen=True, kw_only=True)
class Owed:
    """`credit` comes off before the reader asks; `standing` is what may be paying it already."""

    invoice: Invoice
    name: str
    credit: Money
    standing: Checkout | None
    is_on_hold: bool

    @property
    def asked(self) -> Money:
        return self.invoice.open_balance - self.credit

    @property
    def may_be_asked(self) -> bool:
        return bool(self.invoice.open_balance) and not self.standing and not self.is_on_hold


def make_blueprint(edge: Edge, room: Payments) -> Blueprint:
    routes = Blueprint("staff_reader_payments", __name__)

    @routes.get("/staff/invoices/<invoice_id>/reader/new")
    @guard(Permission.PAYMENTS_TAKE)
    def ask(invoice_id: str) -> str:
        return render_template(FORM, **_page(edge, room, invoice_id))

    @routes.post("/staff/invoices/<invoice_id>/reader")
    @guard(Permission.PAYMENTS_TAKE)
    def start(invoice_id: str) -> Response | tuple[str, int]:
        """Sent again, it asks once."""
        actor = current_actor()
        try:
            checkout = start_reader_payment(
                room,
                invoice_id=invoice_id,
                reader_id=_reader(),
                request=RequestKey(f"{actor.id}/{usable_key(request.form.get('key', ''))}", form_sha256()),
                actor=actor,
            )
            said, how = SAID_OF_READER[checkout.state]
            flash(said.format(amount=checkout.amount), how)
        except GatewayRefused:
            flash(DOES_NOT_TAKE_IT, "refused")
        except GatewayTimeout:
            flash(NO_ANSWER, "refused")
        except REFUSED as error:
            return shown_again(FORM, error, **_page(edge, room, invoice_id))
        patient_id = edge.read(lambda read: find_invoice(read, invoice_id, actor)).patient_id
        return redirect(url_for("staff_patients.patient", patient_id=patient_id), 303)

    return routes


def _reader() -> str:
    """Raises: InvalidRequest."""
    if reader_id := chosen_reader("reader"):
        return reader_id
    message = "Choose one of the readers."
    raise InvalidRequest(message, [Flaw("/reader", message)])


def _page(edge: Edge, room: Payments, invoice_id: str) -> dict[str, Any]:
    actor = current_actor()
    owed = edge.audited_read(
        lambda read: _owed(read, invoice_id, actor),
        actor=actor,
        action="page.reader",
        subject_id=invoice_id,
    )
    return {"owed": owed, "readers": readers_online(room) if owed.may_be_asked else ()}


def _owed(read: Read, invoice_id: str, actor: Actor) -> Owed:
    """Raises: NoSuchInvoice."""
    invoice = find_invoice(read, invoice_id, actor)
    return Owed(
        invoice=invoice,
        name=name_of(read, invoice.patient_id, actor),
        credit=credit_coming_off(read, invoice),
        standing=standing_checkout(read, invoice_id),
        is_on_hold=not may_be_charged(read, invoice.patient_id, arose_on=arose_on(read, invoice)),
    )
