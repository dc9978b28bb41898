"""A deposit that was asked for, before there is an invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.kernel.money import ZERO, Money
from billing.payments.states.deposit_requests import DepositRequestState


@dataclass(frozen=True, kw_only=True)
class DepositRequest:
    """`handed` is what of it was paid, in whatever way, and did not bounce."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    amount: Money
    handed: Money
    state: DepositRequestState
    asked_by: str
    asked_at: datetime

    @property
    def open_balance(self) -> Money:
        """What of it is still to be paid."""
        return self.amount - self.handed if self.state is DepositRequestState.ASKED else ZERO
