"""What the room hands to others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from billing.kernel.money import Money
from billing.payments.states import CheckoutState, RefundState


class Tender(StrEnum):
    CARD = "card"
    CASH = "cash"
    CREDIT = "credit"
    INSURER = "insurer"


class CreditSource(StrEnum):
    REIMBURSEMENT = "reimbursement"
    OVERPAYMENT = "overpayment"
    RETURN = "return"


class Election(StrEnum):
    """What the patient wants done with the money: off the next invoice, or back."""

    CREDIT = "credit"
    REFUND = "refund"


class RefundMethod(StrEnum):
    CARD = "card"
    CHECK = "check"


class Owned(Protocol):
    """A record that belongs to a patient, at a site of a legal entity: an invoice, a session, a credit."""

    @property
    def entity_id(self) -> str: ...

    @property
    def site_id(self) -> str: ...

    @property
    def patient_id(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Payment:
    id: str
    entity_id: str
    site_id: str
    patient_id: str
    invoice_id: str
    tender: Tender
    amount: Money
    fee: Money
    refunded: Money
    received_on: date
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """An attempt to pay an invoice on the processor's page; `url` is None until it is known."""

    id: str
    invoice_id: str
    patient_id: str
    amount: Money
    state: CheckoutState
    reference: str | None
    url: str | None
    return_url: str
    opened_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class CreditLot:
    """Money held for a patient. `available` is what was neither applied nor refunded."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    source: CreditSource
    source_id: str
    session_id: str | None
    amount: Money
    available: Money
    election: Election | None
    elected_at: datetime | None
    held_on: date


@dataclass(frozen=True, kw_only=True)
class CreditApplication:
    id: str
    lot_id: str
    invoice_id: str
    amount: Money
    applied_at: datetime


@dataclass(frozen=True, kw_only=True)
class AppliedCredits:
    """All that one invoice took of a patient's credits at once."""

    invoice_id: str
    amount: Money
    applications: tuple[CreditApplication, ...]


@dataclass(frozen=True, kw_only=True)
class Reimbursement:
    """Insurer money that was received for a session: owed balance settled, credit held, excess to return."""

    settled: Money
    credit: Money
    excess: Money
    lot_id: str | None


@dataclass(frozen=True, kw_only=True)
class Refund:
    id: str
    entity_id: str
    site_id: str
    patient_id: str
    lot_id: str
    payment_id: str | None
    method: RefundMethod
    amount: Money
    state: RefundState
    requested_by: str
    requested_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    refunded_on: date | None
    reference: str | None


@dataclass(frozen=True, kw_only=True)
class Paid:
    """One payment towards one session, for its superbill and receipt."""

    amount: Money
    paid_on: date
    tender: Tender


@dataclass(frozen=True, kw_only=True)
class PayLink:
    """What a stranger with the link may know: whose clinic, and how much."""

    id: str
    invoice_id: str
    entity_id: str
    amount: Money
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class ChargeFacts:
    """A card charge that took the money, and what the processor kept of it: amount - fee = net."""

    reference: str
    payment_intent: str
    amount: Money
    fee: Money
    net: Money
    balance_transaction: str
    charged_at: datetime
    reporting_category: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """A verified notice from the processor. Read the object again rather than trust the order of events."""

    id: str
    kind: str
    object_id: str
    object_kind: str
    livemode: bool
    created_at: datetime
