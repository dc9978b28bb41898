"""A reversal negates the original, in whatever file and order it comes, and is never a new debt unasked."""

import pytest
from sqlalchemy import text

from billing.insurance.queries import find_remittance
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credits_of_patient
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import request_refund
from billing.payments.use_cases.takebacks import bill_takeback, demand_takeback
from tests.factories.accounting import LIMIT
from tests.factories.insurance import a_course, handed_out
from tests.factories.remittance_835 import Payment, remittance
from tests.factories.remittance_story import Story


@pytest.fixture
def story(database):
    course = a_course(database)
    return Story(database, course, [handed_out(database, each) for each in course.session_ids])


def spend_on_a_check(database, do, story, cents):
    """What the patient has of the insurer goes to them by check."""
    with database.reading() as read:
        (lot,) = credits_of_patient(read, story.course.patient.id, SYSTEM)
    refund = do(request_refund, lot_id=lot.id, amount=Money(cents), payment_id=None, limit=LIMIT)
    do(send_check, refund_id=refund.id, check_number="1001")


def test_a_reversal_takes_the_credit_back_out_of_what_is_paid_for_another_visit(story, found):
    """1000 120, 2220 180 / 2200 300, beside 2200 180 / 2220 180: the bank got 120, as BPR02 says."""
    story.send(story.answer(18_000))
    sent = story.send(story.answer(-18_000), story.answer(30_000, of=1))
    assert (sent.status, sent.reason, sent.amount) == ("posted", None, Money(12_000))
    assert [claim.outcome for claim in sent.claims] == ["reversal", "reimbursed"]
    assert story.moved() == {"1000": 30_000, "2200": -30_000}
    assert story.credit() == 30_000
    (demand,) = story.demands()
    assert (demand.amount, demand.unspent, demand.returned) == (Money(18_000),) * 3
    assert story.reviews() == 0
    assert found() == set()


def test_a_reversal_and_its_correction_leave_what_the_correction_pays(story, found):
    story.send(story.answer(18_000))
    sent = story.send(story.answer(-18_000), story.answer(20_000))
    assert (sent.status, sent.amount) == ("posted", Money(2_000))
    assert story.moved() == {"1000": 20_000, "2200": -20_000}
    assert found() == set()


def test_what_was_spent_is_owed_and_a_person_looks_before_anybody_is_billed(database, do, story, found):
    story.send(story.answer(18_000))
    spend_on_a_check(database, do, story, 18_000)
    sent = story.send(story.answer(-18_000), story.answer(30_000, of=1))
    assert sent.status == "posted"
    (demand,) = story.demands()
    assert (demand.unspent, demand.owed, demand.returned) == (Money(0), Money(18_000), Money(18_000))
    assert story.reviews() == 1
    assert story.moved() == {"1000": 12_000, "1100": 18_000, "2200": -30_000}
    assert found() == set()
    do(bill_takeback, takeback_id=demand.id, shown=Money(18_000))
    assert found() == set()


def test_a_correction_covers_what_was_spent_before_anybody_owes_it(database, do, story, found):
    story.send(story.answer(18_000))
    spend_on_a_check(database, do, story, 18_000)
    sent = story.send(story.answer(-18_000), story.answer(20_000))
    assert sent.status == "posted"
    assert story.reviews() == 0
    assert story.credit() == 2_000
    assert story.moved() == {"1000": 2_000, "2200": -2_000}
    assert found() == set()


def test_a_correction_may_come_before_the_reversal_in_another_file(story, found):
    story.send(story.answer(18_000))
    assert story.send(story.answer(20_000)).status == "posted"
    assert story.credit() == 38_000
    sent = story.send(story.answer(-18_000), story.answer(18_000, of=1))
    assert (sent.status, sent.amount) == ("posted", Money(0))
    assert story.moved() == {"1000": 38_000, "2200": -38_000}
    assert found() == set()


def test_a_reversal_that_comes_before_its_original_waits_and_is_posted_after_it(story, found):
    original = story.file(story.answer(18_000))
    early = story.send(story.answer(-18_000), story.answer(30_000, of=1))
    assert early.status == "parked"
    assert "reverses a payment of $180.00 for a charge of $382.50, which was not posted or" in str(
        early.reason
    )
    assert story.moved() == {}
    file = story.read(original)
    assert [each.id for each in file.resumed] == [early.id]
    assert [each.status for each in (*file.transactions, *file.resumed)] == ["posted", "posted"]
    assert story.moved() == {"1000": 30_000, "2200": -30_000}
    assert found() == set()


