"""Claims that reverse an answer: of an earlier payment, or of this very one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from billing.insurance.queries.earlier_answers import reversed_answer
from billing.insurance.queries.posting_plans.budget import Budget, CannotTake, told_taking
from billing.insurance.records import Match, RemittanceClaim, RemittanceTransaction
from billing.insurance.records.answers import EarlierAnswer, Taking
from billing.insurance.rules.answers import REVERSAL
from billing.insurance.rules.provider_adjustments import sorted_adjustments
from billing.kernel.money import ZERO, Money, total
from billing.platform.data.database import Read


def reversed_here_and_before(
    read: Read, transaction: RemittanceTransaction, matches: Mapping[int, Match]
) -> tuple[dict[int, EarlierAnswer | None], dict[int, int]]:
    """By reversal the answer that was posted before, or else a claim of this very payment.

    Raises: CannotTake.
    """
    answers: dict[int, EarlierAnswer | None] = {}
    here: dict[int, int] = {}
    for claim in transaction.claims:
        if claim.status != REVERSAL:
            continue
        taken = [answer.id for answer in answers.values() if answer]
        match = matches[claim.segment]
        found = reversed_answer(read, claim, match, transaction.payer_id, taken=taken)
        same = None if found else _same_payment(transaction, claim, matches, here)
        if same is not None:
            here[claim.segment] = same
        elif found or not claim.paid:
            answers[claim.segment] = found
        else:
            raise CannotTake(
                f"The claim {claim.control_number} at segment {claim.segment} reverses a payment of "
                f"{-claim.paid} for a charge of {-claim.charge}, which was not posted or was reversed before."
            )
    return answers, here


def _same_payment(
    transaction: RemittanceTransaction,
    reversal: RemittanceClaim,
    matches: Mapping[int, Match],
    here: Mapping[int, int],
) -> int | None:
    for claim in transaction.claims:
        is_opposite = (claim.charge, claim.paid) == (-reversal.charge, -reversal.paid)
        if (
            is_opposite
            and claim.paid
            and claim.segment not in here.values()
            and matches.get(claim.segment) == matches[reversal.segment]
        ):
            return claim.segment
    return None


def put_off_of(transaction: RemittanceTransaction) -> dict[int, Money]:
    """By reversal, what the payer does not take of it yet."""
    put_off: dict[int, Money] = {}
    for each in sorted_adjustments(transaction.provider_adjustments, transaction.claims).deferrals:
        put_off[each.reversal] = put_off.get(each.reversal, ZERO) + each.amount
    return put_off


def takings_of_reversals(
    transaction: RemittanceTransaction, answers: Mapping[int, EarlierAnswer | None], budget: Budget
) -> Sequence[Taking]:
    """What is put off may have been recovered before, by a file that came first or by a check of ours."""
    put_off = put_off_of(transaction)
    takings = []
    for claim in transaction.claims:
        answer = answers.get(claim.segment)
        if answer and claim.paid:
            later = put_off.get(claim.segment, ZERO)
            told = f"The reversal of {claim.control_number}"
            parts = told_taking(budget, [answer], -claim.paid, told, returned_by=later)
            returned = -claim.paid - total(part.amount for part in parts)
            number = claim.payer_claim_number or claim.control_number
            takings.append(Taking(demand=number, parts=parts, put_off=later - returned))
    return takings
