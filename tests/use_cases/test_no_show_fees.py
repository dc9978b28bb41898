"""The fee for a missed session: a deposit pays first, the rest is owed; refunded, bounced and waived."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.accounting.queries.verify import verify
from billing.accounting.records import Status
from billing.care.errors import InvalidPlan, SessionStillAhead
from billing.care.queries import find_plan, find_session
from billing.care.records import SessionOrder
from billing.care.states import SessionState
from billing.care.use_cases import mark_no_show, plan_sessions
from billing.catalog.queries import sites
from billing.catalog.use_cases import seed_clinic
from billing.invoices.errors import (
    FeeChanged,
    InvoiceInUse,
    NeverThePatient,
    NoFeeAgreed,
    NotAFee,
    PackageSession,
    SessionAlreadyInvoiced,
    SessionNotMissed,
)
from billing.invoices.queries import find_invoice, list_invoices
from billing.invoices.records import Bearer, EndReason, InvoiceKind, PayerKind
from billing.invoices.states import InvoiceState
from billing.invoices.use_cases.end_share import agree_to_end, ask_to_end
from billing.invoices.use_cases.no_show import bill_no_show, waive_no_show
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.errors import IllegalMove
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import trial_balance
from billing.patients.errors import AccountOnHold
from billing.payments.queries.credits import applied_to, credit_balance
from billing.payments.queries.receipts import list_receipts
from billing.payments.records.bounces import BounceReason
from billing.payments.records.payments import Tender
from billing.payments.records.refunds import RefundReason
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.payer_payments import take_payers_cash
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.unapply import unapply
from billing.quotes.use_cases import quote_plan
from tests.factories.accounting import CLERK, SUPERVISOR
from tests.factories.care import new_plan
from tests.factories.catalog import sample
from tests.factories.holds import stopped
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_by_card, paid_by_check, paid_in_cash
from tests.factories.patients import new_patient
from tests.factories.payers import a_fixed_part, a_payer, whole_sessions

FEE, LIMIT = Money(15_000), Money(100_000)


@pytest.fixture
def do(database, now):
    def run(use_case, *, actor=CLERK, **more):
        return database.in_transaction(lambda tx: use_case(tx, **more, actor=actor, now=now))

    return run


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def visit(database, patient):
    """A visit of today that is billed and not paid."""
    return billed(database, patient, only_first=1)


def deposit(do, patient, cents=10_000):
    handed = Handed(tender=Tender.CASH, amount=Money(cents))
    return do(take_deposit, patient_id=patient.id, handed=handed, site_id=None)


def missed(do, visit):
    do(mark_no_show, session_id=visit.session_ids[0])
    return visit.session_ids[0]


def bill(do, session_id, **more):
    return do(bill_no_show, session_id=session_id, **more)


def books(database):
    with database.reading() as read:
        return {account: cents for account, cents in trial_balance(read).items() if cents}


def as_it_is(database, invoice):
    with database.reading() as read:
        return find_invoice(read, invoice.id, SYSTEM)


def failed(database, now):
    with database.reading() as read:
        checks = verify(read, now=now, refund_limit=LIMIT).checks
    return [(check.number, check.objects) for check in checks if check.status is Status.FAILED]


def test_a_fee_of_150_with_a_deposit_of_100_leaves_50_owed(database, do, patient, visit, now):
    deposit(do, patient)
    invoice = bill(do, missed(do, visit))
    assert books(database) == {"1060": 10_000, "1100": 5_000, "4040": -15_000}
    standing = as_it_is(database, invoice)
    assert (standing.kind, standing.total, standing.open_balance) == (InvoiceKind.FEE, FEE, Money(5_000))
    (line,) = standing.lines
    assert (line.service, line.charge, line.discount, line.net) == ("no_show", FEE, Money(0), FEE)
    assert failed(database, now) == []


def test_a_deposit_that_the_missed_visit_had_taken_pays_the_fee(database, do, patient, now):
    deposit(do, patient)
    visit = billed(database, patient, only_first=1)
    assert visit.invoice.open_balance == Money(35_000)
    session_id = missed(do, visit)
    assert books(database) == {"1060": 10_000, "2100": -10_000}
    bill(do, session_id)
    assert books(database) == {"1060": 10_000, "1100": 5_000, "4040": -15_000}
    assert failed(database, now) == []


def test_the_deposit_comes_before_older_credit_and_credit_pays_the_rest(database, do, patient, now):
    visit = billed(database, patient, only_first=1)
    paid_in_cash(database, visit.invoice, now - timedelta(days=3), Money(4_000))
    session_id = missed(do, visit)
    handed = deposit(do, patient)
    invoice = bill(do, session_id)
    with database.reading() as read:
        uses = applied_to(read, invoice.id, SYSTEM).applications
        lots = {lot.id: lot for lot in credit_balance(read, patient.id, SYSTEM).items}
    assert [lots[use.lot_id].source_id == handed.id for use in uses] == [True, False]
    assert [use.amount for use in uses] == [Money(10_000), Money(4_000)]
    assert as_it_is(database, invoice).open_balance == Money(1_000)
    assert failed(database, now) == []


def test_missing_a_visit_costs_nothing_until_somebody_says_so(database, do, patient, visit, now):
    deposit(do, patient)
    missed(do, visit)
    assert books(database) == {"1060": 10_000, "2100": -10_000}
    with database.reading() as read:
        assert {each.kind for each in list_invoices(read, SYSTEM, limit=9)} == {InvoiceKind.SESSION}


def test_what_cannot_be_billed_is_refused_and_nothing_changes(database, do, patient, visit):
    with pytest.raises(SessionNotMissed):
        bill(do, visit.session_ids[0])
    session_id = missed(do, visit)
    with pytest.raises(FeeChanged):
        bill(do, session_id, fee=Money(14_999))
    hold = stopped(database, patient.id)
    with pytest.raises(AccountOnHold):
        bill(do, session_id)
    assert hold.stands
    unpriced = new_plan(database, patient.id).sessions[0]
    do(mark_no_show, session_id=unpriced.id)
    with pytest.raises(NoFeeAgreed):
        bill(do, unpriced.id)
    with pytest.raises(NotAFee):
        do(waive_no_show, invoice_id=visit.invoice.id, reason="x")
    assert books(database) == {}


def test_a_fee_is_billed_once(database, do, visit):
    session_id = missed(do, visit)
    bill(do, session_id, fee=FEE)
    with pytest.raises(SessionAlreadyInvoiced):
        bill(do, session_id)
    assert books(database) == {"1100": 15_000, "4040": -15_000}


def test_a_fee_that_was_paid_has_a_receipt_that_calls_it_one_and_is_refunded(database, do, visit, now):
    invoice = bill(do, missed(do, visit))
    payment = paid_by_card(database, invoice, now)
    with database.reading() as read:
        body = list_receipts(read, SYSTEM, patient_id=visit.patient.id, limit=1)[0].body
    assert [(line["description"], line["provider"], line["cents"]) for line in body["lines"]] == [
        ("Fee for a missed appointment", None, 15_000)
    ]
    refund = do(
        refund_payment,
        payment_id=payment.id,
        amount=Money(6_000),
        refundable=FEE,
        reason=RefundReason.BILLING_ERROR,
        method=None,
        limit=LIMIT,
    )
    assert (refund.amount, books(database)["4930"]) == (Money(6_000), 6_000)
    assert as_it_is(database, invoice).state is InvoiceState.PAID
    assert failed(database, now) == []


def test_a_check_for_a_fee_that_bounces_leaves_the_fee_owed(database, do, visit, now):
    invoice = bill(do, missed(do, visit))
    payment = paid_by_check(database, invoice, now, FEE)
    do(
        bounce_check,
        payment_id=payment.id,
        reason=BounceReason.OTHER,
        bounced_on=now.date(),
        fee=Money(0),
    )
    assert as_it_is(database, invoice).open_balance == FEE
    assert books(database) == {"1100": 15_000, "4040": -15_000}
    assert failed(database, now) == []


def test_another_payer_may_take_a_part_of_a_fee(database, do, visit, now):
    invoice = bill(do, missed(do, visit))
    payer = a_payer(database, visit.patient.site_id)
    share = do(agree_share, invoice_id=invoice.id, order=a_fixed_part(payer, 5_000))
    assert books(database) == {"1100": 10_000, "1130": 5_000, "4040": -15_000}
    assert failed(database, now) == []
    do(take_payers_cash, share_id=share.id, amount=Money(5_000))
    assert books(database) == {"1060": 5_000, "1100": 10_000, "4040": -15_000}
    assert failed(database, now) == []


@pytest.fixture
def authorized(database, do, visit):
    """What an authorization covers: the whole visit."""

    def run(kind):
        order = whole_sessions(a_payer(database, visit.patient.site_id, kind), visit)
        return do(agree_share, invoice_id=visit.invoice.id, order=order)

    return run


@pytest.mark.parametrize("kind", [PayerKind.COMPENSATION, PayerKind.VA])
@pytest.mark.parametrize("is_paid", [False, True])
def test_a_missed_visit_of_authorized_care_never_bills_the_patient(
    database, do, visit, now, authorized, kind, is_paid
):
    share = authorized(kind)
    if is_paid:
        do(take_payers_cash, share_id=share.id, amount=Money(45_000))
    session_id = missed(do, visit)
    with pytest.raises(NeverThePatient):
        bill(do, session_id)
    assert "4040" not in books(database)
    assert failed(database, now) == []


def test_a_missed_day_of_authorized_care_that_moved_never_bills_the_patient(do, visit, now, authorized):
    authorized(PayerKind.VA)
    later = now.date() + timedelta(days=7)
    missed_one = do(mark_no_show, session_id=visit.session_ids[0], moved_to=later)
    with pytest.raises(NeverThePatient):
        bill(do, missed_one.id)


def test_a_visit_that_was_authorized_by_mistake_is_the_patients_and_so_is_its_fee(
    database, do, visit, now, authorized
):
    share = authorized(PayerKind.VA)
    do(ask_to_end, share_id=share.id, reason=EndReason.MISTAKE, borne_by=Bearer.PATIENT)
    session_id = missed(do, visit)
    with pytest.raises(NeverThePatient):
        bill(do, session_id)
    do(agree_to_end, share_id=share.id, actor=SUPERVISOR)
    assert bill(do, session_id).total == FEE
    assert failed(database, now) == []


def test_a_waived_fee_is_nobodys_debt_and_no_income_and_may_be_billed_again(database, do, visit, now):
    session_id = missed(do, visit)
    waived = do(waive_no_show, invoice_id=bill(do, session_id).id, reason="A storm")
    assert (waived.state, books(database)) == (InvoiceState.VOID, {})
    assert failed(database, now) == []
    assert bill(do, session_id).id != waived.id
    assert books(database) == {"1100": 15_000, "4040": -15_000}
    assert failed(database, now) == []


def test_a_fee_that_a_deposit_paid_is_waived_once_the_deposit_came_off_and_is_a_deposit_again(
    database, do, patient, visit, now
):
    deposit(do, patient)
    invoice = bill(do, missed(do, visit))
    with pytest.raises(InvoiceInUse):
        do(waive_no_show, invoice_id=invoice.id, reason="A storm")
    with database.reading() as read:
        (use,) = applied_to(read, invoice.id, SYSTEM).applications
    do(unapply, application_id=use.id)
    do(waive_no_show, invoice_id=invoice.id, reason="A storm")
    assert books(database) == {"1060": 10_000, "2100": -10_000}
    assert failed(database, now) == []


def test_the_money_of_a_missed_visit_goes_back_as_the_visits_and_not_as_the_fees(database, do, visit, now):
    payment = paid_in_cash(database, visit.invoice, now, visit.invoice.total)
    invoice = bill(do, missed(do, visit))
    assert as_it_is(database, invoice).state is InvoiceState.PAID, "the credit of the visit paid it"
    refund = do(
        refund_payment,
        payment_id=payment.id,
        amount=Money(30_000),
        refundable=Money(30_000),
        reason=RefundReason.CANCELLED,
        method=None,
        limit=LIMIT,
    )
    do(send_check, refund_id=refund.id, check_number="91")
    assert books(database) == {"1000": -30_000, "1060": 45_000, "4040": -15_000}
    assert failed(database, now) == []


def test_a_missed_visit_of_a_package_moves_and_its_fee_is_billed(database, do, patient, now):
    """The package stays whole, and what was paid for the visit with it."""
    package = billed(database, patient)
    paid_in_cash(database, package.invoice, now, package.invoice.total)
    first, later = package.session_ids[0], now.date() + timedelta(days=60)
    with pytest.raises(PackageSession):
        do(mark_no_show, session_id=first)
    missed_one = do(mark_no_show, session_id=first, moved_to=later)
    assert (missed_one.state, missed_one.planned_on) == (SessionState.NO_SHOW, now.date())
    with database.reading() as read:
        moved, plan = find_session(read, first, SYSTEM), find_plan(read, missed_one.plan_id, SYSTEM)
        assert quote_plan_again(database, plan, now) == set(package.session_ids)
    assert (moved.state, moved.planned_on) == (SessionState.PLANNED, later)
    assert moved.covered == moved.due
    assert (missed_one.moved_as_id, missed_one.due) == (first, None)
    invoice = bill(do, missed_one.id)
    assert as_it_is(database, invoice).open_balance == FEE
    assert as_it_is(database, package.invoice).open_balance == Money(0)
    assert books(database) == {"1060": 255_000, "1100": 15_000, "2100": -255_000, "4040": -15_000}
    assert failed(database, now) == []


def quote_plan_again(database, plan, now):
    quote = database.in_transaction(lambda tx: quote_plan(tx, plan_id=plan.id, actor=SYSTEM, now=now))
    return {each.session_id for each in quote.asked}


def test_a_visit_that_was_missed_and_moved_is_not_missed_again_on_that_day(database, do, visit, now):
    later = now.date() + timedelta(days=3)
    missed_one = do(mark_no_show, session_id=visit.session_ids[0], moved_to=later)
    with pytest.raises(SessionStillAhead):
        do(mark_no_show, session_id=visit.session_ids[0], moved_to=later + timedelta(days=1))
    with pytest.raises(IllegalMove):
        do(mark_no_show, session_id=missed_one.id, moved_to=later)
    assert as_it_is(database, visit.invoice).open_balance == Money(45_000)


@pytest.mark.parametrize("days", [-1, 0, 5_000])
def test_a_missed_visit_moves_to_a_later_day(do, visit, now, days):
    with pytest.raises(InvalidPlan) as refused:
        do(
            mark_no_show,
            session_id=visit.session_ids[0],
            moved_to=now.date() + timedelta(days=days),
        )
    assert [flaw.pointer for flaw in refused.value.flaws] == ["/moved_to"]


def test_the_fee_is_that_of_the_visits_own_condition(database, do, now):
    clinic = sample("b")
    rates = [rate for rate in clinic.fee_schedule.rates if rate.service != "no_show"]
    fee = next(rate for rate in clinic.fee_schedule.rates if rate.service == "no_show")
    both = [replace(fee, category="mental_health"), replace(fee, category="chronic_pain", cents=25_000)]
    schedule = replace(clinic.fee_schedule, rates=(*rates, *both))
    entity = do(seed_clinic, clinic=replace(clinic, fee_schedule=schedule))
    with database.reading() as read:
        site = sites(read, entity.id)[0]
    patient = new_patient(database, entity_id=entity.id, site_id=site.id, now=now)
    visit = SessionOrder(service="infusion", planned_on=now.date(), minutes=45, dose_mg=Decimal(40))
    orders = [visit, replace(visit, condition="crps")]
    plan = do(plan_sessions, patient_id=patient.id, condition="depression", orders=orders)
    do(quote_plan, plan_id=plan.id)
    fees = []
    for session in plan.sessions:
        do(mark_no_show, session_id=session.id)
        fees.append(bill(do, session.id).total)
    assert fees == [FEE, Money(25_000)]
