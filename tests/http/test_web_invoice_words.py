"""An invoice is called paid only while its money is there; the staff page and the link say the same."""

import html
import re

import pytest

from billing.care.use_cases import cancel_session
from billing.invoices.queries import find_invoice, list_invoices
from billing.invoices.records import PayerKind
from billing.invoices.use_cases.shares import agree_share
from billing.invoices.use_cases.stop import stop_package
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credits_from_payment
from billing.payments.queries.receipts import receipts_by_payment
from billing.payments.records.bounces import BounceReason
from billing.payments.records.refunds import RefundMethod, RefundReason, Rejection
from billing.payments.states.disputes import DisputeEvent
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.credits import apply_credits
from billing.payments.use_cases.refund_checks import send_check, void_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import fail_refund, keep_sent, reject_refund, request_refund
from billing.web.invoice_words import told_of
from tests.factories.care import give
from tests.factories.disputes import disputed
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import banked, paid_by_card, paid_by_check, paid_in_cash
from tests.factories.payers import a_fixed_part, a_payer
from tests.factories.web import new_pay_link

WHOLE = Money(255_000)


def in_words(shown):
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", shown).split()))


@pytest.fixture
def link(pages, database, clinic, now):
    """What the link of the invoice says to whoever holds it."""
    path = f"/pay/{new_pay_link(database, clinic.invoice.id, now)}"
    return lambda: in_words(pages.test_client().get(path).text)


@pytest.fixture
def told(clerk, clinic):
    """The badge of the invoice, and the rows under it between its total and what is owed."""

    def look():
        shown = clerk.get(f"/staff/patients/{clinic.patient.id}").text
        badge = re.search(r'<h3>Invoice \d+ <span class="badge ([a-z]*)">([^<]+)</span>', shown)
        sums = re.search(rf'<dl class="sums" id="sum-{clinic.invoice.id}">.*?</dl>', shown, re.DOTALL)[0]
        rows = re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", sums)
        return badge[2], badge[1], rows[1:-1]

    return look


@pytest.fixture
def page(clerk, clinic):
    """The patient's page in words."""
    return lambda: in_words(clerk.get(f"/staff/patients/{clinic.patient.id}").text)


@pytest.fixture
def give_back(database, now):
    def work(payment, amount=WHOLE, method=None, refundable=WHOLE):
        return database.in_transaction(
            lambda tx: refund_payment(
                tx,
                payment_id=payment.id,
                amount=amount,
                refundable=refundable,
                reason=RefundReason.OTHER,
                method=method,
                limit=Money(300_000),
                actor=SYSTEM,
                now=now,
            )
        )

    return work


def test_an_invoice_whose_money_is_there_is_paid(database, clinic, told, link, now):
    paid_by_card(database, clinic.invoice, now)
    assert told() == ("Paid", "good", [("Paid", "-$2,550.00")])
    assert "Paid. Thank you." in link()


def test_one_whose_money_goes_back_is_not_called_paid(database, clinic, told, link, give_back, now):
    give_back(paid_by_card(database, clinic.invoice, now))
    assert told() == ("Being refunded", "waiting", [("Paid, being refunded", "-$2,550.00")])
    assert "Thank you" not in link()
    assert "$2,550.00 of it is going back." in link()


def test_one_whose_money_went_back_is_refunded(database, clinic, told, link, give_back, now):
    refund = give_back(paid_by_check(database, clinic.invoice, now, WHOLE), method=RefundMethod.CHECK)
    database.in_transaction(
        lambda tx: send_check(tx, refund_id=refund.id, check_number="77", actor=SYSTEM, now=now)
    )
    assert told() == ("Refunded", "", [("Paid, then refunded", "-$2,550.00")])
    assert "Nothing is owed any more." in link()
    assert "Paid" not in link()
    database.in_transaction(lambda tx: void_check(tx, refund_id=refund.id, actor=SYSTEM, now=now))
    assert told()[:2] == ("Being refunded", "waiting")


def test_of_one_that_is_partly_given_back_both_parts_are_said(database, clinic, told, link, give_back, now):
    give_back(paid_by_card(database, clinic.invoice, now), Money(5_000))
    assert told() == (
        "Part being refunded",
        "waiting",
        [("Paid", "-$2,500.00"), ("Paid, being refunded", "-$50.00")],
    )


