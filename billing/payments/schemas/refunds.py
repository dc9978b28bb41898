"""Refunds, over HTTP."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from billing.payments.records.refunds import CHOSEN_REJECTIONS, RefundMethod, RefundReason, Rejection
from billing.payments.states.refunds import RefundState
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema
from billing.platform.http.pages import page_args


class RequestRefund(StrictSchema):
    """With `payment_id` the money goes back to that card, without it a check is written.

    `available_cents` is what the caller was shown as left of the credit.
    """

    amount_cents = Cents(attribute="amount", required=True)
    available_cents = Cents(attribute="available", required=True, min=0)
    payment_id = OpaqueId("pay", load_default=None, allow_none=True)


class RefundPayment(StrictSchema):
    """`refundable_cents` is what the caller was shown; without a `method` it goes back as it came."""

    amount_cents = Cents(attribute="amount", required=True)
    refundable_cents = Cents(attribute="refundable", required=True, min=0)
    reason = fields.Enum(RefundReason, by_value=True, required=True)
    method = fields.Enum(RefundMethod, by_value=True, load_default=None, allow_none=True)


class RefundableSourceView(Schema):
    kind = fields.String()
    id = fields.String()
    amount_cents = Cents(attribute="amount")


class RefundableView(Schema):
    """Money is taken from the sources in this order; nothing while `blocked_by` names a problem's code."""

    payment_id = fields.String()
    refundable_cents = Cents(attribute="amount")
    sources = fields.List(fields.Nested(RefundableSourceView))
    blocked_by = fields.String(allow_none=True)
    blocked_reason = fields.String(allow_none=True)


class SendCheck(StrictSchema):
    check_number = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{1,12}\Z"))


class RejectRefund(StrictSchema):
    """Who asked reads the reason. Without one, who asked withdraws it, and of anybody else it is `other`."""

    reason = fields.String(validate=validate.OneOf(CHOSEN_REJECTIONS), load_default=None)

    @post_load
    def chosen(self, body: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"reason": body["reason"] and Rejection(body["reason"])}


class CashCheck(StrictSchema):
    cashed_on = LocalDate(required=True)


class ChecksQuery(page_args("ref")):  # type: ignore[misc]
    """Those that went out and nobody cashed, the longest out first."""


class OutstandingCheckView(Schema):
    """`id` is the refund's; `payer_id` is whom the check went to when that is not the patient."""

    id = fields.String()
    patient_id = fields.String()
    payer_id = fields.String(allow_none=True)
    check_number = fields.String(attribute="number")
    amount_cents = Cents(attribute="amount")
    written_on = LocalDate()
    days = fields.Integer()


class RefundsQuery(page_args("ref")):  # type: ignore[misc]
    state = fields.Enum(RefundState, by_value=True, load_default=None)
    patient_id = OpaqueId("pat", load_default=None)


class RefundView(Schema):
    id = fields.String()
    patient_id = fields.String()
    credit_id = fields.String(attribute="lot_id")
    payment_id = fields.String(allow_none=True)
    payer_id = fields.String(allow_none=True)
    method = fields.String()
    amount_cents = Cents(attribute="amount")
    state = fields.String()
    reason = fields.String(allow_none=True)
    rejected_for = fields.String(allow_none=True)
    requested_by = fields.String()
    requested_at = Moment()
    approved_by = fields.String(allow_none=True)
    refunded_on = LocalDate(allow_none=True)
    cashed_on = LocalDate(allow_none=True)
    is_voided = fields.Boolean()
    replaces_id = fields.String(allow_none=True)
