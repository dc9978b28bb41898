"""Money received, as the room hands it to others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from billing.kernel.money import Money
from billing.payments.states.payments import PaymentState


class Tender(StrEnum):
    CARD = "card"
    ACH = "ach"
    CARD_PRESENT = "card_present"
    CASH = "cash"
    CHECK = "check"
    BANK = "bank"
    CREDIT = "credit"
    INSURER = "insurer"


class Owned(Protocol):
    """A record that belongs to a patient, at a site of a legal entity: an invoice, a session, a credit."""

    @property
    def entity_id(self) -> str: ...

    @property
    def site_id(self) -> str: ...

    @property
    def patient_id(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Depositor:
    """Who pays ahead of any invoice, and the site that takes it."""

    entity_id: str
    site_id: str
    patient_id: str


@dataclass(frozen=True, kw_only=True)
class Payment:
    """`share_id` is the part of another payer that it pays, where that is known."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    invoice_id: str | None
    payer_id: str | None
    share_id: str | None
    state: PaymentState
    tender: Tender
    instrument: str | None
    is_health_account: bool
    amount: Money
    fee: Money
    refunded: Money
    lost: Money
    corrects_id: str | None
    drawer_id: str | None
    tendered: Money | None
    received_on: date
    received_at: datetime

    @property
    def change(self) -> Money | None:
        """What was given back at once of the cash that was handed over, where that is known."""
        return None if self.tendered is None else self.tendered - self.amount


@dataclass(frozen=True, kw_only=True)
class Paid:
    """One payment towards one session, for its superbill and receipt; `payer_id` is another payer's."""

    amount: Money
    payer_id: str | None
    paid_on: date
    tender: Tender


@dataclass(frozen=True, kw_only=True)
class ChargeFacts:
    """A charge that took the money, and what the processor kept of it: amount - fee = net."""

    reference: str
    payment_intent: str
    amount: Money
    fee: Money
    net: Money
    balance_transaction: str
    charged_at: datetime
    reporting_category: str
    tender: Tender = Tender.CARD
    instrument: str | None = None
