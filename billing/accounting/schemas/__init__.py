from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from billing.accounting.records import ExportKind
from billing.accounting.rules.offers import OFFERED
from billing.platform.http.fields import LocalDate, StrictSchema


def export_query(kind: ExportKind) -> type[StrictSchema]:
    """The query of one kind of export; both dates are included, and without them it is everything."""
    formats = [str(form) for form in OFFERED[kind]]
    members: dict[str, Any] = {
        "since": LocalDate(data_key="from", load_default=None),
        "until": LocalDate(data_key="to", load_default=None),
        "form": fields.String(data_key="format", load_default=formats[0], validate=validate.OneOf(formats)),
    }
    return StrictSchema.from_dict(members, name=f"{kind.capitalize()}ExportQuery")  # type: ignore[return-value]


class FindingView(Schema):
    object_id = fields.String(data_key="object")
    problem = fields.String()


class CheckView(Schema):
    """`objects` and `findings` stand there for a failed one; they name the first of the `found`."""

    number = fields.Integer()
    name = fields.String()
    status = fields.String()
    examined = fields.Integer()
    remarks = fields.List(fields.String())
    found = fields.Integer()
    objects = fields.List(fields.String())
    findings = fields.List(fields.Nested(FindingView))


class VerdictView(Schema):
    """What `verify --json` prints; `ok` looks at failed checks alone."""

    ok = fields.Boolean()
    checks = fields.List(fields.Nested(CheckView))
