"""What becomes of an insurer's money: as chosen once for all of it, and after 30 days without a word."""

from dataclasses import replace
from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.patients.records import HoldReason
from billing.patients.use_cases import lock_patient
from billing.payments.flows.choices import refund_what_nobody_chose
from billing.payments.queries.choice_letters import choice_letters_of, patients_to_ask
from billing.payments.queries.choices import standing_choice
from billing.payments.queries.credits import find_credit
from billing.payments.queries.refunds import list_refunds
from billing.payments.queries.signs import last_signs
from billing.payments.records.credits import Chooser, Election
from billing.payments.records.refunds import RefundMethod
from billing.payments.rules.choices import goes_back_on
from billing.payments.states.disputes import DisputeEvent
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases import unanswered
from billing.payments.use_cases.choice_letters import ask_to_choose
from billing.payments.use_cases.choices import choose_always
from billing.payments.use_cases.credits import elect, take_back_choice
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refunds import reject_refund, request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import demand_takeback
from billing.platform.data.audit import AuditRow
from billing.platform.data.tasks import TaskState, end_tasks, list_tasks
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back
from tests.factories.disputes import disputed
from tests.factories.holds import stopped
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_by_card
from tests.factories.schema import down_and_up

CENTS = 12_000
DAYS_29, DAYS_30 = (NOW + timedelta(days=days) for days in (29, 30))


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def bill(database, patient):
    return billed(database, patient, only_first=2)


@pytest.fixture
def paid(do, bill):
    return do(take_cash, invoice_id=bill.invoice.id, amount=bill.invoice.total)


@pytest.fixture
def held(database, do, bill, paid):
    return reimbursed(do, bill)


def reimbursed(do, bill, *, place=0, cents=CENTS, at=NOW):
    held = do(
        hold_reimbursement,
        session_id=bill.session_ids[place],
        amount=Money(cents),
        source_id=f"rmc_{place}",
        received_on=at.date(),
        at=at,
    )
    return held.lot_id


def lot(database, lot_id):
    with database.reading() as read:
        return find_credit(read, lot_id, SYSTEM)


def refunds(database, patient):
    with database.reading() as read:
        return list_refunds(read, SYSTEM, patient_id=patient.id, limit=9)


def open_tasks(database):
    with database.reading() as read:
        return [task.kind for task in list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)]


def a_day_later(database, at, limit=LIMIT):
    refund_what_nobody_chose(database, lambda: at, limit)


def test_nobody_chose_for_29_days_and_it_waits_and_on_the_30th_it_goes_back(database, patient, held):
    a_day_later(database, DAYS_29)
    assert refunds(database, patient) == []
    a_day_later(database, DAYS_30)
    (refund,) = refunds(database, patient)
    assert (refund.amount, refund.method, refund.state) == (
        Money(CENTS),
        RefundMethod.CHECK,
        RefundState.APPROVED,
    )
    assert lot(database, held).election is Election.REFUND
    assert lot(database, held).available == Money(0)


def test_what_was_paid_long_before_it_was_booked_waits_30_days_from_then_and_is_asked_about(
    database, do, bill, patient, paid
):
    read_at = NOW + timedelta(days=45)
    late = do(
        hold_reimbursement,
        session_id=bill.session_ids[0],
        amount=Money(CENTS),
        source_id="rmc_0",
        received_on=NOW.date(),
        at=read_at,
    ).lot_id
    assert goes_back_on(lot(database, late)) == (read_at + timedelta(days=30)).date()
    assert lot(database, late).held_on == NOW.date()
    with database.reading() as read:
        assert patients_to_ask(read, read_at.date()) == [patient.id]
        assert last_signs(read, [lot(database, late)]) == {late: NOW.date()}
    a_day_later(database, read_at + timedelta(days=29))
    assert refunds(database, patient) == []
    assert do(ask_to_choose, patient_id=patient.id, sends_mail=True, at=read_at) is not None
    a_day_later(database, read_at + timedelta(days=30))
    assert [each.amount for each in refunds(database, patient)] == [Money(CENTS)]


def test_who_takes_a_choice_back_gave_a_sign_that_day(database, do, patient, held):
    do(elect, lot_id=held, election=Election.CREDIT)
    do(locked_and_taken_back, patient_id=patient.id, lot_id=held, at=DAYS_29)
    with database.reading() as read:
        assert last_signs(read, [lot(database, held)]) == {held: DAYS_29.date()}