def test_what_waited_is_a_duplicate_when_it_is_sent_again(story):
    original = story.file(story.answer(18_000))
    reversal = story.file(story.answer(-18_000), story.answer(30_000, of=1))
    statuses = [story.read(content).status for content in (reversal, original, reversal, original)]
    assert statuses == ["parked", "posted", "duplicate", "duplicate"]
    assert story.credit() == 30_000


def test_a_reversal_of_what_was_reversed_before_is_parked(story, found):
    story.send(story.answer(18_000))
    story.send(story.answer(-18_000), story.answer(30_000, of=1))
    again = story.send(story.answer(-18_000), story.answer(20_000))
    assert again.status == "parked"
    assert "reversed before" in str(again.reason)
    assert story.credit() == 30_000
    assert found() == set()


def test_the_same_reversal_twice_is_a_duplicate(story):
    story.send(story.answer(18_000))
    content = story.file(story.answer(-18_000), story.answer(30_000, of=1))
    assert [story.read(content).status for _ in range(2)] == ["posted", "duplicate"]
    assert len(story.demands()) == 1


def test_two_equal_payments_are_reversed_one_by_one(story, found):
    story.send(story.answer(10_000))
    story.send(story.answer(10_000, payer_claim_number="OTHER"))
    assert story.send(story.answer(-10_000), story.answer(15_000, of=1)).status == "posted"
    second = story.answer(-10_000, payer_claim_number="OTHER")
    assert story.send(second, story.answer(15_000, of=1)).status == "posted"
    assert len({demand.reimbursement_id for demand in story.demands()}) == 2
    assert story.send(second, story.answer(15_000, of=1)).status == "parked"
    assert story.moved() == {"1000": 30_000, "2200": -30_000}
    assert found() == set()


@pytest.mark.parametrize("cents", [17_999, 18_001])
def test_a_reversal_of_another_amount_reverses_nothing(story, cents):
    story.send(story.answer(18_000))
    sent = story.send(story.answer(-cents), story.answer(30_000, of=1))
    assert sent.status == "parked"
    assert story.moved() == {"1000": 18_000, "2200": -18_000}


def test_another_insurers_payment_is_not_reversed(story):
    story.send(story.answer(18_000), payer_id="1999999999")
    assert story.send(story.answer(-18_000), story.answer(30_000, of=1)).status == "parked"


def test_a_payment_and_its_reversal_in_one_file_leave_nothing(story, found):
    sent = story.send(story.answer(18_000), story.answer(-18_000), story.answer(20_000))
    assert sent.status == "posted"
    assert story.credit() == 20_000
    assert story.moved() == {"1000": 20_000, "2200": -20_000}
    assert found() == set()


def test_a_payment_its_reversal_and_the_correction_may_be_three_payments_of_one_file(story, found):
    original = Payment(claims=[story.answer(18_000)], trace="T1")
    reversal = Payment(claims=[story.answer(-18_000), story.answer(30_000, of=1)], trace="T2")
    correction = Payment(claims=[story.answer(20_000)], trace="T3")
    file = story.read(remittance(payments=[correction, reversal, original]))
    assert [each.status for each in file.transactions] == ["posted", "posted", "posted"]
    assert (file.status, file.resumed) == ("posted", ())
    assert story.moved() == {"1000": 50_000, "2200": -50_000}
    assert found() == set()


def test_what_settled_an_open_balance_is_owed_again_after_a_person_looked(database, do, found):
    course = a_course(database, sessions=2, paid=Money(50_000))
    story = Story(database, course, [handed_out(database, each) for each in course.session_ids])
    open_balance = 2 * 38_250 - 50_000
    story.send(story.answer(30_000, of=1))
    assert story.moved() == {"1000": 30_000, "1100": -open_balance, "2200": open_balance - 30_000}
    story.send(story.answer(-30_000, of=1), story.answer(30_000))
    (demand,) = story.demands()
    assert (demand.unspent.cents, demand.owed.cents) == (30_000 - open_balance, open_balance)
    assert story.reviews() == 1
    do(bill_takeback, takeback_id=demand.id)
    assert story.moved() == {"1000": 30_000, "2200": -30_000}
    assert found() == set()


