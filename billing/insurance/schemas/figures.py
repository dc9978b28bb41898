"""Outdated papers over HTTP."""

from marshmallow import Schema, fields

from billing.insurance.records.figures import PaperKind, Reissue
from billing.platform.http.fields import Cents, LocalDate, StrictSchema


class ReissueAll(StrictSchema):
    """Nothing is asked for."""


class OutdatedPaperView(Schema):
    """`is_sent`: the insurer has the claim, so that a person replaces it by a corrected one."""

    kind = fields.Enum(PaperKind, by_value=fields.String)
    id = fields.String()
    number = fields.String()
    session_id = fields.String()
    patient_id = fields.String()
    service_on = LocalDate()
    told_charge_cents = Cents(attribute="told.charge")
    told_paid_cents = Cents(attribute="told.paid")
    charge_cents = Cents(attribute="books.charge")
    paid_cents = Cents(attribute="books.paid")
    is_sent = fields.Boolean()


class OutdatedPapersView(Schema):
    items = fields.List(fields.Nested(OutdatedPaperView))


class PaperFlawView(Schema):
    pointer = fields.String()
    detail = fields.String(attribute="message")


class ReissuedView(Schema):
    """`number` is that of the paper that holds now; `detail` and `errors` say why it was refused."""

    paper = fields.Nested(OutdatedPaperView)
    outcome = fields.Enum(Reissue, by_value=fields.String)
    number = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)
    errors = fields.List(fields.Nested(PaperFlawView), attribute="flaws")


class ReissuesView(Schema):
    """`left`: how many wait for another go."""

    items = fields.List(fields.Nested(ReissuedView))
    left = fields.Integer()
