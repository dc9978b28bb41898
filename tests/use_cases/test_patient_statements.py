"""A patient's statement: each visit adds up, each sum stands in the books, and it says what happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest

from billing.accounting.errors import BadPeriod
from billing.accounting.queries.statements import facts_of, statement_for
from billing.accounting.records.statements import AnswerKind, Choice, PartKind, Standing, Way
from billing.care.use_cases import cancel_session, mark_no_show
from billing.insurance.records.letters import LetterOutcome
from billing.invoices.records import Bearer, EndReason
from billing.invoices.use_cases.end_share import agree_to_end, ask_to_end
from billing.invoices.use_cases.no_show import bill_no_show
from billing.invoices.use_cases.shares import agree_share
from billing.invoices.use_cases.void import void_invoice
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM
from billing.patients.errors import NoSuchPatient
from billing.payments.queries.credits import credits_of_patient
from billing.payments.records.bounces import BounceReason
from billing.payments.records.credits import Election
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed
from billing.payments.states.disputes import DisputeEvent
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.credits import elect
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.refund_checks import send_check, void_check
from billing.payments.use_cases.refunds import request_refund
from billing.payments.use_cases.takebacks import bill_takeback, demand_takeback, forgive_takeback
from tests.factories.accounting import CLERK, LIMIT, SUPERVISOR
from tests.factories.care import give
from tests.factories.disputes import disputed
from tests.factories.insurance import a_course, claimed, filed, handed_out
from tests.factories.invoices import a_patient, billed
from tests.factories.letters import a_letter
from tests.factories.paid import given_back, paid_by_card, paid_by_check, paid_in_cash
from tests.factories.patient_statements import (
    a_statement,
    a_year,
    assert_both_years_agree,
    assert_it_is_in_the_books,
)
from tests.factories.payers import a_fixed_part, a_payer
from tests.factories.remittance_story import Story
from tests.factories.statements import statements_on

PRICE, FEE = Money(45_000), Money(15_000)
WHOLE_YEAR = date(2026, 1, 1), date(2026, 12, 31)
"""Also the days after the tests' own, on which insurers pay."""


@pytest.fixture
def do(database, now):
    def run(use_case, *, actor=CLERK, **more):
        return database.in_transaction(lambda tx: use_case(tx, **more, actor=actor, now=now))

    return run


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def bill(database, patient):
    """A visit of $450."""
    return billed(database, patient, only_first=1)


@pytest.fixture
def told(database):
    """What a patient's statement says, once it was found in the books."""

    def look(patient, *period):
        with database.reading() as read:
            assert_it_is_in_the_books(read, patient.id)
        return a_statement(database, patient.id, *period)

    return look


@pytest.fixture
def story(database):
    course = a_course(database)
    return Story(database, course, [handed_out(database, each) for each in course.session_ids])


def kinds(visit):
    return [(part.kind, part.amount) for part in visit.parts]


def answers(visit):
    return [(answer.kind, answer.amount) for answer in visit.answers]


def test_somebody_to_whom_nothing_happened_has_an_empty_statement(patient, told):
    statement = told(patient)
    assert statement.is_empty
    assert statement.totals.owed == statement.totals.expected == ZERO


def test_a_visit_that_was_given_and_not_paid_is_owed(database, patient, bill, told):
    give(database, bill.session_ids[0])
    statement = told(patient)
    (visit,) = statement.visits
    assert (visit.on, visit.description, visit.standing) == (
        date(2026, 11, 2), "Ketamine infusion treatment", Standing.GIVEN,
    )  # fmt: skip
    assert (visit.net, visit.owed, statement.totals.owed_now) == (PRICE,) * 3


def test_list_discount_and_net_of_a_veteran(database, told):
    patient = a_patient(database, is_veteran=True)
    billed(database, patient, only_first=1)
    (visit,) = told(patient).visits
    assert (visit.charge, visit.discount, visit.net) == (PRICE, Money(6_750), Money(38_250))


