"""Takebacks, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.payments.states.takebacks import TakebackState
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema, Text
from billing.platform.http.pages import page_args


class Demand(StrictSchema):
    """`demand` is the payer's own number of its letter or reversal.

    `left_cents` is what of the claim was not demanded yet, where somebody looked first; another figure is
    refused.
    """

    reimbursement_id = OpaqueId("rmc", required=True)
    demand = Text(required=True, max=60)
    amount_cents = Cents(attribute="amount", required=True)
    demanded_on = LocalDate(required=True)
    left_cents = Cents(attribute="left", min=0, load_default=None)


class Repay(StrictSchema):
    """`returned_cents` is what was repaid before, where somebody looked first; another figure is refused."""

    amount_cents = Cents(attribute="amount", required=True)
    repaid_on = LocalDate(required=True)
    returned_cents = Cents(attribute="shown", min=0, load_default=None)


class TakebacksQuery(page_args("tkb")):  # type: ignore[misc]
    patient_id = OpaqueId("pat", load_default=None)
    state = fields.Enum(TakebackState, by_value=True, load_default=None)


class TakebackView(Schema):
    """`excess_cents` was held for the payer all the time, `unspent_cents` came out of the patient's credit.

    `covered_cents` came out of what later claims of the visit brought. `owed_cents` is what the patient owes
    of it outside of any invoice.
    """

    id = fields.String()
    patient_id = fields.String()
    reimbursement_id = fields.String()
    demand = fields.String()
    amount_cents = Cents(attribute="amount")
    excess_cents = Cents(attribute="excess")
    unspent_cents = Cents(attribute="unspent")
    covered_cents = Cents(attribute="covered")
    billed_cents = Cents(attribute="billed")
    forgiven_cents = Cents(attribute="forgiven")
    owed_cents = Cents(attribute="owed")
    returned_cents = Cents(attribute="returned")
    state = fields.String()
    demanded_on = LocalDate()
    demanded_at = Moment()
