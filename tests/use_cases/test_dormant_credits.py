"""Credit whose owner shows no sign: found, written about, set aside, remitted, or claimed after all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from billing.care.use_cases import cancel_session
from billing.kernel.errors import IllegalMove
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.patients.use_cases import amend_patient
from billing.payments.errors import NotBounceable, NotDormant, RefundStands, VoidedCheckPaid
from billing.payments.errors.days import BadDay
from billing.payments.queries.credits import credits_of_patient, find_credit
from billing.payments.queries.dormant import list_dormant
from billing.payments.queries.refunds import list_refunds
from billing.payments.queries.signs import last_signs
from billing.payments.records.bounces import BounceReason
from billing.payments.records.credits import CreditSource, Election
from billing.payments.rules.dormant import DORMANCIES, dormant_on, may_be_set_aside
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.checkouts import begin_checkout, close_checkout
from billing.payments.use_cases.credits import elect
from billing.payments.use_cases.dormant import (
    claim,
    list_dormant_credits,
    record_letter,
    remit,
    set_aside,
)
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import ask_about_paid_check, send_check, void_check
from billing.payments.use_cases.refunds import approve_refund, request_refund
from billing.platform.data.tasks import TaskState, list_tasks
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_by_check
from tests.factories.world import RETURN_URL

WRITER = Actor(id="usr_writer", entity_id=None, permissions=frozenset(Permission))
AHEAD, WRITTEN = (datetime(2029, month, 1, 15, tzinfo=UTC) for month in (6, 8))
APPROVED = RefundState.APPROVED
DUE = datetime(2029, 11, 2, 15, tzinfo=UTC)


@pytest.fixture
def patient(database, do):
    """In Texas, with 450 of credit since 2 November 2026."""
    patient = a_patient(database)
    bill = billed(database, patient, only_first=1)
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(45_000))
    do(cancel_session, session_id=bill.session_ids[0])
    return patient


@pytest.fixture
def listed(database, do, patient):
    assert do(list_dormant_credits, at=AHEAD) == 1
    with database.reading() as read:
        return list_dormant(read, SYSTEM, limit=9)[0]


@pytest.mark.parametrize("is_asked_for", [False, True])
def test_the_last_sign_is_of_the_clinics_day_also_in_the_evening(database, do, patient, is_asked_for):
    """Half past ten in Texas, when it is tomorrow in London: of the choice, and of the refund."""
    with database.reading() as read:
        (lot,) = credits_of_patient(read, patient.id, SYSTEM)
    evening = datetime(2026, 12, 10, 4, 30, tzinfo=UTC)
    do(elect, at=evening, lot_id=lot.id, election=Election.REFUND)
    held = [lot.id]
    if is_asked_for:
        asked = do(request_refund, at=evening, lot_id=lot.id, amount=Money(100), payment_id=None, limit=LIMIT)
        held.append(asked.id)
    with database.reading() as read:
        owners = [find_credit(read, lot.id, SYSTEM), *list_refunds(read, SYSTEM, limit=9)]
        assert last_signs(read, owners) == dict.fromkeys(held, date(2026, 12, 9))


@pytest.fixture
def asked(database):
    """The kinds of the tasks that stand open."""

    def look():
        with database.reading() as read:
            return [task.kind for task in list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)]

    return look


def lots(database, patient):
    with database.reading() as read:
        return credits_of_patient(read, patient.id, SYSTEM)


def test_a_credit_is_listed_once_with_a_task_to_write(database, do, listed):
    assert (listed.us_state, listed.dormant_on, listed.state) == ("TX", date(2029, 11, 2), "listed")
    assert do(list_dormant_credits, at=AHEAD + timedelta(days=30)) == 0
    with database.reading() as read:
        (task,) = list_tasks(read, SYSTEM, limit=9)
    assert (task.kind, task.subject_id) == ("unclaimed-letter", listed.id)


def test_the_letter_ends_its_task_and_what_is_the_states_is_asked_about_until_it_is_set_aside(
    do, listed, asked
):
    assert asked() == ["unclaimed-letter"]
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    assert asked() == []
    do(list_dormant_credits, at=WRITTEN)
    assert asked() == []
    do(list_dormant_credits, at=DUE)
    assert asked() == ["unclaimed-due"]
    do(set_aside, dormant_id=listed.id, at=DUE)
    assert asked() == []


def test_an_answer_of_the_owner_ends_the_task(do, listed, asked):
    do(claim, dormant_id=listed.id, at=AHEAD)
    assert asked() == []


def test_a_credit_that_is_gone_or_chosen_needs_no_letter_any_more(database, do, patient, listed, asked):
    do(elect, lot_id=lots(database, patient)[0].id, election=Election.CREDIT, at=AHEAD)
    do(list_dormant_credits, at=AHEAD + timedelta(days=30))
    assert asked() == []


def test_a_credit_too_small_for_a_letter_is_asked_about_once_it_is_the_states(database, do, patient, asked):
    (lot,) = lots(database, patient)
    do(request_refund, lot_id=lot.id, amount=Money(43_000), payment_id=None, limit=LIMIT)
    assert do(list_dormant_credits, at=AHEAD) == 1
    assert asked() == []
    do(list_dormant_credits, at=DUE)
    assert asked() == ["unclaimed-due"]


def test_a_young_credit_and_a_state_without_figures_are_not_listed(do, patient):
    assert do(list_dormant_credits, at=NOW + timedelta(days=365)) == 0
    elsewhere = {"address": replace(patient.address, state="WA", postal_code="98101")}
    do(amend_patient, patient_id=patient.id, changes=elsewhere, expected_version=1)
    assert do(list_dormant_credits, at=DUE) == 0


def test_it_is_set_aside_after_the_letter_and_remitted(database, do, patient, listed, books, found):
    named = {"dormant_id": listed.id, "at": DUE}
    with pytest.raises(NotDormant):
        do(set_aside, **named)
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    with pytest.raises(NotDormant):
        do(set_aside, dormant_id=listed.id, at=DUE - timedelta(days=1))
    assert do(set_aside, **named).amount == Money(45_000)
    assert books() == {"1060": 45_000, "2230": -45_000}
    assert lots(database, patient)[0].available == Money(0)
    assert found() == set()
    done = do(remit, reference="TX-2030-17", **named)
    assert (done.state, done.remitted_on, done.reference) == ("remitted", date(2029, 11, 2), "TX-2030-17")
    assert books() == {"1000": -45_000, "1060": 45_000}
    assert found() == set()
    with pytest.raises(IllegalMove):
        do(claim, **named)


def test_an_owner_who_answers_keeps_the_credit(database, do, patient, listed, found):
    do(claim, dormant_id=listed.id, at=AHEAD)
    assert lots(database, patient)[0].available == Money(45_000)
    assert do(list_dormant_credits, at=DUE) == 0
    assert do(list_dormant_credits, at=AHEAD + timedelta(days=3 * 366)) == 1
    assert found() == set()


def test_an_owner_who_answers_late_gets_it_back_from_what_was_set_aside(
    database, do, patient, listed, books, found
):
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    do(set_aside, dormant_id=listed.id, at=DUE)
    do(claim, dormant_id=listed.id, at=DUE)
    assert [(lot.source, lot.available) for lot in lots(database, patient)] == [
        (CreditSource.RETURN, Money(45_000))
    ]
    assert books() == {"1060": 45_000, "2200": -45_000}
    assert found() == set()


def test_a_sign_of_the_owner_begins_the_years_anew(database, do, patient, listed):
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    do(elect, lot_id=lots(database, patient)[0].id, election=Election.REFUND, at=AHEAD)
    with pytest.raises(NotDormant):
        do(set_aside, dormant_id=listed.id, at=DUE)


HOLDER, DESK = (
    Actor(id=who, entity_id=None, permissions=frozenset(Permission)) for who in ("lnk_1", "usr_1")
)


@pytest.mark.parametrize(("open_it", "listed_times"), [([HOLDER], 0), ([DESK], 1), ([DESK, HOLDER], 0)])
def test_a_page_that_the_patient_opened_by_a_link_is_a_sign_also_when_it_took_nothing(
    database, do, open_it, listed_times
):
    """What staff opened or charged is none, unless the patient came to it by their link as well."""
    owing = billed(database, a_patient(database), only_first=2)
    called_off = billed(database, owing.patient, only_first=1)
    do(take_cash, invoice_id=called_off.invoice.id, amount=Money(45_000))
    do(cancel_session, session_id=called_off.session_ids[0])
    (lot,) = lots(database, owing.patient)
    named = {"invoice_id": owing.invoice.id, "return_url": RETURN_URL, "request": None, "at": AHEAD}
    (page,) = {do(begin_checkout, **named, by=who).id for who in open_it}
    do(close_checkout, checkout_id=page, at=AHEAD + timedelta(hours=1))
    assert lots(database, owing.patient) == [lot]
    assert do(list_dormant_credits, at=WRITTEN) == listed_times


class Owed:
    """All of that patient's credit goes back by a check, which nobody cashes and which is voided."""

    def __init__(self, database, do, patient):
        self.do, self.patient, self.database = do, patient, database
        (lot,) = lots(database, patient)
        asked = do(request_refund, lot_id=lot.id, amount=Money(45_000), payment_id=None, limit=LIMIT)
        database.in_transaction(lambda tx: approve_refund(tx, refund_id=asked.id, actor=WRITER, now=NOW))
        self.first = asked.id
        do(send_check, refund_id=asked.id, check_number="1001")
        assert do(list_dormant_credits, at=AHEAD) == 0
        do(void_check, refund_id=asked.id, at=AHEAD)
        self.id = self.now().id

    def now(self):
        with self.database.reading() as read:
            return list_refunds(read, SYSTEM, limit=1)[0]

    def listed(self, at=AHEAD):
        assert self.do(list_dormant_credits, at=at) == 1
        with self.database.reading() as read:
            return list_dormant(read, SYSTEM, limit=1)[0]