def test_who_paid_when_and_with_what(database, patient, bill, told, now):
    paid_in_cash(database, bill.invoice, now, Money(5_000))
    paid_by_card(database, bill.invoice, now)
    statement = told(patient)
    (visit,) = statement.visits
    assert [(part.kind, part.amount, part.tender, part.on) for part in visit.parts] == [
        (PartKind.PAID, Money(5_000), "Cash", date(2026, 11, 2)),
        (PartKind.PAID, Money(40_000), "Card (visa 4242)", date(2026, 11, 2)),
    ]
    assert (statement.totals.paid_ahead, statement.totals.owed) == (PRICE, ZERO)
    assert [paid.amount for paid in statement.received] == [Money(5_000), Money(40_000)]


def test_a_package_paid_ahead_says_how_many_visits_are_left(database, patient, told, now):
    package = billed(database, patient)
    paid_in_cash(database, package.invoice, now, package.invoice.total)
    give(database, package.session_ids[0])
    statement = told(patient)
    (left,) = statement.packages
    assert (left.visits, left.left, left.paid_ahead) == (6, 5, Money(5 * 42_500))
    assert statement.totals.paid_ahead == left.paid_ahead


def test_what_an_insurer_paid_waits_for_a_choice(story, told):
    story.send(story.answer(18_000))
    statement = told(story.course.patient)
    assert answers(statement.visits[0]) == [(AnswerKind.PAID_CLINIC, Money(18_000))]
    (held,) = statement.held
    assert (held.choice, held.left, held.insured_on) == (
        Choice.TO_CHOOSE, Money(18_000), date(2026, 11, 2),
    )  # fmt: skip
    assert held.goes_back_on == held.on + timedelta(days=30)
    assert statement.totals.to_choose == statement.totals.expected == Money(18_000)


def test_chosen_credit_comes_off_the_next_visit_and_the_visit_says_so(database, do, story, told):
    story.send(story.answer(18_000))
    patient = story.course.patient
    with database.reading() as read:
        (lot,) = credits_of_patient(read, patient.id, SYSTEM)
    do(elect, lot_id=lot.id, election=Election.CREDIT)
    assert told(patient).totals.comes_off == Money(18_000)
    following = billed(database, patient, only_first=1)
    statement = told(patient)
    visit = next(each for each in statement.visits if each.session_id == following.session_ids[0])
    assert (PartKind.CREDIT, Money(18_000)) in kinds(visit)
    (held,) = told(patient, *WHOLE_YEAR).held
    assert (held.used, held.left, statement.totals.expected) == (Money(18_000), ZERO, ZERO)


def test_chosen_refund_is_expected_until_its_check_is_sent(database, do, story, told):
    story.send(story.answer(18_000))
    patient = story.course.patient
    with database.reading() as read:
        (lot,) = credits_of_patient(read, patient.id, SYSTEM)
    do(elect, lot_id=lot.id, election=Election.REFUND)
    assert told(patient).totals.goes_back == Money(18_000)
    refund = do(request_refund, lot_id=lot.id, amount=Money(18_000), payment_id=None, limit=LIMIT)
    statement = told(patient)
    assert (statement.totals.on_its_way, statement.totals.came_back) == (Money(18_000), ZERO)
    do(send_check, refund_id=refund.id, check_number="1001")
    statement = told(patient)
    assert [each.way for each in statement.refunds] == [Way.SENT]
    assert (statement.totals.expected, statement.totals.came_back) == (ZERO, Money(18_000))


def test_a_deductible_a_denial_and_what_the_patient_was_paid_are_told_apart(story, told):
    story.send(story.answer(0))
    story.send(story.answer(0, of=1, adjustments=(("CO", "50", 38_250),)))
    first, second = told(story.course.patient).visits
    assert answers(first) == [(AnswerKind.DEDUCTIBLE, Money(38_250))]
    assert answers(second) == [(AnswerKind.DENIED, ZERO)]


