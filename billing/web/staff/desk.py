"""What happens at the desk: cash, pay links, card pages, the patient's choice for a credit."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.invoices.errors import InvoiceNotOpen
from billing.invoices.queries import patient_of_invoice
from billing.kernel.errors import Flaw
from billing.kernel.money import Money
from billing.kernel.permissions import Permission
from billing.patients.errors import AccountOnHold
from billing.payments.flows.checkouts import cancel_checkout
from billing.payments.flows.room import Payments
from billing.payments.queries.checkouts import standing_checkout
from billing.payments.queries.credits import find_credit
from billing.payments.records.checkouts import Checkout, Way
from billing.payments.records.credits import Election
from billing.payments.states.checkouts import CheckoutState
from billing.payments.use_cases.choices import choose_always
from billing.payments.use_cases.credits import apply_credits_now, elect
from billing.payments.use_cases.links import make_pay_link
from billing.payments.use_cases.receive import take_cash
from billing.platform.data.database import Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import amount_of, attempt, refusals_shown, written
from billing.web.readers import taken_after_reader
from billing.web.refusals import REFUSED, shown_again
from billing.web.staff.patients import PAGE, patient_page

BECAME_OF_CARD_PAGE = {
    CheckoutState.EXPIRED: ("The card page is cancelled. Take the payment in another way now.", "done"),
    CheckoutState.PROCESSING: (
        "The patient has paid from a bank account; the money is on its way.",
        "refused",
    ),
    CheckoutState.DECLINED: ("The patient's bank did not pay. Take the payment in another way now.", "done"),
    CheckoutState.PAID: ("The patient has paid by card meanwhile. Look at what is still owed.", "refused"),
}
BECAME_OF_READER = BECAME_OF_CARD_PAGE | {
    CheckoutState.EXPIRED: ("The reader asks no more. Take the payment in another way now.", "done"),
}
NO_CARD_PAGE = ("No card page stands open, and no reader asks.", "refused")
STILL_STANDS = ("It could not be cancelled yet. Try again in a moment.", "refused")


def make_blueprint(edge: Edge, room: Payments) -> Blueprint:
    routes = Blueprint("staff_desk", __name__)
    _add_payment_routes(routes, edge, room)
    _add_card_page_route(routes, edge, room)
    _add_credit_routes(routes, edge)
    return routes


def _add_payment_routes(routes: Blueprint, edge: Edge, room: Payments) -> None:
    @routes.post("/staff/invoices/<invoice_id>/cash")
    @guard(Permission.PAYMENTS_TAKE)
    def cash(invoice_id: str) -> Response | tuple[str, int]:
        patient_id = edge.read(lambda read: patient_of_invoice(read, invoice_id, current_actor()))
        try:
            flash(taken_after_reader(room, lambda: _taken(edge, invoice_id)), "done")
        except REFUSED as error:
            page = patient_page(edge, room, patient_id)
            return shown_again(PAGE, error, row=invoice_id, wrong_at=invoice_id, **page)
        return redirect(url_for("staff_patients.patient", patient_id=patient_id), 303)

    @routes.post("/staff/invoices/<invoice_id>/pay-link")
    @guard(Permission.PAYMENTS_TAKE)
    def pay_link(invoice_id: str) -> str | Response | tuple[str, int]:
        """Show a new link, this once; only its hash is kept."""
        back = _page_of_invoice(edge, invoice_id)
        try:
            link, secret = edge.database.in_transaction(
                lambda tx: make_pay_link(tx, invoice_id=invoice_id, actor=current_actor(), now=edge.clock())
            )
        except AccountOnHold as refusal:
            flash(refusal.detail, "refused")
            return redirect(back, 303)
        except InvoiceNotOpen as error:
            patient_id = edge.read(lambda read: patient_of_invoice(read, invoice_id, current_actor()))
            return shown_again(PAGE, error, row=invoice_id, **patient_page(edge, room, patient_id))
        url = f"{edge.public_url}/pay/{secret}"
        return render_template("staff/pay_link.html", link=link, url=url, back=back)


def _add_card_page_route(routes: Blueprint, edge: Edge, room: Payments) -> None:
    @routes.post("/staff/invoices/<invoice_id>/cancel-card-page")
    @guard(Permission.PAYMENTS_TAKE)
    def cancel_card_page(invoice_id: str) -> Response:
        """So that the invoice can be paid in another way; what was paid by card before that counts."""
        back = _page_of_invoice(edge, invoice_id)
        standing = edge.read(lambda read: standing_checkout(read, invoice_id))
        with refusals_shown():
            flash(*_cancelled(room, standing) if standing else NO_CARD_PAGE)
        return redirect(back, 303)


def _add_credit_routes(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/invoices/<invoice_id>/credits")
    @guard(Permission.CREDITS_WRITE)
    def apply(invoice_id: str) -> Response:
        back = _page_of_invoice(edge, invoice_id)
        attempt(
            edge,
            lambda tx: apply_credits_now(tx, invoice_id=invoice_id, actor=current_actor(), now=edge.clock()),
            done="The invoice is paid with the credit, as far as it goes.",
        )
        return redirect(back, 303)

    @routes.post("/staff/credits/<lot_id>/election")
    @guard(Permission.CREDITS_WRITE)
    def election(lot_id: str) -> Response:
        lot = edge.read(lambda read: find_credit(read, lot_id, current_actor()))
        with refusals_shown():
            chosen = _election(request.form.get("election", ""))
            attempt(
                edge,
                lambda tx: elect(tx, lot_id=lot_id, election=chosen, actor=current_actor(), now=edge.clock()),
                done="The patient's choice is recorded.",
            )
        return redirect(url_for("staff_patients.patient", patient_id=lot.patient_id), 303)

    @routes.post("/staff/patients/<patient_id>/standing-election")
    @guard(Permission.CREDITS_WRITE)
    def choose_for_all(patient_id: str) -> Response:
        with refusals_shown():
            text = request.form.get("election", "")
            chosen = _election(text) if text else None
            attempt(
                edge,
                lambda tx: choose_always(
                    tx, patient_id=patient_id, election=chosen, actor=current_actor(), now=edge.clock()
                ),
                done="The patient's choice for all of it is recorded.",
            )
        return redirect(url_for("staff_patients.patient", patient_id=patient_id), 303)


def _taken(edge: Edge, invoice_id: str) -> str:
    """Book the cash that was typed, and say so. Raises: InvalidRequest, and what `take_cash` raises."""
    amount, actor, now = amount_of(request.form.get("amount", "")), current_actor(), edge.clock()
    handed = request.form.get("tendered", "").strip()
    tendered = amount_of(handed, "tendered") if handed else None

    def work(tx: Tx) -> str:
        return take_cash(tx, invoice_id=invoice_id, amount=amount, tendered=tendered, actor=actor, now=now).id

    written(edge, work)
    return _cash_booked(amount, tendered)


def _cash_booked(amount: Money, tendered: Money | None) -> str:
    if tendered is None or tendered == amount:
        return f"{amount} in cash is booked."
    return f"{amount} in cash is booked. Give {tendered - amount} back."


def _cancelled(room: Payments, standing: Checkout) -> tuple[str, str]:
    """What to say, and whether it went well. Raises: GatewayTimeout, GatewayRefused."""
    checkout = cancel_checkout(room, checkout_id=standing.id, actor=current_actor())
    told = BECAME_OF_READER if checkout.way is Way.READER else BECAME_OF_CARD_PAGE
    return told.get(checkout.state, STILL_STANDS)


def _page_of_invoice(edge: Edge, invoice_id: str) -> str:
    """Where to go back to. Raises: NoSuchInvoice."""
    patient_id = edge.read(lambda read: patient_of_invoice(read, invoice_id, current_actor()))
    return url_for("staff_patients.patient", patient_id=patient_id)


def _election(text: str) -> Election:
    """Raises: InvalidRequest."""
    try:
        return Election(text)
    except ValueError:
        message = "Choose one: credit or refund."
        raise InvalidRequest(message, [Flaw("/election", message)]) from None
