"""Whom to remind that a plan soon takes a claim no more."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.catalog.queries import find_site
from billing.insurance.models import ClaimRow
from billing.insurance.queries.claims import claim_on_file
from billing.insurance.states import ClaimState
from billing.insurance.use_cases.claim_moves import CLAIM_DUE
from billing.kernel.clock import local_date
from billing.kernel.permissions import Actor
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_a_person, ask_again

FIRST, SECOND = timedelta(days=60), timedelta(days=30)
"""Before the last day."""


def remind_of_filing(tx: Tx, *, actor: Actor, now: datetime) -> int:
    """Make a task of each claim that has to be sent within 60 days, and ask anew from 30; how many there are.

    Days are those of the site. The task ends when the claim is filed, replaced or withdrawn.
    """
    soon = now.date() + FIRST + timedelta(days=1)
    unsent = [ClaimState.ISSUED, ClaimState.REJECTED]
    query = select(ClaimRow).where(ClaimRow.state.in_(unsent), ClaimRow.file_by <= soon)
    asked = 0
    held = query.order_by(ClaimRow.id).with_for_update().execution_options(populate_existing=True)
    for row in tx.session.scalars(held):
        claim = claim_on_file(row)
        zone = ZoneInfo(find_site(tx, claim.site_id).timezone)
        if claim.file_by is None or claim.file_by - local_date(now, zone) > FIRST:
            continue
        second_at = datetime.combine(claim.file_by - SECOND, time.min, zone)
        asked += 1
        if now >= second_at:
            ask_again(tx, kind=CLAIM_DUE, about=claim, closed_before=second_at, actor=actor, now=now)
        else:
            ask_a_person(tx, kind=CLAIM_DUE, about=claim, actor=actor, now=now)
    return asked
