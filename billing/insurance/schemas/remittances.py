"""Remittances over HTTP."""

from marshmallow import Schema, fields

from billing.insurance.states import RemittanceState
from billing.platform.http.fields import Cents, LocalDate, Moment, StrictSchema, Text
from billing.platform.http.pages import page_args


class RemittancesQuery(page_args("rmt")):  # type: ignore[misc]
    state = fields.Enum(RemittanceState, by_value=True, load_default=None)


class AnsweredClaimView(Schema):
    control_number = fields.String()
    status = fields.String()
    outcome = fields.String(allow_none=True)
    paid_cents = Cents(attribute="paid")
    credit_cents = Cents(attribute="credit")


class TransactionView(Schema):
    id = fields.String()
    trace = fields.String()
    status = fields.String()
    reason = fields.String(allow_none=True)
    payer_name = fields.String()
    paid_on = LocalDate()
    paid_cents = Cents(attribute="amount")
    claims = fields.List(fields.Nested(AnsweredClaimView))


class UndoneView(Schema):
    reason = fields.String()
    undone_at = Moment()
    undone_by = fields.String()


class RemittanceView(TransactionView):
    payer_id = fields.String()
    received_at = Moment()
    undone = fields.Nested(UndoneView, allow_none=True)


class UndoRemittance(StrictSchema):
    """`reason` stays in the clinic."""

    reason = Text(max=200, required=True)


class ImportedFileView(Schema):
    name = fields.String()
    status = fields.String()
    reason = fields.String(allow_none=True)
    transactions = fields.List(fields.Nested(TransactionView))
    resumed = fields.List(
        fields.Nested(TransactionView),
        metadata={"description": "Of earlier files: what had waited for one of these, and is posted now."},
    )


class ImportView(Schema):
    """What `remittances import --json` prints, and what an upload is answered with."""

    files = fields.List(fields.Nested(ImportedFileView))
