"""The fee for a missed visit: /staff/sessions/<id>/no-show-fee/new says what it does before it is billed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug import Response

from billing.care.queries import find_session
from billing.care.records import Session
from billing.invoices.errors import NeverThePatient, NoFeeAgreed, SessionAlreadyInvoiced, SessionNotMissed
from billing.invoices.queries import fee_of_missed, patient_of_invoice
from billing.invoices.use_cases.no_show import bill_no_show, waive_no_show
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import may_be_charged
from billing.payments.queries.credits import elected_credits
from billing.payments.records.credits import CreditSource
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import attempt, written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, believed, shown_again

PAGE = "staff/no_show.html"
WAIVED = "The fee is waived."
REASON = "Waived on the page of the patient"


@dataclass(frozen=True, kw_only=True)
class Missed:
    """A missed visit and what its fee would do; `why_not` where none can be billed."""

    session: Session
    name: str
    fee: Money | None
    why_not: str | None
    deposited: Money
    credited: Money
    """The patient's other credit that comes off it after the deposits."""
    is_on_hold: bool

    @property
    def by_deposit(self) -> Money:
        return min(self.fee or ZERO, self.deposited)

    @property
    def by_credit(self) -> Money:
        return min((self.fee or ZERO) - self.by_deposit, self.credited)

    @property
    def owed(self) -> Money:
        return (self.fee or ZERO) - self.by_deposit - self.by_credit


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_no_shows", __name__)

    @routes.get("/staff/sessions/<session_id>/no-show-fee/new")
    @guard(Permission.INVOICES_ISSUE)
    def look(session_id: str) -> str:
        return render_template(PAGE, **_page(edge, session_id))

    @routes.post("/staff/sessions/<session_id>/no-show-fee")
    @guard(Permission.INVOICES_ISSUE)
    def bill(session_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            invoice = bill_no_show(tx, session_id=session_id, fee=believed("fee"), actor=actor, now=now)
            return url_for("staff_patients.patient", patient_id=invoice.patient_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, session_id))
        flash("The fee is billed.", "done")
        return redirect(to, 303)

    @routes.post("/staff/invoices/<invoice_id>/waive-fee")
    @guard(Permission.INVOICES_VOID)
    def waive(invoice_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        patient_id = edge.read(lambda read: patient_of_invoice(read, invoice_id, actor))
        attempt(
            edge,
            lambda tx: waive_no_show(tx, invoice_id=invoice_id, reason=REASON, actor=actor, now=now),
            done=WAIVED,
        )
        return redirect(url_for("staff_patients.patient", patient_id=patient_id), 303)

    return routes


def _page(edge: Edge, session_id: str) -> dict[str, Any]:
    actor = current_actor()
    missed = edge.audited_read(
        lambda read: _missed(read, session_id, actor),
        actor=actor,
        action="page.no-show",
        subject_id=session_id,
    )
    return {"missed": missed}


def _missed(read: Read, session_id: str, actor: Actor) -> Missed:
    """Raises: NoSuchSession."""
    session, fee, why_not = find_session(read, session_id, actor), None, None
    try:
        _, fee = fee_of_missed(read, session_id, actor)
    except (SessionNotMissed, SessionAlreadyInvoiced, NeverThePatient, NoFeeAgreed) as error:
        why_not = error.detail
    lots = elected_credits(read, session.patient_id)
    deposits = [lot for lot in lots if lot.source is CreditSource.DEPOSIT]
    return Missed(
        session=session,
        name=name_of(read, session.patient_id, actor),
        fee=fee,
        why_not=why_not,
        deposited=total(lot.available for lot in deposits),
        credited=total(lot.available for lot in lots if lot not in deposits),
        is_on_hold=not may_be_charged(read, session.patient_id, arose_on=session.planned_on),
    )
