"""Plans: a protocol's sessions or sessions one by one, and their days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from billing.care.errors import InvalidPlan
from billing.care.models import PlanRow, SessionRow
from billing.care.queries import find_plan, find_session, seal_clinical
from billing.care.records import NO_PARTICULARS, Particulars, Plan, Session, SessionOrder
from billing.care.rules import check_orders, check_planned_on, orders_of, site_date
from billing.care.states import SessionEvent, SessionState
from billing.care.use_cases.move import keep_session, move_session
from billing.catalog.queries import find_condition, find_protocol, find_provider, find_site
from billing.catalog.records import Site
from billing.kernel.errors import Flaw
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.patients.queries import find_patient
from billing.patients.records import Patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx


def plan_treatment(
    tx: Tx,
    *,
    patient_id: str,
    condition: str,
    protocol: str,
    starts_on: date,
    particulars: Particulars = NO_PARTICULARS,
    actor: Actor,
    now: datetime,
) -> Plan:
    """Plan a protocol's sessions from a day on.

    Raises: NoSuchPatient, NoSuchCondition, NoSuchProtocol, NoSuchSite, NoSuchProvider, InvalidPlan.
    """
    patient = find_patient(tx, patient_id, actor)
    site = _check_place(tx, patient, particulars, actor)
    check_planned_on(starts_on, today=site_date(site, now), pointer="/starts_on")
    course = find_protocol(tx, patient.entity_id, protocol)
    orders = orders_of(course, starts_on, particulars)
    check_orders(orders, today=site_date(site, now))
    find_condition(tx, patient.entity_id, condition)
    plan = _plan_row(tx, patient, site, condition, protocol, now)
    return _keep_plan(tx, plan, condition, orders, particulars.provider_id, actor, now)


def plan_sessions(
    tx: Tx,
    *,
    patient_id: str,
    condition: str,
    orders: Sequence[SessionOrder],
    particulars: Particulars = NO_PARTICULARS,
    actor: Actor,
    now: datetime,
) -> Plan:
    """Plan sessions one by one, on any day of the week; they are numbered by date.

    Of the particulars only the provider and the site count: each order has its own dose, weight and add-ons.
    Raises: NoSuchPatient, NoSuchCondition, NoSuchSite, NoSuchProvider, InvalidPlan.
    """
    patient = find_patient(tx, patient_id, actor)
    site = _check_place(tx, patient, particulars, actor)
    check_orders(orders, today=site_date(site, now))
    for slug in {condition, *(order.condition or condition for order in orders)}:
        find_condition(tx, patient.entity_id, slug)
    by_day = sorted(orders, key=lambda order: order.planned_on)
    plan = _plan_row(tx, patient, site, condition, None, now)
    return _keep_plan(tx, plan, condition, by_day, particulars.provider_id, actor, now)


def reschedule_session(tx: Tx, *, session_id: str, planned_on: date, actor: Actor, now: datetime) -> Session:
    """Move a session that has not begun to another day.

    Raises: NoSuchSession, IllegalMove, InvalidPlan.
    """
    session = find_session(tx, session_id, actor)
    check_planned_on(planned_on, today=site_date(find_site(tx, session.site_id), now))
    row = move_session(tx, session_id=session_id, event=SessionEvent.RESCHEDULE, actor=actor, now=now)
    row.planned_on = planned_on
    detail = {"from": session.planned_on.isoformat(), "to": planned_on.isoformat()}
    return keep_session(tx, row=row, action="session.reschedule", detail=detail, actor=actor, now=now)


def _check_place(tx: Tx, patient: Patient, particulars: Particulars, actor: Actor) -> Site:
    """The site of the plan, which like its provider belongs to the patient's clinic."""
    site = find_site(tx, particulars.site_id or patient.site_id)
    if site.entity_id != patient.entity_id or not actor.sees(entity_id=site.entity_id, site_id=site.id):
        raise InvalidPlan("Choose one of your own sites.", [Flaw("/site_id", "There is no such site.")])
    if particulars.provider_id is not None:
        provider = find_provider(tx, particulars.provider_id)
        if provider.entity_id != patient.entity_id:
            flaw = Flaw("/provider_id", "There is no such provider.")
            raise InvalidPlan("Choose a provider of this clinic.", [flaw])
    return site


def _plan_row(
    tx: Tx, patient: Patient, site: Site, condition: str, protocol: str | None, now: datetime
) -> PlanRow:
    plan_id = new_id("plan")
    sealed = tx.vault.seal(PlanRow.__tablename__, plan_id, {"condition": condition, "protocol": protocol})
    return PlanRow(
        id=plan_id,
        entity_id=patient.entity_id,
        site_id=site.id,
        patient_id=patient.id,
        planned_at=now,
        sealed=sealed,
    )


def _session_row(
    tx: Tx, plan: PlanRow, number: int, condition: str, order: SessionOrder, provider_id: str | None
) -> SessionRow:
    session_id = new_id("ses")
    clinical: dict[str, Any] = {
        "condition": order.condition or condition,
        "planned_minutes": order.minutes,
        "planned_dose_mg": order.dose_mg,
        "weight_kg": order.weight_kg,
        "add_ons": dict(order.add_ons),
        "dose_mg": None,
        "override_reason": None,
    }
    return SessionRow(
        id=session_id,
        plan_id=plan.id,
        entity_id=plan.entity_id,
        site_id=plan.site_id,
        patient_id=plan.patient_id,
        provider_id=provider_id,
        number=number,
        service=order.service,
        planned_on=order.planned_on,
        state=SessionState.PLANNED,
        covered_cents=0,
        sealed=seal_clinical(tx.vault, session_id, clinical),
    )


def _keep_plan(
    tx: Tx,
    plan: PlanRow,
    condition: str,
    orders: Sequence[SessionOrder],
    provider_id: str | None,
    actor: Actor,
    now: datetime,
) -> Plan:
    tx.session.add(plan)
    tx.session.flush()
    tx.session.add_all(
        _session_row(tx, plan, number, condition, order, provider_id)
        for number, order in enumerate(orders, start=1)
    )
    tx.session.flush()
    detail: dict[str, str | int] = {"patient_id": plan.patient_id, "sessions": len(orders)}
    record_audit(tx, actor=actor, action="plan.add", subject_id=plan.id, now=now, detail=detail)
    return find_plan(tx, plan.id, actor)
