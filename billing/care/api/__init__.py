"""Plans and sessions over HTTP: translate, one call down, translate back. Each look is on the trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response

from billing.care.api.charts import add_chart_routes
from billing.care.queries import (
    find_plan,
    find_session,
    plans_of,
    seen_plan,
    seen_session,
    seen_sessions,
    sessions_on,
)
from billing.care.records import Particulars, Plan, SeenSession
from billing.care.schemas import (
    CheckIn,
    Missed,
    NewPlan,
    Nothing,
    PlansView,
    PlanView,
    Reschedule,
    SessionFacts,
    SessionsQuery,
    SessionView,
)
from billing.care.use_cases import (
    cancel_session,
    check_in,
    mark_no_show,
    plan_sessions,
    plan_treatment,
    record_session,
    reschedule_session,
    turn_away,
)
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import find_patient
from billing.platform.data.database import Read, Tx
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import Page, page_of, page_view
from billing.platform.http.writes import edge_write


def make_blueprint(edge: Edge) -> ApiBlueprint:
    routes = ApiBlueprint("care", __name__, description="Treatment plans and their sessions")
    _add_plan_routes(routes, edge)
    _add_session_routes(routes, edge)
    _add_visit_routes(routes, edge)
    _add_absence_routes(routes, edge)
    add_chart_routes(routes, edge)
    return routes


def _add_plan_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/plans", methods=["POST"])
    @routes.arguments(NewPlan)
    @routes.response(201, PlanView)
    @guard(Permission.CARE_PLAN)
    def post_plan(body: dict[str, Any]) -> Response:
        """Plan a protocol from a day on, or sessions one by one."""
        actor = current_actor()
        return edge_write(edge, lambda tx: seen_plan(tx, _planned(tx, body, actor, edge.clock())), PlanView)

    @routes.route("/plans/<plan_id>", methods=["GET"])
    @routes.response(200, PlanView)
    @guard(Permission.CARE_READ)
    def get_plan(plan_id: str) -> Plan:
        """One plan with its sessions by number."""
        actor = current_actor()
        return edge.audited_read(
            lambda read: seen_plan(read, find_plan(read, plan_id, actor)),
            actor=actor,
            action="plan.read",
            subject_id=plan_id,
        )

    @routes.route("/patients/<patient_id>/plans", methods=["GET"])
    @routes.response(200, PlansView)
    @guard(Permission.CARE_READ)
    def get_plans(patient_id: str) -> dict[str, Any]:
        """A patient's plans, newest first."""
        actor = current_actor()

        def query(read: Read) -> tuple[Plan, ...]:
            patient = find_patient(read, patient_id, actor)
            return tuple(
                seen_plan(read, plan)
                for plan in plans_of(read, patient.id)
                if actor.sees(entity_id=plan.entity_id, site_id=plan.site_id)
            )

        return {"items": edge.audited_read(query, actor=actor, action="plan.list", subject_id=patient_id)}


def _planned(tx: Tx, body: dict[str, Any], actor: Actor, now: datetime) -> Plan:
    """Sessions one by one where the body has them, otherwise those of a protocol."""
    who = {"patient_id": body["patient_id"], "condition": body["condition"]}
    shared = ("provider_id", "site_id", "dose_mg", "weight_kg", "add_ons")
    particulars = Particulars(**{name: body[name] for name in shared})
    if body["sessions"] is not None:
        return plan_sessions(
            tx, **who, orders=body["sessions"], particulars=particulars, actor=actor, now=now
        )
    return plan_treatment(
        tx,
        **who,
        protocol=body["protocol"],
        starts_on=body["starts_on"],
        particulars=particulars,
        actor=actor,
        now=now,
    )


