"""What the room hands to others: superbills, and remittances as an insurer sent them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from billing.catalog.records import Drug
from billing.insurance.records.coding import CodingStep
from billing.insurance.records.set_apart import ToldAdjustment
from billing.insurance.states import SuperbillState
from billing.kernel.money import Money


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One version of what tells an insurer of one session."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    session_id: str
    number: str
    version: int
    supersedes_id: str | None
    control_number: str
    document_id: str
    sha256: str
    service_on: date
    charge: Money
    """The net charge of the session."""
    paid: Money
    """What the ledger showed as paid at `issued_at`."""
    issued_at: datetime


@dataclass(frozen=True, kw_only=True)
class Superbill(Paper):
    """One version of the itemised statement of one session."""

    state: SuperbillState


@dataclass(frozen=True, kw_only=True)
class WhichSuperbills:
    """Those of a batch; days are those of the service, both included, None without an end."""

    patient_id: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A present superbill that is in no batch, and why: a person was asked what becomes of it."""

    superbill: Superbill
    why: str


@dataclass(frozen=True, kw_only=True)
class Batch:
    """How many superbills a batch holds, and which it does not."""

    count: int
    left_out: tuple[LeftOut, ...]


class BatchForm(StrEnum):
    """One PDF of all, or a ZIP of one PDF each with a manifest."""

    PDF = "pdf"
    ZIP = "zip"


@dataclass(frozen=True, kw_only=True)
class DrugGiven:
    """What was infused, as the payer wants it named; `ndc` has eleven digits, 5-4-2, in hyphens."""

    code: str
    description: str
    ndc: str
    quantity: str
    unit: str


@dataclass(frozen=True, kw_only=True)
class CodedService:
    """A code of the encounter with its units, before any charge is put on it.

    `times` are the site's own, without seconds. `weight` is its part of what the services cost together, by
    its units unless told; 0 for what is included in another. `list_charge` is of an add-on with a price of
    its own. `steps` say why it is this code, these units and these modifiers. `listed` is what the clinic's
    list says of a drug.
    """

    code: str
    units: int
    description: str
    modifiers: tuple[str, ...] = ()
    times: tuple[datetime, datetime] | None = None
    steps: tuple[CodingStep, ...] = ()
    drug: DrugGiven | None = None
    listed: Drug | None = None
    weight: int | None = None
    list_charge: Money | None = None


