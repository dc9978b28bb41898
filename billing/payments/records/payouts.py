"""What the processor paid out to the bank."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.kernel.money import Money
from billing.payments.records.reconciliation import Family, NamedException
from billing.payments.states.payouts import PayoutEvent, PayoutState


@dataclass(frozen=True, kw_only=True)
class PayoutLineFacts:
    """A movement of the processor's balance, net of its fee; `source` is what moved it, such as a charge."""

    reference: str
    source: str | None
    reporting_category: str
    net: Money


@dataclass(frozen=True, kw_only=True)
class PayoutFacts:
    """A payout as the processor shows it now.

    `told` is None while it waits to leave. `lines` is what an automatic one is made of, None until that
    is complete, and always for one that was made by hand.
    """

    reference: str
    told: PayoutEvent | None
    amount: Money
    arrives_on: date
    is_automatic: bool
    lines: tuple[PayoutLineFacts, ...] | None


@dataclass(frozen=True, kw_only=True)
class Payout:
    """`matched` is the sum of the movements that it is made of, as far as these are known."""

    id: str
    entity_id: str
    site_id: str
    reference: str
    state: PayoutState
    amount: Money
    arrives_on: date
    is_automatic: bool
    matched: Money | None


@dataclass(frozen=True, kw_only=True)
class PayoutPart:
    """A movement that a payout took along, and what it is of, as far as the books know.

    `moved_on` is a moment, or the day of what it is of while the processor's list does not tell the moment;
    `gross` is None while neither the books nor the processor's list tell it apart from the fee. `owner_id` is
    our payment, refund or dispute, or another payout. `exception` is the last one that named it.
    """

    object_id: str
    family: Family
    category: str
    moved_on: date | None
    gross: Money | None
    net: Money
    owner_id: str | None
    patient_id: str | None
    is_in_books: bool
    exception: NamedException | None

    @property
    def fee(self) -> Money | None:
        return None if self.gross is None else self.gross - self.net

    @property
    def differs(self) -> NamedException | None:
        """The exception that nobody has solved."""
        return self.exception if self.exception and self.exception.resolved_at is None else None

    @property
    def is_explained(self) -> bool:
        return self.differs is None and (self.is_in_books or self.exception is not None)


@dataclass(frozen=True, kw_only=True)
class PartsElsewhere:
    """How many movements are of sites that the reader does not see, and their sums."""

    count: int
    gross: Money
    net: Money


@dataclass(frozen=True, kw_only=True)
class PayoutContents:
    """What a payout is made of. `unexplained` is what of it nothing in the books explains."""

    payout: Payout
    parts: tuple[PayoutPart, ...]
    elsewhere: PartsElsewhere | None
    unexplained: Money
