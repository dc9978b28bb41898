"""Payouts, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.payments.states.payouts import PayoutState
from billing.platform.http.fields import Cents, LocalDate
from billing.platform.http.pages import page_args


class PayoutsQuery(page_args("pyo")):  # type: ignore[misc]
    state = fields.Enum(PayoutState, by_value=True, load_default=None)


class PayoutView(Schema):
    """`matched_cents` is the sum of what it is made of, null until the processor has told all of it."""

    id = fields.String()
    reference = fields.String()
    state = fields.String()
    amount_cents = Cents(attribute="amount")
    matched_cents = Cents(attribute="matched", allow_none=True)
    arrives_on = LocalDate()
    is_automatic = fields.Boolean()
