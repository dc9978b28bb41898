"""Refunds, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from billing.payments.states.refunds import RefundState
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema
from billing.platform.http.pages import page_args


class RequestRefund(StrictSchema):
    """With `payment_id` the money goes back to that card, without it a check is written."""

    amount_cents = Cents(attribute="amount", required=True)
    payment_id = OpaqueId("pay", load_default=None, allow_none=True)


class SendCheck(StrictSchema):
    check_number = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{1,12}\Z"))


class RefundsQuery(page_args("ref")):  # type: ignore[misc]
    state = fields.Enum(RefundState, by_value=True, load_default=None)


class RefundView(Schema):
    id = fields.String()
    patient_id = fields.String()
    credit_id = fields.String(attribute="lot_id")
    payment_id = fields.String(allow_none=True)
    method = fields.String()
    amount_cents = Cents(attribute="amount")
    state = fields.String()
    requested_by = fields.String()
    requested_at = Moment()
    approved_by = fields.String(allow_none=True)
    refunded_on = LocalDate(allow_none=True)
