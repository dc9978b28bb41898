"""What people do with an insurer's answer that was not posted by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from billing.insurance.records import Adjustment, Outcome, RemittanceTransaction
from billing.insurance.records.answers import BilledOtherwise
from billing.insurance.records.set_apart import ApartAdjustment
from billing.kernel.money import Money


class DecisionKind(StrEnum):
    """MATCH names the visit of a claim, UNMATCH takes that back; the others are of the whole transaction.

    DISTINCT says that it is another payment than a posted one of the same number, RIGHT_DAY that its day is
    right though it is long ago, or before the visit. SET_APART names what of its adjustments nobody can
    book, SETTLED that it was found out what they were, UNSETTLED that this was wrong. OURS says that its
    payee is the clinic, by a number that is not in the settings: it holds for later payments, too.
    """

    MATCH = "match"
    UNMATCH = "unmatch"
    DISTINCT = "distinct"
    RIGHT_DAY = "right_day"
    SET_APART = "set_apart"
    SETTLED = "settled"
    UNSETTLED = "unsettled"
    OURS = "ours"
    SET_ASIDE = "set_aside"
    PUT_BACK = "put_back"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What somebody decided, and why. `place` is that of the claim it is about, from 1.

    `apart` are the adjustments that it set apart.
    """

    kind: DecisionKind
    place: int | None
    session_id: str | None
    reason: str
    decided_at: datetime
    decided_by: str
    apart: tuple[ApartAdjustment, ...] = ()


@dataclass(frozen=True)
class KeptContent:
    """A transaction as it came; `sessions` are those that it was last matched to, by the claims' segments."""

    transaction: RemittanceTransaction
    sessions: Mapping[int, str]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How the claims of a parked transaction stood when it was looked at last, by their places from 1."""

    sessions: Mapping[int, str] = field(default_factory=dict)
    by_hand: frozenset[int] = frozenset()
    unmatched: Sequence[int] = ()
    """Those that need a visit of ours, and have none."""


@dataclass(frozen=True, kw_only=True)
class ToldLine:
    """What an insurer said of one service of a claim; positive adjustments reduce the payment."""

    procedure: str
    served_on: date | None
    charge: Money
    paid: Money
    adjustments: Sequence[Adjustment]


@dataclass(frozen=True, kw_only=True)
class ToldClaim:
    """A claim of a remittance with all that was said of it. `session_id` is of a parked one, too."""

    id: str
    place: int
    control_number: str
    payer_claim_number: str
    claim_status: str
    charge: Money
    paid: Money
    patient_responsibility: Money
    credit: Money
    above: Money
    """What exceeded what was the patient's, and is held for the insurer."""
    outcome: Outcome | None
    session_id: str | None
    is_matched_by_hand: bool
    is_ours: bool
    """Whether it needs a visit of ours before it can be posted."""
    adjustments: Sequence[Adjustment]
    lines: Sequence[ToldLine]
    billed_otherwise: BilledOtherwise | None


@dataclass(frozen=True, kw_only=True)
class Copies:
    """How often a transaction came again after it was posted or set aside, and when it last did."""

    count: int
    last_at: datetime


class ClaimAnswer(StrEnum):
    """CLP02, as a paper EOB says it in words."""

    PRIMARY = "1"
    SECONDARY = "2"
    TERTIARY = "3"
    DENIED = "4"
    REVERSAL = "22"
    NOT_OURS = "23"


@dataclass(frozen=True, kw_only=True)
class TypedLine:
    procedure: str
    charge: Money
    paid: Money
    adjustments: tuple[Adjustment, ...] = ()
    served_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class TypedClaim:
    """A claim of a paper EOB: ours by its control number, by the visit that was chosen, or yet unknown."""

    control_number: str = ""
    session_id: str | None = None
    status: ClaimAnswer = ClaimAnswer.PRIMARY
    charge: Money
    paid: Money
    patient_responsibility: Money | None = None
    """None is what the adjustments of the group PR say."""
    payer_claim_number: str = ""
    adjustments: tuple[Adjustment, ...] = ()
    lines: tuple[TypedLine, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TypedProviderAdjustment:
    """What the payer added (negative) or kept (positive) beside the claims; `reference` is the payer's."""

    code: str
    reference: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class PaperEob:
    """An explanation of benefits on paper, and the check that came with it."""

    payer_name: str
    payer_id: str | None = None
    """As the payer's files have it (TRN03), when that is known."""
    check_number: str
    amount: Money
    paid_on: date
    claims: tuple[TypedClaim, ...]
    provider_adjustments: tuple[TypedProviderAdjustment, ...] = ()
    is_another_payment: bool = False
    """Somebody looked: it is not the payment of the same number that was posted before."""


@dataclass(frozen=True, kw_only=True)
class KnownPayer:
    """A payer that answered before, by the id that its files carry."""

    payer_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class TookBack:
    """Which payment told that its payer wants money of an earlier one back."""

    payer_name: str
    trace: str
    paid_on: date
