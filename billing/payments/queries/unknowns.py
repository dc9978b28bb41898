"""Reads of operations without an outcome: when they were sent, and are looked up again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select

from billing.payments.models.unknowns import OutcomeLookRow
from billing.payments.states.dispute_answers import AnswerEvent
from billing.payments.states.refunds import RefundEvent
from billing.platform.data.database import Read
from billing.platform.data.states import StateChange

CALLED = (RefundEvent.CALL, AnswerEvent.CALL)


def looked_up_later(read: Read, subject_ids: Collection[str], now: datetime) -> frozenset[str]:
    """Those among them that were looked up so lately that they wait for their next time."""
    query = select(OutcomeLookRow.subject_id).where(
        OutcomeLookRow.subject_id.in_(subject_ids), OutcomeLookRow.next_at > now
    )
    return frozenset(read.session.scalars(query))


def first_called_at(read: Read, subject_id: str) -> datetime | None:
    """Since when a call to the processor may be on its way; None when none was kept."""
    query = select(func.min(StateChange.at)).where(StateChange.subject_id == subject_id)
    return read.session.scalar(query.where(StateChange.event.in_(CALLED)))
