"""What happens at the desk: cash, pay links, the patient's choice for a credit."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug import Response

from billing.invoices.queries import patient_of_invoice
from billing.kernel.errors import Flaw
from billing.kernel.permissions import Permission
from billing.payments.queries import find_credit
from billing.payments.records import Election
from billing.payments.use_cases.credits import apply_credits_now, elect
from billing.payments.use_cases.links import make_pay_link
from billing.payments.use_cases.receive import take_cash
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import amount_of, attempt, refusals_shown


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_desk", __name__)

    @routes.post("/staff/invoices/<invoice_id>/cash")
    @guard(Permission.PAYMENTS_TAKE)
    def cash(invoice_id: str) -> Response:
        back = _page_of_invoice(edge, invoice_id)
        with refusals_shown():
            amount = amount_of(request.form.get("amount", ""))
            attempt(
                edge,
                lambda tx: take_cash(
                    tx, invoice_id=invoice_id, amount=amount, actor=current_actor(), now=edge.clock()
                ),
                done=f"{amount} in cash is booked.",
            )
        return redirect(back, 303)

    @routes.post("/staff/invoices/<invoice_id>/credits")
    @guard(Permission.CREDITS_WRITE)
    def apply(invoice_id: str) -> Response:
        back = _page_of_invoice(edge, invoice_id)
        attempt(
            edge,
            lambda tx: apply_credits_now(tx, invoice_id=invoice_id, actor=current_actor(), now=edge.clock()),
            done="The credit is taken off the invoice.",
        )
        return redirect(back, 303)

    @routes.post("/staff/invoices/<invoice_id>/pay-link")
    @guard(Permission.PAYMENTS_TAKE)
    def pay_link(invoice_id: str) -> str:
        """Show a new link, this once; only its hash is kept."""
        back = _page_of_invoice(edge, invoice_id)
        link, secret = edge.database.in_transaction(
            lambda tx: make_pay_link(tx, invoice_id=invoice_id, actor=current_actor(), now=edge.clock())
        )
        url = f"{edge.public_url}/pay/{secret}"
        return render_template("staff/pay_link.html", link=link, url=url, back=back)

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

    return routes


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
