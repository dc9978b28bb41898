"""Money that shows no sign of its owner, of a state that the table of rules lacks: a person is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from billing.care.use_cases import cancel_session
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.patients.use_cases import amend_patient
from billing.payments.errors import NotDormant
from billing.payments.queries.dormant import held_until, list_dormant
from billing.payments.queries.without_rule import money_without_rule
from billing.payments.use_cases.dormant import list_dormant_credits, set_aside
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refunds import request_refund
from billing.platform.data.tasks import TaskState, close_task, list_tasks
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back
from tests.factories.invoices import a_patient, billed
from tests.factories.statements import plan_of_first, statements_on

DUE = datetime(2029, 11, 2, 15, tzinfo=UTC)
MONTH = timedelta(days=30)


@pytest.fixture
def of_texas(database, do):
    """A patient with 450 of credit, held since 2 November 2026."""

    def work():
        patient = a_patient(database)
        bill = billed(database, patient, only_first=1)
        do(take_cash, invoice_id=bill.invoice.id, amount=Money(45_000))
        do(cancel_session, session_id=bill.session_ids[0])
        return patient

    return work


@pytest.fixture
def of_colorado(do, of_texas):
    """Such a patient, in Colorado by now."""

    def work():
        patient = of_texas()
        moved = {"address": replace(patient.address, state="CO", postal_code="80202")}
        do(amend_patient, patient_id=patient.id, changes=moved, expected_version=1)
        return patient

    return work


@pytest.fixture
def patient(of_colorado):
    return of_colorado()


@pytest.fixture
def told(database):
    """The open tasks, by kind and what they are about."""

    def look():
        with database.reading() as read:
            found = list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)
        return [(task.kind, task.subject_id) for task in found]

    return look


@pytest.fixture
def without(database):
    def look(at=DUE):
        with database.reading() as read:
            return money_without_rule(read, SYSTEM, at)

    return look


def test_credit_of_a_state_without_a_rule_is_told_once_a_state(do, of_colorado, patient, told, without):
    of_colorado()
    assert [(each.us_state, each.owed.amount, each.owed.last_sign) for each in without()] == [
        ("CO", Money(45_000), date(2026, 11, 2))
    ] * 2
    for at in (DUE, DUE + MONTH, DUE + 2 * MONTH):
        assert do(list_dormant_credits, at=at) == 0
    assert told() == [("unclaimed-rule", f"nor_CO_{patient.site_id.removeprefix('sit_')}")]


def test_a_task_that_was_closed_without_a_rule_comes_again_after_a_year(database, do, patient, told):
    do(list_dormant_credits, at=DUE)
    with database.reading() as read:
        (task,) = list_tasks(read, SYSTEM, limit=9)
    do(close_task, task_id=task.id, note="Asked counsel.", at=DUE)
    do(list_dormant_credits, at=DUE + 11 * MONTH)
    assert told() == []
    do(list_dormant_credits, at=DUE + 13 * MONTH)
    assert told() == [(task.kind, task.subject_id)]


def test_the_task_ends_once_nothing_is_left_without_a_rule(do, patient, told, without):
    do(list_dormant_credits, at=DUE)
    home = {"address": replace(patient.address, state="TX")}
    do(amend_patient, patient_id=patient.id, changes=home, expected_version=2)
    assert without() == []
    assert do(list_dormant_credits, at=DUE + MONTH) == 1
    assert [kind for kind, _ in told()] == ["unclaimed-letter"]


def test_young_credit_is_not_told_and_a_refund_that_waits_for_a_check_is(
    database, do, patient, told, without
):
    assert without(NOW + timedelta(days=100)) == []
    do(list_dormant_credits, at=NOW + timedelta(days=100))
    assert told() == []
    lot_id = without()[0].of.id
    do(request_refund, lot_id=lot_id, amount=Money(20_000), payment_id=None, limit=LIMIT)
    assert sorted(each.owed.amount for each in without()) == [Money(20_000), Money(25_000)]


def test_what_was_listed_by_a_rule_that_is_gone_is_told_and_not_set_aside(database, do, of_texas):
    of_texas()
    do(list_dormant_credits, at=DUE)
    with database.reading() as read:
        (listed,) = list_dormant(read, SYSTEM, limit=9)
    behind_the_back(database, "UPDATE dormant_credit SET us_state = 'CO'")
    do(list_dormant_credits, at=DUE + MONTH)
    with pytest.raises(NotDormant, match="no rule on file for CO"):
        do(set_aside, dormant_id=listed.id, at=DUE)


def test_as_many_statements_tell_however_much_is_held(database, of_colorado, patient, without):
    def said():
        with statements_on(database.read_engine) as told:
            found = without()
        return len(found), len(told)

    first, few = said()
    for _ in range(3):
        of_colorado()
    more, many = said()
    assert (first, more) == (1, 4)
    assert 0 < few == many


def test_what_is_still_held_is_found_without_reading_all_that_ever_was(database):
    with database.reading() as read:
        plan = plan_of_first(read.session.connection(), lambda: held_until(read, DUE.date(), SYSTEM))
    assert "ix_credit_lot_held" in plan