def test_it_goes_back_once_however_often_the_day_comes(database, patient, held):
    for days in (30, 30, 31, 60):
        a_day_later(database, NOW + timedelta(days=days))
    assert len(refunds(database, patient)) == 1


def test_it_goes_to_the_card_that_paid_the_visit(database, do, patient, bill):
    payment = paid_by_card(database, bill.invoice, NOW)
    reimbursed(do, bill)
    a_day_later(database, DAYS_30)
    (refund,) = refunds(database, patient)
    assert (refund.method, refund.payment_id) == (RefundMethod.CARD, payment.id)


def test_above_the_limit_a_person_approves_it(database, patient, held):
    a_day_later(database, DAYS_30, limit=Money(CENTS - 1))
    (refund,) = refunds(database, patient)
    assert refund.state is RefundState.REQUESTED


def test_what_the_patient_keeps_stays(database, do, patient, held):
    do(elect, lot_id=held, election=Election.CREDIT)
    a_day_later(database, DAYS_30)
    assert refunds(database, patient) == []


def test_a_refund_that_a_person_refused_is_not_asked_for_again_by_itself(database, do, patient, held):
    a_day_later(database, DAYS_30, limit=Money(0))
    (refund,) = refunds(database, patient)
    do(reject_refund, refund_id=refund.id, at=DAYS_30)
    a_day_later(database, DAYS_30 + timedelta(days=1))
    assert [each.state for each in refunds(database, patient)] == [RefundState.REJECTED]


def test_a_standing_choice_answers_what_waits_and_what_comes(database, do, bill, patient, held):
    assert do(choose_always, patient_id=patient.id, election=Election.CREDIT) is Election.CREDIT
    later = reimbursed(do, bill, place=1)
    assert [lot(database, each).election for each in (held, later)] == [Election.CREDIT] * 2
    with database.reading() as read:
        assert standing_choice(read, patient.id) is Election.CREDIT
        chosen = read.session.query(AuditRow).where(AuditRow.action == "credit.elect.credit").all()
        assert {row.subject_id for row in chosen} == {held, later}
        assert all(row.detail["on"] for row in chosen)


def test_a_standing_choice_is_taken_back_and_the_next_money_waits_again(database, do, bill, patient, held):
    do(choose_always, patient_id=patient.id, election=Election.CREDIT)
    assert do(choose_always, patient_id=patient.id, election=None) is None
    later = reimbursed(do, bill, place=1)
    assert (lot(database, held).election, lot(database, later).election) == (Election.CREDIT, None)


def test_a_choice_for_one_credit_stays_beside_a_standing_one(database, do, patient, held):
    do(elect, lot_id=held, election=Election.CREDIT)
    do(choose_always, patient_id=patient.id, election=Election.REFUND)
    assert lot(database, held).election is Election.CREDIT


def test_who_wants_all_of_it_back_gets_it_the_next_day_and_once(database, do, bill, patient, paid):
    do(choose_always, patient_id=patient.id, election=Election.REFUND)
    reimbursed(do, bill)
    for _ in range(2):
        a_day_later(database, NOW + timedelta(days=1))
    assert [each.amount for each in refunds(database, patient)] == [Money(CENTS)]


def test_one_choice_of_a_refund_is_left_to_the_clerk_who_asks_where_it_goes(database, do, patient, held):
    do(elect, lot_id=held, election=Election.REFUND)
    a_day_later(database, DAYS_29)
    assert (refunds(database, patient), open_tasks(database)) == ([], [])


@pytest.mark.parametrize("chooser", [Chooser.STAFF, Chooser.NOBODY])
def test_a_refund_that_is_chosen_and_that_nobody_asks_for_is_a_task_after_30_days(
    database, do, patient, held, chooser
):
    do(elect, lot_id=held, election=Election.REFUND, chooser=chooser, at=NOW + timedelta(days=2))
    a_day_later(database, DAYS_30)
    assert (refunds(database, patient), open_tasks(database)) == ([], ["choice-due"])
    do(end_tasks, kind="choice-due", subject_ids=[held], at=DAYS_30)
    a_day_later(database, DAYS_30 + timedelta(days=29))
    assert open_tasks(database) == []
    a_day_later(database, DAYS_30 + timedelta(days=31))
    assert open_tasks(database) == ["choice-due"]
    do(request_refund, lot_id=held, amount=Money(CENTS), payment_id=None, limit=Money(0))
    a_day_later(database, DAYS_30 + timedelta(days=99))
    assert open_tasks(database) == []


