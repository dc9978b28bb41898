"""What the processor paid out to the bank."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.kernel.money import Money
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
