"""Credits, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.payments.records.credits import Election
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema


class Elect(StrictSchema):
    election = fields.Enum(Election, by_value=True, required=True)


class StandingElection(StrictSchema):
    """What is done with all that insurers pay; null asks the patient each time."""

    election = fields.Enum(Election, by_value=True, required=True, allow_none=True)


class CreditView(Schema):
    """`elected_by` is whose word the choice is: `staff`, `patient`, `standing` for all of it, or `nobody`."""

    id = fields.String()
    patient_id = fields.String()
    source = fields.String()
    source_id = fields.String()
    session_id = fields.String(allow_none=True)
    origin_payment_id = fields.String(allow_none=True)
    payer_id = fields.String(allow_none=True)
    amount_cents = Cents(attribute="amount")
    available_cents = Cents(attribute="available")
    election = fields.String(allow_none=True)
    elected_at = Moment(allow_none=True)
    elected_by = fields.String(allow_none=True)
    held_on = LocalDate()


class CreditApplicationView(Schema):
    """`undone_cents` of it came off the invoice again."""

    id = fields.String()
    credit_id = fields.String(attribute="lot_id")
    invoice_id = fields.String()
    amount_cents = Cents(attribute="amount")
    undone_cents = Cents(attribute="undone")
    applied_at = Moment()


class AppliedCreditsView(Schema):
    invoice_id = fields.String()
    amount_cents = Cents(attribute="amount")
    applications = fields.List(fields.Nested(CreditApplicationView))


class CreditSourceView(Schema):
    source = fields.String()
    available_cents = Cents(attribute="available")


class CreditsView(Schema):
    """One balance, its sources, all credits and all that invoices took of them, oldest first."""

    available_cents = Cents(attribute="available")
    sources = fields.List(fields.Nested(CreditSourceView))
    items = fields.List(fields.Nested(CreditView))
    applications = fields.List(fields.Nested(CreditApplicationView))


class MoveCredit(StrictSchema):
    """`undone_cents` is what had come off before, where somebody looked first; another figure is refused."""

    invoice_id = OpaqueId("inv", required=True)
    undone_cents = Cents(attribute="undone", min=0, load_default=None)
