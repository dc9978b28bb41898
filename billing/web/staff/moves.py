"""A payment that stands with the wrong patient, put right: /staff/payments/<id>/moves/new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.invoices.queries import find_invoice, list_invoices, still_applied
from billing.invoices.records import Invoice
from billing.invoices.states import InvoiceState
from billing.kernel.errors import Flaw
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import find_patient, search_patients
from billing.patients.records import Patient
from billing.payments.queries.credits import credits_from_payment
from billing.payments.queries.payments import PAYMENT, find_payment
from billing.payments.records.payments import Payment
from billing.payments.states.payments import PaymentState
from billing.payments.use_cases.move import move_payment
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web import words
from billing.web.forms import written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, shown_again

FORM, CONFIRM = "staff/move_ask.html", "staff/move_confirm.html"
MOST_INVOICES = 50
AS_CREDIT = "credit"
"""In the place of an invoice's id: the money is held for the right patient."""
GONE = "Some of this payment was given back, is disputed, or was spent as credit. Undo that first."


@dataclass(frozen=True, kw_only=True)
class Misplaced:
    """A payment with the patient it stands with, and what it does there."""

    payment: Payment
    name: str
    invoice: Invoice | None
    covers: Money
    credit: Money

    @property
    def why_not(self) -> str | None:
        if self.payment.state is not PaymentState.RECEIVED:
            return "This payment was moved before, or bounced."
        return None if self.covers + self.credit == self.payment.amount else GONE


@dataclass(frozen=True, kw_only=True)
class Right:
    patient: Patient
    invoices: Sequence[Invoice]


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_moves", __name__)

    @routes.get("/staff/payments/<payment_id>/moves/new")
    @guard(Permission.CREDITS_WRITE)
    def ask(payment_id: str) -> str:
        return render_template(FORM, found=None, text="", **_page(edge, payment_id))

    @routes.post("/staff/payments/<payment_id>/moves/search")
    @guard(Permission.CREDITS_WRITE)
    def search(payment_id: str) -> str | tuple[str, int]:
        """A POST, so that a name or birth date stands in no address and no log."""
        page, text = _page(edge, payment_id), request.form.get("text", "")[:200]
        try:
            found = _found(edge, text)
        except REFUSED as error:
            return shown_again(FORM, error, found=None, text=text, **page)
        return render_template(FORM, found=found, text=text, **page)

    @routes.get("/staff/payments/<payment_id>/moves/look")
    @guard(Permission.CREDITS_WRITE)
    def look(payment_id: str) -> str:
        """What will move, in words, and to which invoice; nothing moves yet."""
        return render_template(CONFIRM, right=_right(edge), **_page(edge, payment_id))

    @routes.post("/staff/payments/<payment_id>/moves")
    @guard(Permission.CREDITS_WRITE)
    def move(payment_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            patient_id, invoice_id = request.form.get("patient_id", ""), _chosen_invoice()
            move_payment(
                tx,
                payment_id=payment_id,
                patient_id=patient_id,
                invoice_id=invoice_id,
                actor=actor,
                now=now,
            )
            return url_for("staff_account.account", patient_id=patient_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(CONFIRM, error, right=_right(edge), **_page(edge, payment_id))
        flash("The payment stands here now. A task asks somebody what the other patient was shown.", "done")
        return redirect(to, 303)

    return routes


def _chosen_invoice() -> str | None:
    """Raises: InvalidRequest."""
    chosen = request.form.get("invoice_id", "")
    if not chosen:
        message = "Choose what it pays."
        raise InvalidRequest(message, [Flaw("/invoice_id", message)])
    return None if chosen == AS_CREDIT else chosen


def _found(edge: Edge, text: str) -> Sequence[Patient]:
    """Raises: UnusableSearch."""
    actor = current_actor()
    return edge.audited_read(
        lambda read: search_patients(read, text, actor),
        actor=actor,
        action="page.search",
        subject_id=actor.id,
    )


def _page(edge: Edge, payment_id: str) -> dict[str, Any]:
    actor = current_actor()
    misplaced = edge.audited_read(
        lambda read: _misplaced(read, payment_id, actor),
        actor=actor,
        action="page.move",
        subject_id=payment_id,
    )
    return {"misplaced": misplaced, "words": words, "AS_CREDIT": AS_CREDIT}


def _misplaced(read: Read, payment_id: str, actor: Actor) -> Misplaced:
    """Raises: NoSuchPayment."""
    payment = find_payment(read, payment_id, actor)
    invoice = find_invoice(read, payment.invoice_id, actor) if payment.invoice_id else None
    return Misplaced(
        payment=payment,
        name=name_of(read, payment.patient_id, actor),
        invoice=invoice,
        covers=still_applied(read, invoice.id, PAYMENT, payment.id) if invoice else ZERO,
        credit=total(lot.available for lot in credits_from_payment(read, payment.id)),
    )


def _right(edge: Edge) -> Right:
    """The patient of the form. Raises: NoSuchPatient."""
    actor, patient_id = current_actor(), request.values.get("patient_id", "")

    def look(read: Read) -> Right:
        return Right(
            patient=find_patient(read, patient_id, actor),
            invoices=list_invoices(
                read, actor, patient_id=patient_id, state=InvoiceState.OPEN, limit=MOST_INVOICES
            ),
        )

    return edge.audited_read(look, actor=actor, action="page.move", subject_id=patient_id)
