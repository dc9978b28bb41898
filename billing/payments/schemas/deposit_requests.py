"""Deposits that are asked for, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.payments.states.deposit_requests import DepositRequestState
from billing.platform.http.fields import Cents, Moment, OpaqueId, StrictSchema
from billing.platform.http.pages import page_args


class AskForDeposit(StrictSchema):
    """`site_id` is where it is paid, when that is not the patient's own site."""

    amount_cents = Cents(attribute="amount", required=True)
    site_id = OpaqueId("site", load_default=None)


class DepositRequestsQuery(page_args("dpr")):  # type: ignore[misc]
    patient_id = OpaqueId("pat", load_default=None)
    state = fields.Enum(DepositRequestState, by_value=True, load_default=None)


class DepositRequestView(Schema):
    """`open_cents` is what of it is still asked for; the desk may have taken a part. A check of it that
    bounces is asked for again."""

    id = fields.String()
    site_id = fields.String()
    patient_id = fields.String()
    amount_cents = Cents(attribute="amount")
    open_cents = Cents(attribute="open_balance")
    state = fields.String()
    asked_at = Moment()
