"""Saved cards, consents and charges, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from billing.payments.records.saved_methods import Purpose
from billing.payments.schemas.checkouts import CheckoutView
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema

_ALL = list(Purpose)


class AskForCard(StrictSchema):
    """Which purposes the patient is asked to agree to; each is agreed to or left by itself."""

    purposes = fields.List(
        fields.Enum(Purpose, by_value=True), load_default=_ALL, validate=validate.Length(min=1, max=len(_ALL))
    )


class RecordConsent(StrictSchema):
    purpose = fields.Enum(Purpose, by_value=True, required=True)
    signed_on = LocalDate(required=True)


class RevokeConsent(StrictSchema):
    purpose = fields.Enum(Purpose, by_value=True, required=True)


class Charge(StrictSchema):
    """`due_cents` is what the asker believes to be left after credit; that amount is charged, or none.

    0 says that credit covers all: it pays, and no card is asked.
    """

    saved_method_id = OpaqueId("svm", required=True)
    due_cents = Cents(attribute="due", min=0, required=True)


class CardLinkView(Schema):
    """`url` is shown this once; only a hash of it is kept."""

    patient_id = fields.String()
    purposes = fields.List(fields.Enum(Purpose, by_value=True))
    url = fields.String()
    expires_at = Moment()


class SavedMethodView(Schema):
    """`purposes` are those that the patient agrees to now; `blocked_for` is the bank's own word."""

    id = fields.String()
    patient_id = fields.String()
    state = fields.String()
    brand = fields.String(attribute="card.brand")
    last4 = fields.String(attribute="card.last4")
    exp_month = fields.Integer(attribute="card.exp_month")
    exp_year = fields.Integer(attribute="card.exp_year")
    blocked_for = fields.String(allow_none=True)
    purposes = fields.List(fields.Enum(Purpose, by_value=True))
    opened_at = Moment()


class SavedMethodsView(Schema):
    items = fields.List(fields.Nested(SavedMethodView))


class ConsentView(Schema):
    """`text` is what was agreed to, word for word, with its sha256."""

    id = fields.String()
    purpose = fields.String()
    deed = fields.String()
    told_by = fields.String()
    actor_id = fields.String()
    signed_on = LocalDate(allow_none=True)
    text_sha256 = fields.String(allow_none=True)
    text = fields.String(allow_none=True)
    at = Moment()


class ConsentsView(Schema):
    items = fields.List(fields.Nested(ConsentView))


class ChargeView(CheckoutView):
    """`next_step` is what can be done after a decline; `pay_link` is for the patient, and told this once."""

    next_step = fields.String(allow_none=True)
    pay_link = fields.String(allow_none=True)
