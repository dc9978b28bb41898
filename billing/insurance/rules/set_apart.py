"""Provider adjustments that a person sets apart: which they may be, and which of a payment's they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from hashlib import sha256

from billing.insurance.records import ProviderAdjustment, RemittanceTransaction
from billing.insurance.records.set_apart import ApartAdjustment
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