def test_what_an_insurer_paid_to_the_patient_is_no_money_of_the_clinic(story, told):
    paid = (("PR", "100", 20_000), ("PR", "1", 18_250))
    story.send(story.answer(0, adjustments=paid))
    statement = told(story.course.patient, *WHOLE_YEAR)
    assert answers(statement.visits[0]) == [(AnswerKind.PAID_YOU, Money(20_000))]
    assert (statement.totals.insurer_paid_you, statement.totals.expected) == (Money(20_000), ZERO)


def test_a_claim_that_was_filed_waits_and_no_amount_is_promised(database, told):
    course = a_course(database)
    claimed(database, course.session_ids[0])
    assert told(course.patient).totals.claims_waiting == 0
    filed(database)
    statement = told(course.patient)
    assert answers(statement.visits[0]) == [(AnswerKind.WAITS, ZERO)]
    assert (statement.totals.claims_waiting, statement.totals.expected) == (1, ZERO)


def test_a_letter_that_the_patient_sent_in_is_told_as_theirs(database, told, now):
    course = a_course(database)
    give(database, course.session_ids[0])
    assert a_letter(database, course.patient, now=now).outcome is LetterOutcome.DENIED
    assert answers(told(course.patient).visits[0]) == [(AnswerKind.TOLD_DENIED, ZERO)]


def test_an_answer_that_was_reversed_leaves_the_credit_and_is_told(story, told):
    story.send(story.answer(18_000))
    story.send(story.answer(-18_000), story.answer(30_000, of=1))
    statement = told(story.course.patient, *WHOLE_YEAR)
    assert answers(statement.visits[0]) == [
        (AnswerKind.PAID_CLINIC, Money(18_000)),
        (AnswerKind.TOOK_BACK, Money(18_000)),
    ]
    assert statement.totals.expected == Money(30_000)
    assert [(lot.gone, lot.left) for lot in statement.held] == [(Money(18_000), ZERO), (ZERO, Money(30_000))]


def test_a_denial_that_was_reversed_and_paid_says_only_that_it_was_paid(story, told):
    denied = {"adjustments": (("CO", "50", 38_250),)}
    story.send(story.answer(0, **denied))
    told_back = {"status": "22", "charge_cents": -38_250, "adjustments": (("CO", "50", -38_250),)}
    story.send(story.answer(0, **told_back), story.answer(18_000))
    (paid, *_) = told(story.course.patient).visits
    assert answers(paid)[-1] == (AnswerKind.PAID_CLINIC, Money(18_000))
    assert AnswerKind.DENIED not in [kind for kind, _ in answers(paid)]


@pytest.mark.parametrize(("decide", "more", "owed"), [
    (forgive_takeback, {"limit": LIMIT, "actor": SUPERVISOR}, ZERO),
    (bill_takeback, {}, Money(18_000)),
])  # fmt: skip
def test_what_was_used_and_is_wanted_back_is_not_owed_before_somebody_decided(
    database, do, story, told, now, decide, more, owed
):
    story.send(story.answer(18_000))
    patient = story.course.patient
    with database.reading() as read:
        (lot,) = credits_of_patient(read, patient.id, SYSTEM)
    do(elect, lot_id=lot.id, election=Election.CREDIT)
    following = billed(database, patient, only_first=1)
    paid_by_card(database, following.invoice, now)
    give(database, following.session_ids[0])
    story.send(story.answer(-18_000), story.answer(30_000, of=1))
    statement = told(patient)
    assert (statement.totals.wanted_back, statement.totals.owed) == (Money(18_000), ZERO)
    assert (AnswerKind.WANTS_BACK, Money(18_000)) in answers(statement.visits[0])
    (demand,) = story.demands()
    do(decide, takeback_id=demand.id, **more)
    totals = told(patient).totals
    assert (totals.owed, totals.wanted_back) == (owed, ZERO)


