"""Answers to disputes: evidence that money was earned, or the word that the bank may keep it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from billing.kernel.money import Money
from billing.payments.records.disputes import Dispute
from billing.payments.states.dispute_answers import AnswerState


class AnswerKind(StrEnum):
    EVIDENCE = "evidence"
    ACCEPTANCE = "acceptance"


class EvidenceFact(StrEnum):
    """What a packet may hold, in the order in which it is told.

    SERVICES are days of service and what was given. POLICY is what the payer agreed to. OTHER_PAYMENT is the
    one that a disputed payment is said to repeat. STATEMENT is a person's own words.
    """

    RECEIPT = "receipt"
    POLICY = "policy"
    SERVICES = "services"
    REFUNDS = "refunds"
    COMMUNICATION = "communication"
    EARLIER_PAYMENTS = "earlier_payments"
    OTHER_PAYMENT = "other_payment"
    STATEMENT = "statement"


@dataclass(frozen=True, kw_only=True)
class DisputeAnswer:
    """`has_health_data` needs another person's approval, and so does an acceptance above the limit.

    `facts` are what an evidence packet holds. Of what its reason calls for beside them, `left_out` was on
    file and not chosen, and `missing` was not on file.
    `was_to_the_inquiry` says that the bank asked again, for the money, after it had left.
    """

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    dispute_id: str
    number: int
    kind: AnswerKind
    state: AnswerState
    amount: Money
    facts: tuple[EvidenceFact, ...]
    missing: tuple[EvidenceFact, ...]
    left_out: tuple[EvidenceFact, ...]
    has_health_data: bool
    needs_approval: bool
    document_id: str | None
    sha256: str | None
    asked_by: str
    asked_by_person: str
    asked_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    ordered_at: datetime | None
    file_reference: str | None
    sent_at: datetime | None
    was_to_the_inquiry: bool = False


@dataclass(frozen=True, kw_only=True)
class EvidenceNeeds:
    """What a dispute's reason calls for, what of that is on file, and what is not."""

    dispute: Dispute
    called_for: tuple[EvidenceFact, ...]
    on_file: tuple[EvidenceFact, ...]
    missing: tuple[EvidenceFact, ...]
