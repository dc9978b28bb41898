from marshmallow import Schema, fields, validate

from billing.invoices.states import InvoiceState
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema, Text
from billing.platform.http.pages import page_args


class IssueInvoice(StrictSchema):
    """Without `session_ids` the whole quoted plan; some of its sessions cost what they cost alone."""

    quote_id = OpaqueId("quo", required=True)
    session_ids = fields.List(
        OpaqueId("ses"), load_default=None, allow_none=True, validate=validate.Length(min=1, max=100)
    )


class VoidInvoice(StrictSchema):
    reason = Text(max=200, required=True)


class InvoicesQuery(page_args("inv")):  # type: ignore[misc]
    patient_id = OpaqueId("pat", load_default=None)
    state = fields.Enum(InvoiceState, by_value=True, load_default=None)


class InvoiceLineView(Schema):
    session_id = fields.String()
    service = fields.String()
    service_on = LocalDate()
    charge_cents = Cents(attribute="charge")
    discount_cents = Cents(attribute="discount")
    net_cents = Cents(attribute="net")


class InvoiceView(Schema):
    id = fields.String()
    number = fields.Integer()
    patient_id = fields.String()
    quote_id = fields.String()
    kind = fields.String()
    state = fields.String()
    total_cents = Cents(attribute="total")
    open_cents = Cents(attribute="open_balance")
    issued_on = LocalDate()
    issued_at = Moment()
    lines = fields.List(fields.Nested(InvoiceLineView))
