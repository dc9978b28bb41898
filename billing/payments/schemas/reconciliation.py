"""What cannot be explained of the processor's account, over HTTP."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from billing.kernel.money import LARGEST_CENTS
from billing.ledger.records import Account
from billing.payments.records.reconciliation import BookedPart
from billing.payments.records.refunds import RefundReason
from billing.payments.rules.reconciliation import BOOKABLE
from billing.platform.http.fields import Cents, Moment, StrictSchema
from billing.platform.http.pages import page_args


class ExceptionsQuery(page_args("nex")):  # type: ignore[misc]
    is_open = fields.Boolean(load_default=None)


class BookedPartBody(StrictSchema):
    """Credited to the account; debited when the amount is negative."""

    account = fields.String(required=True, validate=validate.OneOf([str(each) for each in BOOKABLE]))
    amount_cents = Cents(required=True, attribute="amount", min=-LARGEST_CENTS)

    @post_load
    def to_part(self, data: dict[str, Any], **_more: object) -> BookedPart:
        return BookedPart(account=Account(data["account"]), amount=data["amount"])


class BookException(StrictSchema):
    """Together the parts are the exception's `cents`."""

    parts = fields.List(fields.Nested(BookedPartBody), required=True, validate=validate.Length(min=1, max=20))


class BookAsRefund(StrictSchema):
    reason = fields.Enum(RefundReason, by_value=True, required=True)


class NamedExceptionView(Schema):
    """`cents` is what the processor has more than the books; `object_id` is the processor's, or ours."""

    id = fields.String()
    kind = fields.String()
    object_id = fields.String()
    cents = Cents(attribute="amount")
    first_seen_at = Moment()
    resolved_at = Moment(allow_none=True)
