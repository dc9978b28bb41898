"""Bank deposits, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from billing.payments.schemas.payments import PaymentView
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema
from billing.platform.http.pages import page_args


class BankPayments(StrictSchema):
    """`banked_on` is the site's own date; a payment named twice is banked once."""

    site_id = OpaqueId("site", required=True)
    payment_ids = fields.List(OpaqueId("pay"), required=True, validate=validate.Length(min=1, max=200))
    banked_on = LocalDate(required=True)


class DepositsQuery(page_args("dep")):  # type: ignore[misc]
    site_id = OpaqueId("site", load_default=None)


class UndepositedQuery(page_args("pay")):  # type: ignore[misc]
    site_id = OpaqueId("site", load_default=None)


class BankDepositView(Schema):
    id = fields.String()
    site_id = fields.String()
    amount_cents = Cents(attribute="amount")
    banked_on = LocalDate()
    banked_at = Moment()
    payment_ids = fields.List(fields.String())


class UndepositedView(PaymentView):
    site_id = fields.String()
