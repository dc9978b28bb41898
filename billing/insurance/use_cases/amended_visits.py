"""A visit was amended, or signed late: which papers tell otherwise. A person tells their readers anew."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from billing.care.queries import find_session, plans_of
from billing.care.queries.charts import signed_chart
from billing.care.records import Session
from billing.care.states import SessionState
from billing.catalog.queries import find_site
from billing.catalog.records import TIMED_SERVICES
from billing.insurance.errors import ClaimNotPossible, SuperbillNotPossible
from billing.insurance.queries import present_superbill
from billing.insurance.queries.claims import claims_of_session, facts_of_claim
from billing.insurance.queries.sending import CLAIM_AMENDED
from billing.insurance.records.claims import Claim, Frequency
from billing.insurance.rules import claims, superbill
from billing.insurance.states import CLAIM_ENDS
from billing.insurance.use_cases.facts import gather_facts
from billing.insurance.use_cases.superbills import SUPERBILL_AMENDED
from billing.kernel.clock import local_date
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Tx
from billing.platform.data.documents import find_document
from billing.platform.data.tasks import ask_again, end_tasks


def review_papers(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> None:
    """Ask about the present claim and superbill of a session that say otherwise; end what says the same.

    The patient is held. A claim that takes another back says nothing of its own.
    """
    session = find_session(tx, session_id, SYSTEM)
    for claim in claims_of_session(tx, session_id):
        if claim.state in CLAIM_ENDS or claim.frequency is Frequency.VOID:
            continue
        if _claim_holds(tx, session, facts_of_claim(tx, claim), now):
            end_tasks(tx, kind=CLAIM_AMENDED, subject_ids=[claim.id], actor=actor, now=now)
        else:
            ask_again(tx, kind=CLAIM_AMENDED, about=claim, actor=actor, now=now)
    if shown := present_superbill(tx, session_id):
        if _superbill_holds(tx, session, find_document(tx, shown.document_id).body, now):
            end_tasks(tx, kind=SUPERBILL_AMENDED, subject_ids=[shown.id], actor=actor, now=now)
        else:
            ask_again(tx, kind=SUPERBILL_AMENDED, about=shown, actor=actor, now=now)


def review_later_visits(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> None:
    """A visit that is signed late, or another time of its day: a later evaluation may be no first one by now.

    The patient is held. On its own day what was later may be earlier, or the other way round.
    """
    session = find_session(tx, session_id, SYSTEM)
    zone = ZoneInfo(find_site(tx, session.site_id).timezone)
    for other in (other for plan in plans_of(tx, session.patient_id) for other in plan.sessions):
        if (
            other.id != session.id
            and other.state is SessionState.GIVEN
            and _day(other, zone) >= _day(session, zone)
            and _is_evaluated(tx, other)
        ):
            review_papers(tx, session_id=other.id, actor=actor, now=now)


def _day(session: Session, zone: ZoneInfo) -> date:
    return local_date(session.started_at, zone) if session.started_at else session.planned_on


def _is_evaluated(tx: Tx, session: Session) -> bool:
    chart = signed_chart(tx, session.id)
    return session.service not in TIMED_SERVICES or bool(chart and chart.evaluation)


def _claim_holds(tx: Tx, session: Session, told: Claim, now: datetime) -> bool:
    """What cannot be told at all any more does not hold."""
    try:
        parties, encounter = gather_facts(
            tx, session, diagnoses=told.diagnoses, refusal=ClaimNotPossible, now=now
        )
    except ClaimNotPossible:
        return False
    return claims.tells_of_visit(told, parties.provider, encounter)


def _superbill_holds(tx: Tx, session: Session, body: Mapping[str, Any], now: datetime) -> bool:
    codes = superbill.codes_of(body)
    try:
        parties, encounter = gather_facts(tx, session, diagnoses=codes, refusal=SuperbillNotPossible, now=now)
    except SuperbillNotPossible:
        return False
    return superbill.tells_of_visit(body, parties, encounter)