@pytest.fixture
def owed(database, do, patient):
    return Owed(database, do, patient)


def test_a_voided_check_that_nobody_asks_for_becomes_the_states(database, do, owed, books, found):
    listed = owed.listed()
    assert (listed.refund_id, listed.dormant_on, listed.state) == (owed.id, date(2029, 11, 2), "listed")
    assert do(list_dormant_credits, at=AHEAD) == 0
    named = {"dormant_id": listed.id, "at": DUE}
    with pytest.raises(NotDormant):
        do(set_aside, **named)
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    assert do(set_aside, **named).amount == Money(45_000)
    assert (owed.now().state, books()) == ("unclaimed", {"1060": 45_000, "2230": -45_000})
    assert found() == set()
    check = {"refund_id": owed.id, "check_number": "1002", "actor": WRITER, "now": DUE}
    with pytest.raises(IllegalMove):
        database.in_transaction(lambda tx: send_check(tx, **check))
    with pytest.raises(IllegalMove):
        do(void_check, refund_id=owed.id, at=DUE)
    do(remit, reference="TX-2030-17", **named)
    assert (owed.now().state, books()) == ("unclaimed", {"1000": -45_000, "1060": 45_000})
    assert found() == set()


def test_an_owner_who_answers_late_gets_another_check(database, do, owed, books, found):
    listed = owed.listed()
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    do(set_aside, dormant_id=listed.id, at=DUE)
    do(claim, dormant_id=listed.id, at=DUE)
    assert (owed.now().state, books()) == ("approved", {"1060": 45_000, "2210": -45_000})
    assert do(list_dormant_credits, at=DUE) == 0
    assert found() == set()
    check = {"refund_id": owed.id, "check_number": "1002", "actor": WRITER, "now": DUE}
    database.in_transaction(lambda tx: send_check(tx, **check))
    assert (books(), found()) == ({"1000": -45_000, "1060": 45_000}, set())


