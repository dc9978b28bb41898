"""What a patient sees of the insurers' money that is held for them, by the link of a letter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.catalog.records import Entity
from billing.kernel.money import Money
from billing.payments.records.credits import CreditLot, Election
from billing.payments.records.refunds import Refund
from billing.payments.states.refunds import RefundState


@dataclass(frozen=True, kw_only=True)
class OwnCredit:
    """One credit and what became of it. `used` came off invoices, `taken` went back to the insurer."""

    lot: CreditLot
    visit_on: date
    goes_back_on: date
    used: Money
    taken: Money
    refunds: tuple[Refund, ...]
    is_forgotten: bool
    """Whether it is to go back, and neither is a refund of it under way nor comes one by itself."""
    shown_as: str
    """What the forms of this credit send back, so that nobody chooses for what is not so any more."""

    @property
    def came_back(self) -> bool:
        """Whether it was asked back since it was chosen, and could not be sent."""
        chosen_at = self.lot.elected_at
        since = [each for each in self.refunds if chosen_at is None or each.requested_at >= chosen_at]
        return any(each.state in (RefundState.FAILED, RefundState.REJECTED) for each in since)


@dataclass(frozen=True, kw_only=True)
class OwnChoices:
    """`always` is the standing choice; while charges are stopped nothing is chosen here."""

    clinic: Entity
    credits: tuple[OwnCredit, ...]
    always: Election | None
    is_stopped: bool
