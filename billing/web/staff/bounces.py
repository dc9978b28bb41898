"""A check that the bank did not pay: /staff/payments/<id>/bounce/new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.queries import site_date
from billing.invoices.queries import find_invoice
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor, Permission
from billing.ledger.records import Account
from billing.patients.use_cases import lock_patient
from billing.payments.errors import RefundableChanged
from billing.payments.queries.bounces import what_a_bounce_does
from billing.payments.queries.deposits import held_in
from billing.payments.queries.payments import find_payment
from billing.payments.records.bounces import BounceEffects, BounceReason
from billing.payments.records.payments import Payment, Tender
from billing.payments.states.payments import PaymentState
from billing.payments.use_cases.bounce import bounce_check
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import words
from billing.web.forms import amount_or_zero_of, written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, believed, choice_of, date_of, shown_again

PAGE = "staff/bounce.html"
CHOOSE_REASON = "Choose what the bank says."
CHANGED = "What this check pays changed meanwhile. Look at it again, then record that it bounced."
NO_CHECK = "Only a check bounces."
ENDED = "This check bounced before, or was booked for another patient."
RETURNED = (
    "Money of this check is being given back, or was. Reject what waits, or void its check, first. What was "
    "set aside for the state the accountant claims before."
)


TOLD = {
    True: "The check is recorded as bounced. A task asks somebody to talk to who gave it.",
    False: "The check is taken back. A task asks somebody to talk to who gave it.",
}
"""By whether it was taken to the bank."""


@dataclass(frozen=True, kw_only=True)
class Bounced:
    """A payment whose check came back, and what recording that does. `numbers` are the invoices'.

    One that was not taken to the bank is taken back, since no bank can have refused it.
    """

    payment: Payment
    is_banked: bool
    name: str
    effects: BounceEffects
    numbers: Mapping[str, int]
    today: str

    @property
    def why_not(self) -> str | None:
        if self.payment.tender is not Tender.CHECK:
            return NO_CHECK
        if self.payment.state is not PaymentState.RECEIVED:
            return ENDED
        return RETURNED if self.effects.refund_ids else None


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_bounces", __name__)

    @routes.get("/staff/payments/<payment_id>/bounce/new")
    @guard(Permission.CREDITS_WRITE)
    def ask(payment_id: str) -> str:
        return render_template(PAGE, **_page(edge, payment_id))

    @routes.post("/staff/payments/<payment_id>/bounce")
    @guard(Permission.CREDITS_WRITE)
    def bounce(payment_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            reason = choice_of(BounceReason, "reason", CHOOSE_REASON)
            bounced_on, fee = date_of("bounced_on"), _fee()
            _refuse_old_page(tx, payment_id, actor)
            bounced = bounce_check(
                tx,
                payment_id=payment_id,
                reason=reason,
                bounced_on=bounced_on,
                fee=fee,
                actor=actor,
                now=now,
            )
            return url_for("staff_account.account", patient_id=bounced.patient_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, payment_id))
        flash(TOLD[edge.read(lambda read: _is_banked(read, find_payment(read, payment_id, actor)))], "done")
        return redirect(to, 303)

    return routes


def _is_banked(read: Read, payment: Payment) -> bool:
    return held_in(read, payment) is Account.BANK


def _fee() -> Money:
    """What the bank asks; nothing when the field stays empty. Raises: InvalidRequest."""
    typed = request.form.get("fee", "").strip()
    return amount_or_zero_of(typed, "fee") if typed else ZERO


def _refuse_old_page(tx: Tx, payment_id: str, actor: Actor) -> None:
    """Raises: RefundableChanged when the page said that another amount would be owed again."""
    lock_patient(tx, find_payment(tx, payment_id, actor).patient_id)
    if what_a_bounce_does(tx, payment_id, actor).owed != believed("believed"):
        raise RefundableChanged(CHANGED)


def _page(edge: Edge, payment_id: str) -> dict[str, Any]:
    actor = current_actor()
    bounced = edge.audited_read(
        lambda read: _bounced(read, edge, payment_id, actor),
        actor=actor,
        action="page.bounce",
        subject_id=payment_id,
    )
    return {"bounced": bounced, "words": words}


def _bounced(read: Read, edge: Edge, payment_id: str, actor: Actor) -> Bounced:
    """Raises: NoSuchPayment."""
    payment = find_payment(read, payment_id, actor)
    effects = what_a_bounce_does(read, payment_id, actor)
    return Bounced(
        payment=payment,
        is_banked=_is_banked(read, payment),
        name=name_of(read, payment.patient_id, actor),
        effects=effects,
        numbers={each: find_invoice(read, each, actor).number for each in effects.owed_by_invoice},
        today=site_date(read, payment.site_id, edge.clock()).isoformat(),
    )