def test_what_is_left_of_a_refund_in_part_is_a_task_and_only_once_no_refund_of_it_is_open(
    database, do, patient, held
):
    do(elect, lot_id=held, election=Election.REFUND)
    asked = do(request_refund, lot_id=held, amount=Money(1), payment_id=None, limit=Money(0))
    a_day_later(database, DAYS_30)
    assert open_tasks(database) == []
    do(reject_refund, refund_id=asked.id, at=DAYS_30)
    assert open_tasks(database) == ["choice-due"]


def test_a_refund_of_what_nobody_chose_that_is_refused_is_a_task_at_once_and_each_time(
    database, do, patient, held
):
    a_day_later(database, DAYS_30, limit=Money(0))
    (refund,) = refunds(database, patient)
    do(reject_refund, refund_id=refund.id, at=DAYS_30)
    assert open_tasks(database) == ["choice-due"]
    again = do(request_refund, lot_id=held, amount=Money(CENTS), payment_id=None, limit=Money(0), at=DAYS_30)
    assert open_tasks(database) == []
    do(reject_refund, refund_id=again.id, at=DAYS_30)
    assert open_tasks(database) == ["choice-due"]


@pytest.mark.parametrize("reason", [HoldReason.DEATH, HoldReason.BANKRUPTCY])
def test_of_the_dead_and_the_bankrupt_a_person_asks_who_acts_for_them(database, do, patient, held, reason):
    stopped(database, patient.id, reason)
    a_day_later(database, DAYS_30)
    assert (refunds(database, patient), open_tasks(database)) == ([], ["choice-due"])
    assert lot(database, held).election is None
    do(request_refund, lot_id=held, amount=Money(CENTS), payment_id=None, limit=LIMIT)
    assert open_tasks(database) == []


def test_while_a_bank_disputes_nothing_goes_back_and_a_person_is_asked(database, do, patient, bill):
    payment = paid_by_card(database, bill.invoice, NOW)
    held = reimbursed(do, bill)
    disputed(database, payment, NOW)
    a_day_later(database, DAYS_30)
    assert refunds(database, patient) == []
    assert "choice-due" in open_tasks(database)
    do(elect, lot_id=held, election=Election.CREDIT, at=DAYS_30)
    assert "choice-due" not in open_tasks(database)


def test_a_person_is_asked_until_what_the_patient_chose_is_given_back_as_well(database, do, patient, bill):
    payment = paid_by_card(database, bill.invoice, NOW)
    lot_id = reimbursed(do, bill)
    disputed(database, payment, NOW)
    a_day_later(database, DAYS_30)
    assert "choice-due" in open_tasks(database)
    do(elect, lot_id=lot_id, election=Election.REFUND, at=DAYS_30)
    a_day_later(database, DAYS_30 + timedelta(days=1))
    assert "choice-due" in open_tasks(database)


def test_what_a_health_account_paid_goes_by_check_only_when_a_person_says_so(database, do, patient, bill):
    payment = paid_by_card(database, bill.invoice, NOW, is_health_account=True)
    reimbursed(do, bill)
    a_day_later(database, DAYS_30)
    (refund,) = refunds(database, patient)
    assert (refund.method, refund.payment_id) == (RefundMethod.CARD, payment.id)


def test_what_a_health_account_paid_never_goes_to_another_card(database, do, patient):
    """The account paid the visit as a check's credit does; the second visit's card is a plain one."""
    bill = billed(database, patient, only_first=1)
    payment = paid_by_card(database, bill.invoice, NOW, is_health_account=True)
    reimbursed(do, bill)
    behind_the_back(database, f"UPDATE payment SET lost_cents = amount_cents WHERE id = '{payment.id}'")
    a_day_later(database, DAYS_30)
    assert (refunds(database, patient), open_tasks(database)) == ([], ["choice-due"])


