"""Refunds over several payments, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from billing.payments.records.refunds import RefundReason
from billing.payments.schemas.refunds import RefundView
from billing.platform.http.fields import Cents, OpaqueId, QueryCents, StrictSchema


def _chosen() -> fields.List[str]:
    return fields.List(
        OpaqueId("pay"), attribute="chosen", load_default=None, validate=validate.Length(min=1, max=200)
    )


class RefundPlanQuery(StrictSchema):
    """Without an amount all that can go back; `payment_ids` are the only ones, in their order."""

    amount_cents = QueryCents(attribute="amount", load_default=None)
    payment_ids = _chosen()


class RefundPatient(StrictSchema):
    """`refundable_cents` is what the plan of the same `payment_ids` showed."""

    amount_cents = Cents(attribute="amount", required=True)
    refundable_cents = Cents(attribute="refundable", required=True, min=0)
    reason = fields.Enum(RefundReason, by_value=True, required=True)
    payment_ids = _chosen()


class RefundPartView(Schema):
    payment_id = fields.String()
    method = fields.String()
    amount_cents = Cents(attribute="amount")


class RefundPlanView(Schema):
    """Money goes back in the order of the parts; disputed payments wait for the bank."""

    refundable_cents = Cents(attribute="refundable")
    parts = fields.List(fields.Nested(RefundPartView))
    disputed_payment_ids = fields.List(fields.String())


class PlacedRefundsView(Schema):
    refunds = fields.List(fields.Nested(RefundView))
