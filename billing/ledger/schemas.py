from marshmallow import Schema, fields

from billing.platform.http.fields import Cents, LocalDate, Moment


class BalanceView(Schema):
    account = fields.String()
    name = fields.String()
    cents = Cents()


class TrialBalanceView(Schema):
    """Debits positive; the cents sum to zero."""

    accounts = fields.List(fields.Nested(BalanceView))
    sum_cents = Cents()


class EntryLineView(Schema):
    account = fields.String()
    cents = Cents()
    patient_id = fields.String(allow_none=True)


class EntryView(Schema):
    id = fields.String()
    effective_on = LocalDate()
    posted_at = Moment()
    period = fields.String()
    source_kind = fields.String()
    source_id = fields.String()
    purpose = fields.String()
    reverses_id = fields.String(allow_none=True)
    actor_id = fields.String()
    lines = fields.List(fields.Nested(EntryLineView))
