"""Patients over HTTP: translate, one call down, translate back. Each look at a patient is on the trail."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from flask import Response, abort, request

from billing.kernel.errors import Flaw, NotFound
from billing.kernel.permissions import Permission
from billing.patients.errors import PatientChangedMeanwhile, UnknownSite
from billing.patients.queries import (
    eligibilities_of,
    find_patient,
    holds_of,
    list_patients,
    plan_limits_of,
    policies_of,
    search_patients,
)
from billing.patients.records import (
    AccountHold,
    Eligibility,
    Evidence,
    HoldTerms,
    Patient,
    Person,
    PlanLimits,
    Policy,
    PolicyTerms,
)
from billing.patients.schemas import (
    EligibilitiesView,
    EligibilityView,
    HoldsView,
    HoldView,
    LiftedHold,
    NewEligibility,
    NewHold,
    NewPatient,
    NewPlanLimits,
    NewPolicy,
    PatientChanges,
    PatientSearch,
    PatientsView,
    PatientView,
    PlanLimitsView,
    PoliciesView,
    PolicyView,
)
from billing.patients.use_cases import (
    add_patient,
    add_policy,
    amend_patient,
    lift_hold,
    place_hold,
    record_plan_limits,
    verify_eligibility,
)
from billing.platform.data.database import Read, Tx
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import Page, page_args, page_of, page_view
from billing.platform.http.writes import edge_write

T = TypeVar("T")

EntityOfSite = Callable[[Read, str], str]
"""Answers which legal entity a site belongs to; raises a NotFound for no site."""

IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "schema": {"type": "string"},
    "description": "The ETag of the patient as it was read.",
}

VERSION_TAG = re.compile(r'"(\d{1,9})"', re.ASCII)

ALL_PATIENTS = "patients"
"""The subject of a look at a list, on the trail."""


def make_blueprint(edge: Edge, entity_of_site: EntityOfSite) -> ApiBlueprint:
    """Raises, from its views: the errors of this room."""
    routes = ApiBlueprint("patients", __name__, description="Patients, their insurance and eligibilities")
    _add_patient_routes(routes, edge, entity_of_site)
    _add_list_routes(routes, edge)
    _add_policy_routes(routes, edge)
    _add_eligibility_routes(routes, edge)
    _add_hold_routes(routes, edge)
    _add_plan_limit_routes(routes, edge)
    return routes


def _add_patient_routes(routes: ApiBlueprint, edge: Edge, entity_of_site: EntityOfSite) -> None:
    @routes.route("/patients", methods=["POST"])
    @routes.arguments(NewPatient)
    @routes.response(201, PatientView)
    @guard(Permission.PATIENTS_WRITE)
    def post_patient(body: dict[str, Any]) -> Response:
        """Take a patient in at a site."""
        actor, site_id, person = current_actor(), body.pop("site_id"), Person(**body)

        def work(tx: Tx) -> Patient:
            entity_id = _entity_of(tx, entity_of_site, site_id)
            return add_patient(
                tx, entity_id=entity_id, site_id=site_id, person=person, actor=actor, now=edge.clock()
            )

        return _with_version(edge_write(edge, work, PatientView))

    @routes.route("/patients/<patient_id>")
    @routes.response(200, PatientView)
    @guard(Permission.PATIENTS_READ)
    def get_patient(patient_id: str) -> tuple[Patient, dict[str, str]]:
        """One patient; the ETag is what an amendment sends as If-Match."""
        patient = _look(edge, patient_id, "patient.read", lambda read, patient: patient)
        return patient, {"ETag": f'"{patient.version}"'}

    @routes.route("/patients/<patient_id>", methods=["PATCH"])
    @routes.doc(parameters=[IF_MATCH])  # type: ignore[untyped-decorator]
    @routes.arguments(PatientChanges)
    @routes.response(200, PatientView)
    @guard(Permission.PATIENTS_WRITE)
    def patch_patient(body: dict[str, Any], patient_id: str) -> Response:
        """Change what is named. If-Match carries the ETag that was read; without it the answer is 428."""
        actor, version = current_actor(), _expected_version()

        def work(tx: Tx) -> Patient:
            return amend_patient(
                tx,
                patient_id=patient_id,
                changes=body,
                expected_version=version,
                actor=actor,
                now=edge.clock(),
            )

        try:
            return _with_version(edge_write(edge, work, PatientView, status=200))
        except PatientChangedMeanwhile as error:
            abort(412, description=error.detail)


def _add_list_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/patients")
    @routes.arguments(page_args("pat"), location="query")
    @routes.response(200, page_view(PatientView))
    @guard(Permission.PATIENTS_READ)
    def get_patients(query: dict[str, Any]) -> Page[Patient]:
        """Patients of the actor's sites, newest first."""
        actor = current_actor()
        found = edge.audited_read(
            lambda read: list_patients(read, actor=actor, **query),
            actor=actor,
            action="patient.list",
            subject_id=ALL_PATIENTS,
        )
        return page_of(found, query["limit"])

    @routes.route("/patients/search", methods=["POST"])
    @routes.arguments(PatientSearch)
    @routes.response(200, PatientsView)
    @guard(Permission.PATIENTS_READ)
    def post_search(body: dict[str, Any]) -> dict[str, Any]:
        """Patients who match all that was typed. The text travels in the body, never in an address."""
        actor = current_actor()
        found = edge.audited_read(
            lambda read: search_patients(read, body["text"], actor),
            actor=actor,
            action="patient.search",
            subject_id=ALL_PATIENTS,
        )
        return {"items": found}


