"""What an insurer's answer means for the books, claim by claim, and what only a person may decide."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date

from billing.insurance.records import Adjustment, Outcome, Remittance, RemittanceClaim, RemittanceTransaction
from billing.insurance.rules.balance import imbalance
from billing.insurance.rules.provider_adjustments import adjustment_doubts
from billing.insurance.rules.set_apart import without
from billing.insurance.states import RemittanceState
from billing.kernel.money import ZERO, Money, total

PROCESSED = frozenset({"1", "2", "3", "4", "19", "20", "21"})
"""CLP02 of an answer to be booked as it stands; it may pay 0. A denial shows in CLP04, not here."""
NOT_DECIDED = frozenset({"5", "10", "13", "15", "16", "17", "27"})
"""CLP02 of version 4010 alone: pended, received, suspended, reviewed. The answer is still to come."""
REVERSAL, NOT_OURS, PREDETERMINATION = "22", "23", "25"
WITHOUT_PAYMENT = NOT_DECIDED | {NOT_OURS, PREDETERMINATION}

PAID_TO_PATIENT = "100"
"""CAS02 of what went to the patient, under whatever group the payer puts it."""
PAID_TO_OTHERS = frozenset({"293", "294"})
"""The payer paid the employer or an attorney."""
GROUPS = frozenset({"CO", "OA", "PI", "PR", "CR"})
"""CAS01; CR (correction or reversal) is of version 4010."""

SHORTEST_MEMBER_NUMBER = 6
"""Letters and digits of one that another can begin with by more than chance."""

WITHOUT_MONEY = frozenset({"H", "P"})
"""BPR01: a notice, or a test of the bank's numbers."""
NO_PAYMENT = "NON"
ELSEWHERE = "It is another clinic's or site's than yours. Whoever works there sees what became of it."


def outcome(claim: RemittanceClaim) -> Outcome:
    """What a claim without a doubt means. The patient's share is no new debt: the patient has paid."""
    if claim.status == NOT_OURS:
        return Outcome.NOT_OURS
    if claim.status == PREDETERMINATION:
        return Outcome.ESTIMATE_ONLY
    if claim.status == REVERSAL:
        return Outcome.REVERSAL
    if claim.status in NOT_DECIDED:
        return Outcome.NOT_DECIDED
    if claim.paid:
        return Outcome.REIMBURSED
    if paid_to_patient(claim):
        return Outcome.PAID_TO_PATIENT
    if any(adjustment.code in PAID_TO_OTHERS for adjustment in _adjustments(claim)):
        return Outcome.PAID_TO_OTHER
    return Outcome.NOTHING_PAID


def paid_to_patient(claim: RemittanceClaim) -> Money:
    """What the payer says that it gave the patient themself (CARC 100)."""
    return total(each.amount for each in _adjustments(claim) if each.code == PAID_TO_PATIENT)


def as_told_elsewhere(remittance: Remittance) -> Remittance:
    """What somebody learns of a payment that they sent and may not know of: what their own file said, and why
    it waits."""
    claims = tuple(
        replace(claim, id="", session_id=None, outcome=None, credit=ZERO, billed=None, is_part=False)
        for claim in remittance.claims
    )
    reason = remittance.reason if remittance.status == RemittanceState.PARKED else ELSEWHERE
    return replace(remittance, id="", reason=reason, claims=claims, undone=None)


def our_number(text: str) -> str:
    """A control number as we wrote it, however the insurer sent it back."""
    return text.strip().upper()


def concerns_us(claim: RemittanceClaim) -> bool:
    """Whether the claim has to be matched to a session before it can be booked."""
    return claim.status != NOT_OURS


def tells_another_visit(claim: RemittanceClaim, served_on: date, member_ids: Collection[str]) -> bool:
    """Whether the claim names a day, or a member, that the visit is not of.

    Members are the same when one number begins with the other: plans add a digit or two for each person.
    """
    days = [*claim.days, *(line.served_on for line in claim.lines if line.served_on)]
    is_another_day = bool(days) and not min(days) <= served_on <= max(days)
    told = _letters_and_digits(claim.member_id)
    known = [number for each in member_ids if (number := _letters_and_digits(each))]
    is_another_member = bool(told and known) and not any(_is_same_member(told, each) for each in known)
    return is_another_day or is_another_member


