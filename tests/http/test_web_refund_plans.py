"""An amount given back over several payments: the plan is told before anything moves."""

import re

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.payments import charge_of_payment
from billing.payments.queries.refunds import list_refunds
from billing.payments.records.disputes import DisputeFacts
from billing.payments.states.disputes import DisputeEvent
from billing.payments.use_cases.disputes import record_dispute
from billing.platform.http.edge import Edge
from tests.factories.catalog import seed_sample
from tests.factories.paid import paid_by_card, paid_by_check, paid_in_cash
from tests.factories.web import MovableClock, Processor, new_staff, open_clinic, send, sign_in, web_app

ASKED = {"amount": "2000.00", "refundable": "255000", "reason": "cancelled"}


@pytest.fixture
def edge(database, now):
    return Edge(database, MovableClock(now), "http://localhost")


@pytest.fixture
def clinic(database, now):
    return open_clinic(database, now)


@pytest.fixture
def app(edge):
    return web_app(edge, Processor())


@pytest.fixture
def clerk(app, database, clinic, now):
    return sign_in(app, new_staff(database, Role.FRONT_DESK, now, entity_id=clinic.entity.id))


@pytest.fixture
def card(database, clinic, now):
    """$400.00 in cash, $300.00 by check, and $1,850.00 by card."""
    paid_in_cash(database, clinic.invoice, now, Money(40_000))
    paid_by_check(database, clinic.invoice, now, Money(30_000))
    return paid_by_card(database, clinic.invoice, now)


@pytest.fixture
def page(clinic):
    return f"/staff/patients/{clinic.patient.id}/refunds"


def refunds(edge):
    return edge.read(lambda read: list_refunds(read, SYSTEM, limit=9))


def said(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.text))


def test_who_paid_nothing_is_told_so(clerk, page):
    assert "Nothing that this patient paid can go back." in clerk.get(f"{page}/new").text


def test_the_plan_names_each_payment_and_its_way_back_and_moves_nothing(edge, clerk, page, card):
    shown = said(clerk.get(f"{page}/new"))
    assert "to the card that paid, visa **** 4242" in shown
    assert "Together$2,550.00" in shown
    told = said(send(clerk, f"{page}/new", f"{page}/look", **ASKED))
    assert "$1,850.00 goes back to the card that paid, visa **** 4242" in told
    assert "$150.00 goes back by a check, of $300.00" in told
    assert "Another person has to approve it first" in told
    assert refunds(edge) == []


def test_what_is_confirmed_is_placed_once_and_shown_beside_the_payments(edge, clerk, page, card, clinic):
    for _ in range(2):
        answer = send(clerk, f"{page}/new", page, **ASKED, key="k1")
        assert answer.location == f"/staff/patients/{clinic.patient.id}/money#refunds-title"
    assert sorted(each.amount.cents for each in refunds(edge)) == [15_000, 185_000]
    assert "The refund is asked for." in clerk.get(answer.location).text


def test_an_old_page_is_told_the_new_amounts(edge, clerk, page, card):
    send(clerk, f"{page}/new", page, **ASKED, key="k1")
    for deed in (page, f"{page}/look"):
        answer = send(clerk, f"{page}/new", deed, **ASKED | {"amount": "100"}, key="k2")
        assert answer.status_code == 409
        assert 'id="amount-wrong"' in answer.text
        assert "At most $550.00." in answer.text
    assert len(refunds(edge)) == 2


def test_more_than_there_is_and_what_is_missing_is_said_beside_the_field(edge, clerk, page, card):
    wrong = (("amount", "2550.01", 409), ("amount", "", 422), ("reason", "", 422))
    for field, entered, status in wrong:
        for deed in (page, f"{page}/look"):
            answer = send(clerk, f"{page}/new", deed, **ASKED | {field: entered}, key=f"k{entered}")
            assert answer.status_code == status
            assert f'id="{field}-wrong"' in answer.text
    assert refunds(edge) == []


def test_while_a_bank_disputes_a_payment_nothing_is_offered(edge, clerk, page, card, database, now, clinic):
    facts = DisputeFacts(
        reference="du_1",
        charge_reference=edge.read(lambda read: charge_of_payment(read, card.id)),
        told=DisputeEvent.DISPUTE,
        reason="general",
        amount=card.amount,
        due_at=now,
        opened_at=now,
        movements=(),
    )
    database.in_transaction(lambda tx: record_dispute(tx, facts=facts, actor=SYSTEM, now=now))
    shown = clerk.get(f"{page}/new").text
    assert "A bank disputes a payment of this patient." in shown
    assert "<form" not in shown.split("<main")[1]
    money = clerk.get(f"/staff/patients/{clinic.patient.id}/money").text
    assert "A bank disputes it" in money
    assert "Waits for a dispute" in money
    assert "Give money back" not in money
    answer = send(clerk, "/staff/today", page, **ASKED | {"refundable": "70000", "amount": "1"}, key="k1")
    assert answer.status_code == 409
    assert refunds(edge) == []


def test_another_clinics_clerk_finds_no_patient(app, database, now, edge, page, card):
    other = seed_sample(database, now, "a")
    stranger = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=other.id))
    assert stranger.get(f"{page}/new").status_code == 404
    assert send(stranger, "/staff/today", page, **ASKED, key="k1").status_code == 404
    assert refunds(edge) == []