def test_a_check_whose_credit_the_state_has_is_refused_with_a_way_that_there_is(database, do, books, found):
    """Set aside, the accountant claims it for its owner; remitted, only the state can give it back."""
    patient = a_patient(database)
    bill = billed(database, patient, only_first=1)
    check = paid_by_check(database, bill.invoice, NOW, Money(45_000))
    do(cancel_session, session_id=bill.session_ids[0])
    do(list_dormant_credits, at=AHEAD)
    with database.reading() as read:
        (listed,) = list_dormant(read, SYSTEM, limit=9)
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    do(set_aside, dormant_id=listed.id, at=DUE)
    told = {"payment_id": check.id, "bounced_on": DUE.date(), "fee": Money(0), "at": DUE}
    with pytest.raises(NotBounceable, match="claims it for its owner") as refused:
        do(bounce_check, reason=BounceReason.OTHER, **told)
    assert refused.value.more == {"dormant_ids": [listed.id]}
    do(remit, dormant_id=listed.id, reference="TX-2030-17", at=DUE)
    with pytest.raises(NotBounceable, match="Ask the state") as refused:
        do(bounce_check, reason=BounceReason.OTHER, **told)
    assert "claim" not in refused.value.detail
    with pytest.raises(IllegalMove):
        do(claim, dormant_id=listed.id, at=DUE)
    assert (books(), found()) == ({"1000": -45_000, "1060": 45_000}, set())


def test_a_check_of_which_a_refund_was_set_aside_bounces_once_that_was_claimed(database, do, books, found):
    """Nobody is owed what never came; 200 of it had been asked for and waited for a check for years."""
    patient = a_patient(database)
    bill = billed(database, patient, only_first=1)
    check = paid_by_check(database, bill.invoice, NOW, Money(45_000))
    do(cancel_session, session_id=bill.session_ids[0])
    (lot,) = lots(database, patient)
    refund = do(request_refund, lot_id=lot.id, amount=Money(20_000), payment_id=None, limit=LIMIT)
    do(list_dormant_credits, at=AHEAD)
    with database.reading() as read:
        (listed,) = [each for each in list_dormant(read, SYSTEM, limit=9) if each.refund_id]
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    do(set_aside, dormant_id=listed.id, at=DUE)
    told = {"payment_id": check.id, "bounced_on": DUE.date(), "fee": Money(0), "at": DUE}
    with pytest.raises(RefundStands, match="claim what was set aside"):
        do(bounce_check, reason=BounceReason.OTHER, **told)
    do(claim, dormant_id=listed.id, at=DUE)
    do(void_check, refund_id=refund.id, at=DUE)
    do(bounce_check, reason=BounceReason.OTHER, **told)
    assert books() == {}
    assert found() == set()