def _add_policy_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/patients/<patient_id>/policies", methods=["POST"])
    @routes.arguments(NewPolicy)
    @routes.response(201, PolicyView)
    @guard(Permission.PATIENTS_WRITE)
    def post_policy(body: dict[str, Any], patient_id: str) -> Response:
        """Enter insurance from a day on."""
        actor = current_actor()
        effective_from: date = body.pop("effective_from")
        ends_on: date | None = body.pop("ends_on")
        terms = PolicyTerms(**body)

        def work(tx: Tx) -> Policy:
            return add_policy(
                tx,
                patient_id=patient_id,
                terms=terms,
                effective_from=effective_from,
                ends_on=ends_on,
                actor=actor,
                now=edge.clock(),
            )

        return edge_write(edge, work, PolicyView)

    @routes.route("/patients/<patient_id>/policies")
    @routes.response(200, PoliciesView)
    @guard(Permission.PATIENTS_READ)
    def get_policies(patient_id: str) -> dict[str, Any]:
        """All insurance that was ever entered, the latest to take effect first."""
        found = _look(edge, patient_id, "policy.list", lambda read, patient: policies_of(read, patient.id))
        return {"items": found}


def _add_eligibility_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/patients/<patient_id>/eligibilities", methods=["POST"])
    @routes.arguments(NewEligibility)
    @routes.response(201, EligibilityView)
    @guard(Permission.ELIGIBILITIES_VERIFY)
    def post_eligibility(body: dict[str, Any], patient_id: str) -> Response:
        """Record that a proof was seen. The discount counts from that day on."""
        actor = current_actor()
        verified_on: date = body.pop("verified_on")
        evidence = Evidence(**{**body, "seen_by": body["seen_by"] or actor.id})

        def work(tx: Tx) -> Eligibility:
            return verify_eligibility(
                tx,
                patient_id=patient_id,
                evidence=evidence,
                verified_on=verified_on,
                actor=actor,
                now=edge.clock(),
            )

        return edge_write(edge, work, EligibilityView)

    @routes.route("/patients/<patient_id>/eligibilities")
    @routes.response(200, EligibilitiesView)
    @guard(Permission.PATIENTS_READ)
    def get_eligibilities(patient_id: str) -> dict[str, Any]:
        """All rights to a discount that were ever verified, the expired ones included."""
        found = _look(
            edge, patient_id, "eligibility.list", lambda read, patient: eligibilities_of(read, patient.id)
        )
        return {"items": found}


