"""Does a remittance add up? At the line, the claim and the transaction; never plugged.

Each check answers the reason in words, with the numbers, or None.
Source: X12 005010X221A1, section 1.10.2.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from billing.insurance.records import Adjustment, RemittanceClaim, RemittanceLine, RemittanceTransaction
from billing.kernel.money import Money, total


def imbalance(transaction: RemittanceTransaction) -> str | None:
    """The first thing that does not add up, from the lines upwards."""
    return next(_imbalances(transaction), None)


def _imbalances(transaction: RemittanceTransaction) -> Iterator[str]:
    for claim in transaction.claims:
        for line in claim.lines:
            if reason := line_imbalance(line):
                yield reason
        if reason := claim_imbalance(claim):
            yield reason
    if reason := transaction_imbalance(transaction):
        yield reason


def line_imbalance(line: RemittanceLine) -> str | None:
    """SVC02 less the line's adjustments is SVC03."""
    cents = _adjusted(line.adjustments)
    if line.charge.cents - cents == line.paid.cents:
        return None
    adjusted = Money(cents)
    return (
        f"The service line at segment {line.segment} does not balance: charge {line.charge} less adjustments "
        f"{adjusted} is {line.charge - adjusted}, but SVC03 says {line.paid}."
    )


def claim_imbalance(claim: RemittanceClaim) -> str | None:
    """CLP03 less all adjustments, of the claim and of its lines, is CLP04."""
    cents = _adjusted(claim.adjustments) + sum([_adjusted(line.adjustments) for line in claim.lines])
    if claim.charge.cents - cents == claim.paid.cents:
        return None
    adjusted = Money(cents)
    return (
        f"The claim at segment {claim.segment} does not balance: charge {claim.charge} less adjustments "
        f"{adjusted} is {claim.charge - adjusted}, but CLP04 says {claim.paid}."
    )


def transaction_imbalance(transaction: RemittanceTransaction) -> str | None:
    """The claims' payments less the provider adjustments are BPR02."""
    paid = total(claim.paid for claim in transaction.claims)
    withheld = total(adjustment.amount for adjustment in transaction.provider_adjustments)
    if paid - withheld == transaction.amount:
        return None
    return (
        f"The transaction at segment {transaction.segment} does not balance: claims {paid} less provider "
        f"adjustments {withheld} is {paid - withheld}, but BPR02 says {transaction.amount}."
    )


def _adjusted(adjustments: Sequence[Adjustment]) -> int:
    """In cents: a file may have a hundred thousand of them."""
    return sum([adjustment.amount.cents for adjustment in adjustments]) if adjustments else 0
