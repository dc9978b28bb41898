"""Reads of when operations without an outcome are looked up again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from billing.payments.models.unknowns import OutcomeLookRow
from billing.platform.data.database import Read


def looked_up_later(read: Read, subject_ids: Collection[str], now: datetime) -> frozenset[str]:
    """Those among them that were looked up so lately that they wait for their next time."""
    query = select(OutcomeLookRow.subject_id).where(
        OutcomeLookRow.subject_id.in_(subject_ids), OutcomeLookRow.next_at > now
    )
    return frozenset(read.session.scalars(query))
