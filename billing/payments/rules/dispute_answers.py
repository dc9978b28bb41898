"""What convinces a bank that took a payment back, and until when it may be told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from billing.payments.errors import DisputeAnswered, DisputeOverdue, FactNotOnFile
from billing.payments.records.dispute_answers import AnswerKind, DisputeAnswer, EvidenceFact
from billing.payments.records.disputes import Dispute
from billing.payments.states.dispute_answers import AnswerState
from billing.payments.states.disputes import WANTS_ANSWER, DisputeState

_F = EvidenceFact

_BANKS_OWN = (_F.RECEIPT, _F.COMMUNICATION)
"""For what a bank could not take: that the payer meant to pay is all there is to show."""

ANYTHING_ELSE = (_F.RECEIPT, _F.POLICY, _F.SERVICES, _F.COMMUNICATION)

CALLED_FOR: dict[str, tuple[EvidenceFact, ...]] = {
    "bank_cannot_process": _BANKS_OWN,
    "check_returned": _BANKS_OWN,
    "credit_not_processed": (_F.RECEIPT, _F.POLICY, _F.REFUNDS, _F.COMMUNICATION),
    "customer_initiated": ANYTHING_ELSE,
    "debit_not_authorized": (_F.RECEIPT, _F.COMMUNICATION, _F.EARLIER_PAYMENTS),
    "duplicate": (_F.RECEIPT, _F.SERVICES, _F.OTHER_PAYMENT),
    "fraudulent": (_F.RECEIPT, _F.SERVICES, _F.COMMUNICATION, _F.EARLIER_PAYMENTS),
    "general": ANYTHING_ELSE,
    "incorrect_account_details": _BANKS_OWN,
    "insufficient_funds": _BANKS_OWN,
    "noncompliant": ANYTHING_ELSE,
    "product_not_received": (_F.RECEIPT, _F.SERVICES, _F.COMMUNICATION),
    "product_unacceptable": (_F.RECEIPT, _F.POLICY, _F.SERVICES, _F.REFUNDS, _F.COMMUNICATION, _F.STATEMENT),
    "subscription_canceled": (_F.RECEIPT, _F.POLICY, _F.SERVICES, _F.REFUNDS, _F.COMMUNICATION),
    "unrecognized": (_F.RECEIPT, _F.SERVICES, _F.COMMUNICATION, _F.EARLIER_PAYMENTS),
}
"""What convinces a bank, by the reason that it gives. Source: docs/sources.md."""

HEALTH_DATA = frozenset({EvidenceFact.SERVICES, EvidenceFact.STATEMENT})
"""Days of service, and free words, which may tell of anything."""


def called_for(reason: str) -> tuple[EvidenceFact, ...]:
    """Which facts a reason calls for; one that is new to us calls for what any dispute does."""
    return CALLED_FOR.get(reason, ANYTHING_ELSE)


def missing_of(reason: str, held: Collection[EvidenceFact]) -> tuple[EvidenceFact, ...]:
    """What a reason calls for and is not held."""
    return tuple(fact for fact in called_for(reason) if fact not in held)


def holds_health_data(facts: Iterable[EvidenceFact]) -> bool:
    return not HEALTH_DATA.isdisjoint(facts)


def choose_facts(
    reason: str, on_file: Collection[EvidenceFact], wanted: Sequence[EvidenceFact] | None
) -> tuple[EvidenceFact, ...]:
    """What a packet holds: what was wanted, or all that its reason calls for short of health data.

    A statement that was given is always told. Raises: FactNotOnFile, also when nothing is left to tell.
    """
    if wanted is None:
        wanted = [fact for fact in called_for(reason) if fact in on_file and fact not in HEALTH_DATA]
    chosen = {*wanted, *(fact for fact in on_file if fact is EvidenceFact.STATEMENT)}
    missing = [fact for fact in EvidenceFact if fact in chosen and fact not in on_file]
    if missing or not chosen:
        raise FactNotOnFile(
            "That is not on file. Leave it out, or state it in your own words.", missing=missing
        )
    return tuple(fact for fact in EvidenceFact if fact in chosen)


def refuse_unless_answerable(dispute: Dispute, answers: Iterable[DisputeAnswer], now: datetime) -> None:
    """A bank takes one answer, in time; an inquiry that became a dispute may be answered once more.

    What was sent counts at once, before the bank says so: what it asks now was answered.
    Raises: DisputeAnswered, DisputeOverdue.
    """
    if dispute.state not in WANTS_ANSWER:
        raise DisputeAnswered(f"This dispute takes no answer: it is {dispute.state.replace('_', ' ')}.")
    if dispute.due_at is not None and now > dispute.due_at:
        raise DisputeOverdue("The time to answer this dispute is over.")
    if was_answered(dispute, answers):
        raise DisputeAnswered("An answer to this dispute was sent, or is on its way already.")


def was_answered(dispute: Dispute, answers: Iterable[DisputeAnswer]) -> bool:
    """Whether an answer to what the bank asks now was sent, or one is on its way, whatever it was for."""
    is_inquiry = dispute.state is DisputeState.INQUIRY
    return any(
        answer.state is AnswerState.SENDING
        or (answer.state is AnswerState.SENT and (is_inquiry or not answer.was_to_the_inquiry))
        for answer in answers
    )


def refuse_second_acceptance(answers: Iterable[DisputeAnswer]) -> None:
    """Raises: DisputeAnswered."""
    if any(each.kind is AnswerKind.ACCEPTANCE and each.state is AnswerState.WAITING for each in answers):
        raise DisputeAnswered("Somebody asked to accept this dispute. Another person has to approve that.")
