"""The shape of a plan to price, in files and over HTTP, and what is shown of a price."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from billing.platform.http.fields import (
    LocalDate,
    Measure,
    OpaqueId,
    StrictSchema,
    Text,
    UnitsByCode,
    WholeNumber,
)
from billing.platform.http.pages import page_args
from billing.quotes.records import SessionToPrice
from billing.quotes.rules import (
    LARGEST_DOSE_MG,
    LARGEST_WEIGHT_KG,
    LONGEST_MINUTES,
    MOST_SESSIONS,
    MOST_UNITS,
)


def _code(**options: Any) -> Text:
    return Text(max=40, **options)


class SessionBody(StrictSchema):
    """`minutes` and `dose_mg` are needed for infusions and boosters only."""

    service = _code(required=True)
    on = LocalDate(required=True)
    minutes = WholeNumber(min=0, max=LONGEST_MINUTES, allow_none=True, load_default=None)
    dose_mg = Measure(min=0, max=LARGEST_DOSE_MG, allow_none=True, load_default=None)
    weight_kg = Measure(min=1, max=LARGEST_WEIGHT_KG, allow_none=True, load_default=None)
    add_ons = UnitsByCode(min=0, max=MOST_UNITS)
    condition = _code(allow_none=True, load_default=None)

    @post_load
    def to_session(self, data: dict[str, Any], **_: Any) -> SessionToPrice:
        return SessionToPrice(**data)


def _sessions(**options: Any) -> fields.List[Any]:
    return fields.List(
        fields.Nested(SessionBody), validate=validate.Length(min=1, max=MOST_SESSIONS), **options
    )


def _eligibilities() -> fields.List[Any]:
    return fields.List(_code(), load_default=list, validate=validate.Length(max=20))


class PlanFile(StrictSchema):
    """What `flask quote FILE` reads."""

    clinic = _code(required=True)
    condition = _code(required=True)
    quoted_on = LocalDate(required=True)
    eligibilities = _eligibilities()
    sessions = _sessions(required=True)


class NewQuote(StrictSchema):
    """Either a stored plan by `plan_id`, or a `condition` and its `sessions`.

    A patient's verified eligibilities count; `eligibilities` are for a price without a patient.
    """

    plan_id = OpaqueId("plan", allow_none=True, load_default=None)
    patient_id = OpaqueId("pat", allow_none=True, load_default=None)
    site_id = OpaqueId("site", allow_none=True, load_default=None)
    quoted_on = LocalDate(
        allow_none=True,
        load_default=None,
        metadata={"description": "Left out: today at the site. Another day needs a supervisor."},
    )
    condition = _code(allow_none=True, load_default=None)
    eligibilities = _eligibilities()
    sessions = _sessions(allow_none=True, load_default=None)

    @validates_schema
    def one_way(self, data: dict[str, Any], **_: Any) -> None:
        if data["plan_id"] is None:
            lacking = [name for name in ("condition", "sessions") if data[name] is None]
            if lacking:
                raise ValidationError({name: ["Is needed without a plan_id."] for name in lacking})
            if data["patient_id"] is not None and data["eligibilities"]:
                raise ValidationError("Leave this out: the patient's verified ones count.", "eligibilities")
            return
        known = [
            name for name in ("patient_id", "site_id", "condition", "eligibilities", "sessions") if data[name]
        ]
        if known:
            raise ValidationError({name: ["Leave this out: the plan says it."] for name in known})


QuotesQuery = page_args("quo").from_dict(
    {
        "patient_id": OpaqueId("pat", load_default=None),
        "plan_id": OpaqueId("plan", load_default=None),
    },
    name="QuotesQuery",
)


class ExplanationLineView(Schema):
    """`cents` are signed: the lines of a session sum to its net."""

    rule = fields.String()
    text = fields.String()
    cents = fields.Integer()


class QuotedSessionView(Schema):
    session_id = fields.String(allow_none=True)
    on = fields.Date()
    service = fields.String()
    list_cents = fields.Integer(attribute="list.cents")
    package_cents = fields.Integer(attribute="package.cents")
    discount_cents = fields.Integer(attribute="discount.cents")
    net_cents = fields.Integer(attribute="net.cents")
    explanation = fields.List(fields.Nested(ExplanationLineView))


class QuoteHeadView(Schema):
    """list - package - discount = total; reductions are positive."""

    id = fields.String()
    entity_id = fields.String()
    site_id = fields.String()
    patient_id = fields.String(allow_none=True)
    plan_id = fields.String(allow_none=True)
    schedule = fields.String(attribute="schedule_code")
    sample = fields.Boolean(attribute="is_sample", metadata={"description": "Made from sample data."})
    quoted_on = fields.Date()
    issued_at = fields.AwareDateTime()
    list_cents = fields.Integer(attribute="list.cents")
    package_cents = fields.Integer(attribute="package.cents")
    discount_cents = fields.Integer(attribute="discount.cents")
    total_cents = fields.Integer(attribute="total.cents")


class QuoteView(QuoteHeadView):
    condition = fields.String()
    eligibilities = fields.List(fields.String())
    sessions = fields.List(fields.Nested(QuotedSessionView))