def test_a_refund_that_only_waits_for_approval_takes_nothing_off(database, clinic, told, page, link, now):
    payment = paid_by_card(database, clinic.invoice, now)
    waits = database.in_transaction(
        lambda tx: refund_payment(
            tx,
            payment_id=payment.id,
            amount=WHOLE,
            refundable=WHOLE,
            reason=RefundReason.OTHER,
            method=None,
            limit=Money(50_000),
            actor=SYSTEM,
            now=now,
        )
    )
    asked = "Paid, a refund waits for approval", "waiting", [("Paid", "-$2,550.00")]
    assert told() == asked
    assert "$2,550.00 of it waits for approval, to go back." in page()
    said = link()
    assert "Paid. Thank you." in said
    assert "going back" not in said
    database.in_transaction(
        lambda tx: reject_refund(tx, refund_id=waits.id, reason=Rejection.NOT_DUE, actor=SYSTEM, now=now)
    )
    assert told() == ("Paid", "good", [("Paid", "-$2,550.00")])


def test_a_lost_dispute_leaves_nothing_that_is_called_paid(database, clinic, told, link, now):
    payment = paid_by_card(database, clinic.invoice, now)
    disputed(database, payment, now)
    assert told()[:2] == ("Paid, disputed", "waiting")
    disputed(database, payment, now, told=DisputeEvent.LOSE)
    assert told() == ("Lost to a dispute", "bad", [("Paid, then lost to a dispute", "-$2,550.00")])
    said = link()
    assert "Thank you" not in said
    assert "A bank took $2,550.00 of it back." in said


def test_what_a_dispute_took_of_an_invoice_that_credit_had_paid_is_a_row_of_it(database, now):
    """A card paid a visit that was called off; its credit paid another one; then the bank took it."""
    first = billed(database, a_patient(database), only_first=1)
    payment = paid_by_card(database, first.invoice, now)
    do = database.in_transaction
    do(lambda tx: cancel_session(tx, session_id=first.session_ids[0], actor=SYSTEM, now=now))
    second = billed(database, first.patient, only_first=1)
    give(database, second.session_ids[0])
    do(lambda tx: apply_credits(tx, invoice_id=second.invoice.id, actor=SYSTEM, now=now))
    disputed(database, payment, now)
    disputed(database, payment, now, told=DisputeEvent.LOSE)
    with database.reading() as read:
        told = told_of(read, [find_invoice(read, second.invoice.id, SYSTEM)])[second.invoice.id]
    assert told.rows == [("Paid, then lost to a dispute", Money(45_000))]
    assert told.badge[0] == "Lost to a dispute"


def test_a_visit_to_come_that_lost_money_had_paid_is_not_paid_though_it_is_called_off(database, now):
    visit = billed(database, a_patient(database), only_first=1)
    payment = paid_by_card(database, visit.invoice, now)
    for became in (DisputeEvent.DISPUTE, DisputeEvent.LOSE):
        disputed(database, payment, now, told=became)
    with database.reading() as read:
        stands = told_of(read, list_invoices(read, SYSTEM, patient_id=visit.patient.id, limit=9))
    assert stands[visit.invoice.id].badge == ("Lost to a dispute", "bad")
    assert not stands[visit.invoice.id].kept


def test_what_a_check_that_bounced_had_paid_is_owed_again(database, clinic, told, now):
    assert told()[0] == "Open"
    check = banked(database, paid_by_check(database, clinic.invoice, now, WHOLE), now)
    database.in_transaction(
        lambda tx: bounce_check(
            tx,
            payment_id=check.id,
            reason=BounceReason.STALE,
            bounced_on=check.received_on,
            fee=Money(0),
            actor=SYSTEM,
            now=now,
        )
    )
    assert told() == ("Owed again", "waiting", [])


def test_what_nobody_paid_and_is_called_off_is_called_off(database, clinic, told, link, now):
    database.in_transaction(lambda tx: stop_package(tx, invoice_id=clinic.invoice.id, actor=SYSTEM, now=now))
    assert told()[:2] == ("Called off or missed", "")
    assert "Nothing is owed any more." in link()
    assert "withdrawn" in link()


def test_what_was_paid_and_called_off_is_not_paid_either(database, clinic, told, link, now):
    paid_in_cash(database, clinic.invoice, now, WHOLE)
    database.in_transaction(lambda tx: stop_package(tx, invoice_id=clinic.invoice.id, actor=SYSTEM, now=now))
    assert told()[:2] == ("Called off or missed", "")
    assert "Thank you" not in link()


