"""Reads of what people set apart of what a payer added or kept beside the claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial

from sqlalchemy import func, select

from billing.insurance.models.remittances import (
    RemittanceAdjustmentRow,
    RemittanceClaimRow,
    RemittanceDecisionRow,
)
from billing.insurance.queries.remittances import DECISION, apart_in, decided_for
from billing.insurance.records import RemittanceTransaction
from billing.insurance.records.remittances import DecisionKind
from billing.insurance.records.set_apart import HeldApart, SettledPart
from billing.insurance.rules.set_apart import lies_at, places_of
from billing.kernel.money import Money
from billing.ledger.queries import entries_of, moved_at_sites
from billing.ledger.records import Account, Entry
from billing.payments.queries.payments import REIMBURSEMENT
from billing.platform.data.database import Read

REMITTANCE = "remittance"
"""The source of the entry of what a payment brings or keeps beside its claims."""
REMITTANCE_APART = "remittance-apart"
"""The source of the entry that settles it, and the task that asks for that."""


def set_apart_in(
    read: Read, remittance_id: str, entity_id: str | None, transaction: RemittanceTransaction
) -> frozenset[int]:
    """By the newest decision: the places of those that are set apart in this copy of the payment, from 1."""
    if not transaction.provider_adjustments:
        return frozenset()
    query = (
        select(RemittanceDecisionRow)
        .where(
            RemittanceDecisionRow.remittance_id == remittance_id,
            RemittanceDecisionRow.kind == DecisionKind.SET_APART,
            *decided_for(entity_id),
        )
        .order_by(RemittanceDecisionRow.decided_at.desc(), RemittanceDecisionRow.id.desc())
        .limit(1)
    )
    row = read.session.scalar(query)
    if row is None:
        return frozenset()
    return places_of(
        transaction.provider_adjustments, apart_in(read.vault.open(DECISION, row.id, row.sealed))
    )


def held_apart(read: Read, remittance_id: str) -> HeldApart | None:
    """What a posted payment has on 2240 of what was set apart, or None for nothing."""
    query = select(func.sum(RemittanceAdjustmentRow.amount_cents)).where(
        RemittanceAdjustmentRow.remittance_id == remittance_id,
        RemittanceAdjustmentRow.is_set_apart.is_(True),
    )
    cents = int(read.session.scalar(query) or 0)
    if not cents:
        return None
    return HeldApart(amount=Money(cents), settled_as=_settled_as(settling_entries(read, remittance_id)))


def apart_at_sites(read: Read, remittance_id: str, held: Money) -> Mapping[str, Money]:
    """Where what was set apart lies: claims that paid bore it, each at the site of its visit."""
    query = select(RemittanceClaimRow.id).where(RemittanceClaimRow.remittance_id == remittance_id)
    claim_ids = read.session.scalars(query.order_by(RemittanceClaimRow.place)).all()
    on_2240 = partial(moved_at_sites, read, Account.UNAPPLIED_PAYER_MONEY)
    borne = on_2240(source_kind=REIMBURSEMENT, source_ids=claim_ids)
    beside = on_2240(source_kind=REMITTANCE, source_ids=[remittance_id])
    lines = (line for claim_id in claim_ids for line in borne.get(claim_id, ()))
    return lies_at([*lines, *beside.get(remittance_id, ())], held)


def settling_entries(read: Read, remittance_id: str) -> list[Entry]:
    """What settled it and stands: neither reversed nor a reversal."""
    entries = entries_of(read, source_kind=REMITTANCE_APART, source_id=remittance_id)
    reversed_ids = {entry.reverses_id for entry in entries}
    return [entry for entry in entries if entry.reverses_id is None and entry.id not in reversed_ids]


def _settled_as(entries: Iterable[Entry]) -> tuple[SettledPart, ...]:
    cents: Counter[str] = Counter()
    for line in (line for entry in entries for line in entry.lines):
        cents[line.account] += abs(line.cents)
    del cents[Account.UNAPPLIED_PAYER_MONEY]
    return tuple(SettledPart(account=Account(code), amount=Money(cents[code])) for code in sorted(cents))
