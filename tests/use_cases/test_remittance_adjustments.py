"""What a payer adds to a payment or keeps out of it by itself (PLB): every cent has its account."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import text

from billing.catalog.queries import find_entity
from billing.insurance.use_cases import remittances
from billing.kernel.money import Money
from billing.payments.use_cases.takebacks import demand_takeback, repay_takeback
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.catalog import seed_sample
from tests.factories.insurance import a_course, handed_out, imported
from tests.factories.remittance_835 import Claim, remittance
from tests.factories.remittance_story import Story


@pytest.fixture
def story(database):
    course = a_course(database)
    return Story(database, course, [handed_out(database, each) for each in course.session_ids])


def test_interest_that_is_taken_back_leaves_what_it_had_brought(story, found):
    story.send(story.answer(18_000), plb=[("L6", -500)])
    assert story.moved() == {"1000": 18_500, "2200": -18_000, "2240": -500}
    assert story.send(story.answer(9_000, of=1), plb=[("L6", 300)]).status == "posted"
    assert story.moved() == {"1000": 27_200, "2200": -27_000, "2240": -200}
    assert found() == set()


def test_interest_that_was_never_given_is_not_taken_back(story, found):
    story.send(story.answer(18_000), plb=[("L6", -500)], payer_id="1999999999")
    sent = story.send(story.answer(9_000, of=1), plb=[("L6", 300)])
    assert sent.status == "parked"
    assert "takes back interest of $3.00, but $0.00" in str(sent.reason)
    assert found() == set()


def test_interest_alone_is_posted_for_the_clinic_whose_npi_it_names(database, story, found):
    seed_sample(database, NOW, slug="a")
    content = story.file(plb=[("L6", -500)], payee="XX*1999999992")
    assert story.read(content).status == "parked"
    with database.reading() as read:
        npi = find_entity(read, story.course.patient.entity_id).npi
    (sent,) = story.read(content.replace(b"XX*1999999992", f"XX*{npi}".encode())).transactions
    assert (sent.status, sent.reason) == ("posted", None)
    assert story.moved() == {"1000": 500, "2240": -500}
    assert found() == set()


def test_a_recovery_by_our_number_takes_the_credit_back(story, found):
    story.send(story.answer(18_000))
    number = story.bills[0].control_number
    sent = story.send(story.answer(30_000, of=1), plb=[(f"WO:{number}", 18_000)])
    assert (sent.status, sent.amount) == ("posted", Money(12_000))
    (demand,) = story.demands()
    assert demand.demand.startswith(number)
    assert (demand.unspent, demand.returned) == (Money(18_000), Money(18_000))
    assert story.moved() == {"1000": 30_000, "2200": -30_000}
    assert found() == set()


@pytest.mark.parametrize("reference", ["ICN0", "EFT0001", "ICN0 20261103"])
def test_a_recovery_is_known_by_the_payers_number_and_by_the_trace(story, found, reference):
    story.send(story.answer(18_000))
    sent = story.send(story.answer(30_000, of=1), plb=[(f"WO:{reference}", 5_000)])
    assert (sent.status, sent.reason) == ("posted", None)
    assert story.credit() == 43_000
    assert found() == set()


def test_a_recovery_by_the_trace_of_several_claims_is_for_a_person_unless_its_amount_says_which(story, found):
    story.send(story.answer(18_000), story.answer(9_000, of=1))
    sent = story.send(story.answer(30_000, of=1), plb=[("WO:EFT0001", 5_000)])
    assert "does not say which of 2 claims" in str(sent.reason)
    assert story.send(story.answer(30_000, of=1), plb=[("WO:EFT0001", 9_000)]).status == "posted"
    assert story.send(story.answer(30_000, of=1), plb=[("WO:EFT0001", 18_000)]).status == "posted"
    assert [demand.amount.cents for demand in story.demands()] == [9_000, 18_000]
    assert found() == set()


def test_a_recovery_of_what_nobody_knows_is_parked_and_posted_when_it_is_known(story, found):
    original = story.file(story.answer(18_000))
    early = story.send(story.answer(30_000, of=1), plb=[("WO:ICN0", 18_000)])
    assert early.status == "parked"
    assert "is about no payment of this payer that is on file" in str(early.reason)
    assert [each.status for each in story.read(original).resumed] == ["posted"]
    assert story.moved() == {"1000": 30_000, "2200": -30_000}
    assert found() == set()


def test_no_more_is_recovered_than_was_paid(story, found):
    story.send(story.answer(18_000))
    sent = story.send(story.answer(30_000, of=1), plb=[("WO:ICN0", 18_001)])
    assert "only $180.00 of $180.01 is left to take back" in str(sent.reason)
    assert story.moved() == {"1000": 18_000, "2200": -18_000}
    twice = [("WO:ICN0", 10_000), ("WO:EFT0001", 10_000)]
    assert story.send(story.answer(30_000, of=1), plb=twice).status == "parked"
    assert found() == set()


def test_a_reversal_whose_recovery_is_put_off_is_owed_to_the_payer_until_it_is_taken(story, found):
    story.send(story.answer(18_000))
    sent = story.send(story.answer(-18_000), story.answer(30_000, of=1), plb=[("WO:ICN0", -18_000)])
    assert (sent.status, sent.amount) == ("posted", Money(30_000))
    assert story.moved() == {"1000": 48_000, "2200": -30_000, "2220": -18_000}
    assert found() == set()
    taken = story.send(story.answer(5_000), plb=[("WO:ICN0", 4_000)])
    assert (taken.status, taken.amount) == ("posted", Money(1_000))
    assert story.moved() == {"1000": 49_000, "2200": -35_000, "2220": -14_000}
    (demand,) = story.demands()
    assert (demand.amount, demand.returned) == (Money(18_000), Money(4_000))
    assert found() == set()


def test_a_payment_that_is_reversed_at_once_and_recovered_later_is_owed_to_the_payer(story, found):
    plb = [("WO:ICN0", -18_000)]
    sent = story.send(story.answer(18_000), story.answer(-18_000), story.answer(5_000, of=1), plb=plb)
    assert (sent.status, sent.amount) == ("posted", Money(23_000))
    assert story.moved() == {"1000": 23_000, "2200": -5_000, "2220": -18_000}
    assert found() == set()
    taken = story.send(story.answer(20_000), plb=[("WO:ICN0", 18_000)])
    assert (taken.status, story.moved()) == ("posted", {"1000": 25_000, "2200": -25_000})
    assert found() == set()


def test_a_reversal_of_what_a_check_of_ours_returned_before_takes_nothing_more(database, do, story, found):
    """We repaid on a letter; then the reversal comes, its recovery put off, and the check acknowledged."""
    story.send(story.answer(18_000))
    with database.reading() as read:
        claim_id = read.session.scalar(text("SELECT id FROM remittance_claim"))
    on = date(2026, 11, 20)
    letter = {"reimbursement_id": claim_id, "demand": "L-1", "demanded_on": on}
    later = NOW.replace(month=12)
    demand = do(demand_takeback, amount=Money(18_000), **letter, at=later)
    repaid = {"takeback_id": demand.id, "repaid_on": on, "limit": LIMIT}
    do(repay_takeback, amount=Money(18_000), **repaid, at=later)
    assert story.moved() == {}
    at_once = story.send(story.answer(-18_000), story.answer(20_000, of=1))
    assert "only $0.00 of $180.00 is left" in str(at_once.reason)
    told = story.send(
        story.answer(-18_000),
        story.answer(20_000, of=1),
        plb=[("WO:ICN0", -18_000), ("WO:ICN0", 18_000), ("72:ICN0", -18_000)],
    )
    assert (told.status, told.amount) == ("posted", Money(20_000))
    assert story.moved() == {"1000": 20_000, "2200": -20_000}
    assert len(story.demands()) == 1
    assert found() == set()


def test_a_recovery_of_which_a_part_is_put_off_takes_the_rest_at_once(story, found):
    story.send(story.answer(18_000))
    sent = story.send(story.answer(-18_000), story.answer(10_000, of=1), plb=[("WO:ICN0", -8_000)])
    assert (sent.status, sent.amount) == ("posted", Money(0))
    assert story.moved() == {"1000": 18_000, "2200": -10_000, "2220": -8_000}
    assert found() == set()


def test_a_refund_that_the_payer_acknowledges_is_no_clawback(do, story, found):
    story.send(story.answer(18_000))
    story.send(story.answer(-18_000), story.answer(10_000, of=1), plb=[("WO:ICN0", -18_000)])
    (demand,) = story.demands()
    on = date(2026, 11, 28)
    told = {"takeback_id": demand.id, "amount": Money(18_000), "repaid_on": on, "limit": LIMIT}
    do(repay_takeback, **told, at=NOW.replace(month=12, day=1))
    before = story.moved()
    sent = story.send(story.answer(5_000), plb=[("72:ICN0", -18_000), ("WO:ICN0", 18_000)])
    assert (sent.status, sent.amount) == ("posted", Money(5_000))
    assert story.moved() == before | {"1000": before["1000"] + 5_000, "2200": before["2200"] - 5_000}
    assert len(story.demands()) == 1
    assert found() == set()


def test_what_a_check_of_ours_had_above_is_sent_back_and_waits_for_a_person(story, found):
    plb = [("72:R1", -20_000), ("WO:R1", 20_000), ("B2:R1", -2_000)]
    assert story.send(story.answer(18_000), plb=plb).amount == Money(20_000)
    assert story.moved() == {"1000": 20_000, "2200": -18_000, "2240": -2_000}
    assert found() == set()


def test_what_a_payment_cannot_bear_is_carried_forward_and_taken_later(story, found):
    story.send(story.answer(18_000))
    sent = story.send(story.answer(-18_000), story.answer(10_000, of=1), plb=[("FB", -8_000)])
    assert (sent.status, sent.amount) == ("posted", Money(0))
    assert story.moved() == {"1000": 18_000, "2200": -10_000, "2220": -8_000}
    assert found() == set()
    later = story.send(story.answer(30_000), plb=[("FB:EFT0002", 8_000)])
    assert (later.status, later.amount) == ("posted", Money(22_000))
    assert story.moved() == {"1000": 40_000, "2200": -40_000}
    assert found() == set()


def test_a_balance_that_was_not_carried_is_not_taken(story, found):
    sent = story.send(story.answer(30_000), plb=[("FB", 8_000)])
    assert (sent.status, story.moved()) == ("parked", {})
    assert "what is on file left $0.00 open" in str(sent.reason)
    assert found() == set()


def test_a_carried_balance_that_comes_after_it_was_taken_is_posted_in_the_end(story, found):
    story.send(story.answer(18_000))
    carries = story.file(story.answer(-18_000), story.answer(10_000, of=1), plb=[("FB", -8_000)])
    early = story.send(story.answer(30_000), plb=[("FB", 8_000)])
    assert early.status == "parked"
    assert [each.status for each in story.read(carries).resumed] == ["posted"]
    assert story.moved() == {"1000": 40_000, "2200": -40_000}
    assert found() == set()


def test_a_fee_for_the_way_of_paying_is_the_clinics_and_the_patient_has_all(story, found):
    sent = story.send(story.answer(18_000), plb=[("AH", 450)])
    assert (sent.status, sent.amount, story.credit()) == ("posted", Money(17_550), 18_000)
    assert story.moved() == {"1000": 17_550, "2200": -18_000, "6100": 450}
    story.send(story.answer(9_000, of=1), plb=[("AH", -450)])
    assert story.moved() == {"1000": 27_000, "2200": -27_000}
    assert found() == set()


def test_all_at_once_comes_to_the_amount_of_the_payment(story, found):
    story.send(story.answer(18_000), plb=[("L6", -100)])
    plb = [("WO:ICN0", -3_000), ("L6", 60), ("AH", 40), ("FB", -1_000), ("72:X", -7), ("WO:X", 7)]
    sent = story.send(story.answer(-18_000), story.answer(16_000), story.answer(4_000, of=1), plb=plb)
    assert (sent.status, sent.amount) == ("posted", Money(5_900))
    assert story.moved() == {
        "1000": 24_000, "2200": -20_000, "2220": -4_000, "2240": -40, "6100": 40,
    }  # fmt: skip
    assert found() == set()


@pytest.mark.parametrize(
    ("claims", "plb"), [([("a", 10_000)], [("WO:ICN0", 18_000)]), ([("r", -18_000)], [("L6", -1)])]
)
def test_a_payment_below_zero_is_for_a_person(story, claims, plb):
    story.send(story.answer(18_000))
    sent = story.send(*[story.answer(cents, of=0 if kind == "r" else 1) for kind, cents in claims], plb=plb)
    assert (sent.status, story.moved()) == ("parked", {"1000": 18_000, "2200": -18_000})
    assert "takes money" in str(sent.reason)


@pytest.mark.parametrize(("given", "taken"), [(("FB", -8_000), ("FB", 8_000)), (("L6", -800), ("L6", 800))])
def test_two_payments_at_the_same_moment_take_what_was_given_once(database, story, found, given, taken):
    """Each is for another patient, so that no lock of a patient keeps them apart."""
    story.send(story.answer(18_000))
    story.send(story.answer(-18_000), story.answer(30_000, of=1), plb=[given])
    other = a_course(database)
    theirs = [handed_out(database, each) for each in other.session_ids]
    stories = [story, Story(database, other, theirs, payments=10)]
    contents = [each.file(each.answer(9_000), plb=[taken]) for each in stories]
    with ThreadPoolExecutor(2) as clerks:
        files = list(clerks.map(story.read, contents))
    assert sorted(file.status for file in files) == ["parked", "posted"]
    assert found() == set()


def test_an_answer_for_others_alone_is_kept_and_posts_nothing(story, found):
    other = story.answer(0, status="23", adjustments=(("OA", "109", 38_250),), control_number="THEIRS")
    assert story.send(other).status == "posted"
    assert story.moved() == {}
    assert found() == set()


def test_of_a_payment_that_comes_while_locks_are_waited_for_the_patient_is_locked_too(
    database, story, monkeypatch, found
):
    if database.write_engine.dialect.name == "sqlite":
        pytest.skip("on SQLite there is one writer at a time")
    bill = handed_out(database, (other := a_course(database)).session_ids[0])
    paid = Claim(control_number=bill.control_number, charge_cents=bill.charge.cents, paid_cents=18_000)
    meanwhile = [remittance([paid], trace="MEANWHILE")]
    locked, lock_patient = [], remittances.lock_patient

    def lock_later(tx, patient_id):
        while meanwhile:
            imported(database, meanwhile.pop())
        locked.append(patient_id)
        return lock_patient(tx, patient_id)

    monkeypatch.setattr(remittances, "lock_patient", lock_later)
    sent = story.send(story.answer(30_000), plb=[("WO:MEANWHILE", 18_000)])
    assert sent.status == "posted"
    assert locked == [other.patient.id, story.course.patient.id, other.patient.id]
    assert found() == set()
