"""A paper EOB, keyed in over HTTP."""

from typing import Any

from marshmallow import fields, post_load, validate

from billing.insurance.records import Adjustment
from billing.insurance.records.remittances import (
    ClaimAnswer,
    PaperEob,
    TypedClaim,
    TypedLine,
    TypedProviderAdjustment,
)
from billing.insurance.rules.answers import GROUPS
from billing.kernel.money import LARGEST_CENTS
from billing.platform.http.fields import Cents, LocalDate, OpaqueId, StrictSchema, Text

MOST_TYPED = 100
"""Claims of a paper EOB, lines of a claim, and adjustments of each."""


class TypedAdjustment(StrictSchema):
    """A positive amount reduces the payment. `group` is CO, PR, OA, PI or CR."""

    group = fields.String(required=True, validate=validate.OneOf(GROUPS))
    code = fields.String(required=True, validate=validate.Regexp(r"^[A-Z0-9]{1,5}\Z"))
    amount_cents = Cents(attribute="amount", min=-LARGEST_CENTS, required=True)

    @post_load
    def made(self, told: dict[str, Any], **_more: Any) -> Adjustment:
        return Adjustment(**told)


class TypedLineBody(StrictSchema):
    """A service of a claim, if the EOB lists them."""

    procedure = Text(max=48, required=True)
    charge_cents = Cents(attribute="charge", min=-LARGEST_CENTS, required=True)
    paid_cents = Cents(attribute="paid", min=-LARGEST_CENTS, required=True)
    served_on = LocalDate(load_default=None)
    adjustments = fields.List(
        fields.Nested(TypedAdjustment), load_default=list, validate=validate.Length(max=MOST_TYPED)
    )

    @post_load
    def made(self, told: dict[str, Any], **_more: Any) -> TypedLine:
        return TypedLine(**told | {"adjustments": tuple(told["adjustments"])})


class TypedClaimBody(StrictSchema):
    """`control_number` is the patient account number on the EOB, `session_id` the visit if that is known.

    `status` is CLP02 of the 835: 1 primary, 2 secondary, 3 tertiary, 4 denied, 22 reversal, 23 not ours.
    Adjustments of the lines are not repeated in those of the claim.
    """

    control_number = Text(max=50, load_default="")
    session_id = OpaqueId("ses", load_default=None)
    status = fields.Enum(ClaimAnswer, by_value=True, load_default=ClaimAnswer.PRIMARY)
    charge_cents = Cents(attribute="charge", min=-LARGEST_CENTS, required=True)
    paid_cents = Cents(attribute="paid", min=-LARGEST_CENTS, required=True)
    patient_responsibility_cents = Cents(attribute="patient_responsibility", min=0, load_default=None)
    payer_claim_number = Text(max=50, load_default="")
    adjustments = fields.List(
        fields.Nested(TypedAdjustment), load_default=list, validate=validate.Length(max=MOST_TYPED)
    )
    lines = fields.List(
        fields.Nested(TypedLineBody), load_default=list, validate=validate.Length(max=MOST_TYPED)
    )

    @post_load
    def made(self, told: dict[str, Any], **_more: Any) -> TypedClaim:
        parts = {"adjustments": tuple(told["adjustments"]), "lines": tuple(told["lines"])}
        return TypedClaim(**told | parts)


class TypedProviderAdjustmentBody(StrictSchema):
    """A PLB code: L6 with a negative amount is interest, WO with a positive one was kept back."""

    code = fields.String(required=True, validate=validate.Regexp(r"^[A-Z0-9]{1,2}\Z"))
    reference = Text(max=50, load_default="")
    amount_cents = Cents(attribute="amount", min=-LARGEST_CENTS, required=True)

    @post_load
    def made(self, told: dict[str, Any], **_more: Any) -> TypedProviderAdjustment:
        return TypedProviderAdjustment(**told)


class KeyInEob(StrictSchema):
    """A paper EOB and its check. `payer_id` is that of the payer's files (TRN03), when it is known."""

    payer_name = Text(max=80, required=True)
    payer_id = Text(max=80, load_default=None)
    check_number = Text(max=50, required=True)
    amount_cents = Cents(attribute="amount", min=0, required=True)
    paid_on = LocalDate(required=True)
    claims = fields.List(
        fields.Nested(TypedClaimBody), required=True, validate=validate.Length(min=1, max=MOST_TYPED)
    )
    provider_adjustments = fields.List(
        fields.Nested(TypedProviderAdjustmentBody),
        load_default=list,
        validate=validate.Length(max=MOST_TYPED),
    )
    is_another_payment = fields.Boolean(load_default=False, truthy={True}, falsy={False})

    @post_load
    def made(self, told: dict[str, Any], **_more: Any) -> PaperEob:
        parts = {key: tuple(told[key]) for key in ("claims", "provider_adjustments")}
        return PaperEob(**told | parts)
