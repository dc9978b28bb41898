"""Cash drawers, over HTTP."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from billing.kernel.money import Money
from billing.payments.records.drawers import DENOMINATIONS
from billing.payments.states.drawers import DrawerState
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema, WholeNumber
from billing.platform.http.pages import page_args

MOST_PIECES = 10_000


class BringFloat(StrictSchema):
    """`brought_on` is the day at the site on which the bank gave it."""

    site_id = OpaqueId("site", required=True)
    amount_cents = Cents(attribute="amount", required=True)
    brought_on = LocalDate(required=True)


class FloatsQuery(page_args("flt")):  # type: ignore[misc]
    site_id = OpaqueId("site", load_default=None)


class CashFloatView(Schema):
    id = fields.String()
    site_id = fields.String()
    amount_cents = Cents(attribute="amount")
    brought_on = LocalDate()
    brought_by = fields.String()
    brought_at = Moment()


class OpenDrawer(StrictSchema):
    site_id = OpaqueId("site", required=True)
    float_cents = Cents(attribute="float", min=0, required=True)


class CountDrawer(StrictSchema):
    """Either the total, or how many of each note and coin by its worth in cents: `{"2000": 3, "25": 4}`."""

    counted_cents = Cents(attribute="counted", min=0, load_default=None)
    denominations = fields.Dict(
        keys=fields.String(validate=validate.OneOf([str(each) for each in DENOMINATIONS])),
        values=WholeNumber(min=0, max=MOST_PIECES),
        load_default=None,
    )

    @validates_schema
    def one_way(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("counted") is None) == (data.get("denominations") is None):
            raise ValidationError("Tell either the total or the denominations.", "counted_cents")

    @post_load
    def to_total(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        pieces = data.pop("denominations")
        if pieces is None:
            return data
        return {"counted": Money(sum(int(worth) * number for worth, number in pieces.items()))}


class DrawersQuery(page_args("drw")):  # type: ignore[misc]
    site_id = OpaqueId("site", load_default=None)
    state = fields.Enum(DrawerState, by_value=True, load_default=None)


class CashDrawerView(Schema):
    """What was taken and expected is null until the drawer was counted, so that people count what is there.

    `difference_cents` is below zero when the drawer was short, and null until it is closed.
    """

    id = fields.String()
    site_id = fields.String()
    state = fields.String()
    cashier = fields.String()
    float_cents = Cents(attribute="float")
    opened_on = LocalDate()
    opened_at = Moment()
    taken_cents = Cents(attribute="taken", allow_none=True)
    banked_cents = Cents(attribute="banked", allow_none=True)
    expected_cents = Cents(attribute="expected", allow_none=True)
    counted_cents = Cents(attribute="counted", allow_none=True)
    counted_by = fields.String(allow_none=True)
    counted_at = Moment(allow_none=True)
    confirmed_cents = Cents(attribute="confirmed", allow_none=True)
    confirmed_by = fields.String(allow_none=True)
    difference_cents = Cents(attribute="difference", allow_none=True)
    closed_on = LocalDate(allow_none=True)
    closed_at = Moment(allow_none=True)


class CashTakenView(Schema):
    payment_id = fields.String()
    receipt_number = fields.String()
    amount_cents = Cents(attribute="amount")
    received_at = Moment()
    deposit_id = fields.String(allow_none=True)


class DrawerReportView(Schema):
    drawer = fields.Nested(CashDrawerView)
    payments = fields.List(fields.Nested(CashTakenView), allow_none=True)