def test_a_check_that_bounced_paid_nothing_and_the_visit_is_owed_again(
    database, do, patient, bill, told, now
):
    give(database, bill.session_ids[0])
    payment = paid_by_check(database, bill.invoice, now, PRICE)
    named = {"payment_id": payment.id, "bounced_on": now.date(), "fee": ZERO}
    do(bounce_check, reason=BounceReason.INSUFFICIENT_FUNDS, **named)
    statement = told(patient)
    assert (statement.visits[0].parts, statement.received) == ((), ())
    assert statement.totals.owed == PRICE


def test_a_bank_that_holds_a_payment_is_told_and_then_that_it_kept_it(database, patient, bill, told, now):
    payment = paid_by_card(database, bill.invoice, now)
    give(database, bill.session_ids[0])
    disputed(database, payment, now)
    assert (told(patient).totals.at_bank, told(patient).totals.owed) == (PRICE, ZERO)
    disputed(database, payment, now, told=DisputeEvent.LOSE)
    statement = told(patient)
    assert (statement.totals.at_bank, statement.totals.by_bank) == (ZERO, PRICE)
    assert kinds(statement.visits[0]) == [(PartKind.BANK, PRICE)]
    assert statement.totals.owed == ZERO


def test_a_missed_visit_is_a_fee_that_a_deposit_pays_in_part(database, do, patient, bill, told):
    handed = Handed(tender=Tender.CASH, amount=Money(10_000))
    do(take_deposit, patient_id=patient.id, handed=handed, site_id=None)
    assert told(patient).totals.deposits == Money(10_000)
    do(mark_no_show, session_id=bill.session_ids[0])
    do(bill_no_show, session_id=bill.session_ids[0])
    statement = told(patient)
    (visit,) = statement.visits
    assert (visit.standing, visit.description) == (Standing.MISSED, "Fee for a missed appointment")
    assert (visit.net, visit.owed, statement.totals.deposits) == (FEE, Money(5_000), ZERO)


def test_a_void_invoice_is_not_on_it(do, patient, bill, told):
    do(void_invoice, invoice_id=bill.invoice.id, reason="typo")
    assert told(patient).is_empty


def test_what_was_paid_for_a_visit_that_was_called_off_is_held(database, do, patient, bill, told, now):
    paid_in_cash(database, bill.invoice, now, PRICE)
    do(cancel_session, session_id=bill.session_ids[0])
    statement = told(patient)
    assert statement.visits == ()
    assert [(lot.source, lot.left) for lot in statement.held] == [("return", PRICE)]
    assert statement.totals.comes_off == PRICE


def test_what_another_payer_owes_is_not_asked_and_what_the_clinic_bears_is_said(
    database, do, patient, bill, told
):
    payer = a_payer(database, patient.site_id)
    share = do(agree_share, invoice_id=bill.invoice.id, order=a_fixed_part(payer, 20_000))
    give(database, bill.session_ids[0])
    statement = told(patient)
    assert kinds(statement.visits[0]) == [(PartKind.OTHER_OWES, Money(20_000))]
    assert statement.totals.owed == Money(25_000)
    do(ask_to_end, share_id=share.id, reason=EndReason.PAID_SHORT, borne_by=Bearer.CLINIC)
    do(agree_to_end, share_id=share.id, actor=SUPERVISOR)
    statement = told(patient)
    assert kinds(statement.visits[0]) == [(PartKind.WAIVED, Money(20_000))]
    assert statement.totals.owed == Money(25_000)


def test_a_period_shows_its_own_visits_and_those_that_are_not_settled(database, patient, told, now):
    settled, owed = (billed(database, patient, only_first=1) for _ in range(2))
    paid_in_cash(database, settled.invoice, now, PRICE)
    for each in (settled, owed):
        give(database, each.session_ids[0])
    assert len(told(patient).visits) == 2
    later = told(patient, date(2026, 12, 1), date(2026, 12, 31))
    assert [visit.session_id for visit in later.visits] == [owed.session_ids[0]]
    assert (later.received, later.totals.owed) == ((), PRICE)


