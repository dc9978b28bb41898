"""What the API takes and shows of plans and sessions."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validates_schema

from billing.care.records import SessionOrder
from billing.care.states import SessionState
from billing.platform.http.fields import (
    Cents,
    LocalDate,
    Measure,
    Moment,
    OpaqueId,
    StrictSchema,
    Text,
    UnitsByCode,
    WholeNumber,
)
from billing.platform.http.pages import page_args

SHARED_BY_A_PROTOCOL = ("starts_on", "dose_mg", "weight_kg", "add_ons")
"""What goes with a protocol only; sessions given one by one each say it themselves."""


def _dose() -> Measure:
    return Measure(min=0, max=10_000, allow_none=True, load_default=None)


def _weight() -> Measure:
    return Measure(min=1, max=700, allow_none=True, load_default=None)


class SessionOrderBody(StrictSchema):
    service = Text(max=40, required=True)
    planned_on = LocalDate(required=True)
    minutes = WholeNumber(min=1, max=1_440, allow_none=True, load_default=None)
    dose_mg = _dose()
    weight_kg = _weight()
    add_ons = UnitsByCode(min=1, max=99)
    condition = Text(max=60, allow_none=True, load_default=None)

    @post_load
    def to_order(self, data: dict[str, Any], **_: Any) -> SessionOrder:
        return SessionOrder(**data)


class NewPlan(StrictSchema):
    """Either a `protocol` and the day it starts on, or `sessions` one by one."""

    patient_id = OpaqueId("pat", required=True)
    condition = Text(max=60, required=True)
    provider_id = OpaqueId("prov", allow_none=True, load_default=None)
    site_id = OpaqueId("site", allow_none=True, load_default=None)
    protocol = Text(max=60, allow_none=True, load_default=None)
    starts_on = LocalDate(allow_none=True, load_default=None)
    dose_mg = _dose()
    weight_kg = _weight()
    add_ons = UnitsByCode(min=1, max=99)
    sessions = fields.List(fields.Nested(SessionOrderBody), allow_none=True, load_default=None)

    @validates_schema
    def one_way(self, data: dict[str, Any], **_: Any) -> None:
        if (data["protocol"] is None) == (data["sessions"] is None):
            raise ValidationError("Name a protocol, or else list the sessions.", "protocol")
        if data["protocol"] is not None and data["starts_on"] is None:
            raise ValidationError("Give the day on which the protocol starts.", "starts_on")
        if data["sessions"] is not None:
            given = [name for name in SHARED_BY_A_PROTOCOL if data[name]]
            if given:
                raise ValidationError({name: ["Say this in each session instead."] for name in given})


class Reschedule(StrictSchema):
    planned_on = LocalDate(required=True)


class CheckIn(StrictSchema):
    override_reason = Text(
        max=500,
        allow_none=True,
        load_default=None,
        metadata={"description": "A supervisor's, for a session that is not covered."},
    )


class SessionFacts(StrictSchema):
    """What was given; infusions and boosters need their dose."""

    started_at = Moment(required=True)
    stopped_at = Moment(required=True)
    dose_mg = _dose()


class Missed(StrictSchema):
    """`moved_to` is the day on which the visit takes place instead, as one of a package always does."""

    moved_to = LocalDate(load_default=None)


class Nothing(StrictSchema):
    """A body without fields."""


SessionsQuery = page_args("ses").from_dict(
    {"on": LocalDate(required=True), "site_id": OpaqueId("site", load_default=None)}, name="SessionsQuery"
)
"""The sessions of one day, at all of the actor's sites or at one."""


class SessionView(Schema):
    id = fields.String()
    plan_id = fields.String()
    entity_id = fields.String()
    site_id = fields.String()
    patient_id = fields.String()
    provider_id = fields.String(allow_none=True)
    number = fields.Integer()
    service = fields.String()
    condition = fields.String()
    planned_on = fields.Date()
    planned_minutes = fields.Integer(allow_none=True)
    planned_dose_mg = _dose()
    weight_kg = _weight()
    add_ons = fields.Dict(keys=fields.String(), values=fields.Integer())
    state = fields.Enum(SessionState, by_value=fields.String)
    moved_as_id = fields.String(allow_none=True)
    checked_in_at = fields.AwareDateTime(allow_none=True)
    started_at = fields.AwareDateTime(allow_none=True)
    stopped_at = fields.AwareDateTime(allow_none=True)
    dose_mg = _dose()
    due_cents = Cents(attribute="due", min=0, allow_none=True)
    covered_cents = Cents(attribute="covered", min=0)
    counted_cents = Cents(
        attribute="counted",
        min=0,
        metadata={
            "description": "What of `covered_cents` counts at check-in: neither what went back, nor what "
            "another payer only promised."
        },
    )
    override_reason = fields.String(allow_none=True)


class PlanView(Schema):
    id = fields.String()
    entity_id = fields.String()
    site_id = fields.String()
    patient_id = fields.String()
    condition = fields.String()
    protocol = fields.String(allow_none=True)
    sessions = fields.List(fields.Nested(SessionView))


class PlansView(Schema):
    items = fields.List(fields.Nested(PlanView))