def test_nobody_is_asked_any_longer_about_what_the_insurer_took_back(database, do, patient, held):
    stopped(database, patient.id, HoldReason.DEATH)
    a_day_later(database, DAYS_30)
    assert open_tasks(database) == ["choice-due"]
    named = {"reimbursement_id": "rmc_0", "demand": "T1", "demanded_on": NOW.date()}
    do(demand_takeback, **named, amount=Money(CENTS - 1), at=DAYS_30)
    assert "choice-due" in open_tasks(database)
    do(demand_takeback, **named | {"demand": "T2"}, amount=Money(1), at=DAYS_30)
    assert open_tasks(database) == []


def test_nobody_is_asked_any_longer_once_a_choice_is_taken_back_until_it_is_due_again(
    database, do, patient, held
):
    stopped(database, patient.id, HoldReason.DEATH)
    do(choose_always, patient_id=patient.id, election=Election.REFUND)
    a_day_later(database, NOW + timedelta(days=1))
    assert open_tasks(database) == ["choice-due"]
    do(choose_always, patient_id=patient.id, election=None, at=DAYS_29)
    assert open_tasks(database) == []
    a_day_later(database, DAYS_29 + timedelta(days=29))
    assert open_tasks(database) == []
    a_day_later(database, DAYS_29 + timedelta(days=30))
    assert (refunds(database, patient), open_tasks(database)) == ([], ["choice-due"])


def test_who_keeps_it_and_then_wants_it_back_after_all_has_a_person_asked_again(database, do, patient, held):
    stopped(database, patient.id, HoldReason.DEATH)
    a_day_later(database, DAYS_30)
    do(choose_always, patient_id=patient.id, election=Election.CREDIT, at=DAYS_30)
    assert open_tasks(database) == []
    do(elect, lot_id=held, election=Election.REFUND, chooser=Chooser.PATIENT, at=DAYS_30 + timedelta(days=1))
    a_day_later(database, DAYS_30 + timedelta(days=2))
    assert open_tasks(database) == ["choice-due"]


def test_a_task_that_a_person_closed_stays_closed_while_it_is_the_same_choice(database, do, patient, held):
    stopped(database, patient.id, HoldReason.DEATH)
    a_day_later(database, DAYS_30)
    do(end_tasks, kind="choice-due", subject_ids=[held], at=DAYS_30)
    a_day_later(database, DAYS_30 + timedelta(days=1))
    assert open_tasks(database) == []


def test_one_credit_that_goes_wrong_keeps_no_other_from_going_back_and_is_not_silent(
    database, do, bill, patient, held, monkeypatch
):
    later = reimbursed(do, bill, place=1)
    place = unanswered.request_refund

    def breaks(tx, *, lot_id, **rest):
        if lot_id == held:
            raise RuntimeError("The first one breaks.")
        return place(tx, lot_id=lot_id, **rest)

    monkeypatch.setattr(unanswered, "request_refund", breaks)
    with pytest.raises(RuntimeError):
        a_day_later(database, DAYS_30)
    assert [each.lot_id for each in refunds(database, patient)] == [later]
    monkeypatch.undo()
    a_day_later(database, DAYS_30)
    assert {each.lot_id for each in refunds(database, patient)} == {held, later}


def test_who_takes_back_wanting_it_all_is_asked_about_what_nobody_gave_back_yet(database, do, patient, held):
    do(choose_always, patient_id=patient.id, election=Election.REFUND)
    do(choose_always, patient_id=patient.id, election=None, at=DAYS_29)
    assert (lot(database, held).election, lot(database, held).waits) == (None, True)
    a_day_later(database, DAYS_30)
    assert refunds(database, patient) == []
    a_day_later(database, DAYS_29 + timedelta(days=30))
    assert [each.amount for each in refunds(database, patient)] == [Money(CENTS)]


def test_who_keeps_all_of_it_from_now_on_keeps_what_nobody_gave_back_yet(database, do, patient, held):
    do(choose_always, patient_id=patient.id, election=Election.REFUND)
    do(choose_always, patient_id=patient.id, election=Election.CREDIT)
    assert lot(database, held).election is Election.CREDIT


def test_what_is_on_its_way_back_stays_so_when_the_standing_choice_is_taken_back(database, do, patient, held):
    do(choose_always, patient_id=patient.id, election=Election.REFUND)
    a_day_later(database, NOW + timedelta(days=1))
    do(choose_always, patient_id=patient.id, election=None, at=DAYS_29)
    assert lot(database, held).election is Election.REFUND
    assert len(refunds(database, patient)) == 1


