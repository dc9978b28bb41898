"""A deposit taken at the desk: /staff/patients/<id>/deposits/new."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.errors import NoScheduleInForce
from billing.catalog.queries import schedule_in_force, site_date
from billing.kernel.money import Money
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import find_patient
from billing.patients.records import Patient
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import amount_of, written
from billing.web.refusals import REFUSED, check_number, choice_of, date_of, shown_again

FORM = "staff/patient_deposit.html"


class ByHand(StrEnum):
    """What a deposit is paid with at the desk."""

    CASH = "cash"
    CHECK = "check"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`usual` is the deposit that the fee schedule names, if it names one."""

    patient: Patient
    today: str
    usual: Money | None


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_patient_deposits", __name__)

    @routes.get("/staff/patients/<patient_id>/deposits/new")
    @guard(Permission.PAYMENTS_TAKE)
    def ask(patient_id: str) -> str:
        return render_template(FORM, **_page(edge, patient_id))

    @routes.post("/staff/patients/<patient_id>/deposits")
    @guard(Permission.PAYMENTS_TAKE)
    def take(patient_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            take_deposit(tx, patient_id=patient_id, handed=_handed(), site_id=None, actor=actor, now=now)
            return url_for("staff_patients.patient", patient_id=patient_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(FORM, error, **_page(edge, patient_id))
        flash("The deposit is booked. It comes off the next invoice.", "done")
        return redirect(to, 303)

    return routes


def _handed() -> Handed:
    """Raises: InvalidRequest."""
    tender = choice_of(ByHand, "tender", "Choose cash or check.")
    amount = amount_of(request.form.get("amount", ""))
    if tender is ByHand.CASH:
        return Handed(tender=Tender.CASH, amount=amount)
    return Handed(
        tender=Tender.CHECK,
        amount=amount,
        number=check_number(),
        dated_on=date_of("dated_on"),
        is_health_account="health_account" in request.form,
        is_another="another" in request.form,
    )


def _page(edge: Edge, patient_id: str) -> dict[str, Any]:
    actor = current_actor()
    asked = edge.audited_read(
        lambda read: _asked(read, edge, patient_id, actor),
        actor=actor,
        action="page.deposit",
        subject_id=patient_id,
    )
    return {"asked": asked}


def _asked(read: Read, edge: Edge, patient_id: str, actor: Actor) -> Asked:
    """Raises: NoSuchPatient."""
    patient = find_patient(read, patient_id, actor)
    today = site_date(read, patient.site_id, edge.clock())
    try:
        rates = schedule_in_force(read, patient.entity_id, today).rates
    except NoScheduleInForce:
        rates = ()
    usual = next((Money(rate.cents) for rate in rates if rate.service == "deposit"), None)
    return Asked(patient=patient, today=today.isoformat(), usual=usual)
