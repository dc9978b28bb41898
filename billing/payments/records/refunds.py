"""Money given back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from billing.kernel.money import ZERO, Money
from billing.payments.states.refunds import RefundState


class RefundMethod(StrEnum):
    CARD = "card"
    CHECK = "check"


class RefundReason(StrEnum):
    """Why money goes back: a word of this list, so that nothing of a patient's health is ever in it."""

    CANCELLED = "cancelled"
    BILLING_ERROR = "billing_error"
    DUPLICATE = "duplicate"
    DISSATISFIED = "dissatisfied"
    OTHER = "other"


class Rejection(StrEnum):
    """Why a refund was rejected: a word of this list, for the same reason.

    WITHDRAWN: by who asked for it. TAKEN_BACK: a payer was first. CAME_BACK: the bank sent back what was
    made in the processor's dashboard. DISPUTE_LOST: the bank has the money, also of what had been approved.
    Nobody chooses these four.
    """

    WRONG_AMOUNT = "wrong_amount"
    WRONG_WAY = "wrong_way"
    NOT_DUE = "not_due"
    ASK_FIRST = "ask_first"
    WITHDRAWN = "withdrawn"
    TAKEN_BACK = "taken_back"
    CAME_BACK = "came_back"
    DISPUTE_LOST = "dispute_lost"
    OTHER = "other"


CHOSEN_REJECTIONS = (
    Rejection.WRONG_AMOUNT,
    Rejection.WRONG_WAY,
    Rejection.NOT_DUE,
    Rejection.ASK_FIRST,
    Rejection.OTHER,
)
"""Those that a person chooses who refuses what somebody else asked for."""


class Gone(StrEnum):
    """How money left what it had paid. ASKED: it waits for approval, and is only set aside until then.

    FAILED, CREDIT: the refund came to nothing, or was refused, and the money is held.
    """

    ASKED = "asked"
    WAITS = "waits"
    SENT = "sent"
    LOST = "lost"
    FAILED = "failed"
    CREDIT = "credit"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """How money left what one payment had paid."""

    way: Gone
    payment_id: str | None


@dataclass(frozen=True, kw_only=True)
class WentBack:
    """What of a payment went back, is on its way, or was asked for, also as credit in between."""

    sent: Money = ZERO
    waits: Money = ZERO
    asked: Money = ZERO

    @property
    def unsent(self) -> Money:
        return self.waits + self.asked

    @property
    def amount(self) -> Money:
        return self.sent + self.unsent


class RefundableKind(StrEnum):
    """Where money of a payment is: held as credit, on a session to come, on a session that was given."""

    CREDIT = "credit"
    TO_COME = "to_come"
    GIVEN = "given"


@dataclass(frozen=True, kw_only=True)
class Refund:
    """`made_by_hand`: in the processor's dashboard, so that the money left before anybody here decided.

    `is_voided`: its check was voided; another refund, which names it, owes the money again.
    """

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    lot_id: str
    payment_id: str | None
    payer_id: str | None
    method: RefundMethod
    amount: Money
    state: RefundState
    requested_by: str
    requested_by_person: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    refunded_on: date | None
    reference: str | None
    reason: RefundReason | None
    rejected_for: Rejection | None
    made_by_hand: bool
    cashed_on: date | None
    is_voided: bool
    replaces_id: str | None

    @property
    def was_called_off(self) -> bool:
        """It was approved, and its check never written."""
        is_check = self.method is RefundMethod.CHECK
        return is_check and self.state is RefundState.FAILED and self.refunded_on is None

    @property
    def has_left_unbooked(self) -> bool:
        """Made in the processor's dashboard: it waits for a person, then for the books, and is never sent."""
        return self.reference is not None and self.refunded_on is None


@dataclass(frozen=True, kw_only=True)
class RefundableSource:
    """`id` is the credit's or the session's."""

    kind: RefundableKind
    id: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class Refundable:
    """What can go back of a payment, and from where, in the order in which it is taken.

    `blocked_by` is the code of what keeps all of it back for now, with the reason in words.
    """

    payment_id: str
    amount: Money
    sources: tuple[RefundableSource, ...]
    blocked_by: str | None = None
    blocked_reason: str | None = None
