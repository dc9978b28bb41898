"""Attempts to pay, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.platform.http.fields import Cents, Moment


class CheckoutView(Schema):
    """`url` is where the patient pays while the state is `open`."""

    id = fields.String()
    invoice_id = fields.String()
    amount_cents = Cents(attribute="amount")
    state = fields.String()
    url = fields.String(allow_none=True)
    expires_at = Moment()


class PayLinkView(Schema):
    """`url` is shown this once; only a hash of it is kept."""

    invoice_id = fields.String()
    amount_cents = Cents(attribute="amount")
    url = fields.String()
    expires_at = Moment()
