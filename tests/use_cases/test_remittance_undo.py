"""Undoing a posted payment reverses all that it did, today, and the same file can be posted again."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.insurance.errors import NoSuchRemittance, RemittanceNotUndoable
from billing.insurance.queries import find_remittance
from billing.insurance.use_cases.remittances.undo import undo_remittance
from billing.kernel.errors import IllegalMove
from billing.kernel.money import Money
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.payments.queries.credits import credits_of_patient
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import request_refund
from billing.payments.use_cases.takebacks import demand_takeback
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back
from tests.factories.insurance import a_course, handed_out
from tests.factories.remittance_story import Story

STRANGER = Actor(id="usr_x", entity_id="ent_x", permissions=ROLES[Role.SUPERVISOR])


@pytest.fixture
def story(database):
    course = a_course(database)
    return Story(database, course, [handed_out(database, each) for each in course.session_ids])


@pytest.fixture
def undo(do):
    def run(remittance, **more):
        return do(undo_remittance, remittance_id=remittance.id, reason="Posted by mistake", **more)

    return run


def entries(database):
    with database.reading() as read:
        return read.session.scalar(text("SELECT COUNT(*) FROM ledger_entry"))


def test_an_undone_payment_leaves_nothing_and_deletes_nothing(database, story, undo, found):
    sent = story.send(story.answer(18_000), story.answer(9_000, of=1), plb=[("L6", -100), ("AH", 30)])
    posted = entries(database)
    undone = undo(sent)
    assert undone.status == "undone"
    assert story.moved() == {}
    assert story.credit() == 0
    assert entries(database) > posted
    with database.reading() as read:
        assert find_remittance(read, sent.id, SYSTEM).status == "undone"
        days = read.session.scalars(
            text("SELECT effective_on FROM ledger_entry WHERE source_kind = 'remittance-undo'")
        )
        assert [str(day) for day in days] == [str(NOW.date())]
    assert found() == set()


def test_the_same_file_is_posted_again_after_it_was_undone_and_then_is_a_duplicate(story, undo, found):
    content = story.file(story.answer(18_000), story.answer(9_000, of=1), plb=[("L6", -100)])
    (first,) = story.read(content).transactions
    undo(first)
    (second,) = story.read(content).transactions
    assert (second.status, second.id != first.id) == ("posted", True)
    assert story.read(content).status == "duplicate"
    assert story.moved() == {"1000": 27_100, "2200": -27_000, "2240": -100}
    undo(second)
    assert story.moved() == {}
    assert found() == set()


def test_what_was_spent_meanwhile_is_owed_until_a_person_decides(database, do, story, undo, found):
    sent = story.send(story.answer(18_000))
    with database.reading() as read:
        (lot,) = credits_of_patient(read, story.course.patient.id, SYSTEM)
    refund = do(request_refund, lot_id=lot.id, amount=Money(10_000), payment_id=None, limit=LIMIT)
    do(send_check, refund_id=refund.id, check_number="1001")
    undo(sent)
    assert story.moved() == {"1000": -10_000, "1100": 10_000}
    assert (story.credit(), story.reviews()) == (0, 1)
    assert found() == set()


def test_an_undone_payment_that_comes_again_covers_what_was_spent_of_it(database, do, story, undo, found):
    content = story.file(story.answer(18_000))
    (sent,) = story.read(content).transactions
    with database.reading() as read:
        (lot,) = credits_of_patient(read, story.course.patient.id, SYSTEM)
    refund = do(request_refund, lot_id=lot.id, amount=Money(10_000), payment_id=None, limit=LIMIT)
    do(send_check, refund_id=refund.id, check_number="1001")
    undo(sent)
    story.read(content)
    assert (story.credit(), story.reviews()) == (8_000, 0)
    assert story.moved() == {"1000": 8_000, "2200": -8_000}
    assert found() == set()


def test_an_undone_reversal_gives_the_credit_back_and_can_come_again(story, undo, found):
    story.send(story.answer(18_000))
    content = story.file(story.answer(-18_000), story.answer(30_000, of=1))
    (reversal,) = story.read(content).transactions
    undo(reversal)
    assert story.moved() == {"1000": 18_000, "2200": -18_000}
    assert story.credit() == 18_000
    assert found() == set()
    assert story.read(content).status == "posted"
    assert story.moved() == {"1000": 30_000, "2200": -30_000}
    assert found() == set()


@pytest.mark.parametrize(
    "plb", [[("WO:ICN0", -18_000)], [("WO:ICN0", -5_000)], [("FB", -4_000), ("L6", 50), ("AH", 10)]]
)
def test_an_undone_reversal_whose_recovery_was_put_off_is_as_if_it_had_not_come(story, undo, found, plb):
    story.send(story.answer(18_000), plb=[("L6", -50)])
    before = story.moved()
    content = story.file(story.answer(-18_000), story.answer(15_000), story.answer(5_000, of=1), plb=plb)
    for _ in range(2):
        (reversal,) = story.read(content).transactions
        assert reversal.status == "posted"
        assert found() == set()
        undo(reversal)
        assert story.moved() == before
        assert found() == set()


def test_an_undone_payment_that_reverses_itself_leaves_nothing(story, undo, found):
    content = story.file(story.answer(18_000), story.answer(-18_000), plb=[("WO:ICN0", -18_000)])
    for _ in range(2):
        (sent,) = story.read(content).transactions
        assert (sent.status, sent.amount) == ("posted", Money(18_000))
        assert found() == set()
        undo(sent)
        assert story.moved() == {}
        assert found() == set()


def test_an_undone_recovery_of_an_earlier_demand_leaves_the_demand(story, undo, found):
    story.send(story.answer(18_000))
    story.send(story.answer(-18_000), story.answer(10_000, of=1), plb=[("WO:ICN0", -18_000)])
    before = story.moved()
    content = story.file(story.answer(9_000), plb=[("WO:ICN0", 6_000)])
    for _ in range(2):
        (recovery,) = story.read(content).transactions
        assert recovery.status == "posted"
        undo(recovery)
        assert story.moved() == before
        assert found() == set()


def test_what_a_later_payment_reversed_is_not_undone_before_that(story, undo):
    first = story.send(story.answer(18_000))
    second = story.send(story.answer(-18_000), story.answer(30_000, of=1))
    with pytest.raises(RemittanceNotUndoable, match="EFT0002"):
        undo(first)
    assert story.moved() == {"1000": 30_000, "2200": -30_000}
    undo(second)
    undo(first)
    assert story.moved() == {}


def test_what_a_letter_demands_back_is_not_undone(database, do, story, undo):
    sent = story.send(story.answer(18_000))
    with database.reading() as read:
        claim_id = read.session.scalar(text("SELECT id FROM remittance_claim"))
    told = {"reimbursement_id": claim_id, "demand": "L-1", "demanded_on": NOW.date()}
    do(demand_takeback, amount=Money(5_000), **told)
    with pytest.raises(RemittanceNotUndoable, match="L-1"):
        undo(sent)


def test_a_balance_that_a_later_payment_took_keeps_the_one_that_carried_it(story, undo, found):
    story.send(story.answer(18_000))
    carried = story.send(story.answer(-18_000), story.answer(10_000, of=1), plb=[("FB", -8_000)])
    story.send(story.answer(30_000), plb=[("FB", 8_000)])
    with pytest.raises(RemittanceNotUndoable, match="FB"):
        undo(carried)
    assert found() == set()


def test_what_was_put_off_and_taken_since_keeps_the_reversal(story, undo, found):
    story.send(story.answer(18_000))
    reversal = story.send(story.answer(-18_000), story.answer(10_000, of=1), plb=[("WO:ICN0", -18_000)])
    story.send(story.answer(9_000), plb=[("WO:ICN0", 6_000)])
    with pytest.raises(RemittanceNotUndoable):
        undo(reversal)
    assert found() == set()


@pytest.mark.parametrize("cents", [(0, 18_000), (18_000, 0)])
def test_an_undone_payment_to_both_leaves_the_other_as_it_was(story, undo, found, cents):
    direct = (("PR", "100", 18_000), ("PR", "1", 20_250))
    answers = [story.answer(each, **({} if each else {"adjustments": direct})) for each in cents]
    story.send(answers[0])
    before = story.moved()
    undo(story.send(answers[1]))
    assert story.moved() == before
    assert story.credit() == -before.get("2200", 0)
    assert found() == set()


def test_only_what_is_posted_is_undone_and_only_once(story, undo):
    parked = story.send(story.answer(18_000), amount_cents=1)
    with pytest.raises(IllegalMove):
        undo(parked)
    sent = story.send(story.answer(18_000))
    undo(sent)
    with pytest.raises(IllegalMove):
        undo(sent)
    assert story.moved() == {}


def test_another_clinics_payment_does_not_exist(story, undo):
    sent = story.send(story.answer(18_000))
    with pytest.raises(NoSuchRemittance):
        undo(sent, by=STRANGER)
    assert story.credit() == 18_000


@pytest.mark.parametrize("deed", ["DELETE FROM {}", "UPDATE {} SET id = 'x'"])
def test_what_was_taken_and_undone_stays_written(database, story, undo, deed):
    story.send(story.answer(18_000))
    undo(story.send(story.answer(-18_000), story.answer(30_000, of=1)))
    for table in ("remittance_taking", "remittance_undo", "restored_claim"):
        with pytest.raises(DBAPIError):
            database.in_transaction(lambda tx, table=table: tx.session.execute(text(deed.format(table))))


@pytest.mark.parametrize(
    ("numbers", "attack"),
    [
        ({16}, "UPDATE remittance SET amount_cents = amount_cents + 1 WHERE state = 'posted'"),
        ({16}, "UPDATE remittance SET state = 'posted' WHERE state = 'undone'"),
        ({16}, "UPDATE remittance_adjustment SET amount_cents = amount_cents + 1"),
        ({3, 16}, "UPDATE remittance_adjustment SET amount_cents = amount_cents + 1 WHERE code = 'FB'"),
        ({16}, "UPDATE remittance_taking SET returned_cents = returned_cents - 1"),
        ({16}, "UPDATE remittance_taking SET takeback_id = 'tkb_x'"),
    ],
)
def test_verify_sees_what_was_changed_behind_our_back(database, story, undo, found, numbers, attack):
    story.send(story.answer(18_000))
    story.send(story.answer(-18_000), story.answer(10_000, of=1), plb=[("FB", -8_000)])
    undo(story.send(story.answer(5_000), plb=[("L6", -10)]))
    assert found() == set()
    behind_the_back(database, attack)
    assert found() & numbers == numbers