@dataclass(frozen=True, kw_only=True)
class SuperbillLine:
    """`pointers` are letters of diagnoses; without any the line points to the first four of all."""

    code: str
    units: int
    charge: Money
    description: str
    drug: DrugGiven | None = None
    modifiers: tuple[str, ...] = ()
    pointers: str = ""
    times: tuple[datetime, datetime] | None = None
    steps: tuple[CodingStep, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A code of ICD-10-CM, with its dot; only leaves of the classification are billable."""

    code: str
    description: str
    is_billable: bool


@dataclass(frozen=True, kw_only=True)
class ExcludesNote:
    """An Excludes1 note: beginnings of codes, or ranges of them, and what none of them goes with."""

    owners: tuple[str, ...]
    excluded: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Edition:
    """The codes of ICD-10-CM that hold from a day of service on, until the next edition.

    `lines` are sorted: a code without its dot, 1 for a billable one or 0, and the description, with tabs.
    """

    starts_on: date
    lines: Sequence[str]
    notes: Sequence[ExcludesNote]


@dataclass(frozen=True, kw_only=True)
class FoundDiagnoses:
    """What a search finds in the edition that started on this day."""

    starts_on: date
    items: Sequence[Diagnosis]


@dataclass(frozen=True, kw_only=True)
class LoadedEdition:
    """What became of an edition that was handed in. `new` and `gone` count against what held before."""

    starts_on: date
    status: str
    """loaded, replaced or unchanged."""
    codes: int
    billable: int
    new: int
    gone: int
    usual_not_billable: Sequence[str]
    """Codes that the clinic lists for its conditions, of which no superbill can be issued on these days."""


class Outcome(StrEnum):
    """What an insurer's answer to one claim means for the books."""

    REIMBURSED = "reimbursed"
    NOTHING_PAID = "nothing_paid"
    PAID_TO_PATIENT = "paid_to_patient"
    PAID_TO_OTHER = "paid_to_other"
    NOT_OURS = "not_ours"
    ESTIMATE_ONLY = "estimate_only"
    NOT_DECIDED = "not_decided"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A CAS triple. A positive amount reduces the payment."""

    group: str
    code: str
    amount: Money


@dataclass(frozen=True, slots=True)
class RemittanceLine:
    """An SVC segment with what follows it."""

    segment: int
    procedure: str
    charge: Money
    paid: Money
    adjustments: tuple[Adjustment, ...]
    served_on: date | None
    control_number: str
    """REF*6R, or empty."""


@dataclass(frozen=True, slots=True)
class RemittanceClaim:
    """A CLP segment with what follows it. `segment` is its place in the file, from 1."""

    segment: int
    control_number: str
    status: str
    charge: Money
    paid: Money
    patient_responsibility: Money
    payer_claim_number: str
    adjustments: tuple[Adjustment, ...]
    lines: tuple[RemittanceLine, ...]
    remarks: tuple[str, ...] = ()
    """Remark codes (RARC) of the claim and its lines, each once."""
    member_id: str = ""
    """NM109 of the insured or else of the patient, or empty."""
    days: tuple[date, ...] = ()
    """DTM*232 and 233, as far as they are told; the lines may tell days of their own."""


@dataclass(frozen=True, slots=True)
class ProviderAdjustment:
    """A PLB pair. A positive amount reduces the payment."""

    segment: int
    code: str
    reference: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RemittanceTransaction:
    """One ST to SE: a payment and what it is for."""

    segment: int
    payer_id: str
    payer_name: str
    payee_npi: str
    """N104 of the payee, or empty."""
    trace: str
    amount: Money
    paid_on: date
    handling: str
    """BPR01: I, C, D, U or X with money, H or P without."""
    credit: bool
    """BPR03: the payer pays (C), not takes (D)."""
    method: str
    """BPR04: ACH, CHK, FWT, BOP or NON."""
    claims: tuple[RemittanceClaim, ...]
    provider_adjustments: tuple[ProviderAdjustment, ...] = ()
    doubts: tuple[str, ...] = ()
    """What could be read but should not be posted without a person."""
    is_on_paper: bool = False
    """Keyed in from an explanation of benefits that came with a check, and not read from a file."""
    payee_tin: str = field(default="", repr=False)
    """The same of a payee that is named by its taxpayer number; for no fingerprint, log or reason."""


@dataclass(frozen=True, slots=True)
class RemittanceFile:
    transactions: tuple[RemittanceTransaction, ...]


@dataclass(frozen=True, kw_only=True)
class Match:
    """The session of ours that a claim is about."""

    session_id: str
    patient_id: str
    entity_id: str
    site_id: str


@dataclass(frozen=True, kw_only=True)
class AnsweredClaim:
    """What became of one claim of a remittance; `outcome` and `session_id` are known once it is posted.

    The id is a new one whenever a parked remittance is looked at again. `billed` is what the visit was billed
    at where a posted answer has another charge, or pays the same one again; `is_part`: such answers come to a
    billed charge together.
    """

    id: str
    control_number: str
    status: str
    outcome: Outcome | None
    session_id: str | None
    paid: Money
    credit: Money
    charge: Money
    billed: Money | None = None
    is_part: bool = False


@dataclass(frozen=True, kw_only=True)
class Undone:
    """Why, when and by whom a posted remittance was undone."""

    reason: str
    undone_at: datetime
    undone_by: str


@dataclass(frozen=True, kw_only=True)
class Remittance:
    """One ST transaction as it is kept.

    `status` is posted, parked, set aside, undone or, for one that came again, duplicate. `undone`,
    `adjustments` and a mark of them are there when it is looked at alone, not in lists. Who sent it and may
    not know of it is told no id, here or of its claims.
    """

    id: str
    payer_id: str
    payer_name: str
    trace: str
    amount: Money
    paid_on: date
    status: str
    reason: str | None
    received_at: datetime
    is_on_paper: bool
    claims: tuple[AnsweredClaim, ...]
    undone: Undone | None = None
    adjustments: tuple[ToldAdjustment, ...] | None = field(default=None, compare=False)
    adjustments_shown: str | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class ImportedFile:
    """What became of one file: the worst status of its transactions, or `refused` with the reason."""

    name: str
    status: str
    reason: str | None = None
    transactions: tuple[Remittance, ...] = ()
    resumed: tuple[Remittance, ...] = ()
    """Of earlier files: what had waited for one of these, and is posted now."""
