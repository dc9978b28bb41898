"""Provider adjustments that a person sets apart: which they may be, and which of a payment's they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from billing.insurance.records import ProviderAdjustment, RemittanceTransaction
from billing.insurance.records.set_apart import ApartAdjustment, SettledPart
from billing.insurance.rules.provider_adjustments import (
    FEE,
    FORWARD_BALANCE,
    INTEREST,
    TOO_MUCH_REFUNDED,
)
from billing.kernel.money import ZERO, Money, total
from billing.ledger.records import Account

SETTLES = (
    Account.BANK,
    Account.INFUSION,
    Account.PROCESSOR_FEES,
    Account.BANK_FEES,
    Account.CHARGEBACK_LOSS,
)
"""What it may turn out to be: none of it is a patient's, whose money goes by its own ways."""

MARK = 16
"""Characters of a mark."""


def may_be_set_apart(adjustment: ProviderAdjustment | ApartAdjustment) -> bool:
    """Whether the books may not know it: what a payer gives (L6, FB, B2) and its fees they always do."""
    if adjustment.code in (INTEREST, FORWARD_BALANCE):
        return adjustment.amount > ZERO
    if adjustment.code == TOO_MUCH_REFUNDED and adjustment.amount <= ZERO:
        return False
    return bool(adjustment.amount) and adjustment.code != FEE


def mark_of(adjustments: Iterable[ProviderAdjustment | ApartAdjustment]) -> str:
    """A mark of what was shown at which place: another one, and they are not the same there."""
    said = [[each.code, each.reference, each.amount.cents] for each in adjustments]
    return sha256(repr(said).encode()).hexdigest()[:MARK]


def places_of(
    adjustments: Sequence[ProviderAdjustment], decided: Iterable[ApartAdjustment]
) -> frozenset[int]:
    """Where those that were decided upon stand in this copy of a payment, from 1."""
    left = Counter((each.code, each.reference, each.amount.cents) for each in decided)
    places = []
    for place, each in enumerate(adjustments, 1):
        key = (each.code, each.reference, each.amount.cents)
        if left[key]:
            left[key] -= 1
            places.append(place)
    return frozenset(places)


def without(transaction: RemittanceTransaction, places: Collection[int]) -> RemittanceTransaction:
    """The payment with the other adjustments alone, as what is booked by itself is decided by."""
    if not places:
        return transaction
    rest = (each for place, each in enumerate(transaction.provider_adjustments, 1) if place not in places)
    return replace(transaction, provider_adjustments=tuple(rest))


def sum_apart(transaction: RemittanceTransaction, places: Collection[int]) -> Money:
    """Above zero the payer kept it, below zero it gave it."""
    return total(
        each.amount for place, each in enumerate(transaction.provider_adjustments, 1) if place in places
    )


def lies_at(lines: Sequence[tuple[str, int]], held: Money) -> dict[str, Money]:
    """How much of what was set apart lies at which site, by the payment's lines on 2240 (site, cents).

    Their order is the one in which the claims bore it. Interest and refunds in the same direction were booked
    first, and are left where they are.
    """
    sign = 1 if held > ZERO else -1
    same = [(site_id, cents * sign) for site_id, cents in lines if cents * sign > 0]
    others = sum(cents for _, cents in same) - held.cents * sign
    at: dict[str, Money] = {}
    for site_id, cents in same:
        of_others = min(others, cents)
        others -= of_others
        if cents > of_others:
            at[site_id] = at.get(site_id, ZERO) + Money((cents - of_others) * sign)
    return at


def spread(parts: Iterable[SettledPart], over: Mapping[str, Money]) -> dict[str, tuple[SettledPart, ...]]:
    """The parts in their order, by site: they fill one site after another, and are as much as lies there."""
    left = [(part.account, part.amount.cents) for part in parts]
    shared: dict[str, tuple[SettledPart, ...]] = {}
    for site_id, amount in over.items():
        room, filled = abs(amount.cents), []
        while room:
            account, cents = left.pop(0)
            filled.append(SettledPart(account=account, amount=Money(min(cents, room))))
            if cents > room:
                left.insert(0, (account, cents - room))
            room -= min(cents, room)
        shared[site_id] = tuple(filled)
    return shared
