"""/staff/patients/<id>/holds: charges are stopped for a death or a bankruptcy, and go on again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import find_hold, find_patient, holds_of
from billing.patients.records import AccountHold, HoldReason, HoldTerms, Patient
from billing.patients.use_cases import lift_hold, place_hold
from billing.people.queries import list_staff
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import words
from billing.web.forms import written
from billing.web.refusals import REFUSED, choice_of, date_of, shown_again, text_of

PAGE = "staff/holds.html"
CHOOSE_REASON = "Choose what happened."
STOPPED = "Charges are stopped. Card pages and readers that stand open are being closed."
GO_ON = "The stop is lifted."


@dataclass(frozen=True, kw_only=True)
class Holds:
    """A patient's stops of charges, newest first; `people` are e-mail addresses by who did it."""

    patient: Patient
    items: Sequence[AccountHold]
    people: Mapping[str, str]

    @property
    def standing(self) -> Sequence[AccountHold]:
        return [hold for hold in self.items if hold.stands]

    @property
    def left(self) -> Mapping[HoldReason, str]:
        """The reasons for which charges are not stopped."""
        stopped_for = {hold.reason for hold in self.standing}
        return {reason: told for reason, told in words.HOLDS.items() if reason not in stopped_for}


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_holds", __name__)

    @routes.get("/staff/patients/<patient_id>/holds")
    @guard(Permission.PATIENTS_READ)
    def holds(patient_id: str) -> str:
        return render_template(PAGE, **_page(edge, patient_id))

    @routes.post("/staff/patients/<patient_id>/holds")
    @guard(Permission.PATIENTS_WRITE)
    def place(patient_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            note = text_of("note", 200) if request.form.get("note", "").strip() else None
            terms = HoldTerms(reason=choice_of(HoldReason, "reason", CHOOSE_REASON), note=note)
            effective_from = date_of("effective_from")
            place_hold(
                tx, patient_id=patient_id, terms=terms, effective_from=effective_from, actor=actor, now=now
            )
            return url_for("staff_patients.patient", patient_id=patient_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, patient_id))
        flash(STOPPED, "done")
        return redirect(to, 303)

    @routes.post("/staff/holds/<hold_id>/lift")
    @guard(Permission.HOLDS_LIFT)
    def lift(hold_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()
        patient_id = edge.read(lambda read: find_hold(read, hold_id, actor)).patient_id

        def work(tx: Tx) -> str:
            lift_hold(tx, hold_id=hold_id, why=text_of("why", 200), actor=actor, now=now)
            return url_for("staff_holds.holds", patient_id=patient_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, patient_id))
        flash(GO_ON, "done")
        return redirect(to, 303)

    return routes


def _page(edge: Edge, patient_id: str) -> dict[str, Any]:
    actor = current_actor()
    found = edge.audited_read(
        lambda read: _holds(read, patient_id, actor), actor=actor, action="page.holds", subject_id=patient_id
    )
    return {"holds": found, "reasons": words.HOLDS, "may": actor.may, "Permission": Permission}


def _holds(read: Read, patient_id: str, actor: Actor) -> Holds:
    """Raises: NoSuchPatient."""
    return Holds(
        patient=find_patient(read, patient_id, actor),
        items=holds_of(read, patient_id),
        people={each.id: each.email for each in list_staff(read, actor)},
    )
