"""Credit whose owner shows no sign, on its way to the state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from billing.kernel.money import Money
from billing.payments.records.credits import CreditLot
from billing.payments.records.refunds import Refund
from billing.payments.states.dormant import DormantState


@dataclass(frozen=True, kw_only=True)
class Dormancy:
    """What one state says of credits: sample data, see unclaimed.yaml."""

    years: int
    letter_from: Money
    letter_days: int


@dataclass(frozen=True, kw_only=True)
class DormantCredit:
    """`amount` is what was set aside for the state, once it was.

    `refund_id` is the refund of that credit that waits for a check, when that is what is dormant.
    `payer_id` is whose it is, when that is another payer and not the patient.
    """

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    lot_id: str
    refund_id: str | None
    payer_id: str | None
    us_state: str
    dormant_on: date
    state: DormantState
    listed_at: datetime
    letter_on: date | None
    amount: Money | None
    set_aside_on: date | None
    remitted_on: date | None
    reference: str | None
    claimed_on: date | None

    @property
    def subject_id(self) -> str:
        return self.refund_id or self.lot_id


@dataclass(frozen=True, kw_only=True)
class StillOwed:
    """How much of what may be dormant is left, and when its owner last gave a sign."""

    amount: Money
    last_sign: date


@dataclass(frozen=True, kw_only=True)
class WithoutRule:
    """A credit, or a refund that waits for a check, of a state of which no rule is on file."""

    of: CreditLot | Refund
    us_state: str
    owed: StillOwed


@dataclass(frozen=True, kw_only=True)
class MissingRule:
    """What a person is asked about: a state, and the site that holds money of somebody there."""

    id: str
    entity_id: str
    site_id: str

    @classmethod
    def for_money(cls, held: WithoutRule) -> MissingRule:
        site_id = held.of.site_id
        about = f"nor_{held.us_state}_{site_id.removeprefix('sit_')}"
        return cls(id=about, entity_id=held.of.entity_id, site_id=site_id)

    @staticmethod
    def state_of(about: str) -> str:
        return about.split("_")[1]


@dataclass(frozen=True, kw_only=True)
class HeldForInsurer:
    """What of a claim is an insurer's, who did not ask for it; no address of insurers is kept."""

    reimbursement_id: str
    site_id: str
    patient_id: str
    amount: Money
    received_on: date
