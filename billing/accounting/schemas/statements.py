"""A patient's statement, over HTTP. `told` is what the patient reads."""

from __future__ import annotations

from marshmallow import Schema, fields

from billing.accounting.rules import statement_words as words
from billing.platform.http.fields import Cents, LocalDate, StrictSchema


class StatementQuery(StrictSchema):
    """Both days are included; without them, this year so far."""

    starts_on = LocalDate(data_key="from", load_default=None)
    ends_on = LocalDate(data_key="to", load_default=None)


class YearQuery(StrictSchema):
    """Without a year, this one."""

    year = fields.Integer(load_default=None, metadata={"minimum": 1900, "maximum": 2200})


class PartView(Schema):
    kind = fields.String()
    amount_cents = Cents(attribute="amount")
    paid_on = LocalDate(attribute="on", allow_none=True)
    told = fields.Function(words.part_in_words)


class AnswerView(Schema):
    kind = fields.String()
    amount_cents = Cents(attribute="amount")
    answered_on = LocalDate(attribute="on")
    insurer = fields.String(allow_none=True)
    told = fields.Function(words.answer_in_words)


class VisitView(Schema):
    """charge - discount = net = the sum of the parts + owed."""

    session_id = fields.String()
    service_on = LocalDate(attribute="on")
    description = fields.String()
    standing = fields.String()
    charge_cents = Cents(attribute="charge")
    discount_cents = Cents(attribute="discount")
    net_cents = Cents(attribute="net")
    owed_cents = Cents(attribute="owed")
    parts = fields.List(fields.Nested(PartView))
    answers = fields.List(fields.Nested(AnswerView))


class HeldView(Schema):
    """amount = used + back + gone + left; the insurer took `taken_back` of what is gone."""

    credit_id = fields.String(attribute="id")
    held_on = LocalDate(attribute="on")
    source = fields.String()
    choice = fields.String()
    amount_cents = Cents(attribute="amount")
    used_cents = Cents(attribute="used")
    back_cents = Cents(attribute="back")
    gone_cents = Cents(attribute="gone")
    taken_back_cents = Cents(attribute="taken_back")
    left_cents = Cents(attribute="left")
    goes_back_on = LocalDate(allow_none=True)
    told = fields.Function(words.source_in_words)


class PackageView(Schema):
    invoice_number = fields.Integer(attribute="number")
    visits = fields.Integer()
    left = fields.Integer()
    paid_ahead_cents = Cents(attribute="paid_ahead")


class ReceivedView(Schema):
    payment_id = fields.String(attribute="id")
    paid_on = LocalDate(attribute="on")
    amount_cents = Cents(attribute="amount")
    tender = fields.String()
    is_health_account = fields.Boolean()


class GivenBackView(Schema):
    """`sent_on` is null until it has left."""

    refund_id = fields.String(attribute="id")
    way = fields.String()
    amount_cents = Cents(attribute="amount")
    sent_on = LocalDate(attribute="on", allow_none=True)
    told = fields.Function(words.refund_in_words)


class BankView(Schema):
    taken_on = LocalDate(attribute="on")
    amount_cents = Cents(attribute="kept")
    is_final = fields.Boolean()


class TotalsView(Schema):
    """As things stand now; owed = owed_now + owed_ahead, and nothing of `wanted_back` before it is billed.

    `came_back`, `insurer_paid_you` and `by_bank` are of the period.
    """

    owed_cents = Cents(attribute="owed")
    owed_now_cents = Cents(attribute="owed_now")
    owed_ahead_cents = Cents(attribute="owed_ahead")
    wanted_back_cents = Cents(attribute="wanted_back")
    expected_cents = Cents(attribute="expected")
    to_choose_cents = Cents(attribute="to_choose")
    comes_off_cents = Cents(attribute="comes_off")
    goes_back_cents = Cents(attribute="goes_back")
    deposits_cents = Cents(attribute="deposits")
    paid_ahead_cents = Cents(attribute="paid_ahead")
    asked_for_cents = Cents(attribute="asked_for")
    on_its_way_cents = Cents(attribute="on_its_way")
    kept_by_state_cents = Cents(attribute="kept_by_state")
    at_bank_cents = Cents(attribute="at_bank")
    claims_waiting = fields.Integer()
    came_back_cents = Cents(attribute="came_back")
    insurer_paid_you_cents = Cents(attribute="insurer_paid_you")
    by_bank_cents = Cents(attribute="by_bank")


class AboutView(Schema):
    """`is_of_sites`: of the sites alone at which who asked works; `is_on_hold`: charges are stopped."""

    patient_name = fields.String(attribute="about.patient")
    patient_number = fields.String(attribute="about.number")
    made_on = LocalDate(attribute="about.made_on")
    is_of_sites = fields.Boolean(attribute="about.of_sites")
    is_on_hold = fields.Boolean(attribute="about.is_on_hold")


class StatementView(AboutView):
    from_on = LocalDate(attribute="period.starts_on")
    to_on = LocalDate(attribute="period.ends_on")
    totals = fields.Nested(TotalsView)
    visits = fields.List(fields.Nested(VisitView))
    packages = fields.List(fields.Nested(PackageView))
    payments = fields.List(fields.Nested(ReceivedView), attribute="received")
    refunds = fields.List(fields.Nested(GivenBackView))
    taken_by_bank = fields.List(fields.Nested(BankView), attribute="banks")
    held = fields.List(fields.Nested(HeldView))


class YearPaymentView(Schema):
    moved_on = LocalDate(attribute="on")
    told = fields.String()
    paid_cents = Cents(attribute="paid")
    back_cents = Cents(attribute="back")


class YearVisitView(Schema):
    """cost = paid - back - reimbursed."""

    service_on = LocalDate(attribute="on")
    description = fields.String()
    net_cents = Cents(attribute="net")
    paid_cents = Cents(attribute="paid")
    back_cents = Cents(attribute="back")
    reimbursed_cents = Cents(attribute="reimbursed")
    cost_cents = Cents(attribute="cost")


class YearEndView(AboutView):
    """The same year by the day on which money moved, and by the day of the visit."""

    year = fields.Integer()
    paid_cents = Cents(attribute="paid")
    back_cents = Cents(attribute="back")
    net_cents = Cents(attribute="net")
    cost_cents = Cents(attribute="cost")
    by_date_paid = fields.List(fields.Nested(YearPaymentView), attribute="payments")
    by_date_of_service = fields.List(fields.Nested(YearVisitView), attribute="visits")
