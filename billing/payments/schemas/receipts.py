"""Receipts, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.platform.http.fields import Cents, LocalDate, Moment, StrictSchema
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


class MailReceipt(StrictSchema):
    """`again`: another mail with a link of its own, though that of the last one still opens."""

    again = fields.Boolean(load_default=False)


class MailView(Schema):
    """`is_new` is false for a mail that was there before, whose link still opens: it is not sent again."""

    id = fields.String()
    receipt_id = fields.String()
    state = fields.String()
    queued_at = Moment()
    sent_at = Moment(allow_none=True)
    is_new = fields.Boolean()
