"""Bank deposits, over HTTP."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from billing.kernel.money import LARGEST_CENTS, ZERO
from billing.payments.schemas.payments import PaymentView
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema
from billing.platform.http.pages import page_args


class BankPayments(StrictSchema):
    """`banked_on` is the site's own date; a payment named twice is banked once.

    `float_cents` is change of the site that is taken along; below zero, what of the payments is not there
    because drawers were short.
    """

    site_id = OpaqueId("site", required=True)
    payment_ids = fields.List(OpaqueId("pay"), required=True, validate=validate.Length(max=200))
    float_cents = Cents(attribute="float", min=-LARGEST_CENTS, load_default=ZERO)
    banked_on = LocalDate(required=True)

    @validates_schema
    def _holds_something(self, data: dict[str, Any], **_: Any) -> None:
        if not data["payment_ids"] and not data["float"].cents > 0:
            raise ValidationError("Name what is banked: payments, or change.", "payment_ids")


class DepositsQuery(page_args("dep")):  # type: ignore[misc]
    site_id = OpaqueId("site", load_default=None)


class UndepositedQuery(page_args("pay")):  # type: ignore[misc]
    site_id = OpaqueId("site", load_default=None)


class BankDepositView(Schema):
    id = fields.String()
    site_id = fields.String()
    amount_cents = Cents(attribute="amount")
    float_cents = Cents(attribute="float")
    banked_on = LocalDate()
    banked_at = Moment()
    payment_ids = fields.List(fields.String())


class UndepositedView(PaymentView):
    site_id = fields.String()
