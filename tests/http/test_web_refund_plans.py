"""An amount given back over several payments: the plan is told before anything moves."""

import re

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.payments import charge_of_payment
from billing.payments.queries.refunds import list_refunds, refundable_of
from billing.payments.records.disputes import DisputeFacts
from billing.payments.records.refunds import RefundReason
from billing.payments.states.disputes import DisputeEvent
from billing.payments.use_cases.disputes import record_dispute
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import fail_refund, keep_sent, succeed_refund
from tests.factories.catalog import seed_sample
from tests.factories.paid import paid_by_card, paid_by_check, paid_in_cash
from tests.factories.web import new_staff, send, sign_in

ASKED = {"amount": "2000.00", "refundable": "255000", "reason": "cancelled"}


@pytest.fixture
def usual_role():
    return Role.FRONT_DESK


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


@pytest.fixture
def refund_to(database, card, now):
    """$50.00 to the card, and what the processor makes of it."""

    def work(*fates, reference):
        at = {"actor": SYSTEM, "now": now}
        order = {"amount": Money(5_000), "reason": RefundReason.DUPLICATE, "method": None}
        with database.reading() as read:
            left = refundable_of(read, card.id, SYSTEM).amount
        refund = database.in_transaction(
            lambda tx: refund_payment(
                tx, payment_id=card.id, refundable=left, limit=Money(50_000), **order, **at
            )
        )
        if reference:
            database.in_transaction(lambda tx: keep_sent(tx, refund_id=refund.id, reference=reference, **at))
        for fate in fates:
            database.in_transaction(lambda tx, fate=fate: fate(tx, refund_id=refund.id, **at))

    return work


def test_a_card_to_which_a_refund_failed_gets_no_other_one_by_the_plan(edge, clerk, page, card, refund_to):
    refund_to(succeed_refund, fail_refund, reference="re_1")
    shown = said(clerk.get(f"{page}/new"))
    assert "to the card that paid" not in shown
    alone = clerk.get(f"/staff/payments/{card.id}/refunds/new").text
    assert re.findall(r'value="(\w+)" checked> ', alone) == ["check"]
    assert "by a check: the last refund to this card or account came back" in shown
    told = said(send(clerk, f"{page}/new", f"{page}/look", **ASKED))
    assert "goes back by a check, of $1,850.00" in told
    assert send(clerk, f"{page}/new", page, **ASKED, key="k1").status_code == 303
    assert {each.method for each in refunds(edge) if each.state == "requested"} == {"check"}


def test_a_card_that_took_a_later_refund_or_never_failed_one_is_not_gone(clerk, page, card, refund_to):
    refund_to(fail_refund, reference=None)
    assert "to the card that paid" in said(clerk.get(f"{page}/new")), "it was never sent"
    refund_to(succeed_refund, fail_refund, reference="re_1")
    refund_to(succeed_refund, reference="re_2")
    assert "to the card that paid" in said(clerk.get(f"{page}/new"))


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


def test_another_clinics_clerk_finds_no_patient(pages, database, now, edge, page, card):
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=other.id))
    assert stranger.get(f"{page}/new").status_code == 404
    assert send(stranger, "/staff/today", page, **ASKED, key="k1").status_code == 404
    assert refunds(edge) == []