def _add_hold_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/patients/<patient_id>/holds", methods=["POST"])
    @routes.arguments(NewHold)
    @routes.response(201, HoldView)
    @guard(Permission.PATIENTS_WRITE)
    def post_hold(body: dict[str, Any], patient_id: str) -> Response:
        """Stop all charges of a patient who died or filed for bankruptcy."""
        actor, effective_from = current_actor(), body.pop("effective_from")
        terms = HoldTerms(**body)

        def work(tx: Tx) -> AccountHold:
            return place_hold(
                tx,
                patient_id=patient_id,
                terms=terms,
                effective_from=effective_from,
                actor=actor,
                now=edge.clock(),
            )

        return edge_write(edge, work, HoldView)

    @routes.route("/patients/<patient_id>/holds")
    @routes.response(200, HoldsView)
    @guard(Permission.PATIENTS_READ)
    def get_holds(patient_id: str) -> dict[str, Any]:
        """All stops of charges that were ever placed, newest first; one stands until it was lifted."""
        found = _look(edge, patient_id, "hold.list", lambda read, patient: holds_of(read, patient.id))
        return {"items": found}

    @routes.route("/holds/<hold_id>/lift", methods=["POST"])
    @routes.arguments(LiftedHold)
    @routes.response(200, HoldView)
    @guard(Permission.HOLDS_LIFT)
    def post_lift(body: dict[str, Any], hold_id: str) -> Response:
        """Let charges go on. The stop stays in the history, with who lifted it and why."""
        actor = current_actor()

        def work(tx: Tx) -> AccountHold:
            return lift_hold(tx, hold_id=hold_id, why=body["why"], actor=actor, now=edge.clock())

        return edge_write(edge, work, HoldView, status=200)


def _add_plan_limit_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/patients/<patient_id>/plan-limits", methods=["POST"])
    @routes.arguments(NewPlanLimits)
    @routes.response(201, PlanLimitsView)
    @guard(Permission.PATIENTS_WRITE)
    def post_plan_limits(body: dict[str, Any], patient_id: str) -> Response:
        """Say anew which federal programs would pay, and whether the plan is not told."""
        actor = current_actor()
        limits = PlanLimits(**{**body, "programs": tuple(body["programs"])})

        def work(tx: Tx) -> PlanLimits:
            return record_plan_limits(tx, patient_id=patient_id, limits=limits, actor=actor, now=edge.clock())

        return edge_write(edge, work, PlanLimitsView)

    @routes.route("/patients/<patient_id>/plan-limits")
    @routes.response(200, PlanLimitsView)
    @guard(Permission.PATIENTS_READ)
    def get_plan_limits(patient_id: str) -> PlanLimits:
        """What stands between the patient's care and a health plan, as it was recorded last."""
        return _look(
            edge, patient_id, "plan-limits.read", lambda read, patient: plan_limits_of(read, patient.id)
        )


def _look(edge: Edge, patient_id: str, action: str, query: Callable[[Read, Patient], T]) -> T:
    """Ask about one patient of the actor's, and leave a trace of it."""
    actor = current_actor()
    return edge.audited_read(
        lambda read: query(read, find_patient(read, patient_id, actor)),
        actor=actor,
        action=action,
        subject_id=patient_id,
    )


def _entity_of(read: Read, entity_of_site: EntityOfSite, site_id: str) -> str:
    try:
        return entity_of_site(read, site_id)
    except NotFound:
        flaw = Flaw("/site_id", "There is no such site.")
        raise UnknownSite("Choose one of your own sites.", [flaw]) from None


def _expected_version() -> int:
    """The version that If-Match names; 0, which is nobody's, when it names something else."""
    given = request.headers.get("If-Match")
    if not given:
        abort(428, description="Send the ETag of the patient that you read as If-Match.")
    tag = VERSION_TAG.fullmatch(given.strip())
    return int(tag[1]) if tag else 0


def _with_version(answer: Response) -> Response:
    answer.set_etag(str(answer.get_json()["version"]))
    return answer
