"""What each provider adjustment (PLB) of a payment does to the books; what is not known, a person decides.

A positive amount reduces the payment. Source: X12 005010X221A1, PLB03-1 and section 1.10.2; the way refunds
are told (WO, 72, B2): section 1.10.2.17.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from billing.insurance.records import ProviderAdjustment, RemittanceClaim, RemittanceTransaction
from billing.kernel.money import ZERO, Money, total

INTEREST = "L6"
"""Negative when the payer adds interest, positive when it takes interest back."""
RECOVERY = "WO"
"""Positive: taken out of this payment for an earlier one. Negative: a reversal here is not taken yet."""
FORWARD_BALANCE = "FB"
"""Negative: what this payment could not bear is left for a later one. Positive: that is taken now."""
REFUND_SEEN = "72"
"""Negative, beside a recovery of the same amount: the payer got a check of ours. No money moves."""
TOO_MUCH_REFUNDED = "B2"
"""Negative: the payer sends back what a check of ours had above its demand."""
FEE = "AH"
"""Positive: what the payer keeps for how it pays, such as a virtual card. Negative: it gives that back."""


@dataclass(frozen=True, slots=True)
class Deferral:
    """What of one reversal of this payment the payer does not take yet."""

    reversal: int
    """The segment of the claim."""
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedAdjustments:
    """The provider adjustments of a payment that raise no doubt by themselves, by what they do.

    `interest` and `fee` are as their segments have them: positive ones reduce the payment.
    """

    interest: Money
    fee: Money
    returned: Money
    carried: Money
    consumed: Money
    recoveries: tuple[ProviderAdjustment, ...]
    deferrals: tuple[Deferral, ...]


def adjustment_doubts(transaction: RemittanceTransaction) -> Iterator[str]:
    """Why a person has to look at a provider adjustment, told by the payment alone."""
    left = _without_seen_refunds(transaction.provider_adjustments)
    for each in left:
        if not _is_known(each):
            yield (
                f"The provider adjustment {each.code} of {each.amount} "
                f"at segment {each.segment} is for a person to decide."
            )
        elif each.code == RECOVERY and each.amount > ZERO and not each.reference:
            yield f"The recovery of {each.amount} at segment {each.segment} names no claim and no payment."
    deferrals = [each for each in left if each.code == RECOVERY and each.amount < ZERO]
    if len(_deferred(transaction.claims, deferrals)) < len(deferrals):
        yield (
            "A recovery is put off (WO below zero), and no reversal in this payment has its number and "
            "is as large. A person has to see what it is about."
        )


def sorted_adjustments(
    adjustments: Sequence[ProviderAdjustment], claims: Sequence[RemittanceClaim] = ()
) -> SortedAdjustments:
    """What they do; `adjustment_doubts` found none. Without the claims nothing is said of what is put off."""
    left = _without_seen_refunds(adjustments)
    deferrals = [each for each in left if each.code == RECOVERY and each.amount < ZERO]
    forward = [each.amount for each in left if each.code == FORWARD_BALANCE]
    return SortedAdjustments(
        interest=total(each.amount for each in left if each.code == INTEREST),
        fee=total(each.amount for each in left if each.code == FEE),
        returned=-total(each.amount for each in left if each.code == TOO_MUCH_REFUNDED),
        carried=-total(amount for amount in forward if amount < ZERO),
        consumed=total(amount for amount in forward if amount > ZERO),
        recoveries=tuple(each for each in left if each.code == RECOVERY and each.amount > ZERO),
        deferrals=_deferred(claims, deferrals),
    )


def named_numbers(reference: str) -> tuple[str, ...]:
    """The numbers that may stand in PLB03-2: all of it, then each word of it."""
    return tuple(dict.fromkeys([reference.strip(), *reference.split()]))


def _is_known(adjustment: ProviderAdjustment) -> bool:
    if adjustment.code in (INTEREST, FORWARD_BALANCE, FEE, RECOVERY):
        return True
    return adjustment.code == TOO_MUCH_REFUNDED and adjustment.amount <= ZERO


def _without_seen_refunds(adjustments: Sequence[ProviderAdjustment]) -> list[ProviderAdjustment]:
    """Without each 72 and the recovery that it answers, of the same amount and, if there is one, number."""
    left = [each for each in adjustments if each.amount]
    for seen in [each for each in left if each.code == REFUND_SEEN and each.amount < ZERO]:
        equal = [each for each in left if each.code == RECOVERY and each.amount == -seen.amount]
        answered = [each for each in equal if each.reference == seen.reference] or equal
        if answered:
            left.remove(seen)
            left.remove(answered[0])
    return left


def _deferred(
    claims: Sequence[RemittanceClaim], deferrals: Sequence[ProviderAdjustment]
) -> tuple[Deferral, ...]:
    """The reversal that each is about, no more of it than it takes."""
    open_parts = {claim.segment: -claim.paid for claim in claims if claim.paid < ZERO}
    found = []
    for each in deferrals:
        numbers = {number.upper() for number in named_numbers(each.reference)}
        for claim in claims:
            known = {claim.control_number.upper(), claim.payer_claim_number.upper()}
            if numbers & known and open_parts.get(claim.segment, ZERO) >= -each.amount:
                found.append(Deferral(claim.segment, -each.amount))
                open_parts[claim.segment] += each.amount
                break
    return tuple(found)
