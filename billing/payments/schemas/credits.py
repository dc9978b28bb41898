"""Credits, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.payments.records.credits import Election
from billing.platform.http.fields import Cents, LocalDate, Moment, StrictSchema


class Elect(StrictSchema):
    election = fields.Enum(Election, by_value=True, required=True)


class CreditView(Schema):
    id = fields.String()
    patient_id = fields.String()
    source = fields.String()
    session_id = fields.String(allow_none=True)
    amount_cents = Cents(attribute="amount")
    available_cents = Cents(attribute="available")
    election = fields.String(allow_none=True)
    elected_at = Moment(allow_none=True)
    held_on = LocalDate()


class CreditsView(Schema):
    """All of a patient's credits, oldest first, and what is left of them together."""

    available_cents = Cents(attribute="available")
    items = fields.List(fields.Nested(CreditView))


class CreditApplicationView(Schema):
    id = fields.String()
    credit_id = fields.String(attribute="lot_id")
    amount_cents = Cents(attribute="amount")
    applied_at = Moment()


class AppliedCreditsView(Schema):
    invoice_id = fields.String()
    amount_cents = Cents(attribute="amount")
    applications = fields.List(fields.Nested(CreditApplicationView))
