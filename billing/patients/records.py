"""What the room hands to others: people, their insurance and their verified rights to a discount."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from billing.kernel.permissions import Actor


class Sex(StrEnum):
    """As an insurer's form asks for it (CMS-1500 box 3, X12 DMG03)."""

    FEMALE = "female"
    MALE = "male"
    UNKNOWN = "unknown"


class Relationship(StrEnum):
    """The patient's to the person who holds the insurance (CMS-1500 box 6)."""

    SELF = "self"
    SPOUSE = "spouse"
    CHILD = "child"
    OTHER = "other"


class Category(StrEnum):
    VETERAN = "veteran"
    FIRST_RESPONDER = "first_responder"


class Occupation(StrEnum):
    """The first responders whom the clinics mean; nurses are not among them."""

    POLICE = "police"
    CORRECTIONS = "corrections"
    FIREFIGHTER = "firefighter"
    VOLUNTEER_FIREFIGHTER = "volunteer_firefighter"
    EMT = "emt"
    PARAMEDIC = "paramedic"


class Proof(StrEnum):
    """What was shown. Only its kind is kept: an image of a military id may not be (18 USC 701)."""

    DD_214 = "dd_214"
    VA_CARD = "va_card"
    ID_ME = "id_me"
    AGENCY_ID = "agency_id"


@dataclass(frozen=True, kw_only=True)
class Address:
    line1: str
    line2: str = ""
    city: str
    state: str
    postal_code: str


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who somebody is and how to reach them; `phone` is E.164, such as +15125550123.

    `declines_mail` is a patient who wants no mail that nobody pressed a button for.
    """

    given_name: str
    family_name: str
    born_on: date
    sex: Sex = Sex.UNKNOWN
    address: Address
    phone: str | None = None
    email: str | None = None
    declines_mail: bool = False


@dataclass(frozen=True, kw_only=True)
class Patient(Person):
    """`number` is the clinic's own, counted from 1 in each legal entity; `version` counts amendments."""

    id: str
    entity_id: str
    site_id: str
    number: int
    version: int
    added_at: datetime


@dataclass(frozen=True, kw_only=True)
class PolicyTerms:
    """What the insurance card says. The subscriber is named unless the patient is the subscriber."""

    payer_name: str
    payer_id: str
    member_id: str
    group_number: str | None = None
    relationship: Relationship = Relationship.SELF
    subscriber_given_name: str | None = None
    subscriber_family_name: str | None = None
    subscriber_born_on: date | None = None
    filing_days: int | None = None
    """How many days after the day of service the plan takes a claim; None when nobody asked."""


@dataclass(frozen=True, kw_only=True)
class Policy(PolicyTerms):
    """In force from `effective_from` until a later one begins, `ends_on` included when there is one."""

    id: str
    patient_id: str
    effective_from: date
    ends_on: date | None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What somebody showed and who looked at it; first responders name their occupation."""

    category: Category
    occupation: Occupation | None = None
    proof: Proof
    seen_by: str


@dataclass(frozen=True, kw_only=True)
class Eligibility(Evidence):
    """A verified right to a discount from `verified_on` to `expires_on`, both included; None never ends."""

    id: str
    patient_id: str
    verified_on: date
    expires_on: date | None


class HoldReason(StrEnum):
    """Why nothing is charged, and nobody is asked to pay, on a patient's account."""

    DEATH = "death"
    BANKRUPTCY = "bankruptcy"


@dataclass(frozen=True, kw_only=True)
class HoldTerms:
    """What is known of it; `note` is one line, such as the number of the case or who told the clinic."""

    reason: HoldReason
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class AccountHold(HoldTerms):
    """A stop of all charges: it stands from when it is placed until it is lifted, and is never deleted.

    `effective_from` is the day of the death, or of the filing.
    """

    id: str
    patient_id: str
    effective_from: date
    placed_at: datetime
    placed_by: str
    lifted_at: datetime | None
    lifted_by: str | None
    why_lifted: str | None

    @property
    def stands(self) -> bool:
        return self.lifted_at is None


class FederalProgram(StrEnum):
    """Programs that would be asked to pay for care; to be a veteran is not to be in one."""

    MEDICARE = "medicare"
    MEDICAID = "medicaid"
    TRICARE = "tricare"
    CHAMPVA = "champva"
    VA_COMMUNITY_CARE = "va_community_care"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class PlanLimits:
    """What stands between a patient's care and a health plan, as it was recorded last.

    `contract_on` is the day of the patient's private contract outside of Medicare (42 CFR 405.415).
    `is_kept_from_plan`: the patient asked that their plan is not told (45 CFR 164.522(a)(1)(vi)).
    """

    programs: tuple[FederalProgram, ...] = ()
    contract_on: date | None = None
    is_kept_from_plan: bool = False
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChargesStopped:
    """A stop of all charges was placed, for whatever reason."""

    hold_id: str
    patient_id: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, kw_only=True)
class PlanLimitsRecorded:
    """What stands between a patient's care and a plan was said anew."""

    patient_id: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a search text asks for; every part that is there must match."""

    words: tuple[str, ...] = ()
    born_on: date | None = None
    phone: str | None = None
    number: int | None = None
