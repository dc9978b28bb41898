"""Another payer's money on the pages: it goes back to who paid, named, and never as the patient's."""

import html
import re
from dataclasses import replace

import pytest

from billing.invoices.records import PayerKind
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credit_balance, credits_from_payment
from billing.payments.queries.payments import list_payments
from billing.payments.queries.refunds import list_refunds
from billing.payments.records.refunds import RefundMethod, RefundReason
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import approve_refund, request_refund
from tests.factories.paid import paid_by_card
from tests.factories.payers import SPONSORS_NAME, a_fixed_part, a_payer
from tests.factories.web import send


@pytest.fixture
def paid(database, clinic, clerk, now):
    """A sponsor's check of $700.00 for a part of $600.00: the part's page and the payment."""
    payer = a_payer(database, clinic.site.id, PayerKind.SPONSOR)
    share = database.in_transaction(
        lambda tx: agree_share(
            tx,
            invoice_id=clinic.invoice.id,
            order=a_fixed_part(payer, 60_000),
            actor=SYSTEM,
            now=now,
        )
    )
    page = f"/staff/payer-shares/{share.id}"
    check = {"amount": "700", "tender": "check", "number": "7", "dated_on": "2026-11-02"}
    assert send(clerk, page, f"{page}/payments", **check, key="paid").status_code == 303
    with database.reading() as read:
        (payment,) = list_payments(read, SYSTEM, share_id=share.id, limit=9)
    return page, payment


def refunds(edge):
    return edge.read(lambda read: list_refunds(read, SYSTEM, limit=9))


def test_a_payers_payment_goes_back_to_the_payer_whose_name_is_said_at_each_step(edge, clerk, paid):
    page, payment = paid
    base = f"/staff/payments/{payment.id}/refunds"
    assert f'href="{base}/new"' in clerk.get(page).text
    assert f"{SPONSORS_NAME} paid this" in clerk.get(f"{base}/new").text
    wish = {"amount": "50", "refundable": "70000", "reason": "duplicate", "method": "check"}
    confirm = send(clerk, f"{base}/new", f"{base}/look", **wish).text
    assert f"goes back <strong>by a check to {SPONSORS_NAME}</strong>" in confirm
    for _ in range(2):
        answer = send(clerk, f"{base}/new", base, **wish, key="k1")
        assert answer.status_code == 303
    (refund,) = refunds(edge)
    assert (refund.payer_id, refund.amount) == (payment.payer_id, Money(5_000))
    followed = clerk.get(answer.location).text
    assert SPONSORS_NAME in followed
    assert "Write the check" in followed
    assert f"Pay to: <strong>{SPONSORS_NAME}, 512-555-0177</strong>" in followed


def test_what_a_payer_paid_too_much_is_refunded_to_them_and_never_to_a_card_of_the_patient(
    edge, database, clerk, clinic, paid, now
):
    _, payment = paid
    paid_by_card(database, clinic.invoice, now)
    (lot,) = edge.read(lambda read: credit_balance(read, clinic.patient.id, SYSTEM)).items
    base = f"/staff/credits/{lot.id}/refunds"
    assert f'href="{base}/new"' in clerk.get(f"/staff/patients/{clinic.patient.id}/money").text
    shown = clerk.get(f"{base}/new").text
    assert f"{SPONSORS_NAME} paid this" in shown
    assert re.findall(r'name="target" value="([^"]+)"', shown) == ["check"]
    wish = {"amount": "100", "available": "10000", "target": "check"}
    assert f"to {SPONSORS_NAME}" in clerk.get(f"{base}/look", query_string=wish).text
    assert send(clerk, f"{base}/new", base, **wish, key="k1").status_code == 303
    (refund,) = refunds(edge)
    assert (refund.payer_id, refund.method) == (payment.payer_id, "check")


def in_words(shown):
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", shown).split()))


def test_a_payers_part_and_statement_say_what_was_given_back(edge, database, clerk, paid, now):
    page, payment = paid
    statement = f"/staff/payers/{payment.payer_id}"
    before = in_words(clerk.get(statement).text)
    assert "Paid in all $700.00 Given back $0.00 Held, to be given back $100.00" in before
    refund = database.in_transaction(
        lambda tx: refund_payment(
            tx,
            payment_id=payment.id,
            amount=Money(60_000),
            refundable=payment.amount,
            reason=RefundReason.OTHER,
            method=RefundMethod.CHECK,
            limit=Money(50_000),
            actor=SYSTEM,
            now=now,
        )
    )
    assert "a refund of $600.00 waits for approval" in in_words(clerk.get(page).text)
    asked = in_words(clerk.get(statement).text)
    assert "Paid in all $700.00 Given back $0.00 Held, to be given back $100.00" in asked
    at, somebody = {"refund_id": refund.id, "now": now}, replace(SYSTEM, id="usr_somebody")
    database.in_transaction(lambda tx: approve_refund(tx, **at, actor=somebody))
    assert "$600.00 being refunded" in in_words(clerk.get(page).text)
    unwritten = in_words(clerk.get(statement).text)
    assert "Paid in all $700.00 Given back $0.00 Held, to be given back $600.00" in unwritten
    assert "L-2026-17 $600.00 $700.00 $0.00 $600.00 to be given back $0.00" in unwritten
    database.in_transaction(lambda tx: send_check(tx, check_number="77", **at, actor=SYSTEM))
    shown = in_words(clerk.get(page).text)
    assert "Check (no. 7) $600.00 refunded $700.00" in shown
    assert "another payer" not in shown
    after = in_words(clerk.get(statement).text)
    assert "Paid in all $700.00 Given back $600.00 Held, to be given back $0.00" in after
    assert "L-2026-17 $600.00 $700.00 $600.00 $0.00" in after


def test_what_is_held_for_a_payer_is_theirs_at_each_step_of_its_refund(database, clerk, paid, now):
    _, payment = paid
    statement, at = f"/staff/payers/{payment.payer_id}", {"actor": SYSTEM, "now": now}

    def told():
        shown = in_words(clerk.get(statement).text)
        return re.search(r"Given back (\S+) Held, to be given back (\S+)", shown).groups()

    with database.reading() as read:
        (lot,) = credits_from_payment(read, payment.id)
    order = {"lot_id": lot.id, "amount": Money(4_000), "payment_id": None, "limit": Money(100)}
    refund = database.in_transaction(lambda tx: request_refund(tx, **order, **at))
    assert told() == ("$0.00", "$100.00"), "it waits for another person"
    somebody = replace(SYSTEM, id="usr_somebody")
    database.in_transaction(lambda tx: approve_refund(tx, refund_id=refund.id, actor=somebody, now=now))
    assert told() == ("$0.00", "$100.00"), "nobody wrote the check"
    database.in_transaction(lambda tx: send_check(tx, refund_id=refund.id, check_number="7", **at))
    assert told() == ("$40.00", "$60.00")
