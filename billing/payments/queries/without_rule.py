"""Reads of held money whose owner shows no sign, of a state of which no rule is on file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.ledger.queries import days_of
from billing.payments.models.reimbursements import ReimbursementExcessRow
from billing.payments.queries.dormant import held_until, owed_to, states_of_owners
from billing.payments.queries.payments import REIMBURSEMENT
from billing.payments.queries.takebacks import LEFT_ABOVE
from billing.payments.records.dormant import HeldForInsurer, WithoutRule
from billing.payments.rules.dormant import DORMANCIES, LISTED_AHEAD
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach

SHORTEST = timedelta(days=365)
"""No state takes money after less: what may be due earlier than that needs no rule yet."""


def money_without_rule(read: Read, actor: Actor, now: datetime) -> Sequence[WithoutRule]:
    """What may be due before long and nobody can tell when, what shows no sign for longest first."""
    since = (now + LISTED_AHEAD - SHORTEST).date()
    held = held_until(read, since, actor)
    states = states_of_owners(read, held)
    without = [of for of in held if states[of.id] not in DORMANCIES]
    owed = owed_to(read, without)
    found = [
        WithoutRule(of=of, us_state=states[of.id], owed=owed[of.id])
        for of in without
        if owed[of.id].last_sign <= since
    ]
    return sorted(found, key=lambda each: (each.owed.last_sign, each.of.id))


def held_for_insurers(read: Read, actor: Actor) -> Sequence[HeldForInsurer]:
    """What insurers paid above and did not ask for, what is held for longest first."""
    query = select(ReimbursementExcessRow, LEFT_ABOVE).where(
        LEFT_ABOVE > 0, *within_reach(actor, ReimbursementExcessRow)
    )
    rows = read.session.execute(query).all()
    claims = [row.id for row, _ in rows]
    days = days_of(read, source_kind=REIMBURSEMENT, source_ids=claims, purpose="received")
    found = [
        HeldForInsurer(
            reimbursement_id=row.id,
            site_id=row.site_id,
            patient_id=row.patient_id,
            amount=Money(cents),
            received_on=days[row.id],
        )
        for row, cents in rows
    ]
    return sorted(found, key=lambda each: (each.received_on, each.reimbursement_id))