def _add_session_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/sessions/<session_id>", methods=["GET"])
    @routes.response(200, SessionView)
    @guard(Permission.CARE_READ)
    def get_session(session_id: str) -> SeenSession:
        """One session."""
        actor = current_actor()
        return edge.audited_read(
            lambda read: seen_session(read, find_session(read, session_id, actor)),
            actor=actor,
            action="session.read",
            subject_id=session_id,
        )

    @routes.route("/sessions", methods=["GET"])
    @routes.arguments(SessionsQuery, location="query")
    @routes.response(200, page_view(SessionView))
    @guard(Permission.CARE_READ)
    def get_sessions(query: dict[str, Any]) -> Page[SeenSession]:
        """A day's sessions, at all of the actor's sites or at one of them."""
        actor = current_actor()
        found = edge.audited_read(
            lambda read: seen_sessions(read, sessions_on(read, **query, actor=actor)),
            actor=actor,
            action="session.list",
            subject_id=query["on"].isoformat(),
        )
        return page_of(found, query["limit"])

    @routes.route("/sessions/<session_id>/reschedule", methods=["POST"])
    @routes.arguments(Reschedule)
    @routes.response(200, SessionView)
    @guard(Permission.CARE_PLAN)
    def post_reschedule(body: dict[str, Any], session_id: str) -> Response:
        """Move a session that has not begun to another day."""
        actor = current_actor()
        return edge_write(
            edge,
            lambda tx: seen_session(
                tx, reschedule_session(tx, session_id=session_id, **body, actor=actor, now=edge.clock())
            ),
            SessionView,
            status=200,
        )


def _add_visit_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/sessions/<session_id>/check-in", methods=["POST"])
    @routes.arguments(CheckIn)
    @routes.response(200, SessionView)
    @guard(Permission.CARE_CHECK_IN)
    def post_check_in(body: dict[str, Any], session_id: str) -> Response:
        """Let the patient in. A session that is not covered answers 409 with `missing_cents`."""
        actor = current_actor()
        return edge_write(
            edge,
            lambda tx: seen_session(
                tx, check_in(tx, session_id=session_id, **body, actor=actor, now=edge.clock())
            ),
            SessionView,
            status=200,
        )

    @routes.route("/sessions/<session_id>/record", methods=["POST"])
    @routes.arguments(SessionFacts)
    @routes.response(200, SessionView)
    @guard(Permission.CARE_RECORD)
    def post_record(body: dict[str, Any], session_id: str) -> Response:
        """Record start, stop and dose of a session whose patient is checked in."""
        actor = current_actor()
        return edge_write(
            edge,
            lambda tx: seen_session(
                tx, record_session(tx, session_id=session_id, **body, actor=actor, now=edge.clock())
            ),
            SessionView,
            status=200,
        )


def _add_absence_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/sessions/<session_id>/cancel", methods=["POST"])
    @routes.arguments(Nothing)
    @routes.response(200, SessionView)
    @guard(Permission.CARE_PLAN)
    def post_cancel(_body: dict[str, Any], session_id: str) -> Response:
        """Call a session off before it begins."""
        actor = current_actor()
        return edge_write(
            edge,
            lambda tx: seen_session(
                tx, cancel_session(tx, session_id=session_id, actor=actor, now=edge.clock())
            ),
            SessionView,
            status=200,
        )

    @routes.route("/sessions/<session_id>/no-show", methods=["POST"])
    @routes.arguments(Missed)
    @routes.response(200, SessionView)
    @guard(Permission.CARE_CHECK_IN)
    def post_no_show(body: dict[str, Any], session_id: str) -> Response:
        """The patient did not come on the day; the visit may move to another one."""
        actor = current_actor()
        return edge_write(
            edge,
            lambda tx: seen_session(
                tx, mark_no_show(tx, session_id=session_id, **body, actor=actor, now=edge.clock())
            ),
            SessionView,
            status=200,
        )

    @routes.route("/sessions/<session_id>/turn-away", methods=["POST"])
    @routes.arguments(Nothing)
    @routes.response(200, SessionView)
    @guard(Permission.CARE_CHECK_IN)
    def post_turn_away(_body: dict[str, Any], session_id: str) -> Response:
        """The patient came and cannot be treated."""
        actor = current_actor()
        return edge_write(
            edge,
            lambda tx: seen_session(tx, turn_away(tx, session_id=session_id, actor=actor, now=edge.clock())),
            SessionView,
            status=200,
        )