def _is_same_member(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return one == other or (len(shorter) >= SHORTEST_MEMBER_NUMBER and longer.startswith(shorter))


def _letters_and_digits(text: str) -> str:
    return "".join(filter(str.isalnum, text.upper()))


def doubt(transaction: RemittanceTransaction, apart: Collection[int] = ()) -> str | None:
    """Why a person has to look before this is posted, or None. Matching is asked elsewhere.

    `apart` are the places of the provider adjustments that a person set apart.
    """
    return next(_doubts(transaction, apart), None)


def _doubts(transaction: RemittanceTransaction, apart: Collection[int]) -> Iterator[str]:
    yield from transaction.doubts
    if reason := imbalance(transaction):
        yield reason
    if reason := _payment_doubt(transaction):
        yield reason
    for claim in transaction.claims:
        if reason := _claim_doubt(claim):
            yield reason
    yield from adjustment_doubts(without(transaction, apart))


def _payment_doubt(transaction: RemittanceTransaction) -> str | None:
    if transaction.amount < ZERO or not transaction.credit:
        return f"The payer takes money: BPR02 is {transaction.amount}. A person has to review it."
    if transaction.amount and (transaction.handling in WITHOUT_MONEY or transaction.method == NO_PAYMENT):
        return f"BPR says that no money moves, yet its amount is {transaction.amount}."
    return None


def _claim_doubt(claim: RemittanceClaim) -> str | None:
    told = f"The claim at segment {claim.segment}"
    if claim.status not in PROCESSED | WITHOUT_PAYMENT | {REVERSAL}:
        return f"{told} has the unknown status {claim.status}."
    if claim.status == REVERSAL and claim.paid > ZERO:
        return f"{told} is a reversal, yet pays {claim.paid}."
    if claim.status != REVERSAL and claim.paid < ZERO:
        return f"{told} pays {claim.paid} without being a reversal."
    if claim.paid and claim.status in WITHOUT_PAYMENT:
        return f"{told} has status {claim.status}, yet pays {claim.paid}."
    for adjustment in _adjustments(claim):
        if adjustment.group not in GROUPS:
            return f"{told} has an adjustment of the unknown group {adjustment.group}."
    return None


def _adjustments(claim: RemittanceClaim) -> Iterator[Adjustment]:
    yield from claim.adjustments
    for line in claim.lines:
        yield from line.adjustments


def fingerprint(transaction: RemittanceTransaction) -> str:
    """The same for renamed, reordered or re-wrapped copies of one transaction, different for any other.

    Places in the file do not count, nor the order of claims, lines and adjustments.
    """
    claims = sorted(_claim_facts(claim) for claim in transaction.claims)
    provider = sorted(
        (adjustment.code, adjustment.reference, adjustment.amount.cents)
        for adjustment in transaction.provider_adjustments
    )
    payment = (
        transaction.payee_npi,
        transaction.handling,
        transaction.credit,
        transaction.method,
        transaction.doubts,
    )
    return hashlib.sha256(repr((payment, claims, provider)).encode()).hexdigest()


def _claim_facts(claim: RemittanceClaim) -> tuple[object, ...]:
    lines = sorted(
        (line.procedure, line.charge.cents, line.paid.cents, str(line.served_on), line.control_number,
         _adjustment_facts(line.adjustments))
        for line in claim.lines
    )  # fmt: skip
    return (
        claim.control_number, claim.status, claim.charge.cents, claim.paid.cents, claim.payer_claim_number,
        claim.patient_responsibility.cents, _adjustment_facts(claim.adjustments), lines,
    )  # fmt: skip


def _adjustment_facts(adjustments: tuple[Adjustment, ...]) -> list[tuple[str, str, int]]:
    return sorted((adjustment.group, adjustment.code, adjustment.amount.cents) for adjustment in adjustments)
