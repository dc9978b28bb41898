"""What the API takes and shows of patients."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load

from billing.patients.records import (
    Address,
    Category,
    FederalProgram,
    HoldReason,
    Occupation,
    Proof,
    Relationship,
    Sex,
)
from billing.patients.rules.entitlements import MOST_FILING_DAYS
from billing.platform.http.fields import LocalDate, OpaqueId, StrictSchema, Text, WholeNumber


class AddressBody(StrictSchema):
    line1 = Text(max=100, required=True)
    line2 = Text(max=100, min=0, load_default="")
    city = Text(max=100, required=True)
    state = Text(max=2, required=True, metadata={"description": "Two letters, such as TX."})
    postal_code = Text(max=10, required=True, metadata={"description": "ZIP or ZIP+4."})

    @post_load
    def to_address(self, data: dict[str, Any], **_: Any) -> Address:
        return Address(**data)


class NewPatient(StrictSchema):
    site_id = OpaqueId("site", required=True)
    given_name = Text(max=100, required=True)
    family_name = Text(max=100, required=True)
    born_on = LocalDate(required=True)
    sex = fields.Enum(Sex, by_value=fields.String, load_default=Sex.UNKNOWN)
    address = fields.Nested(AddressBody, required=True)
    phone = Text(max=40, allow_none=True, load_default=None)
    email = Text(max=254, allow_none=True, load_default=None)
    declines_mail = fields.Boolean(truthy={True}, falsy={False}, load_default=False)


class PatientChanges(StrictSchema):
    """What is left out stays; null removes a phone or an e-mail address."""

    given_name = Text(max=100)
    family_name = Text(max=100)
    born_on = LocalDate()
    sex = fields.Enum(Sex, by_value=fields.String)
    address = fields.Nested(AddressBody)
    phone = Text(max=40, allow_none=True)
    email = Text(max=254, allow_none=True)
    declines_mail = fields.Boolean(truthy={True}, falsy={False})


class PatientSearch(StrictSchema):
    text = Text(
        max=200,
        required=True,
        metadata={"description": "Name beginnings, birth date, patient number; or a phone number."},
    )


class NewPolicy(StrictSchema):
    """`filing_days`: within how many days from the day of service the plan takes a claim."""

    payer_name = Text(max=100, required=True)
    payer_id = Text(max=30, required=True)
    member_id = Text(max=40, required=True)
    group_number = Text(max=40, allow_none=True, load_default=None)
    relationship = fields.Enum(Relationship, by_value=fields.String, load_default=Relationship.SELF)
    subscriber_given_name = Text(max=100, allow_none=True, load_default=None)
    subscriber_family_name = Text(max=100, allow_none=True, load_default=None)
    subscriber_born_on = LocalDate(allow_none=True, load_default=None)
    filing_days = WholeNumber(min=1, max=MOST_FILING_DAYS, allow_none=True, load_default=None)
    effective_from = LocalDate(required=True)
    ends_on = LocalDate(allow_none=True, load_default=None)


class NewEligibility(StrictSchema):
    category = fields.Enum(Category, by_value=fields.String, required=True)
    occupation = fields.Enum(Occupation, by_value=fields.String, allow_none=True, load_default=None)
    proof = fields.Enum(Proof, by_value=fields.String, required=True)
    seen_by = Text(
        max=100,
        allow_none=True,
        load_default=None,
        metadata={"description": "Who looked at the proof; left out, whoever sends this."},
    )
    verified_on = LocalDate(required=True)


class NewHold(StrictSchema):
    reason = fields.Enum(HoldReason, by_value=fields.String, required=True)
    effective_from = LocalDate(
        required=True, metadata={"description": "The day of the death, or on which the case was filed."}
    )
    note = Text(
        max=200,
        allow_none=True,
        load_default=None,
        metadata={"description": "Such as the court and number of the case, or who told the clinic."},
    )


class LiftedHold(StrictSchema):
    why = Text(
        max=200,
        required=True,
        metadata={"description": "Such as an entry by mistake, or a case that was dismissed."},
    )


class NewPlanLimits(StrictSchema):
    """All of what holds from now on; what is left out does not."""

    programs = fields.List(fields.Enum(FederalProgram, by_value=fields.String), load_default=())
    contract_on = LocalDate(
        allow_none=True,
        load_default=None,
        metadata={"description": "The day of the private contract outside of Medicare that is on file."},
    )
    is_kept_from_plan = fields.Boolean(
        load_default=False,
        metadata={"description": "The patient asked that their plan is not told."},
    )
    note = Text(max=200, allow_none=True, load_default=None)


class PlanLimitsView(Schema):
    programs = fields.List(fields.Enum(FederalProgram, by_value=fields.String))
    contract_on = fields.Date(allow_none=True)
    is_kept_from_plan = fields.Boolean()
    note = fields.String(allow_none=True)


class AddressView(Schema):
    line1 = fields.String()
    line2 = fields.String()
    city = fields.String()
    state = fields.String()
    postal_code = fields.String()


class PatientView(Schema):
    id = fields.String()
    entity_id = fields.String()
    site_id = fields.String()
    number = fields.Integer()
    given_name = fields.String()
    family_name = fields.String()
    born_on = fields.Date()
    sex = fields.Enum(Sex, by_value=fields.String)
    address = fields.Nested(AddressView)
    phone = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    declines_mail = fields.Boolean()
    version = fields.Integer()
    added_at = fields.AwareDateTime()


class PolicyView(Schema):
    id = fields.String()
    patient_id = fields.String()
    payer_name = fields.String()
    payer_id = fields.String()
    member_id = fields.String()
    group_number = fields.String(allow_none=True)
    relationship = fields.Enum(Relationship, by_value=fields.String)
    subscriber_given_name = fields.String(allow_none=True)
    subscriber_family_name = fields.String(allow_none=True)
    subscriber_born_on = fields.Date(allow_none=True)
    filing_days = fields.Integer(allow_none=True)
    effective_from = fields.Date()
    ends_on = fields.Date(allow_none=True)


class EligibilityView(Schema):
    id = fields.String()
    patient_id = fields.String()
    category = fields.Enum(Category, by_value=fields.String)
    occupation = fields.Enum(Occupation, by_value=fields.String, allow_none=True)
    proof = fields.Enum(Proof, by_value=fields.String)
    seen_by = fields.String()
    verified_on = fields.Date()
    expires_on = fields.Date(allow_none=True)


class HoldView(Schema):
    id = fields.String()
    patient_id = fields.String()
    reason = fields.Enum(HoldReason, by_value=fields.String)
    effective_from = fields.Date()
    note = fields.String(allow_none=True)
    stands = fields.Boolean()
    placed_at = fields.AwareDateTime()
    placed_by = fields.String()
    lifted_at = fields.AwareDateTime(allow_none=True)
    lifted_by = fields.String(allow_none=True)
    why_lifted = fields.String(allow_none=True)


class HoldsView(Schema):
    items = fields.List(fields.Nested(HoldView))


class PatientsView(Schema):
    items = fields.List(fields.Nested(PatientView))


class PoliciesView(Schema):
    items = fields.List(fields.Nested(PolicyView))


class EligibilitiesView(Schema):
    items = fields.List(fields.Nested(EligibilityView))
