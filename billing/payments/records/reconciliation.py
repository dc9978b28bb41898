"""What the processor lists, held against the books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from billing.kernel.money import Money
from billing.ledger.records import Account
from billing.payments.records.checkouts import Event


@dataclass(frozen=True, kw_only=True)
class Notice:
    """An event as the processor lists it, with the bytes that are kept of it."""

    event: Event
    payload: bytes


@dataclass(frozen=True, kw_only=True)
class MovementFacts:
    """A balance transaction: amount - fee moved the processor's balance.

    `source` is what moved it, `charge` the charge that it concerns, and `operation` our own id in the
    metadata, where there is one.
    """

    reference: str
    source: str | None
    reporting_category: str
    amount: Money
    fee: Money
    charge: str | None
    operation: str | None
    moved_at: datetime


class Family(StrEnum):
    """What moved, by the reporting category of its movements; MOVEMENT is anything else."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    PAYOUT = "payout"
    MOVEMENT = "movement"


class ExceptionKind(StrEnum):
    CHARGE = "charge-not-in-books"
    REFUND = "refund-not-in-books"
    DISPUTE = "dispute-not-in-books"
    PAYOUT = "payout-not-in-books"
    MOVEMENT = "movement-not-in-books"
    AMOUNT = "amount-differs"
    MISSING = "not-at-processor"
    TWICE = "operation-twice"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """An object whose movements at the processor are not its effect on clearing.

    `under_way` says that it is no mistake: a payout or a debit that has not arrived yet.
    """

    object_id: str
    family: Family
    processor: Money
    books: Money
    is_at_processor: bool
    is_in_books: bool
    under_way: bool
    source: str | None
    charge: str | None
    operation: str | None

    @property
    def gap(self) -> Money:
        """What the processor's balance has more than the books."""
        return self.processor - self.books


@dataclass(frozen=True, kw_only=True)
class NamedException:
    """What cannot be explained, by name. `cents` is what the processor has more than the books."""

    id: str
    entity_id: str
    site_id: str
    kind: ExceptionKind
    object_id: str
    amount: Money
    first_seen_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class BookedPart:
    """What a part of an exception was: credited to an account, or debited when the amount is negative."""

    account: Account
    amount: Money


@dataclass(frozen=True, kw_only=True)
class Held:
    """The last time that the processor was held against the books."""

    id: str
    until: datetime
    standing: Standing


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The processor's balance beside the books, at one moment.

    `balance - clearing = under way + named + unexplained`.
    """

    balance: Money
    clearing: Money
    under_way: Money
    named: Money

    @property
    def unexplained(self) -> Money:
        return self.balance - self.clearing - self.under_way - self.named
