"""Disputes, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.payments.states.disputes import DisputeState
from billing.platform.http.fields import Cents, Moment, OpaqueId
from billing.platform.http.pages import page_args


class DisputesQuery(page_args("dsp")):  # type: ignore[misc]
    patient_id = OpaqueId("pat", load_default=None)
    state = fields.Enum(DisputeState, by_value=True, load_default=None)


class DisputeView(Schema):
    """`lost_cents` did not come back; evidence is due until `due_at`."""

    id = fields.String()
    patient_id = fields.String()
    payment_id = fields.String()
    reference = fields.String()
    state = fields.String()
    reason = fields.String()
    amount_cents = Cents(attribute="amount")
    lost_cents = Cents(attribute="lost")
    due_at = Moment(allow_none=True)
    opened_at = Moment()
