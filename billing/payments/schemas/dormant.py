"""Credits whose owners show no sign, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from billing.payments.states.dormant import DormantState
from billing.platform.http.fields import Cents, LocalDate, Moment, StrictSchema, Text
from billing.platform.http.pages import page_args


class DormantQuery(page_args("drm")):  # type: ignore[misc]
    us_state = fields.String(load_default=None, validate=validate.Regexp(r"^[A-Z]{2}\Z"))
    state = fields.Enum(DormantState, by_value=True, load_default=None)


class Letter(StrictSchema):
    sent_on = LocalDate(required=True)


class Remit(StrictSchema):
    reference = Text(required=True, max=60)


class DormantView(Schema):
    """With a `refund_id` it is that refund which waits for a check, else what is left of the credit.

    With a `payer_id` it is that payer's, else the patient's.
    """

    id = fields.String()
    patient_id = fields.String()
    credit_id = fields.String(attribute="lot_id")
    refund_id = fields.String(allow_none=True)
    payer_id = fields.String(allow_none=True)
    us_state = fields.String()
    dormant_on = LocalDate()
    state = fields.String()
    listed_at = Moment()
    letter_on = LocalDate(allow_none=True)
    amount_cents = Cents(attribute="amount", allow_none=True)
    set_aside_on = LocalDate(allow_none=True)
    remitted_on = LocalDate(allow_none=True)
    reference = fields.String(allow_none=True)
    claimed_on = LocalDate(allow_none=True)
