"""What the API takes and shows of plans and sessions."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from billing.care.records import (
    ChartEntry,
    DrugEntry,
    Evaluation,
    EvaluationKind,
    Hydration,
    HydrationPurpose,
    Order,
    SessionOrder,
    Way,
)
from billing.care.rules.charts import MOST_DRUGS
from billing.care.rules.talks import LONGEST_TALK
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

MOST_VERSIONS = 9_999


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


def _instant() -> Moment:
    return Moment(allow_none=True, load_default=None)


class DrugEntryBody(StrictSchema):
    """`drug` is its code in the clinic's list; times of its own, within the visit's, where they differ."""

    drug = Text(max=40, required=True)
    dose_mg = Measure(min=0, max=10_000, required=True)
    way = fields.Enum(Way, by_value=True, load_default=Way.INFUSION)
    order = fields.Enum(Order, by_value=True, load_default=Order.FIRST)
    started_at = _instant()
    stopped_at = _instant()
    ndc = Text(max=20, allow_none=True, load_default=None)
    is_at_second_site = fields.Boolean(load_default=False, truthy={True}, falsy={False})

    @post_load
    def to_entry(self, data: dict[str, Any], **_: Any) -> DrugEntry:
        return DrugEntry(**data)


class HydrationBody(StrictSchema):
    started_at = _instant()
    stopped_at = _instant()
    purpose = fields.Enum(HydrationPurpose, by_value=True, required=True)

    @post_load
    def to_hydration(self, data: dict[str, Any], **_: Any) -> Hydration:
        return Hydration(**data)


class EvaluationBody(StrictSchema):
    """`outside_minutes` of the `minutes` were before or after the visit, on its day."""

    kind = fields.Enum(EvaluationKind, by_value=True, required=True)
    minutes = WholeNumber(min=1, max=LONGEST_TALK, allow_none=True, load_default=None)
    outside_minutes = WholeNumber(min=0, max=LONGEST_TALK, load_default=0)

    @post_load
    def to_evaluation(self, data: dict[str, Any], **_: Any) -> Evaluation:
        return Evaluation(**data)


class ChartBody(StrictSchema):
    """What was done at a visit; what is not known yet may be left out until it is signed.

    With the `seen_version` that was looked at, 0 for none, 409 `chart-changed` once there is another.
    """

    started_at = _instant()
    stopped_at = _instant()
    provider_id = OpaqueId("prov", allow_none=True, load_default=None)
    drugs = fields.List(
        fields.Nested(DrugEntryBody), load_default=(), validate=validate.Length(max=MOST_DRUGS)
    )
    hydration = fields.Nested(HydrationBody, allow_none=True, load_default=None)
    evaluation = fields.Nested(EvaluationBody, allow_none=True, load_default=None)
    psychotherapy_minutes = WholeNumber(min=1, max=LONGEST_TALK, allow_none=True, load_default=None)
    seen_version = WholeNumber(min=0, max=MOST_VERSIONS, allow_none=True, load_default=None)

    @post_load
    def to_chart(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The entry, and what comes beside it."""
        beside = {"seen": data.pop("seen_version")}
        beside |= {name: data.pop(name) for name in ("reason",) if name in data}
        return {"entry": ChartEntry(**data | {"drugs": tuple(data["drugs"])}), **beside}


class AmendChart(ChartBody):
    """All that was done, as it should have been signed, and why that is amended."""

    reason = Text(max=500, required=True)


class GivenDrugView(Schema):
    """`name`, `strength` and `ndc` are as they stood in the clinic's list, or on the vial, on that day."""

    drug = fields.String()
    name = fields.String(attribute="listed.name")
    strength = fields.String(attribute="listed.strength")
    ndc = fields.String(attribute="listed.ndc")
    dose_mg = Measure(min=0, max=10_000)
    way = fields.Enum(Way, by_value=fields.String)
    order = fields.Enum(Order, by_value=fields.String)
    started_at = fields.AwareDateTime(allow_none=True)
    stopped_at = fields.AwareDateTime(allow_none=True)
    is_at_second_site = fields.Boolean()


class HydrationView(Schema):
    started_at = fields.AwareDateTime(allow_none=True)
    stopped_at = fields.AwareDateTime(allow_none=True)
    purpose = fields.Enum(HydrationPurpose, by_value=fields.String)


class EvaluationView(Schema):
    kind = fields.Enum(EvaluationKind, by_value=fields.String)
    minutes = fields.Integer(allow_none=True)
    outside_minutes = fields.Integer()


class ChartView(Schema):
    """One version; `written_by` signed it when `is_signed`, `reason` is why the one before was amended."""

    id = fields.String()
    session_id = fields.String()
    version = fields.Integer()
    is_signed = fields.Boolean()
    written_by = fields.String()
    written_at = Moment()
    reason = fields.String(allow_none=True)
    started_at = fields.AwareDateTime(allow_none=True)
    stopped_at = fields.AwareDateTime(allow_none=True)
    provider_id = fields.String(allow_none=True)
    drugs = fields.List(fields.Nested(GivenDrugView))
    hydration = fields.Nested(HydrationView, allow_none=True)
    evaluation = fields.Nested(EvaluationView, allow_none=True)
    psychotherapy_minutes = fields.Integer(allow_none=True)


class ChartsView(Schema):
    """Every version, the oldest first."""

    items = fields.List(fields.Nested(ChartView))


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
