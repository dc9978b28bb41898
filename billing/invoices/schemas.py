from typing import Any

from marshmallow import Schema, fields, post_load, validate

from billing.invoices.records import Bearer, EndReason, PayerKind, ShareOrder
from billing.invoices.states import InvoiceState
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema, Text
from billing.platform.http.pages import page_args


class AgreeShare(StrictSchema):
    """A fixed amount; or, of workers' compensation and the VA, whole sessions under an authorization.

    Without a `reference` the payer's word lets nobody in: the sessions wait for the money.
    """

    payer_id = OpaqueId("pyr", required=True)
    amount_cents = Cents(attribute="amount", load_default=None, allow_none=True)
    session_ids = fields.List(OpaqueId("ses"), load_default=[], validate=validate.Length(max=100))
    reference = Text(max=60, load_default=None, allow_none=True)
    from_on = LocalDate(load_default=None, allow_none=True)
    until_on = LocalDate(load_default=None, allow_none=True)

    @post_load
    def to_order(self, data: dict[str, Any], **_: Any) -> ShareOrder:
        return ShareOrder(**data | {"session_ids": tuple(data["session_ids"])})


class IssueInvoice(StrictSchema):
    """Without `session_ids` the whole quoted plan; some of its sessions cost what they cost alone.

    `payer_shares` are what other payers agreed to before: they come off before the patient's credit does.
    """

    quote_id = OpaqueId("quo", required=True)
    session_ids = fields.List(
        OpaqueId("ses"), load_default=None, allow_none=True, validate=validate.Length(min=1, max=100)
    )
    payer_shares = fields.List(fields.Nested(AgreeShare), load_default=[], validate=validate.Length(max=10))


class NewPayer(StrictSchema):
    site_id = OpaqueId("site", required=True)
    kind = fields.Enum(PayerKind, by_value=True, required=True)
    name = Text(max=100, required=True)
    contact = Text(max=300, required=True)


class EndShare(StrictSchema):
    """Who bears what the payer leaves unpaid: the patient, or the clinic."""

    reason = fields.Enum(EndReason, by_value=True, required=True)
    borne_by = fields.Enum(Bearer, by_value=True, required=True)


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
    """`open_cents` is what the patient owes of it; what other payers owe is in its payer shares."""

    id = fields.String()
    number = fields.Integer()
    patient_id = fields.String()
    quote_id = fields.String()
    reprices_id = fields.String(allow_none=True)
    kind = fields.String()
    state = fields.String()
    total_cents = Cents(attribute="total")
    open_cents = Cents(attribute="open_balance")
    issued_on = LocalDate()
    issued_at = Moment()
    lines = fields.List(fields.Nested(InvoiceLineView))


class StopPackage(StrictSchema):
    """What it was shown with, where somebody looked first; another figure by now is refused."""

    freed_cents = Cents(attribute="freed", min=0, load_default=None)
    charged_cents = Cents(attribute="charged", min=0, load_default=None)


class StopView(Schema):
    """`charged_cents` is what the given sessions cost more; `left_cents` is the patient's in the end."""

    package_id = fields.String()
    cancelled = fields.List(fields.String())
    freed_cents = Cents(attribute="freed")
    charged_cents = Cents(attribute="charged")
    left_cents = Cents(attribute="left")
    difference = fields.List(fields.Nested(InvoiceLineView))
    invoice_id = fields.String(allow_none=True)


class PayersQuery(page_args("pyr")):  # type: ignore[misc]
    pass


class PayerView(Schema):
    id = fields.String()
    site_id = fields.String()
    kind = fields.String()
    name = fields.String()
    contact = fields.String()
    added_at = Moment()


class PayerShareView(Schema):
    id = fields.String()
    invoice_id = fields.String()
    payer_id = fields.String()
    kind = fields.String()
    state = fields.String()
    agreed_cents = Cents(attribute="agreed")
    paid_cents = Cents(attribute="paid")
    open_cents = Cents(attribute="open_balance")
    reference = fields.String(allow_none=True)
    from_on = LocalDate(allow_none=True)
    until_on = LocalDate(allow_none=True)
    agreed_on = LocalDate()
    denied_at = Moment(allow_none=True)
    ending = fields.String(allow_none=True)
    borne_by = fields.String(allow_none=True)


class PayerSharesView(Schema):
    items = fields.List(fields.Nested(PayerShareView))


class StatedShareView(Schema):
    """What a payer may see: amounts and days of its own, and nothing of the patient."""

    id = fields.String()
    agreed_on = LocalDate()
    reference = fields.String(allow_none=True)
    agreed_cents = Cents(attribute="agreed")
    paid_cents = Cents(attribute="paid")
    open_cents = Cents(attribute="open_balance")


class PayerStatementView(Schema):
    payer_id = fields.String()
    name = fields.String()
    open_cents = Cents(attribute="open_balance")
    items = fields.List(fields.Nested(StatedShareView))
