"""Writes: a price is given once and kept for ever."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from billing.care.queries import find_plan
from billing.care.records import Session
from billing.care.states import SessionState
from billing.catalog.errors import NoSuchSite
from billing.catalog.queries import entity_of, find_site, schedule_in_force, sites
from billing.catalog.records import FeeSchedule, Site
from billing.kernel.clock import local_date
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import eligibilities_on, find_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Read, Tx
from billing.platform.data.documents import freeze
from billing.quotes.errors import NothingToQuote, QuotedOnAnotherDay
from billing.quotes.models import QuoteRow
from billing.quotes.queries import body_of, quote_of
from billing.quotes.records import Quote, QuoteOrder, SessionToPrice
from billing.quotes.rules import price

TAKES_PLACE = frozenset({SessionState.PLANNED, SessionState.CHECKED_IN, SessionState.GIVEN})
"""States of sessions that belong into a price; the others did not or will not take place."""


def issue_quote(tx: Tx, *, order: QuoteOrder, actor: Actor, now: datetime) -> Quote:
    """Price an order under the schedule in force on its date, and keep the quote.

    Raises: CannotPrice, NoSuchPatient, NoSuchSite, NoScheduleInForce, QuotedOnAnotherDay.
    """
    site = _site(tx, order, actor)
    quoted_on = _quoted_on(order, site, actor, now)
    schedule = schedule_in_force(tx, site.entity_id, quoted_on)
    eligibilities = _eligibilities(tx, order, schedule, quoted_on)
    priced = price(schedule, order.condition, order.sessions, eligibilities, quoted_on)
    quote_id = new_id("quo")
    body = body_of(order, eligibilities, priced)
    document = freeze(tx, kind="quote", subject_id=quote_id, version=1, body=body, now=now)
    row = QuoteRow(
        id=quote_id,
        entity_id=site.entity_id,
        site_id=site.id,
        patient_id=order.patient_id,
        plan_id=order.plan_id,
        schedule_id=schedule.id,
        schedule_code=schedule.code,
        is_sample=schedule.is_sample,
        quoted_on=quoted_on,
        list_cents=priced.list_cents,
        package_cents=priced.package_cents,
        discount_cents=priced.discount_cents,
        total_cents=priced.total_cents,
        document_id=document.id,
        issued_by=actor.id,
        issued_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    detail = {"total_cents": priced.total_cents}
    record_audit(tx, actor=actor, action="quote.issue", subject_id=quote_id, now=now, detail=detail)
    return quote_of(row, document.body)


def quote_plan(tx: Tx, *, plan_id: str, quoted_on: date | None = None, actor: Actor, now: datetime) -> Quote:
    """Price a treatment plan as it is planned, for its patient.

    Raises: NoSuchPlan, NothingToQuote, and what issue_quote raises.
    """
    plan = find_plan(tx, plan_id, actor)
    sessions = tuple(_to_price(plan.sessions))
    if not sessions:
        raise NothingToQuote("Every session of this plan was cancelled or missed. Plan new ones first.")
    order = QuoteOrder(
        condition=plan.condition,
        sessions=sessions,
        quoted_on=quoted_on,
        patient_id=plan.patient_id,
        plan_id=plan.id,
        site_id=plan.site_id,
    )
    return issue_quote(tx, order=order, actor=actor, now=now)


def _to_price(sessions: Iterable[Session]) -> Iterable[SessionToPrice]:
    for session in sessions:
        if session.state in TAKES_PLACE:
            yield SessionToPrice(
                on=session.planned_on,
                service=session.service,
                minutes=session.planned_minutes,
                dose_mg=session.planned_dose_mg,
                weight_kg=session.weight_kg,
                add_ons=session.add_ons,
                condition=session.condition,
                session_id=session.id,
            )


def _site(read: Read, order: QuoteOrder, actor: Actor) -> Site:
    """Raises: NoSuchSite, also for one that the actor or the patient has nothing to do with."""
    patient = find_patient(read, order.patient_id, actor) if order.patient_id else None
    site_id = order.site_id or (patient.site_id if patient else None)
    if site_id is not None:
        known = [find_site(read, site_id)]
    else:
        known = list(sites(read, entity_of(read, actor).id))
    for site in known:
        of_the_patient = patient is None or patient.entity_id == site.entity_id
        if of_the_patient and actor.sees(entity_id=site.entity_id, site_id=site.id):
            return site
    raise NoSuchSite("There is no such site. Check the id.")


def _quoted_on(order: QuoteOrder, site: Site, actor: Actor, now: datetime) -> date:
    """Raises: QuotedOnAnotherDay."""
    today = local_date(now, ZoneInfo(site.timezone))
    quoted_on = order.quoted_on or today
    if quoted_on != today and not actor.may(Permission.CARE_OVERRIDE):
        raise QuotedOnAnotherDay("Leave quoted_on out to quote as of today, or ask a supervisor.")
    return quoted_on


def _eligibilities(read: Read, order: QuoteOrder, schedule: FeeSchedule, quoted_on: date) -> tuple[str, ...]:
    """A verified eligibility for which the schedule has no discount changes nothing."""
    if order.patient_id is None:
        return order.eligibilities
    verified = {str(known.category) for known in eligibilities_on(read, order.patient_id, quoted_on)}
    return tuple(discount.code for discount in schedule.discounts if discount.code in verified)
