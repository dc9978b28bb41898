"""Money that a payer demands back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from billing.kernel.ids import id_pattern
from billing.kernel.money import Money
from billing.payments.states.takebacks import TakebackState

_OUR_ID = re.compile(rf" {id_pattern('[a-z]+')}$")


@dataclass(frozen=True, kw_only=True)
class PaidClaim:
    """What an insurer paid for one claim; `left` was not demanded back, and `above` of it held for it."""

    id: str
    site_id: str
    patient_id: str
    paid: Money
    left: Money
    above: Money
    received_on: date


@dataclass(frozen=True, kw_only=True)
class ShownClaim:
    """What somebody saw of a claim before they recorded a demand; `above` is None where it was not shown."""

    left: Money
    above: Money | None = None

    def is_still(self, claim: PaidClaim) -> bool:
        return self.left == claim.left and self.above in (None, claim.above)


@dataclass(frozen=True, kw_only=True)
class PaidAbove:
    """What is held for the payer of one claim, who did not ask for it yet."""

    reimbursement_id: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class Recouped:
    """What a payer takes back under one demand; `demanded` is what of it was not demanded before."""

    takeback_id: str
    amount: Money
    demanded: Money


@dataclass(frozen=True, kw_only=True)
class Takeback:
    """`excess` was held for the payer all the time, `unspent` came out of the patient's credit.

    `covered` came out of what later claims of the visit brought; `billed` is owed on invoices again.
    """

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    session_id: str
    reimbursement_id: str
    demand: str
    amount: Money
    excess: Money
    unspent: Money
    covered: Money
    billed: Money
    forgiven: Money
    returned: Money
    state: TakebackState
    demanded_on: date
    demanded_at: datetime

    @property
    def owed(self) -> Money:
        """What the patient owes of it outside of any invoice, until somebody decides."""
        return self.amount - self.excess - self.unspent - self.covered - self.billed - self.forgiven

    @property
    def number(self) -> str:
        """The payer's own, without the id by which we tell demands under one number apart."""
        return _OUR_ID.sub("", self.demand)
