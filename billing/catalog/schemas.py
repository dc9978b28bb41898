"""What is asked of the catalog, and what it shows. Amounts are cents."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.platform.http.fields import LocalDate, StrictSchema


class InForceQuery(StrictSchema):
    on = LocalDate(load_default=None, metadata={"description": "Left out: today at the clinic."})


class SiteAddressView(Schema):
    line1 = fields.String()
    line2 = fields.String()
    city = fields.String()
    state = fields.String()
    postal_code = fields.String()


class SiteView(Schema):
    id = fields.String()
    code = fields.String()
    name = fields.String()
    address = fields.Nested(SiteAddressView)
    phone = fields.String()
    timezone = fields.String()


class ProviderView(Schema):
    id = fields.String()
    name = fields.String()
    credentials = fields.String()
    npi = fields.String()
    license_number = fields.String()
    license_state = fields.String()


class ConditionView(Schema):
    slug = fields.String()
    name = fields.String()
    category = fields.String()
    icd10 = fields.List(fields.String())


class ProtocolSessionView(Schema):
    day_offset = fields.Integer()
    service = fields.String()
    minutes = fields.Integer()


class ProtocolView(Schema):
    code = fields.String()
    name = fields.String()
    category = fields.String()
    sessions = fields.List(fields.Nested(ProtocolSessionView))


class SitesView(Schema):
    items = fields.List(fields.Nested(SiteView))


class ProvidersView(Schema):
    items = fields.List(fields.Nested(ProviderView))


class ConditionsView(Schema):
    items = fields.List(fields.Nested(ConditionView))


class ProtocolsView(Schema):
    items = fields.List(fields.Nested(ProtocolView))


class RateView(Schema):
    """Up to `minutes`; then `step_cents` for each `step_minutes` begun. A flat price has neither."""

    service = fields.String()
    category = fields.String(allow_none=True)
    name = fields.String()
    cents = fields.Integer()
    minutes = fields.Integer(allow_none=True)
    step_minutes = fields.Integer(allow_none=True)
    step_cents = fields.Integer()


class DoseBandView(Schema):
    above = fields.Decimal(as_string=True)
    cents = fields.Integer()


class AddOnView(Schema):
    code = fields.String()
    name = fields.String()
    cents = fields.Integer()
    hcpcs = fields.String(allow_none=True)


class TierView(Schema):
    """From so many `sessions` of at least `least_minutes`, each costs `cents` up to `minutes`."""

    sessions = fields.Integer()
    service = fields.String()
    category = fields.String()
    least_minutes = fields.Integer()
    cents = fields.Integer()
    minutes = fields.Integer()


class DiscountView(Schema):
    code = fields.String()
    name = fields.String()
    basis_points = fields.Integer()


class FeeScheduleView(Schema):
    """`dose_bands` are mg; `weight_bands` are mg/kg and count instead where the weight is known."""

    id = fields.String()
    code = fields.String()
    clinic = fields.String()
    effective_from = fields.Date()
    sample = fields.Boolean(attribute="is_sample", metadata={"description": "Sample data: nobody's prices."})
    rates = fields.List(fields.Nested(RateView))
    dose_bands = fields.List(fields.Nested(DoseBandView))
    weight_bands = fields.List(fields.Nested(DoseBandView))
    add_ons = fields.List(fields.Nested(AddOnView))
    tiers = fields.List(fields.Nested(TierView))
    discounts = fields.List(fields.Nested(DiscountView))
    stack_discounts = fields.Boolean()
