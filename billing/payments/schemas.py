from marshmallow import Schema, fields, validate

from billing.payments.records import Election
from billing.payments.states import RefundState
from billing.platform.http.fields import Cents, LocalDate, Moment, OpaqueId, StrictSchema
from billing.platform.http.pages import page_args


class TakeCash(StrictSchema):
    amount_cents = Cents(attribute="amount", required=True)


class Elect(StrictSchema):
    election = fields.Enum(Election, by_value=True, required=True)


class RequestRefund(StrictSchema):
    """With `payment_id` the money goes back to that card, without it a check is written."""

    amount_cents = Cents(attribute="amount", required=True)
    payment_id = OpaqueId("pay", load_default=None, allow_none=True)


class SendCheck(StrictSchema):
    check_number = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{1,12}\Z"))


class PaymentsQuery(page_args("pay")):  # type: ignore[misc]
    patient_id = OpaqueId("pat", load_default=None)
    invoice_id = OpaqueId("inv", load_default=None)


class RefundsQuery(page_args("ref")):  # type: ignore[misc]
    state = fields.Enum(RefundState, by_value=True, load_default=None)


class CheckoutView(Schema):
    """`url` is where the patient pays while the state is `open`."""

    id = fields.String()
    invoice_id = fields.String()
    amount_cents = Cents(attribute="amount")
    state = fields.String()
    url = fields.String(allow_none=True)
    expires_at = Moment()


class PaymentView(Schema):
    id = fields.String()
    patient_id = fields.String()
    invoice_id = fields.String()
    tender = fields.String()
    amount_cents = Cents(attribute="amount")
    fee_cents = Cents(attribute="fee")
    refunded_cents = Cents(attribute="refunded")
    received_on = LocalDate()
    received_at = Moment()


class PayLinkView(Schema):
    """`url` is shown this once; only a hash of it is kept."""

    invoice_id = fields.String()
    amount_cents = Cents(attribute="amount")
    url = fields.String()
    expires_at = Moment()


class CreditView(Schema):
    id = fields.String()
    patient_id = fields.String()
    source = fields.String()
    session_id = fields.String(allow_none=True)
    amount_cents = Cents(attribute="amount")
    available_cents = Cents(attribute="available")
    election = fields.String(allow_none=True)
    elected_at = Moment(allow_none=True)
    held_on = LocalDate()


class CreditsView(Schema):
    """All of a patient's credits, oldest first, and what is left of them together."""

    available_cents = Cents(attribute="available")
    items = fields.List(fields.Nested(CreditView))


class CreditApplicationView(Schema):
    id = fields.String()
    credit_id = fields.String(attribute="lot_id")
    amount_cents = Cents(attribute="amount")
    applied_at = Moment()


class AppliedCreditsView(Schema):
    invoice_id = fields.String()
    amount_cents = Cents(attribute="amount")
    applications = fields.List(fields.Nested(CreditApplicationView))


class RefundView(Schema):
    id = fields.String()
    patient_id = fields.String()
    credit_id = fields.String(attribute="lot_id")
    payment_id = fields.String(allow_none=True)
    method = fields.String()
    amount_cents = Cents(attribute="amount")
    state = fields.String()
    requested_by = fields.String()
    requested_at = Moment()
    approved_by = fields.String(allow_none=True)
    refunded_on = LocalDate(allow_none=True)
