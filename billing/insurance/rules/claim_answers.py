"""What the answers of an insurer make of a claim. No clock, no database."""

from __future__ import annotations

from collections.abc import Sequence

from billing.insurance.records import Outcome
from billing.insurance.records.claims import ClaimAnswer
from billing.insurance.rules.answers import REVERSAL
from billing.insurance.states import CLAIM_ANSWERED, CLAIM_MOVES, ClaimEvent, ClaimState

PATIENT_SHARE = frozenset({("PR", "1"), ("PR", "2"), ("PR", "3")})
"""Deductible, coinsurance and copayment. Source: X12 external code list 139 (its codes alone)."""
ABOVE_ALLOWED = frozenset({("CO", "45"), ("PR", "45")})
"""What is charged above what the plan allows, which is no denial; PR where no contract binds the clinic."""

EVENT_OF = {
    Outcome.REIMBURSED: ClaimEvent.PAY,
    Outcome.PAID_TO_PATIENT: ClaimEvent.PAY,
    Outcome.PAID_TO_OTHER: ClaimEvent.PAY,
}
DECIDING = frozenset({*EVENT_OF, Outcome.NOTHING_PAID})


def move_by_answers(state: ClaimState, answers: Sequence[ClaimAnswer]) -> ClaimEvent | None:
    """Where the answers take a claim that is with the insurer, the oldest first; None when it stays.

    When what it was answered was reversed, the insurer has it and has not answered it.
    """
    standing = standing_answers(answers)
    if not standing and state not in CLAIM_ANSWERED:
        return None
    event = event_of(standing[-1]) if standing else ClaimEvent.ACCEPT
    return event if CLAIM_MOVES.get((state, event), state) is not state else None


def standing_answers(answers: Sequence[ClaimAnswer]) -> list[ClaimAnswer]:
    """Those that decide the claim and were not reversed; a reversal may come after the correction."""
    standing = [each for each in answers if each.outcome in DECIDING and each.status != REVERSAL]
    for reversal in answers:
        if reversal.status == REVERSAL:
            undone = next((each for each in standing if _negates(reversal, each)), None)
            standing = [each for each in standing if each is not undone]
    return standing


def event_of(answer: ClaimAnswer) -> ClaimEvent:
    """Nothing paid is a denial, unless all of it is the patient's own share under the plan.

    A denial shows in what was paid and in the adjustments, never in CLP02.
    """
    if answer.outcome in EVENT_OF:
        return EVENT_OF[answer.outcome]
    told = {(each.group, each.code) for each in answer.reasons if each.amount}
    return ClaimEvent.DEDUCT if told & PATIENT_SHARE and not denying(answer) else ClaimEvent.DENY


def denying(answer: ClaimAnswer) -> tuple[str, ...]:
    """The reasons that are more than the patient's share, as group and code; each once."""
    told = [(each.group, each.code) for each in answer.reasons if each.amount]
    denied = [each for each in told if each not in PATIENT_SHARE and each not in ABOVE_ALLOWED]
    return tuple(dict.fromkeys(f"{group}-{code}" for group, code in denied))


def _negates(reversal: ClaimAnswer, answer: ClaimAnswer) -> bool:
    return (
        reversal.charge.cents == -answer.charge.cents
        and reversal.paid.cents == -answer.paid.cents
        and reversal.payer_claim_number in ("", answer.payer_claim_number)
    )
