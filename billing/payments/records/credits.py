"""Money held for a patient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from billing.kernel.money import Money
from billing.ledger.records import Account


class CreditSource(StrEnum):
    REIMBURSEMENT = "reimbursement"
    OVERPAYMENT = "overpayment"
    RETURN = "return"
    RELEASED = "released"
    """Gathered from a payment for one refund, whose id is the source's."""
    DEPOSIT = "deposit"
    """Paid ahead of any invoice: deferred revenue, as what is paid for sessions to come is."""


class Withdrawal(StrEnum):
    """Why money left a credit otherwise than for an invoice or a refund."""

    MOVED = "moved"
    TAKEBACK = "takeback"
    COVERED = "covered"
    BILLED = "billed"
    RELEASED = "released"
    RESTORED = "restored"
    DORMANT = "dormant"
    DISPUTE = "dispute"
    BOUNCED = "bounced"


class Election(StrEnum):
    """What the patient wants done with the money: off the next invoice, or back."""

    CREDIT = "credit"
    REFUND = "refund"


class Chooser(StrEnum):
    """Whose word a choice is: what staff recorded, the patient's own, one for all money, or nobody's."""

    STAFF = "staff"
    PATIENT = "patient"
    STANDING = "standing"
    NOBODY = "nobody"


@dataclass(frozen=True, kw_only=True)
class CreditLot:
    """Money held for a patient. `available` is what was neither applied nor refunded.

    `reopened_on` is the day from which it waits for a choice, where it was held before: it was booked later
    than the insurer paid it, or a choice was taken back.
    """

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    source: CreditSource
    source_id: str
    session_id: str | None
    origin_payment_id: str | None
    payer_id: str | None
    amount: Money
    available: Money
    election: Election | None
    elected_at: datetime | None
    elected_by: Chooser | None
    held_on: date
    reopened_on: date | None

    @property
    def is_shown(self) -> bool:
        """What was gathered for a refund and went out with it is told by the refund."""
        return bool(self.available) or self.source is not CreditSource.RELEASED

    @property
    def waits_since(self) -> date:
        """From when it waits for a choice, where it does."""
        return self.reopened_on or self.held_on

    @property
    def waits(self) -> bool:
        """An insurer's money of which something is left and nobody chose anything for."""
        is_of_insurer = self.source is CreditSource.REIMBURSEMENT and self.payer_id is None
        return is_of_insurer and self.election is None and bool(self.available)

    @property
    def account(self) -> Account:
        """Where the money stands in the books."""
        if self.payer_id is not None:
            return Account.PAYER_MONEY_TO_RETURN
        is_deposit = self.source is CreditSource.DEPOSIT
        return Account.DEFERRED_REVENUE if is_deposit else Account.PATIENT_CREDITS


@dataclass(frozen=True, kw_only=True)
class CreditApplication:
    """What an invoice took of a credit. `undone` came off it again."""

    id: str
    lot_id: str
    invoice_id: str
    amount: Money
    undone: Money
    applied_at: datetime


@dataclass(frozen=True, kw_only=True)
class SourceBalance:
    """What is left of the credits of one kind."""

    source: CreditSource
    available: Money


@dataclass(frozen=True, kw_only=True)
class CreditBalance:
    """A patient's credit: what is left, of which sources, lot by lot, and what invoices took."""

    available: Money
    sources: tuple[SourceBalance, ...]
    items: tuple[CreditLot, ...]
    applications: tuple[CreditApplication, ...]


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
