"""/staff/patients/<id>/plan-limits: federal programs that would pay, and a plan that is not to be told."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import find_patient, plan_limits_of
from billing.patients.records import FederalProgram, PlanLimits
from billing.patients.use_cases import record_plan_limits
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import written
from billing.web.refusals import REFUSED, date_of, shown_again, text_of

PAGE = "staff/plan_limits.html"
PROGRAMS = {
    FederalProgram.MEDICARE: "Medicare",
    FederalProgram.MEDICAID: "Medicaid",
    FederalProgram.TRICARE: "TRICARE",
    FederalProgram.CHAMPVA: "CHAMPVA",
    FederalProgram.VA_COMMUNITY_CARE: "Care that the VA sent the patient for",
    FederalProgram.OTHER: "Another federal program",
}
RECORDED = "That is recorded. It holds for every superbill from now on."


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_plan_limits", __name__)

    @routes.get("/staff/patients/<patient_id>/plan-limits")
    @guard(Permission.PATIENTS_READ)
    def limits(patient_id: str) -> str:
        return render_template(PAGE, **_page(edge, patient_id))

    @routes.post("/staff/patients/<patient_id>/plan-limits")
    @guard(Permission.PATIENTS_WRITE)
    def record(patient_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            record_plan_limits(tx, patient_id=patient_id, limits=_entered(), actor=actor, now=now)
            return url_for("staff_patients.patient", patient_id=patient_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, patient_id))
        flash(RECORDED, "done")
        return redirect(to, 303)

    return routes


def _entered() -> PlanLimits:
    """Raises: InvalidRequest."""
    ticked = request.form.getlist("programs")
    return PlanLimits(
        programs=tuple(program for program in FederalProgram if program in ticked),
        contract_on=date_of("contract_on") if request.form.get("contract_on", "").strip() else None,
        is_kept_from_plan="is_kept_from_plan" in request.form,
        note=text_of("note", 200) if request.form.get("note", "").strip() else None,
    )


def _page(edge: Edge, patient_id: str) -> dict[str, Any]:
    actor = current_actor()

    def look(read: Read, actor: Actor) -> dict[str, Any]:
        """Raises: NoSuchPatient."""
        patient = find_patient(read, patient_id, actor)
        return {"patient": patient, "limits": plan_limits_of(read, patient_id)}

    found = edge.audited_read(
        lambda read: look(read, actor), actor=actor, action="page.plan-limits", subject_id=patient_id
    )
    ticked = (
        set(request.form.getlist("programs")) if request.method == "POST" else set(found["limits"].programs)
    )
    return {**found, "programs": PROGRAMS, "ticked": ticked, "may": actor.may, "Permission": Permission}
