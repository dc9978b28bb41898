"""What a payment's own day is held against: today at the clinic, and the visits that it pays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from billing.catalog.queries import entities
from billing.insurance.queries.papers import PAPERS
from billing.insurance.records import Match, RemittanceTransaction
from billing.insurance.records.answers import PaymentDay
from billing.insurance.rules.answers import WITHOUT_PAYMENT
from billing.insurance.rules.payment_day import booking_day, is_too_far_ahead, unlikely_day
from billing.kernel.clock import local_date
from billing.platform.data.database import Read
from billing.platform.data.selects import batches


def payment_day(
    read: Read,
    entity_id: str | None,
    transaction: RemittanceTransaction,
    matches: Mapping[int, Match],
    now: datetime,
) -> PaymentDay:
    """Both are clinic-local."""
    paid_on, today = transaction.paid_on, _today(read, entity_id, now)
    served = list(_served(read, transaction, matches))
    return PaymentDay(
        doubt=unlikely_day(paid_on, today, served),
        is_to_come=is_too_far_ahead(paid_on, today),
        is_before_visit=any(paid_on < each for each in served),
        booked_on=booking_day(paid_on, today, served),
    )


def is_day_to_come(read: Read, entity_id: str | None, paid_on: date, now: datetime) -> bool:
    """Whether it is too far ahead for anybody to say that it is right."""
    return is_too_far_ahead(paid_on, _today(read, entity_id, now))


def _served(read: Read, transaction: RemittanceTransaction, matches: Mapping[int, Match]) -> Iterable[date]:
    """The days of the visits that were decided upon, as their superbills and claims have them."""
    decided = {
        matches[claim.segment].session_id
        for claim in transaction.claims
        if claim.segment in matches and claim.status not in WITHOUT_PAYMENT
    }
    for batch in batches(decided):
        for paper in PAPERS:
            query = select(func.max(paper.service_on)).where(paper.session_id.in_(batch))
            if latest := read.session.scalar(query):
                yield latest


def _today(read: Read, entity_id: str | None, now: datetime) -> date:
    """At the clinic; at the first one, for what is of none yet."""
    clinics = entities(read)
    clinic = next((each for each in clinics if each.id == entity_id), clinics[0] if clinics else None)
    return local_date(now, ZoneInfo(clinic.timezone)) if clinic else now.date()
