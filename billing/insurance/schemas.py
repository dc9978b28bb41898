from marshmallow import Schema, fields, validate

from billing.insurance.rules.diagnoses import CODE
from billing.insurance.rules.lines import MOST_DIAGNOSES
from billing.insurance.states import RemittanceState
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema
from billing.platform.http.pages import page_args


class IssueSuperbill(StrictSchema):
    """`diagnoses` are the provider's, as ICD-10-CM with its dot; without them the usual one is taken."""

    diagnoses = fields.List(
        fields.String(validate=validate.Regexp(rf"^(?:{CODE.pattern})\Z")),
        load_default=(),
        validate=validate.Length(max=MOST_DIAGNOSES),
    )


class VoidSuperbill(StrictSchema):
    """Nothing is asked for."""


class SuperbillsQuery(page_args("sb")):  # type: ignore[misc]
    """`from` and `to` are days of service, both included."""

    patient_id = OpaqueId("pat", load_default=None)
    starts_on = LocalDate(data_key="from", load_default=None)
    ends_on = LocalDate(data_key="to", load_default=None)


class SuperbillView(Schema):
    id = fields.String()
    number = fields.String()
    version = fields.Integer()
    state = fields.String()
    supersedes_id = fields.String(allow_none=True)
    session_id = fields.String()
    patient_id = fields.String()
    control_number = fields.String()
    service_on = LocalDate()
    charge_cents = Cents(attribute="charge")
    paid_cents = Cents(attribute="paid", min=0)
    sha256 = fields.String()
    issued_at = Moment()


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


class RemittanceView(TransactionView):
    payer_id = fields.String()
    received_at = Moment()


class ImportedFileView(Schema):
    name = fields.String()
    status = fields.String()
    reason = fields.String(allow_none=True)
    transactions = fields.List(fields.Nested(TransactionView))


class ImportView(Schema):
    """What `remittances import --json` prints, and what an upload is answered with."""

    files = fields.List(fields.Nested(ImportedFileView))
