"""Held money of which nobody can tell when it is the state's: on the page of unclaimed property."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from billing.catalog.queries import site_dates
from billing.insurance.queries import insurers_of
from billing.kernel.money import Money, total
from billing.kernel.permissions import Actor, Permission
from billing.payments.queries.without_rule import held_for_insurers, money_without_rule
from billing.payments.records.dormant import WithoutRule
from billing.payments.records.refunds import Refund
from billing.platform.data.database import Read
from billing.web.patient_words import OF_ANOTHER_SITE, called
from billing.web.staff.refunds import ANOTHER_PAYER, payer_of
from billing.web.unclaimed_words import age_in_words

MOST_OF_EACH = 50
AN_INSURER = "An insurer"


@dataclass(frozen=True, kw_only=True)
class Held:
    """`since` is the owner's last sign, or for an insurer the day on which it paid."""

    owner: str
    patient_id: str
    what: str
    amount: Money
    since: date
    age: str
    claim_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Group:
    """What is held without a rule for a state, what shows no sign for longest first; not all is shown."""

    us_state: str
    amount: Money
    shown: Sequence[Held]
    more: int


def groups_without_rule(read: Read, actor: Actor, now: datetime) -> Sequence[Group]:
    """By state."""
    found = sorted(money_without_rule(read, actor, now), key=lambda each: each.us_state)
    groups = [(us_state, list(each)) for us_state, each in groupby(found, lambda each: each.us_state)]
    shown = [one for _, each in groups for one in each[:MOST_OF_EACH]]
    names = called(read, {one.of.patient_id for one in shown}, actor)
    days = site_dates(read, [(one.of.site_id, now) for one in shown])
    today = {one.of.id: day for one, day in zip(shown, days, strict=True)}
    return [
        Group(
            us_state=us_state,
            amount=total(one.owed.amount for one in each),
            shown=[
                _held(one, _owner(read, one, names, actor), today[one.of.id]) for one in each[:MOST_OF_EACH]
            ],
            more=max(0, len(each) - MOST_OF_EACH),
        )
        for us_state, each in groups
    ]


def what_insurers_left(read: Read, actor: Actor, now: datetime) -> Group | None:
    """What insurers paid above and did not ask for; no state, since no address of theirs is kept."""
    found = held_for_insurers(read, actor)
    if not found:
        return None
    shown = found[:MOST_OF_EACH]
    may = actor.may(Permission.REMITTANCES_READ)
    insurers = insurers_of(read, [each.reimbursement_id for each in shown]) if may else {}
    days = site_dates(read, [(each.site_id, now) for each in shown])
    lines = [
        Held(
            owner=insurers.get(each.reimbursement_id, AN_INSURER),
            patient_id=each.patient_id,
            what="Paid above what the patient had paid",
            amount=each.amount,
            since=each.received_on,
            age=age_in_words(each.received_on, today),
            claim_id=each.reimbursement_id,
        )
        for each, today in zip(shown, days, strict=True)
    ]
    amount, more = total(each.amount for each in found), len(found) - len(shown)
    return Group(us_state="", amount=amount, shown=lines, more=more)


def _held(one: WithoutRule, owner: str, today: date) -> Held:
    return Held(
        owner=owner,
        patient_id=one.of.patient_id,
        what="A refund by check" if isinstance(one.of, Refund) else "Credit",
        amount=one.owed.amount,
        since=one.owed.last_sign,
        age=age_in_words(one.owed.last_sign, today),
    )


def _owner(read: Read, one: WithoutRule, names: Mapping[str, str], actor: Actor) -> str:
    if payer := payer_of(read, one.of.payer_id, actor):
        return payer if payer != ANOTHER_PAYER else ANOTHER_PAYER.capitalize()
    return names.get(one.of.patient_id, OF_ANOTHER_SITE)
