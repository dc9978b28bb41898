"""Money that a payer demands back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from billing.kernel.money import Money
from billing.payments.states.takebacks import TakebackState


@dataclass(frozen=True, kw_only=True)
class Takeback:
    """`unspent` came out of the patient's credit, `billed` is owed on invoices again."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    reimbursement_id: str
    demand: str
    amount: Money
    unspent: Money
    billed: Money
    forgiven: Money
    returned: Money
    state: TakebackState
    demanded_on: date
    demanded_at: datetime

    @property
    def owed(self) -> Money:
        """What the patient owes of it outside of any invoice, until somebody decides."""
        return self.amount - self.unspent - self.billed - self.forgiven