def test_what_another_payer_owes_is_theirs(database, clinic, told, link, now):
    payer = a_payer(database, clinic.site.id, PayerKind.RELATIVE)
    database.in_transaction(
        lambda tx: agree_share(
            tx, invoice_id=clinic.invoice.id, order=a_fixed_part(payer, 255_000), actor=SYSTEM, now=now
        )
    )
    assert told()[:2] == ("Owed by another payer", "waiting")
    said = link()
    assert "Thank you" not in said
    assert "withdrawn" not in said
    assert "Nothing is owed" in said


# --- a refund that failed ------------------------------------------------------------------------------


@pytest.fixture
def failed(database, clinic, give_back, now):
    """All of it was sent to the card, and came back."""
    refund = give_back(paid_by_card(database, clinic.invoice, now))
    at = {"refund_id": refund.id, "actor": SYSTEM, "now": now}
    database.in_transaction(lambda tx: keep_sent(tx, reference="re_1", **at))
    return database.in_transaction(lambda tx: fail_refund(tx, **at))


def test_where_a_refund_failed_nothing_is_said_to_have_gone_back(clerk, told, page, failed):
    row = "Paid, then credit again: the refund failed"
    assert told() == ("Refund failed", "bad", [(row, "-$2,550.00")])
    said = page()
    assert "$0.00 ($425.00 is credit again: its refund failed)" in said
    assert "went back" not in said
    today = in_words(clerk.get("/staff/today").text)
    assert "$0.00 ($425.00 is credit again: its refund failed)" in today
    assert "went back" not in today


def test_once_its_money_was_sent_again_it_went_back(database, clerk, told, page, failed, now):
    again = database.in_transaction(
        lambda tx: request_refund(
            tx,
            lot_id=failed.lot_id,
            amount=failed.amount,
            payment_id=None,
            limit=Money(300_000),
            actor=SYSTEM,
            now=now,
        )
    )
    assert "($425.00 is going back)" in page()
    for where in (f"/staff/patients/{failed.patient_id}/money", f"/staff/refunds/{failed.id}"):
        said = in_words(clerk.get(where).text)
        assert "It failed. The money is on its way once more." in said
        assert "Send it in another way" not in said
    database.in_transaction(
        lambda tx: send_check(tx, refund_id=again.id, check_number="77", actor=SYSTEM, now=now)
    )
    assert told() == ("Refunded", "", [("Paid, then refunded", "-$2,550.00")])
    assert "$0.00 ($425.00 went back)" in page()


def test_a_refund_that_was_asked_for_before_another_failed_is_not_its_money(database, clerk, clinic, now):
    payment = paid_by_check(database, clinic.invoice, now, WHOLE + Money(10_000))
    with database.reading() as read:
        (lot,) = credits_from_payment(read, payment.id)
    order = {"lot_id": lot.id, "amount": Money(4_000), "payment_id": None, "limit": Money(300_000)}
    at = {"actor": SYSTEM, "now": now}

    def ask():
        return database.in_transaction(lambda tx: request_refund(tx, **order, **at)).id

    called_off, sent = ask(), ask()
    database.in_transaction(lambda tx: send_check(tx, refund_id=sent, check_number="77", **at))
    database.in_transaction(lambda tx: void_check(tx, refund_id=called_off, **at))
    page = f"/staff/refunds/{called_off}"
    assert "the money is credit again. Send it in another way." in in_words(clerk.get(page).text)
    ask()
    assert "The money is on its way once more." in in_words(clerk.get(page).text)


def test_a_part_that_failed_and_a_part_that_went_back_are_rows_of_their_own(
    database, clinic, told, give_back, now
):
    payment = paid_by_card(database, clinic.invoice, now)
    for amount, left, reference in ((5_000, 255_000, "re_1"), (7_000, 250_000, "re_2")):
        refund = give_back(payment, Money(amount), refundable=Money(left))
        at = {"refund_id": refund.id, "actor": SYSTEM, "now": now}
        database.in_transaction(lambda tx, at=at, re=reference: keep_sent(tx, reference=re, **at))
    database.in_transaction(lambda tx: fail_refund(tx, **at))
    assert told() == (
        "A refund failed",
        "bad",
        [
            ("Paid", "-$2,430.00"),
            ("Paid, then refunded", "-$50.00"),
            ("Paid, then credit again: the refund failed", "-$70.00"),
        ],
    )


def test_the_receipt_says_what_became_of_a_refund_that_failed(database, clerk, failed, now):
    with database.reading() as read:
        path = f"/staff/receipts/{receipts_by_payment(read, [failed.payment_id])[failed.payment_id]}"
    said = in_words(clerk.get(path).text)
    assert "Given back of it" not in said
    assert "A refund of $2,550.00 failed, receipt RC-000002 : the money is credit again." in said
