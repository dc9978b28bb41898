"""Payments that a bank takes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.kernel.money import Money
from billing.payments.states.disputes import DisputeEvent, DisputeState


@dataclass(frozen=True, kw_only=True)
class DisputeMovementFacts:
    """A movement of the processor's balance: negative took money, `fee` is negative when it was returned."""

    reference: str
    reporting_category: str
    amount: Money
    fee: Money
    moved_at: datetime


@dataclass(frozen=True, kw_only=True)
class DisputeFacts:
    """A dispute as the processor shows it now; `operation` is our key of the evidence that it has."""

    reference: str
    charge_reference: str
    told: DisputeEvent
    reason: str
    amount: Money
    due_at: datetime | None
    opened_at: datetime
    movements: tuple[DisputeMovementFacts, ...]
    operation: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """`lost` is what the clinic does not get back; evidence is due until `due_at`.

    `reimbursed` is what insurers had given the patient for the visits that it took, above what the patient
    paid of them then.
    """

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    payment_id: str
    reference: str
    state: DisputeState
    reason: str
    amount: Money
    lost: Money
    reimbursed: Money
    due_at: datetime | None
    opened_at: datetime


@dataclass(frozen=True, kw_only=True)
class Covered:
    """What money of a payment, or credit that came of it, covers of one session."""

    session_id: str
    source_kind: str
    source_id: str
    amount: Money
    is_earned: bool
