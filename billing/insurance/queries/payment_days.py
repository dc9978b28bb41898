"""What a payment's own day is held against: today at the clinic, and the visits that it pays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from billing.catalog.queries import entities
from billing.insurance.queries.papers import PAPERS
from billing.insurance.records import Match, RemittanceTransaction
from billing.insurance.rules.answers import WITHOUT_PAYMENT
from billing.insurance.rules.payment_day import booking_day, unlikely_day
from billing.kernel.clock import local_date
from billing.platform.data.database import Read
from billing.platform.data.selects import batches


def day_doubt(
    read: Read,
    entity_id: str | None,
    transaction: RemittanceTransaction,
    matches: Mapping[int, Match],
    now: datetime,
) -> str | None:
    """Why a person has to look at the day of payment, or None."""
    return unlikely_day(
        transaction.paid_on, _today(read, entity_id, now), _served(read, transaction, matches)
    )


def booked_on(
    read: Read,
    entity_id: str | None,
    transaction: RemittanceTransaction,
    matches: Mapping[int, Match],
    now: datetime,
) -> date:
    """The clinic-local day on which it goes into the books."""
    return booking_day(transaction.paid_on, _today(read, entity_id, now), _served(read, transaction, matches))


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