def test_a_period_that_ends_before_it_begins_is_refused(database, patient):
    with pytest.raises(BadPeriod):
        a_statement(database, patient.id, date(2026, 2, 1), date(2026, 1, 1))


def test_somebody_of_another_site_finds_no_patient(database, patient, now):
    stranger = replace(CLERK, site_ids=frozenset({"sit_elsewhere"}))
    with database.reading() as read, pytest.raises(NoSuchPatient):
        statement_for(read, patient.id, None, None, actor=stranger, now=now)


def test_a_year_by_date_paid_and_by_date_of_service_come_to_the_same(database, do, story, now):
    story.send(story.answer(18_000))
    patient = story.course.patient
    with database.reading() as read:
        (lot,) = credits_of_patient(read, patient.id, SYSTEM)
    refund = do(request_refund, lot_id=lot.id, amount=Money(8_000), payment_id=None, limit=LIMIT)
    do(send_check, refund_id=refund.id, check_number="1001")
    do(elect, lot_id=lot.id, election=Election.CREDIT)
    following = billed(database, patient, only_first=1)
    paid_by_card(database, following.invoice, now)
    give(database, following.session_ids[0])
    year = a_year(database, patient.id)
    assert year.net == year.cost == total([year.paid, -year.back])
    assert [visit.cost for visit in year.visits] == [Money(20_250), Money(38_250), Money(38_250)]
    assert a_year(database, patient.id, 2025).payments == ()


LATER = datetime(2027, 1, 20, 18, tzinfo=UTC)


@pytest.mark.parametrize("order", list(permutations(("take_back", "bounce", "void"))))
def test_a_year_that_is_over_stands_whatever_is_undone_in_the_next(database, do, story, now, order):
    """An insurer takes back what it had paid, a check is not paid by its bank, another is never cashed."""
    story.send(story.answer(18_000))
    patient = story.course.patient
    with database.reading() as read:
        (lot,) = credits_of_patient(read, patient.id, SYSTEM)
    bounces = paid_by_check(database, billed(database, patient, only_first=1).invoice, now, PRICE)
    asked = given_back(database, story.course.invoice_id, now, Money(5_000))
    do(send_check, refund_id=asked.id, check_number="1001")
    before = a_year(database, patient.id, 2026)
    assert before.back == Money(23_000)
    deeds = {
        "take_back": (demand_takeback, {
            "reimbursement_id": lot.source_id, "demand": "D-1", "amount": Money(18_000),
            "demanded_on": date(2027, 1, 15),
        }),
        "bounce": (bounce_check, {
            "payment_id": bounces.id, "reason": BounceReason.OTHER, "bounced_on": date(2027, 1, 19),
            "fee": ZERO,
        }),
        "void": (void_check, {"refund_id": asked.id}),
    }  # fmt: skip
    for each in order:
        use_case, more = deeds[each]
        database.in_transaction(lambda tx, do=use_case, more=more: do(tx, **more, actor=CLERK, now=LATER))
        assert a_year(database, patient.id, 2026, now=LATER).payments == before.payments
    after = a_year(database, patient.id, 2027, now=LATER)
    assert (after.paid, after.back) == (Money(23_000), PRICE)
    with database.reading() as read:
        assert_both_years_agree(assert_it_is_in_the_books(read, patient.id))


def test_it_takes_as_many_statements_however_many_visits_there_are(database, do, patient, now):
    def fill(times):
        for _ in range(times):
            each = billed(database, patient, only_first=2, now=now - timedelta(days=1))
            paid_in_cash(database, each.invoice, now, PRICE)
            give(database, each.session_ids[0])
        with database.reading() as read, statements_on(database.read_engine) as asked:
            facts_of(read, patient.id, SYSTEM)
        return len(asked)

    few = fill(2)
    assert fill(6) <= few <= 25