def test_a_reversal_of_what_was_above_goes_back_without_the_patient(story, found):
    """Of 400 the patient had paid 382.50: 17.50 was the payer's all the time."""
    above = (("CO", "45", -1_750),)
    story.send(story.answer(40_000, adjustments=above))
    assert story.moved() == {"1000": 40_000, "2200": -38_250, "2220": -1_750}
    back = (("CO", "45", 1_750),)
    sent = story.send(
        story.answer(-40_000, adjustments=back), story.answer(38_250), story.answer(1_750, of=1)
    )
    assert (sent.status, sent.amount.cents) == ("posted", 0)
    assert story.moved() == {"1000": 40_000, "2200": -40_000}
    assert found() == set()


def test_a_letter_that_demanded_it_first_and_the_reversal_are_one_demand(database, do, story, found):
    paid = story.send(story.answer(18_000))
    with database.reading() as read:
        kept = find_remittance(read, paid.id, SYSTEM)
    claim_id = claim_ids(database, kept.id)[0]
    letter = do(
        demand_takeback,
        reimbursement_id=claim_id,
        demand="L-1",
        amount=Money(10_000),
        demanded_on=min(paid.paid_on, paid.received_at.date()),
    )
    story.send(story.answer(-18_000), story.answer(30_000, of=1))
    demands = {demand.demand: demand for demand in story.demands()}
    assert demands.pop("L-1").returned == Money(10_000)
    (rest,) = demands.values()
    assert (rest.amount, rest.returned) == (Money(8_000), Money(8_000))
    assert letter.amount == Money(10_000)
    assert story.moved() == {"1000": 30_000, "2200": -30_000}
    assert found() == set()


def claim_ids(database, remittance_id):
    with database.reading() as read:
        query = text("SELECT id FROM remittance_claim WHERE remittance_id = :id ORDER BY place")
        return list(read.session.scalars(query, {"id": remittance_id}))


def test_a_denial_that_is_reversed_and_paid_posts_the_payment_though_the_denial_was_never_seen(story, found):
    denial_back = story.answer(-1, adjustments=(("CO", "50", -38_250),), paid_cents=0)
    sent = story.send(denial_back, story.answer(18_000))
    assert (sent.status, sent.claims[0].outcome) == ("posted", "reversal")
    assert story.moved() == {"1000": 18_000, "2200": -18_000}
    assert found() == set()


def test_what_the_patient_was_paid_and_then_the_clinic_goes_back(story, found):
    story.send(story.answer(0, adjustments=(("PR", "100", 18_000), ("PR", "1", 20_250))))
    sent = story.send(story.answer(18_000))
    assert sent.claims[0].credit == Money(0)
    assert story.moved() == {"1000": 18_000, "2220": -18_000}
    (demand,) = story.demands()
    assert (demand.excess, demand.owed) == (Money(18_000), Money(0))
    assert found() == set()


def test_what_the_clinic_was_paid_and_then_the_patient_goes_back(story, found):
    direct = story.answer(0, adjustments=(("PR", "100", 18_000), ("PR", "1", 20_250)))
    story.send(story.answer(18_000))
    story.send(direct)
    assert story.credit() == 0
    assert story.moved() == {"1000": 18_000, "2220": -18_000}
    assert found() == set()
    assert story.send(story.answer(-18_000), story.answer(20_000, of=1)).status == "posted"
    assert len(story.demands()) == 1
    assert story.moved() == {"1000": 20_000, "2200": -20_000}
    assert found() == set()


def test_a_payment_to_the_patient_that_was_reversed_makes_no_copy_of_the_clinics(story, found):
    direct = (("PR", "100", 18_000), ("PR", "1", 20_250))
    story.send(story.answer(0, adjustments=direct))
    back = story.answer(-1, paid_cents=0, adjustments=tuple((g, c, -cents) for g, c, cents in direct))
    sent = story.send(back, story.answer(18_000))
    assert (sent.status, sent.claims[1].credit) == ("posted", Money(18_000))
    assert story.moved() == {"1000": 18_000, "2200": -18_000}
    assert found() == set()


def test_another_insurer_that_pays_beside_the_patients_makes_no_copy(story):
    story.send(story.answer(0, adjustments=(("PR", "100", 38_250),)), payer_id="1999999999")
    assert story.send(story.answer(18_000)).claims[0].credit == Money(18_000)
