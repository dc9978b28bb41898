"""Professional claims: the facts of one, as an insurer is sent them, and how several go in one file.

Texts are in the basic character set already (`rules/claim_text.py`); numbers are without hyphens and dots
but for diagnoses, which keep the dot that they are known by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from billing.catalog.records import Address
from billing.insurance.records import Outcome, Paper
from billing.insurance.states import CLAIM_UNSENT, ClaimState
from billing.kernel.money import Money
from billing.patients.records import Relationship, Sex


class Frequency(StrEnum):
    """CLM05-3. A replacement and a void name the payer's number of the claim that they are about."""

    ORIGINAL = "1"
    REPLACEMENT = "7"
    VOID = "8"


@dataclass(frozen=True, kw_only=True)
class Submitter:
    """Who sends the file, and whom the receiver calls about it; `phone` has ten digits."""

    name: str
    id: str
    contact: str
    phone: str


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Where the file goes: a clearinghouse, or the payer itself."""

    name: str
    id: str


@dataclass(frozen=True, kw_only=True)
class BillingProvider:
    """The legal entity that is paid."""

    name: str
    npi: str
    tin: str
    taxonomy: str
    address: Address


@dataclass(frozen=True, kw_only=True)
class Practitioner:
    """A person who treated the patient, or sent them; `given_name` may be empty."""

    family_name: str
    given_name: str
    npi: str


@dataclass(frozen=True, kw_only=True)
class Facility:
    """Where the patient was treated, when that is not the billing provider's own address."""

    name: str
    address: Address


@dataclass(frozen=True, kw_only=True)
class ClaimPayer:
    name: str
    id: str


@dataclass(frozen=True, kw_only=True)
class Subscriber:
    """Who holds the insurance; `group_number` is empty when the card shows none."""

    family_name: str
    given_name: str
    member_id: str
    group_number: str


@dataclass(frozen=True, kw_only=True)
class ClaimPatient:
    """Who was treated; `relationship` is theirs to the subscriber."""

    family_name: str
    given_name: str
    born_on: date | None
    sex: Sex
    address: Address
    relationship: Relationship


@dataclass(frozen=True, kw_only=True)
class ClaimDrug:
    """`ndc` has eleven digits; the quantity counts `unit`, to a thousandth."""

    ndc: str
    quantity: Decimal
    unit: str


@dataclass(frozen=True, kw_only=True)
class ClaimLine:
    """`pointers` count the claim's diagnoses from 1; `description` is for codes that name no one thing."""

    code: str
    modifiers: tuple[str, ...]
    units: int
    charge: Money
    pointers: tuple[int, ...]
    served_on: date
    description: str
    drug: ClaimDrug | None
    control_number: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim. `charge` and `paid` are what the insurer is told: the net charge, and what the patient paid.

    `original_reference` is the payer's number of the claim that is replaced or taken back, else empty.
    """

    submitter: Submitter
    receiver: Receiver
    billing: BillingProvider
    rendering: Practitioner
    facility: Facility | None
    payer: ClaimPayer
    subscriber: Subscriber
    patient: ClaimPatient
    control_number: str
    frequency: Frequency
    original_reference: str
    place_of_service: str
    diagnoses: tuple[str, ...]
    lines: tuple[ClaimLine, ...]
    charge: Money
    paid: Money
    accepts_assignment: bool
    """Box 27."""
    assigns_benefits: bool
    """Box 13: whether the payer pays the clinic."""
    releases_information: bool
    """Box 12."""
    is_sample: bool
    referring: Practitioner | None = None
    """Who sent the patient; claims that were frozen before this was told name nobody."""


@dataclass(frozen=True, kw_only=True)
class Interchange:
    """A file: claims from one submitter to one receiver. `made_at` is the submitter's local time.

    The control number is the submitter's own, 1 to 999,999,999, and never given again.
    """

    control_number: int
    made_at: datetime
    claims: tuple[Claim, ...]


@dataclass(frozen=True, kw_only=True)
class IssuedClaim(Paper):
    """One version of a session's claim, as it is kept; `file_id` is the file that it was sent in."""

    state: ClaimState
    frequency: Frequency
    original_reference: str | None
    file_by: date | None
    """The last day on which the plan takes it; None when that is not known."""
    filed_at: datetime | None
    file_id: str | None

    @property
    def is_with_insurer(self) -> bool:
        """Whether the insurer has a claim of this session: what follows replaces it or takes it back."""
        return self.frequency is not Frequency.ORIGINAL or self.state not in CLAIM_UNSENT


@dataclass(frozen=True, kw_only=True)
class AnswerReason:
    """A CAS triple of an answer; `procedure` is that of its line, empty for the claim as a whole.

    A positive amount reduces the payment.
    """

    group: str
    code: str
    amount: Money
    procedure: str


@dataclass(frozen=True, kw_only=True)
class ClaimAnswer:
    """What an insurer said of a session's claim in a payment that was posted."""

    remittance_id: str
    payer_name: str
    trace: str
    paid_on: date
    received_at: datetime
    status: str
    """CLP02."""
    outcome: Outcome | None
    payer_claim_number: str
    charge: Money
    paid: Money
    patient_share: Money
    reasons: tuple[AnswerReason, ...]
    remarks: tuple[str, ...]
    """Remark codes (RARC), each once."""


@dataclass(frozen=True, kw_only=True)
class ClaimFile:
    """A file of claims that was made to be sent."""

    id: str
    entity_id: str
    control_number: int
    receiver_id: str
    claims: tuple[IssuedClaim, ...]
    charge: Money
    document_id: str
    made_at: datetime


@dataclass(frozen=True)
class Offset:
    """Points (72 an inch) by which a printer needs what is on a sheet moved; negative is left, or up."""

    right: int = 0
    down: int = 0
