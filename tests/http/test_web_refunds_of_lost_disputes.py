"""Refunds that did not go out, and a lost dispute: nobody is sent after money that is gone."""

import html
import re

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.disputes import list_disputes
from billing.payments.queries.refunds import list_refunds
from billing.payments.states.disputes import DisputeEvent
from tests.factories.disputes import disputed
from tests.factories.paid import paid_by_card
from tests.factories.web import send

TASKS = "/staff/tasks"


@pytest.fixture
def payment(database, clinic, now):
    """$2,550.00 by card."""
    return paid_by_card(database, clinic.invoice, now)


@pytest.fixture
def asked(clerk, payment):
    """The page of a refund by check."""
    page = f"/staff/payments/{payment.id}/refunds"

    def work(amount):
        form = {"amount": amount, "refundable": "255000", "reason": "duplicate", "method": "check"}
        return send(clerk, f"{page}/new", page, **form, key="ask").location

    return work


@pytest.fixture
def lose(database, payment, now):
    def work(amount=None):
        for told in (DisputeEvent.DISPUTE, DisputeEvent.LOSE):
            disputed(database, payment, now, told=told, amount=amount)

    return work


def said(client, path):
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", client.get(path).text).split()))


def test_a_check_that_nobody_wrote_is_called_off_when_a_dispute_took_its_money(clerk, clinic, asked, lose):
    page = asked("100.00")
    lose()
    refund = said(clerk, page)
    assert "Refund of $100.00 Called off" in refund
    assert "It was called off: a dispute of the payment was lost, so that the bank has the money." in refund
    assert "another way" not in refund
    assert "A refund came back" not in said(clerk, TASKS)
    money = said(clerk, f"/staff/patients/{clinic.patient.id}/money")
    assert "Check voided" not in money
    assert "another way" not in money
    patient = said(clerk, f"/staff/patients/{clinic.patient.id}")
    assert "Refund failed" not in patient
    assert "Lost to a dispute" in patient


def test_what_waited_for_approval_says_why_it_was_refused(clerk, asked, lose):
    page = asked("600.00")
    lose()
    refund = said(clerk, page)
    assert "It was refused: a dispute of the payment was lost." in refund
    assert "What the bank left of the money is where it was before." in refund


def test_nobody_is_asked_any_more_to_write_a_check_in_the_place_of_a_voided_one(clerk, enter, asked, lose):
    page = asked("100.00")
    send(clerk, page, f"{page}/check", number="1001", key="k1")
    send(enter(Role.SUPERVISOR), page, f"{page}/void-check", key="k2")
    assert "A refund check was voided" in said(clerk, TASKS)
    lose()
    assert "A refund check was voided" not in said(clerk, TASKS)
    assert "A refund came back" not in said(clerk, TASKS)


def test_what_a_dispute_over_a_part_left_of_it_is_sent_in_another_way(clerk, edge, asked, lose):
    page = asked("100.00")
    lose(Money(4_000))
    assert "A refund came back" in said(clerk, TASKS)
    assert "the money is credit again. Send it in another way." in said(clerk, page)
    (refund,) = edge.read(lambda read: list_refunds(read, SYSTEM, limit=9))
    assert refund.rejected_for is None


def test_a_check_that_a_person_called_off_before_it_was_written_is_not_called_voided(clerk, enter, asked):
    page = asked("100.00")
    send(enter(Role.SUPERVISOR), page, f"{page}/void-check", key="k1")
    assert "Refund of $100.00 Called off" in said(clerk, page)


def test_the_dispute_and_its_task_say_how_much_was_paid_twice(clerk, edge, asked, lose):
    page = asked("100.00")
    send(clerk, page, f"{page}/check", number="1001", key="k1")
    lose()
    assert "Sample, Maria, $100.00 paid twice" in said(clerk, TASKS)
    (dispute,) = edge.read(lambda read: list_disputes(read, SYSTEM, limit=9))
    assert "Paid twice $100.00: it had gone back before" in said(clerk, f"/staff/disputes/{dispute.id}")
