"""Several tenders on one invoice, over HTTP."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from billing.payments.records.checkouts import Way
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed
from billing.payments.schemas.checkouts import CheckoutView
from billing.payments.schemas.payments import PaymentView
from billing.platform.http.fields import Cents, LocalDate, OpaqueId, StrictSchema

MOST_AT_ONCE = 20
ON_A_CHECK = ("number", "dated_on")
OF_A_CHECK = {name: name for name in (*ON_A_CHECK, "is_health_account")} | {
    "is_another": "another_check_with_this_number"
}


class OnPaper(StrictSchema):
    """`number` and `dated_on` are those of a check, `tendered_cents` what was handed over in cash.

    A number that is booked from the same patient is refused unless it is said to be another check.
    """

    amount_cents = Cents(attribute="amount", required=True)
    tendered_cents = Cents(attribute="tendered")
    number = fields.String(validate=validate.Regexp(r"^[0-9]{1,12}\Z"))
    dated_on = LocalDate()
    is_health_account = fields.Boolean(truthy={True}, falsy={False})
    another_check_with_this_number = fields.Boolean(attribute="is_another", truthy={True}, falsy={False})

    @validates_schema
    def fits(self, body: dict[str, Any], **_: Any) -> None:
        is_check = body["tender"] == Tender.CHECK
        wrong: dict[str, list[str]] = {}
        if is_check:
            wrong |= {name: ["A check needs this."] for name in ON_A_CHECK if name not in body}
        else:
            wrong |= {told: ["Only a check has this."] for name, told in OF_A_CHECK.items() if name in body}
        if "tendered" in body and body["tender"] != Tender.CASH:
            wrong["tendered_cents"] = ["Only cash has this."]
        if wrong:
            raise ValidationError(wrong)


class HandedIn(OnPaper):
    tender = fields.String(required=True, validate=validate.OneOf([Tender.CREDIT, Tender.CASH, Tender.CHECK]))

    @post_load
    def handed(self, body: dict[str, Any], **_: Any) -> Handed:
        return Handed(**{**body, "tender": Tender(body["tender"])})


class TakeDeposit(OnPaper):
    """`site_id` is where it is paid, when that is not the patient's own site."""

    tender = fields.String(required=True, validate=validate.OneOf([Tender.CASH, Tender.CHECK]))
    site_id = OpaqueId("site", load_default=None)

    @post_load
    def handed(self, body: dict[str, Any], **_: Any) -> dict[str, Any]:
        site_id = body.pop("site_id")
        return {"site_id": site_id, "handed": Handed(**{**body, "tender": Tender(body["tender"])})}


class RestIn(StrictSchema):
    """Where what is left is asked for; a reader has an id, a page has none."""

    way = fields.String(required=True, validate=validate.OneOf([Way.PAGE, Way.READER]))
    reader_id = fields.String(validate=validate.Regexp(r"^[A-Za-z0-9_]{1,80}\Z"))

    @validates_schema
    def fits(self, body: dict[str, Any], **_: Any) -> None:
        if ("reader_id" in body) is not (body["way"] == Way.READER):
            raise ValidationError({"reader_id": ["A reader needs this, and a page has none."]})


class TakeTenders(StrictSchema):
    tenders = fields.List(
        fields.Nested(HandedIn), required=True, validate=validate.Length(min=1, max=MOST_AT_ONCE)
    )
    rest = fields.Nested(RestIn, load_default=None, allow_none=True)


class TakenView(Schema):
    """`open_cents` is what the tenders left; `checkout` is the attempt to take it, as it stands now."""

    invoice_id = fields.String()
    credit_cents = Cents(attribute="credit")
    payments = fields.List(fields.Nested(PaymentView))
    open_cents = Cents(attribute="open_balance")
    checkout_id = fields.String(allow_none=True)


class TakenWithRestView(TakenView):
    checkout = fields.Nested(CheckoutView, allow_none=True)
