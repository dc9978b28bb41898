"""The visit: let in or turned away, given, missed or called off. The patient is locked before money moves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, select

from billing.care.errors import (
    InvalidPlan,
    OverrideDenied,
    SessionNotCovered,
    SessionNotPriced,
    SessionStillAhead,
)
from billing.care.models import SessionRow
from billing.care.queries import coverage_of, find_session, open_clinical, seal_clinical
from billing.care.records import LETS_NOBODY_IN, REFUNDED, ChartEntry, DrugEntry, GivenDrug, Session
from billing.care.rules import check_dose_given, check_planned_on, missing_cover, site_date
from billing.care.rules.charts import entered_drug
from billing.care.states import (
    MOVES,
    PatientTurnedAway,
    SessionCancelled,
    SessionEvent,
    SessionMissed,
    SessionState,
)
from billing.care.use_cases.charts import give_as_charted
from billing.care.use_cases.move import keep_session, move_session
from billing.care.use_cases.plan import reschedule_session
from billing.catalog.queries import drugs, find_site
from billing.catalog.records import TIMED_SERVICES
from billing.kernel.errors import Flaw
from billing.kernel.ids import new_id
from billing.kernel.money import Money, total
from billing.kernel.permissions import Actor, Permission
from billing.kernel.states import next_state
from billing.patients.use_cases import lock_patient
from billing.platform.data.database import Tx


def check_in(
    tx: Tx, *, session_id: str, override_reason: str | None = None, actor: Actor, now: datetime
) -> Session:
    """Let the patient in, when the session is covered or a supervisor says why it may go on without.

    Raises: NoSuchSession, IllegalMove, SessionNotPriced, SessionNotCovered, OverrideDenied.
    """
    session = find_session(tx, session_id, actor)
    lock_patient(tx, session.patient_id)
    row = move_session(tx, session_id=session_id, event=SessionEvent.CHECK_IN, actor=actor, now=now)
    detail = _pass_the_gate(tx, row, override_reason, actor)
    row.checked_in_at = now
    return keep_session(tx, row=row, action="session.check_in", detail=detail, actor=actor, now=now)


def record_session(
    tx: Tx,
    *,
    session_id: str,
    started_at: datetime,
    stopped_at: datetime,
    dose_mg: Decimal | None,
    actor: Actor,
    now: datetime,
) -> Session:
    """Record and sign in one step what was given: start, stop and dose of the clinic's first drug.

    Announces SessionGiven. For more than one drug, and whatever else was done, see `sign_chart`.
    Raises: NoSuchSession, IllegalMove unless checked in, InvalidSessionRecord.
    """
    session = find_session(tx, session_id, actor)
    lock_patient(tx, session.patient_id)
    next_state(MOVES, find_session(tx, session_id, actor).state, SessionEvent.GIVE)
    check_dose_given(session.service, dose_mg)
    drugs_given = _only_drug(tx, session, dose_mg)
    entry = ChartEntry(started_at=started_at, stopped_at=stopped_at, drugs=drugs_given)
    give_as_charted(tx, session=session, entry=entry, dose_mg=dose_mg, actor=actor, now=now)
    return find_session(tx, session_id, actor)


def _only_drug(tx: Tx, session: Session, dose_mg: Decimal | None) -> tuple[GivenDrug, ...]:
    if dose_mg is None or session.service not in TIMED_SERVICES:
        return ()
    listed = drugs(tx, session.entity_id)
    if not listed:
        return ()
    return (entered_drug(DrugEntry(drug=listed[0].code, dose_mg=dose_mg), listed[0]),)


def cancel_session(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> Session:
    """Call a session off before it begins. Announces SessionCancelled.

    Raises: NoSuchSession, IllegalMove.
    """
    ended = _end(tx, session_id, SessionEvent.CANCEL, actor, now)
    tx.emit(SessionCancelled(session_id=ended.id, patient_id=ended.patient_id, actor=actor, now=now))
    return ended


def mark_no_show(
    tx: Tx, *, session_id: str, moved_to: date | None = None, actor: Actor, now: datetime
) -> Session:
    """The patient did not come on the day. Announces SessionMissed.

    With `moved_to` the visit itself takes place on that later day, with all that is paid of it; the answer is
    the missed one, which has no price and may cost its fee.
    Raises: NoSuchSession, IllegalMove, SessionStillAhead, InvalidPlan.
    """
    lock_patient(tx, find_session(tx, session_id, actor).patient_id)
    session = find_session(tx, session_id, actor)
    if session.planned_on > site_date(find_site(tx, session.site_id), now):
        raise SessionStillAhead("The day of this session has not come. Cancel or reschedule it instead.")
    if moved_to is not None:
        session_id = _move_missed(tx, session, moved_to, actor, now)
    missed = _end(tx, session_id, SessionEvent.MISS, actor, now)
    tx.emit(SessionMissed(session_id=missed.id, patient_id=missed.patient_id, actor=actor, now=now))
    return missed


def _move_missed(tx: Tx, session: Session, moved_to: date, actor: Actor, now: datetime) -> str:
    """A session that stands for the missed day, beside the visit, which moves. Raises: InvalidPlan."""
    if moved_to <= session.planned_on:
        flaw = Flaw("/moved_to", "Must be after the day that was missed.")
        raise InvalidPlan("Choose a later day.", [flaw])
    check_planned_on(moved_to, today=site_date(find_site(tx, session.site_id), now), pointer="/moved_to")
    reschedule_session(tx, session_id=session.id, planned_on=moved_to, actor=actor, now=now)
    visit, missed_id = tx.session.get_one(SessionRow, session.id), new_id("ses")
    last = select(func.max(SessionRow.number)).where(SessionRow.plan_id == visit.plan_id)
    missed = SessionRow(
        id=missed_id,
        plan_id=visit.plan_id,
        entity_id=visit.entity_id,
        site_id=visit.site_id,
        patient_id=visit.patient_id,
        provider_id=visit.provider_id,
        number=(tx.session.scalar(last) or 0) + 1,
        service=visit.service,
        planned_on=session.planned_on,
        state=SessionState.PLANNED,
        covered_cents=0,
        moved_as_id=visit.id,
        sealed=seal_clinical(tx.vault, missed_id, open_clinical(tx.vault, visit)),
    )
    tx.session.add(missed)
    tx.session.flush()
    return missed_id


def turn_away(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> Session:
    """The patient came and cannot be treated. Announces PatientTurnedAway.

    Raises: NoSuchSession, IllegalMove.
    """
    ended = _end(tx, session_id, SessionEvent.TURN_AWAY, actor, now)
    tx.emit(PatientTurnedAway(session_id=ended.id, patient_id=ended.patient_id, actor=actor, now=now))
    return ended


def _pass_the_gate(
    tx: Tx, row: SessionRow, override_reason: str | None, actor: Actor
) -> Mapping[str, str | int]:
    """What the trail says of an override; nothing when the session is covered.

    What was paid or authorized covers it; neither a word that somebody else will pay, nor money that went
    back.
    The reason itself is sealed with the session, since people write names into it; the trail holds its
    fingerprint, so that a changed reason shows.
    """
    loose = [part for part in coverage_of(tx, row.id) if part.source_kind in LETS_NOBODY_IN]
    standing = Money(row.covered_cents) - total(part.amount for part in loose)
    missing = None if row.due_cents is None else missing_cover(Money(row.due_cents), standing)
    if missing is not None and not missing:
        return {}
    if override_reason is None:
        raise _gate_closed(missing, total(part.amount for part in loose if part.source_kind == REFUNDED))
    if not actor.may(Permission.CARE_OVERRIDE):
        raise OverrideDenied("Only a supervisor may check in a session that is not covered.")
    clinical = open_clinical(tx.vault, row) | {"override_reason": override_reason}
    row.sealed = seal_clinical(tx.vault, row.id, clinical)
    return {
        "permission": str(Permission.CARE_OVERRIDE),
        "reason_fingerprint": tx.vault.fingerprint("session.override_reason", override_reason),
        **({"priced": "no"} if missing is None else {"missing_cents": missing.cents}),
    }


def _gate_closed(missing: Money | None, gone_back: Money) -> SessionNotPriced | SessionNotCovered:
    if missing is None:
        return SessionNotPriced("This session has no price yet. Invoice it first.")
    if gone_back:
        return SessionNotCovered(
            f"{missing} of this session is not covered: {gone_back} that had paid for it went back. "
            "Call it off and invoice it anew, or have a supervisor let the patient in.",
            missing_cents=missing.cents,
            refunded_cents=gone_back.cents,
        )
    return SessionNotCovered(
        f"{missing} of this session is not covered. Take a payment or credit first.",
        missing_cents=missing.cents,
    )


def _end(tx: Tx, session_id: str, event: SessionEvent, actor: Actor, now: datetime) -> Session:
    """The session will not take place."""
    session = find_session(tx, session_id, actor)
    lock_patient(tx, session.patient_id)
    row = move_session(tx, session_id=session_id, event=event, actor=actor, now=now)
    return keep_session(tx, row=row, action=f"session.{event}", detail={}, actor=actor, now=now)
