"""Payments, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema, Text
from billing.platform.http.pages import page_args


class TakeCash(StrictSchema):
    """`amount_cents` is what is kept; of `tendered_cents`, what was handed over, the rest is change."""

    amount_cents = Cents(attribute="amount", required=True)
    tendered_cents = Cents(attribute="tendered", load_default=None)


class TakeCheck(StrictSchema):
    """`amount_cents` is what is written on the check, also when the invoice owes less.

    A number that is booked from the same patient is refused unless it is said to be another check.
    """

    amount_cents = Cents(attribute="amount", required=True)
    number = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{1,12}\Z"))
    dated_on = LocalDate(required=True)
    is_health_account = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    another_check_with_this_number = fields.Boolean(
        attribute="is_another", load_default=False, truthy={True}, falsy={False}
    )


class TakeTransfer(StrictSchema):
    """`reference` is how the bank's statement names it.

    The same amount under it is refused unless it came once more.
    """

    amount_cents = Cents(attribute="amount", required=True)
    reference = Text(max=40, required=True)
    another_transfer_with_this_reference = fields.Boolean(
        attribute="is_another", load_default=False, truthy={True}, falsy={False}
    )


class TakePayersCheck(StrictSchema):
    """A number that is booked from the same payer is refused unless this is another check, or part of it."""

    amount_cents = Cents(attribute="amount", required=True)
    number = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{1,12}\Z"))
    dated_on = LocalDate(required=True)
    another_check_with_this_number = fields.Boolean(
        attribute="is_another", load_default=False, truthy={True}, falsy={False}
    )


class PaymentsQuery(page_args("pay")):  # type: ignore[misc]
    patient_id = OpaqueId("pat", load_default=None)
    invoice_id = OpaqueId("inv", load_default=None)
    share_id = OpaqueId("shr", load_default=None)


class PaymentView(Schema):
    """`share_id` is the part of the invoice that `payer_id` pays with it, where another payer gave it."""

    id = fields.String()
    patient_id = fields.String()
    invoice_id = fields.String(allow_none=True)
    payer_id = fields.String(allow_none=True)
    share_id = fields.String(allow_none=True)
    state = fields.String()
    corrects_id = fields.String(allow_none=True)
    tender = fields.String()
    instrument = fields.String(allow_none=True)
    is_health_account = fields.Boolean()
    amount_cents = Cents(attribute="amount")
    fee_cents = Cents(attribute="fee")
    refunded_cents = Cents(attribute="refunded")
    tendered_cents = Cents(attribute="tendered", allow_none=True)
    change_cents = Cents(attribute="change", allow_none=True)
    drawer_id = fields.String(allow_none=True)
    received_on = LocalDate()
    received_at = Moment()


class MovePayment(StrictSchema):
    """Without an invoice the money is held as the patient's credit."""

    patient_id = OpaqueId("pat", required=True)
    invoice_id = OpaqueId("inv", load_default=None)
