"""Entries as the other rooms hand them in and read them back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from billing.kernel.money import Money


class Account(StrEnum):
    """The accounts that the product posts to; chart.yaml holds their names."""

    BANK = "1000"
    PROCESSOR_CLEARING = "1050"
    UNDEPOSITED = "1060"
    DISPUTED = "1070"
    PATIENT_RECEIVABLE = "1100"
    OTHER_PAYERS_RECEIVABLE = "1130"
    DEFERRED_REVENUE = "2100"
    PATIENT_CREDITS = "2200"
    REFUNDS_PAYABLE = "2210"
    PAYER_MONEY_TO_RETURN = "2220"
    UNCLAIMED_PROPERTY = "2230"
    UNAPPLIED_PAYER_MONEY = "2240"
    INFUSION = "4000"
    EVALUATION = "4010"
    NO_SHOW_FEES = "4040"
    DISCOUNTS = "4900"
    CONCESSIONS = "4920"
    REFUNDS = "4930"
    PROCESSOR_FEES = "6100"
    DISPUTE_FEES = "6110"
    BANK_FEES = "6130"
    CASH_SHORT = "6140"
    CHARGEBACK_LOSS = "6210"


class Kind(StrEnum):
    """What an account is, for reports and for the plain-text journals."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"


@dataclass(frozen=True)
class AccountName:
    code: str
    name: str
    kind: Kind


@dataclass(frozen=True)
class Line:
    """Debits are positive, credits negative."""

    account: Account
    amount: Money
    patient_id: str | None = None


def debit(account: Account, amount: Money, patient_id: str | None = None) -> Line:
    return Line(account, amount, patient_id)


def credit(account: Account, amount: Money, patient_id: str | None = None) -> Line:
    return Line(account, -amount, patient_id)


class Placed(Protocol):
    """Anything of a legal entity and a site: an invoice, a payment, a session."""

    @property
    def entity_id(self) -> str: ...

    @property
    def site_id(self) -> str: ...


@dataclass(frozen=True)
class Source:
    """The fact behind an entry, such as ("payment", its id, "received"); posted once, ever."""

    kind: str
    id: str
    purpose: str


@dataclass(frozen=True, kw_only=True)
class Posting:
    """One entry to be posted. (source_kind, source_id, purpose) is posted once, ever.

    `effective_on` is the clinic-local date of the fact; lines of zero are left out.
    """

    entity_id: str
    site_id: str
    effective_on: date
    source_kind: str
    source_id: str
    purpose: str
    lines: tuple[Line, ...]
    reverses_id: str | None = None

    @classmethod
    def of(cls, placed: Placed, source: Source, effective_on: date, lines: tuple[Line, ...]) -> Posting:
        """The entry of a fact about something that has its entity and site."""
        return cls(
            entity_id=placed.entity_id,
            site_id=placed.site_id,
            effective_on=effective_on,
            source_kind=source.kind,
            source_id=source.id,
            purpose=source.purpose,
            lines=lines,
        )


@dataclass(frozen=True, kw_only=True)
class PostedLine:
    account: str
    cents: int
    patient_id: str | None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A posted entry, never changed afterwards."""

    id: str
    entity_id: str
    site_id: str
    posted_at: datetime
    effective_on: date
    period: str
    source_kind: str
    source_id: str
    purpose: str
    reverses_id: str | None
    actor_id: str
    lines: tuple[PostedLine, ...]