@pytest.mark.parametrize("checks_lost", [1, 2])
def test_a_claim_is_a_sign_for_every_check_that_replaces_the_one_that_was_claimed(
    database, do, owed, checks_lost
):
    do(claim, dormant_id=owed.listed().id, at=AHEAD)
    refund_id = owed.id
    for lost in range(1, checks_lost + 1):
        sent, voided = (AHEAD + timedelta(days=days) for days in (10 * lost, 10 * lost + 5))
        check = {"refund_id": refund_id, "check_number": f"20{lost}", "actor": WRITER, "now": sent}
        database.in_transaction(lambda tx, check=check: send_check(tx, **check))
        do(void_check, refund_id=refund_id, at=voided)
        with database.reading() as read:
            (refund_id,) = [each.id for each in list_refunds(read, SYSTEM, state=APPROVED, limit=9)]
    assert do(list_dormant_credits, at=DUE) == 0


def test_what_the_bank_paid_though_voided_is_not_the_states(do, owed):
    listed = owed.listed()
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    do(ask_about_paid_check, refund_id=owed.first, at=AHEAD)
    with pytest.raises(VoidedCheckPaid):
        do(set_aside, dormant_id=listed.id, at=DUE)


def test_a_credit_and_a_refund_of_it_are_dormant_on_one_day_each_by_itself(database, do, patient, books):
    (lot,) = lots(database, patient)
    do(request_refund, lot_id=lot.id, amount=Money(20_000), payment_id=None, limit=Money(90_000))
    assert do(list_dormant_credits, at=AHEAD) == 2
    with database.reading() as read:
        both = list_dormant(read, SYSTEM, limit=9)
    assert {(each.dormant_on, each.lot_id) for each in both} == {(date(2029, 11, 2), lot.id)}
    for each in both:
        do(record_letter, dormant_id=each.id, sent_on=date(2029, 8, 1), at=WRITTEN)
        do(set_aside, dormant_id=each.id, at=DUE)
    assert books() == {"1060": 45_000, "2230": -45_000}


def test_a_refund_that_was_sent_meanwhile_is_not_set_aside(do, owed):
    listed = owed.listed()
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    do(void_check, refund_id=owed.id, at=AHEAD)
    with pytest.raises(NotDormant):
        do(set_aside, dormant_id=listed.id, at=DUE)


@pytest.mark.parametrize(
    ("numbers", "attack"),
    [
        ({3, 11}, "UPDATE refund SET state = 'approved' WHERE state = 'unclaimed'"),
        ({3}, "UPDATE dormant_credit SET refund_id = NULL, subject_id = lot_id"),
    ],
)
def test_a_refund_set_aside_without_its_record_is_found(do, owed, found, numbers, attack):
    listed = owed.listed()
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    do(set_aside, dormant_id=listed.id, at=DUE)
    behind_the_back(owed.database, attack)
    assert found() >= numbers


@pytest.mark.parametrize(
    ("numbers", "attack"),
    [
        ({8}, "UPDATE dormant_credit SET amount_cents = amount_cents + 1"),
        ({8}, "UPDATE ledger_entry SET source_id = 'drm_none' WHERE source_kind = 'dormant'"),
        ({8, 11}, "UPDATE dormant_credit SET state = 'remitted'"),
    ],
)
def test_what_was_changed_is_found(database, do, patient, listed, found, numbers, attack):
    do(record_letter, dormant_id=listed.id, sent_on=date(2029, 8, 1), at=WRITTEN)
    do(set_aside, dormant_id=listed.id, at=DUE)
    behind_the_back(database, attack)
    assert found() == numbers


def test_a_small_credit_needs_no_letter_and_a_leap_day_has_its_year():
    texas = DORMANCIES["TX"]
    due = dormant_on(date(2024, 2, 29), texas)
    assert due == date(2027, 2, 28)
    assert may_be_set_aside(Money(25_000), texas, due, None, due)
    assert not may_be_set_aside(Money(25_001), texas, due, None, due)
    assert not may_be_set_aside(Money(0), texas, due, None, due)


@pytest.mark.parametrize("sent_on", [date(2000, 1, 1), date(2029, 5, 31), date(2029, 8, 2)])
def test_a_letter_is_of_a_day_between_the_listing_and_today(do, listed, sent_on):
    with pytest.raises(BadDay):
        do(record_letter, dormant_id=listed.id, sent_on=sent_on, at=WRITTEN)
