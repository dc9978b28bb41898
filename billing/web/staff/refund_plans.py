"""Give an amount back over several payments: /staff/patients/<id>/refunds/new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import find_patient
from billing.patients.records import Patient
from billing.payments.errors import PaymentDisputed, RefundableChanged
from billing.payments.queries.payments import payments_by_id
from billing.payments.queries.refund_plans import refund_plan_of
from billing.payments.queries.refunds import approved_by_itself
from billing.payments.records.payments import Payment
from billing.payments.records.refund_plans import RefundPlan
from billing.payments.records.refunds import RefundReason
from billing.payments.rules.refunds import LATELY, needs_second_person
from billing.payments.use_cases.refund_plans import refund_patient
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import words
from billing.web.forms import amount_of, written
from billing.web.refusals import REFUSED, believed, choice_of, shown_again
from billing.web.staff.refunds import CHOOSE_REASON

FORM, CONFIRM = "staff/refund_plan_ask.html", "staff/refund_plan_confirm.html"
OLD_PAGE = "What can go back to this patient changed meanwhile. Look at the new amounts, then ask again."


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A patient's plan with the payments that it names; `refusal` says why there can be none now."""

    patient: Patient
    plan: RefundPlan
    payments: Mapping[str, Payment]
    refusal: str | None


@dataclass(frozen=True)
class Wish:
    amount: Money
    refundable: Money
    reason: RefundReason


def make_blueprint(edge: Edge, limit: Money) -> Blueprint:
    routes = Blueprint("staff_refund_plans", __name__)

    @routes.get("/staff/patients/<patient_id>/refunds/new")
    @guard(Permission.REFUNDS_REQUEST)
    def ask(patient_id: str) -> str:
        return render_template(FORM, **_page(edge, patient_id))

    @routes.post("/staff/patients/<patient_id>/refunds/look")
    @guard(Permission.REFUNDS_REQUEST)
    def look(patient_id: str) -> str | tuple[str, int]:
        """Which payment would give how much, in words; nothing moves yet. A POST, for its reason."""
        try:
            wish = _wish()
            page = _page(edge, patient_id, wish.amount)
            if wish.refundable != page["planned"].plan.refundable:
                raise RefundableChanged(OLD_PAGE)
        except REFUSED as error:
            return shown_again(FORM, error, **_page(edge, patient_id))
        since = edge.clock() - LATELY
        lately = edge.read(lambda read: approved_by_itself(read, patient_id, since))
        needs_approval = needs_second_person(wish.amount, lately, limit)
        return render_template(
            CONFIRM, wish=wish, needs_approval=needs_approval, limit=limit, lately=lately, **page
        )

    @routes.post("/staff/patients/<patient_id>/refunds")
    @guard(Permission.REFUNDS_REQUEST)
    def give_back(patient_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            refund_patient(
                tx, patient_id=patient_id, chosen=None, limit=limit, **vars(_wish()), actor=actor, now=now
            )
            return url_for("staff_account.account", patient_id=patient_id, _anchor="refunds-title")

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(FORM, error, **_page(edge, patient_id))
        flash("The refund is asked for. What becomes of each part stands under Refunds.", "done")
        return redirect(to, 303)

    return routes


def _wish() -> Wish:
    """Raises: InvalidRequest."""
    return Wish(
        amount=amount_of(request.form.get("amount", "")),
        refundable=believed("refundable"),
        reason=choice_of(RefundReason, "reason", CHOOSE_REASON),
    )


def _page(edge: Edge, patient_id: str, amount: Money | None = None) -> dict[str, Any]:
    """Raises: MoreThanAvailable for an amount that is more than can go back."""
    actor = current_actor()
    planned = edge.audited_read(
        lambda read: _planned(read, patient_id, amount, actor),
        actor=actor,
        action="page.refund",
        subject_id=patient_id,
    )
    return {"planned": planned, "words": words}


def _planned(read: Read, patient_id: str, amount: Money | None, actor: Actor) -> Planned:
    """Raises: NoSuchPatient, MoreThanAvailable."""
    patient, refusal = find_patient(read, patient_id, actor), None
    try:
        plan = refund_plan_of(read, patient_id, actor, amount=amount)
    except PaymentDisputed as error:
        plan, refusal = RefundPlan(refundable=ZERO, parts=(), disputed_payment_ids=()), error.detail
    if plan.disputed_payment_ids:
        refusal = "A bank disputes a payment of this patient. Refunds wait until it has decided."
    named = {part.payment_id for part in plan.parts}
    return Planned(patient=patient, plan=plan, payments=payments_by_id(read, named, actor), refusal=refusal)
