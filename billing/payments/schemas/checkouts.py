"""Attempts to pay, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from billing.platform.http.fields import Cents, Moment, StrictSchema


class AskOnReader(StrictSchema):
    reader_id = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9_]{1,80}\Z"))


class ReaderView(Schema):
    id = fields.String()
    label = fields.String()
    is_online = fields.Boolean()


class ReadersView(Schema):
    items = fields.List(fields.Nested(ReaderView))


class CheckoutView(Schema):
    """`url` is where the patient pays while the state is `open`; `decline` is the bank's word for its no.

    It pays an invoice, or a deposit that was asked for.
    """

    id = fields.String()
    invoice_id = fields.String(allow_none=True)
    deposit_request_id = fields.String(allow_none=True)
    way = fields.String()
    reader_id = fields.String(allow_none=True)
    saved_method_id = fields.String(allow_none=True)
    decline = fields.String(allow_none=True)
    amount_cents = Cents(attribute="amount")
    state = fields.String()
    url = fields.String(allow_none=True)
    expires_at = Moment()


class PayLinkView(Schema):
    """`url` is shown this once; only a hash of it is kept."""

    invoice_id = fields.String(allow_none=True)
    deposit_request_id = fields.String(allow_none=True)
    amount_cents = Cents(attribute="amount")
    url = fields.String()
    expires_at = Moment()
