"""Receipts, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.platform.http.fields import Cents, LocalDate, Moment
from billing.platform.http.pages import page_args


class ReceiptsQuery(page_args("rcp")):  # type: ignore[misc]
    pass


class ReceiptView(Schema):
    """`body` is what the receipt says; `sha256` that of its canonical JSON."""

    id = fields.String()
    number = fields.String()
    patient_id = fields.String()
    payment_id = fields.String(allow_none=True)
    refund_id = fields.String(allow_none=True)
    refers_to_id = fields.String(allow_none=True)
    amount_cents = Cents(attribute="amount")
    issued_on = LocalDate()
    stands = fields.Boolean()
    sha256 = fields.String()
    body = fields.Dict()


class MailView(Schema):
    id = fields.String()
    receipt_id = fields.String()
    state = fields.String()
    queued_at = Moment()
    sent_at = Moment(allow_none=True)
