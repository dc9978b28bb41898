"""Bankruptcy stops what was owed before the filing; visits that are billed and given after it are charged."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.care.use_cases import mark_no_show, reschedule_session
from billing.invoices.use_cases.issue import issue_invoice
from billing.invoices.use_cases.no_show import bill_no_show
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.patients.errors import AccountOnHold
from billing.patients.records import HoldReason, HoldTerms
from billing.patients.use_cases import place_hold
from billing.payments.errors import NoSuchPayLink
from billing.payments.flows.checkouts import start_checkout
from billing.payments.flows.room import Payments
from billing.payments.queries.checkouts import find_pay_link, may_be_sent, unresolved_checkouts
from billing.payments.queries.credits import credit_coming_off, credits_of_patient
from billing.payments.records.payments import Tender
from billing.payments.records.saved_methods import Purpose
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.checkouts import begin_charge, begin_checkout, begin_reader_payment
from billing.payments.use_cases.deposit_requests import ask_for_deposit
from billing.payments.use_cases.links import make_pay_link
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.platform.data.idempotency import RequestKey
from billing.quotes.use_cases import quote_plan
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.care import give, new_plan
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import RETURN_URL
from tests.factories.saved_cards import a_saved_card
from tests.factories.web import Processor

REQUEST = RequestKey("k1", "0" * 64)
FILED_ON = NOW.date()
LATER = NOW + timedelta(days=3)


@pytest.fixture
def do(database):
    def run(use_case, *, now=LATER, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=SYSTEM, now=now))

    return run


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def old(database, patient):
    return billed(database, patient, only_first=1).invoice


@pytest.fixture
def file(do, patient):
    def run(reason=HoldReason.BANKRUPTCY, on=FILED_ON):
        do(place_hold, patient_id=patient.id, terms=HoldTerms(reason=reason), effective_from=on)

    return run


@pytest.fixture
def new(database, do, patient, old):
    plan = new_plan(database, patient.id, starts_on=LATER.date(), now=LATER)
    quote = do(quote_plan, plan_id=plan.id)
    return do(issue_invoice, quote_id=quote.id, session_ids=[plan.sessions[0].id])


@pytest.fixture
def ways(database, do, patient):
    """Each way in which the patient is charged for an invoice, or asked for it."""
    card = a_saved_card(database, patient, NOW)

    def of(invoice):
        due = {"due": invoice.open_balance, "purpose": Purpose.FUTURE_VISITS, "saved_method_id": card.id}
        named = {"invoice_id": invoice.id}
        return [
            lambda: do(make_pay_link, **named),
            lambda: do(begin_checkout, **named, return_url=RETURN_URL, request=REQUEST),
            lambda: do(begin_reader_payment, **named, reader_id="tmr_1", request=REQUEST),
            lambda: do(begin_charge, **named, **due, request=REQUEST),
        ]

    return of


@pytest.mark.parametrize("way", range(4))
def test_a_visit_after_the_filing_is_charged_and_one_before_is_not(file, old, new, ways, way):
    file()
    with pytest.raises(AccountOnHold):
        ways(old)[way]()
    assert ways(new)[way]()


@pytest.mark.parametrize("way", range(4))
def test_nothing_is_charged_to_the_dead_whatever_else_stands(file, old, new, ways, way):
    file()
    file(HoldReason.DEATH)
    with pytest.raises(AccountOnHold):
        ways(new)[way]()


def test_what_was_billed_before_or_is_of_the_day_itself_is_old(file, old, new, ways):
    file(on=LATER.date())
    with pytest.raises(AccountOnHold):
        ways(new)[0]()


def test_a_visit_of_before_that_is_billed_afterwards_is_old(database, do, patient, file, ways):
    """As the difference of a stopped package may be."""
    plan = billed(database, patient, only_first=1)
    file()
    do(mark_no_show, session_id=plan.session_ids[0])
    with pytest.raises(AccountOnHold):
        do(bill_no_show, session_id=plan.session_ids[0])


def test_a_visit_that_was_missed_after_the_filing_costs_its_fee(database, do, patient, file):
    visit = billed(database, patient, only_first=1)
    do(reschedule_session, session_id=visit.session_ids[0], planned_on=LATER.date(), now=NOW)
    file()
    do(mark_no_show, session_id=visit.session_ids[0])
    assert do(bill_no_show, session_id=visit.session_ids[0]).open_balance == Money(15_000)


def test_a_visit_that_was_moved_up_and_given_before_the_filing_is_old(database, do, patient, file):
    """Quoted for the 12th, moved up and given on the 2nd, filed on the 3rd, billed on the 4th."""
    plan = new_plan(database, patient.id, starts_on=NOW.date() + timedelta(days=10), now=NOW)
    quote, visit = do(quote_plan, plan_id=plan.id, now=NOW), plan.sessions[0].id
    do(reschedule_session, session_id=visit, planned_on=NOW.date(), now=NOW)
    give(database, visit, now=NOW)
    file(on=NOW.date() + timedelta(days=1))
    late = do(issue_invoice, quote_id=quote.id, session_ids=[visit], now=NOW + timedelta(days=2))
    with pytest.raises(AccountOnHold):
        do(make_pay_link, invoice_id=late.id, now=NOW + timedelta(days=2))


def test_a_link_and_a_page_of_a_new_visit_stay_open_and_those_of_an_old_one_do_not(
    database, do, file, old, new, ways
):
    (_, of_old), (_, of_new) = ways(old)[0](), ways(new)[0]()
    room = Payments(database, Processor(), lambda: LATER)
    pages = [
        start_checkout(room, invoice_id=each.id, return_url=RETURN_URL, request=None, actor=SYSTEM)
        for each in (old, new)
    ]
    file()
    with database.reading() as read:
        assert find_pay_link(read, of_new, LATER).amount == new.open_balance
        with pytest.raises(NoSuchPayLink):
            find_pay_link(read, of_old, LATER)
        assert [may_be_sent(read, page) for page in pages] == [False, True]
        assert [each.id for each in unresolved_checkouts(read, before=NOW, now=LATER)] == [pages[0].id]


def test_no_credit_comes_off_a_new_visit_either(database, do, patient, file, new, ways):
    """What the clinic owes the estate is not set off."""
    handed = Handed(tender=Tender.CASH, amount=Money(5_000))
    do(take_deposit, patient_id=patient.id, handed=handed, site_id=None)
    file()
    with database.reading() as read:
        assert credit_coming_off(read, new) == ZERO
    begun = ways(new)[3]()
    assert begun.amount == new.open_balance
    with database.reading() as read:
        (lot,) = credits_of_patient(read, patient.id, SYSTEM)
        assert lot.available == Money(5_000)
        assert verify(read, now=LATER, refund_limit=LIMIT).ok


def test_a_deposit_is_not_asked_for(do, patient, file):
    file()
    with pytest.raises(AccountOnHold):
        do(ask_for_deposit, patient_id=patient.id, amount=Money(10_000), site_id=None)