@pytest.mark.parametrize("election", list(Election))
def test_who_says_the_same_for_all_of_it_again_says_it_for_what_waits_again(
    database, do, bill, patient, held, election
):
    do(choose_always, patient_id=patient.id, election=election)
    later = reimbursed(do, bill, place=1)
    do(locked_and_taken_back, patient_id=patient.id, lot_id=held)
    do(choose_always, patient_id=patient.id, election=election, at=DAYS_29)
    assert (lot(database, held).election, lot(database, held).elected_by) == (election, Chooser.STANDING)
    assert lot(database, later).elected_at == NOW
    with database.reading() as read:
        said = [row.action for row in read.session.query(AuditRow).where(AuditRow.subject_id == patient.id)]
    assert said.count("credit.elect-always") == 1


def test_who_keeps_all_of_it_and_says_so_again_is_not_refunded_in_the_end(database, do, patient, held):
    do(choose_always, patient_id=patient.id, election=Election.CREDIT)
    do(locked_and_taken_back, patient_id=patient.id, lot_id=held)
    do(choose_always, patient_id=patient.id, election=Election.CREDIT)
    a_day_later(database, DAYS_30)
    assert refunds(database, patient) == []


def locked_and_taken_back(tx, *, patient_id, lot_id, actor, now):
    lock_patient(tx, patient_id)
    return take_back_choice(tx, lot_id=lot_id, actor=actor, now=now)


def test_a_refund_chosen_for_one_credit_stays_when_the_standing_choice_is_taken_back(
    database, do, patient, held
):
    do(elect, lot_id=held, election=Election.REFUND)
    do(choose_always, patient_id=patient.id, election=Election.REFUND)
    do(choose_always, patient_id=patient.id, election=None)
    assert lot(database, held).election is Election.REFUND


def test_going_back_before_the_letters_and_forth_again_keeps_the_money_and_the_choices(
    database, do, bill, patient, held
):
    """Who wants all of it back is asked for nothing twice; the letters themselves are gone."""
    do(ask_to_choose, patient_id=patient.id, sends_mail=True)
    do(choose_always, patient_id=patient.id, election=Election.REFUND)
    later = reimbursed(do, bill, place=1)
    do(elect, lot_id=later, election=Election.CREDIT)
    before = [lot(database, each) for each in (held, later)]
    down_and_up(database, "choice_letters")
    after = [lot(database, each) for each in (held, later)]
    assert after == [before[0], replace(before[1], elected_by=None)]
    with database.reading() as read:
        assert choice_letters_of(read, patient.id, SYSTEM, limit=9) == []
        assert verify(read, now=NOW, refund_limit=LIMIT).ok
    a_day_later(database, NOW + timedelta(days=1))
    assert [each.lot_id for each in refunds(database, patient)] == [held]


def test_while_a_person_finds_out_whose_the_money_of_a_lost_dispute_is_nothing_goes_back(
    database, do, patient, bill
):
    payment = paid_by_card(database, bill.invoice, NOW)
    held = reimbursed(do, bill)
    disputed(database, payment, NOW)
    dispute = disputed(database, payment, NOW, told=DisputeEvent.LOSE)
    assert "dispute-reimbursed" in open_tasks(database)
    a_day_later(database, DAYS_30)
    assert (refunds(database, patient), "choice-due" in open_tasks(database)) == ([], True)
    do(end_tasks, kind="dispute-reimbursed", subject_ids=[dispute.id])
    a_day_later(database, DAYS_30 + timedelta(days=1))
    assert [each.lot_id for each in refunds(database, patient)] == [held]


def test_a_person_who_closed_the_task_and_did_nothing_is_asked_again_a_month_later(
    database, do, patient, held
):
    stopped(database, patient.id, HoldReason.DEATH)
    for days in (30, 61, 92):
        at = NOW + timedelta(days=days)
        refund_what_nobody_chose(database, lambda at=at: at, LIMIT)
        assert open_tasks(database) == ["choice-due"]
        do(end_tasks, kind="choice-due", subject_ids=[held], at=at)
        refund_what_nobody_chose(database, lambda at=at: at + timedelta(days=1), LIMIT)
        assert open_tasks(database) == []
