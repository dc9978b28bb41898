"""Checks that bounced, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.kernel.money import ZERO
from billing.payments.records.bounces import BounceReason
from billing.platform.http.fields import Cents, LocalDate, Moment, StrictSchema


class BounceCheck(StrictSchema):
    """`bounced_on` is the bank's day, by the site's calendar; `bank_fee_cents` what the bank asks for it.

    A check that was not banked yet is taken back on that day, and no bank asks anything for it.
    """

    reason = fields.Enum(BounceReason, by_value=True, required=True)
    bounced_on = LocalDate(required=True)
    bank_fee_cents = Cents(attribute="fee", min=0, load_default=ZERO)


class BounceView(Schema):
    """`owed_cents` is on invoices again; the rest of the check was held as credit and is gone."""

    id = fields.String()
    patient_id = fields.String()
    payment_id = fields.String()
    reason = fields.String()
    amount_cents = Cents(attribute="amount")
    owed_cents = Cents(attribute="owed")
    bank_fee_cents = Cents(attribute="fee")
    bounced_on = LocalDate()
    recorded_at = Moment()
