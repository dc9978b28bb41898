"""Answers to disputes, over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from billing.payments.records.dispute_answers import EvidenceFact
from billing.platform.http.fields import Cents, Moment, Paragraphs, StrictSchema

LONGEST_STATEMENT = 2_000


class DraftEvidence(StrictSchema):
    """Without `facts`, all that the reason calls for short of health data; a statement is told as well."""

    facts = fields.List(
        fields.Enum(EvidenceFact, by_value=True),
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=len(EvidenceFact)),
    )
    statement = Paragraphs(max=LONGEST_STATEMENT, load_default=None, allow_none=True)


class AcceptDispute(StrictSchema):
    """`amount_cents` is what the caller was shown as disputed."""

    amount_cents = Cents(attribute="amount", required=True)


class EvidenceNeedsView(Schema):
    """What the reason calls for; `missing` is what of it is not on file."""

    dispute_id = fields.String(attribute="dispute.id")
    reason = fields.String(attribute="dispute.reason")
    due_at = Moment(attribute="dispute.due_at", allow_none=True)
    called_for = fields.List(fields.String())
    on_file = fields.List(fields.String())
    missing = fields.List(fields.String())


class DisputeAnswerView(Schema):
    """What the reason calls for beside the packet's `facts`: on file and `left_out`, or `missing` from it."""

    id = fields.String()
    dispute_id = fields.String()
    number = fields.Integer()
    kind = fields.String()
    state = fields.String()
    amount_cents = Cents(attribute="amount")
    facts = fields.List(fields.String())
    missing = fields.List(fields.String())
    left_out = fields.List(fields.String())
    has_health_data = fields.Boolean()
    needs_approval = fields.Boolean()
    sha256 = fields.String(allow_none=True)
    asked_by = fields.String()
    asked_at = Moment()
    approved_by = fields.String(allow_none=True)
    sent_at = Moment(allow_none=True)


class DisputeAnswersView(Schema):
    items = fields.List(fields.Nested(DisputeAnswerView))
