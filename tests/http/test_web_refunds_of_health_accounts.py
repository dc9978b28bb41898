"""Money of an HSA or FSA that somebody is about to send elsewhere: the pages say so before it moves."""

import re
from dataclasses import replace

import pytest

from billing.care.use_cases import cancel_session
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.credits import credit_balance
from billing.payments.records.refunds import RefundMethod, RefundReason
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import approve_refund, request_refund
from tests.factories.accounting import CLERK
from tests.factories.invoices import billed
from tests.factories.paid import paid_by_card, paid_in_cash
from tests.factories.web import send

WARNING = "A health account (HSA or FSA) paid this."
WHERE = "does not go back there"
ASKED = {"amount": "100.00", "refundable": "255000", "reason": "duplicate"}


@pytest.fixture
def usual_role():
    return Role.FRONT_DESK


@pytest.fixture
def card(database, clinic, now):
    """$2,550.00 by the card of a health account."""
    return paid_by_card(database, clinic.invoice, now, is_health_account=True)


def said(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


@pytest.fixture
def visit(database, clinic):
    """One of $450.00, on a bill of its own."""
    return billed(database, clinic.patient, only_first=1)


@pytest.fixture
def called_off(database, edge, clinic, visit, now):
    """What had paid the visit, as credit."""

    def work():
        off = {"session_id": visit.session_ids[0], "actor": SYSTEM, "now": now}
        database.in_transaction(lambda tx: cancel_session(tx, **off))
        return edge.read(lambda read: credit_balance(read, clinic.patient.id, SYSTEM)).items[0]

    return work


def test_a_check_for_what_a_health_card_paid_is_warned_of_on_the_form_and_before_it_goes(clerk, card):
    path = f"/staff/payments/{card.id}/refunds"
    form = said(clerk.get(f"{path}/new"))
    assert WARNING in form
    assert WHERE in form
    by_check = said(send(clerk, f"{path}/new", f"{path}/look", **ASKED, method="check"))
    assert WARNING in by_check
    assert WHERE in by_check
    assert WARNING not in said(send(clerk, f"{path}/new", f"{path}/look", **ASKED, method="card"))


def test_of_other_money_nothing_is_said(database, clerk, clinic, now):
    payment = paid_in_cash(database, clinic.invoice, now, Money(255_000))
    path = f"/staff/payments/{payment.id}/refunds"
    assert WARNING not in said(clerk.get(f"{path}/new"))
    assert WARNING not in said(send(clerk, f"{path}/new", f"{path}/look", **ASKED))


def test_a_plan_over_several_payments_warns_of_the_check_and_not_of_the_card(database, clerk, clinic, now):
    paid_in_cash(database, clinic.invoice, now, Money(40_000))
    path = f"/staff/patients/{clinic.patient.id}/refunds"
    card = paid_by_card(database, clinic.invoice, now, is_health_account=True)
    assert "HSA or FSA" in said(clerk.get(f"{path}/new"))
    whole = said(send(clerk, f"{path}/new", f"{path}/look", **ASKED | {"amount": "2,550.00"}))
    assert str(card.amount) in whole
    assert WARNING not in whole


def test_a_plan_warns_of_a_check_that_drew_on_a_health_account(database, clerk, clinic, now):
    path = f"/staff/invoices/{clinic.invoice.id}/checks"
    handed = {"amount": "2,550.00", "number": "77", "dated_on": "2026-11-02", "health_account": "on"}
    assert send(clerk, f"{path}/new", path, **handed, key="k1").status_code == 303
    path = f"/staff/patients/{clinic.patient.id}/refunds"
    assert WARNING in said(send(clerk, f"{path}/new", f"{path}/look", **ASKED))


def test_credit_that_a_health_card_had_paid_is_warned_of_when_it_leaves_by_a_check(
    database, clerk, visit, called_off, now
):
    card = paid_by_card(database, visit.invoice, now, is_health_account=True)
    held = called_off()
    path = f"/staff/credits/{held.id}/refunds"
    assert WARNING in said(clerk.get(f"{path}/new"))
    asked = {"amount": "100.00", "available": str(held.available.cents)}
    assert WARNING in said(send(clerk, f"{path}/new", f"{path}/look", **asked, target="check"))
    assert WARNING not in said(send(clerk, f"{path}/new", f"{path}/look", **asked, target=card.id))


def test_credit_of_other_money_leaves_without_a_warning(database, clerk, visit, called_off, now):
    paid_in_cash(database, visit.invoice, now, visit.invoice.total)
    assert WARNING not in said(clerk.get(f"/staff/credits/{called_off().id}/refunds/new"))


@pytest.fixture
def asked_for(database, now):
    """A refund above the limit: of a payment by a check, or of credit by one unless a payment is named."""

    def work(deed, **what):
        return database.in_transaction(lambda tx: deed(tx, **what, limit=Money(0), actor=SYSTEM, now=now))

    return work


def of_payment(payment, method):
    return {
        "payment_id": payment.id,
        "amount": Money(10_000),
        "refundable": payment.amount,
        "reason": RefundReason.DUPLICATE,
        "method": method,
    }


@pytest.mark.parametrize(("method", "is_told"), [(RefundMethod.CHECK, True), (RefundMethod.CARD, False)])
def test_who_approves_a_refund_is_warned_as_who_asked_for_it_was(enter, card, asked_for, method, is_told):
    refund = asked_for(refund_payment, **of_payment(card, method))
    for role in (Role.SUPERVISOR, Role.ACCOUNTANT):
        approver = enter(role)
        for page in ("/staff/approvals", f"/staff/refunds/{refund.id}"):
            assert (WARNING in said(approver.get(page))) is is_told, (role, page)


def test_who_approves_a_check_for_credit_of_a_health_card_is_warned_until_it_went(
    database, enter, visit, called_off, asked_for, now
):
    card = paid_by_card(database, visit.invoice, now, is_health_account=True)
    held = called_off()
    by_check = asked_for(request_refund, lot_id=held.id, amount=Money(10_000), payment_id=None)
    to_card = asked_for(request_refund, lot_id=held.id, amount=Money(20_000), payment_id=card.id)
    supervisor = enter(Role.SUPERVISOR)
    assert said(supervisor.get("/staff/approvals")).count(WARNING) == 1
    page = f"/staff/refunds/{by_check.id}"
    assert WARNING in said(supervisor.get(page))
    assert WARNING not in said(supervisor.get(f"/staff/refunds/{to_card.id}"))
    approver = replace(CLERK, id="usr_approver")
    database.in_transaction(lambda tx: approve_refund(tx, refund_id=by_check.id, actor=approver, now=now))
    assert WARNING in said(supervisor.get(page))
    written = {"refund_id": by_check.id, "check_number": "1001", "actor": CLERK, "now": now}
    database.in_transaction(lambda tx: send_check(tx, **written))
    assert WARNING not in said(supervisor.get(page))


def test_who_approves_other_money_reads_no_warning(database, enter, clinic, asked_for, now):
    payment = paid_in_cash(database, clinic.invoice, now, Money(255_000))
    asked_for(refund_payment, **of_payment(payment, None))
    assert WARNING not in said(enter(Role.SUPERVISOR).get("/staff/approvals"))
