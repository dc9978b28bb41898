"""What a patient's page says of their money: whose it is, what became of it, what lets them in."""

import html
import re

import pytest

from billing.invoices.queries import what_a_stop_does
from billing.invoices.records import PayerKind
from billing.invoices.use_cases.shares import agree_share
from billing.invoices.use_cases.stop import stop_package
from billing.invoices.use_cases.void import void_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credit_balance
from billing.payments.records.bounces import BounceReason
from billing.payments.records.refunds import RefundReason
from billing.payments.states.disputes import DisputeEvent
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.payer_payments import take_payers_check
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import request_refund
from tests.factories.disputes import disputed
from tests.factories.invoices import billed
from tests.factories.paid import banked, paid_by_card, paid_by_check, paid_in_cash
from tests.factories.patients import new_patient
from tests.factories.payers import a_fixed_part, a_payer
from tests.factories.web import new_package, send


@pytest.fixture
def page(clinic):
    return f"/staff/patients/{clinic.patient.id}"


def fact(text, name):
    """What stands beside a name in the balance on top."""
    return re.search(rf"<dt>{name}</dt><dd[^>]*>([^<]*)</dd>", text)[1]


def section(text, title):
    """A part of the page, by the id of its title."""
    return re.search(rf'<section[^>]*aria-labelledby="{title}".*?</section>', text, re.DOTALL)[0]


def row_of(text, told):
    """A row of a table, without its markup, that holds some words."""
    rows = re.findall(r"<tr[^>]*>.*?</tr>", text, re.DOTALL)
    return next(" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows if told in row)


# --- whose money is held -------------------------------------------------------------------------------


@pytest.fixture
def sponsored(database, clinic, now):
    """A sponsor's check of $700.00 for a part of $600.00: $100.00 of it are held for the sponsor."""
    payer = a_payer(database, clinic.site.id, PayerKind.SPONSOR)

    def work(tx):
        share = agree_share(
            tx, invoice_id=clinic.invoice.id, order=a_fixed_part(payer, 60_000), actor=SYSTEM, now=now
        )
        return take_payers_check(
            tx,
            share_id=share.id,
            amount=Money(70_000),
            number="7",
            dated_on=now.date(),
            actor=SYSTEM,
            now=now,
        )

    return database.in_transaction(work)


def test_another_payers_money_is_not_held_for_the_patient_and_nothing_is_to_choose(clerk, page, sponsored):
    shown = clerk.get(page).text
    assert fact(shown, "Held for the patient") == "$0.00"
    held = section(shown, "credits-title")
    assert "$100.00 is held for another payer" in held
    assert f'href="{page}/money#credits-title"' in held
    assert "/election" not in held
    assert "Nothing is held for the patient." in held


def test_beside_a_payers_money_the_patients_own_is_held_and_can_be_chosen(
    database, clerk, clinic, page, sponsored, edge, now
):
    paid_by_check(database, clinic.invoice, now, Money(200_000))
    shown = clerk.get(page).text
    assert fact(shown, "Held for the patient") == "$50.00"
    (own,) = [
        lot
        for lot in edge.read(lambda read: credit_balance(read, clinic.patient.id, SYSTEM)).items
        if lot.payer_id is None
    ]
    assert re.findall(r"/staff/credits/([^/]+)/election", shown) == [own.id]
    assert "Paid more than was owed" in section(shown, "credits-title")


def test_without_a_payers_money_none_is_spoken_of(clerk, page):
    assert "another payer" not in section(clerk.get(page).text, "credits-title")


def test_an_invoice_is_paid_with_credit_that_is_held(database, clerk, clinic, page, now):
    second = new_package(database, clinic.patient, now)
    assert "Pay with the credit" not in clerk.get(page).text
    paid_by_check(database, clinic.invoice, now, Money(300_000))
    assert f'Pay with the credit<span class="visually-hidden"> what invoice {second.number} owes' in (
        clerk.get(page).text
    )
    send(clerk, page, f"/staff/invoices/{second.id}/credits", key="k1")
    shown = clerk.get(page).text
    assert "The invoice is paid with the credit, as far as it goes." in shown
    assert "Pay with the credit" not in shown


# --- what lowered an invoice ---------------------------------------------------------------------------


def sums(text, invoice):
    """The rows under an invoice, as they are shown: name and amount."""
    shown = re.search(rf'<dl class="sums" id="sum-{invoice.id}">.*?</dl>', text, re.DOTALL)
    return re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", shown[0])


def cents(shown):
    return int(re.sub(r"[$,.]", "", shown))


def test_what_is_owed_can_be_followed_from_the_total(database, clerk, clinic, page, sponsored, edge, now):
    paid_in_cash(database, clinic.invoice, now, Money(10_000))
    second = new_package(database, clinic.patient, now)
    paid_by_check(database, clinic.invoice, now, Money(200_000))
    send(clerk, page, f"/staff/invoices/{second.id}/credits", key="k1")
    shown = clerk.get(page).text
    assert sums(shown, clinic.invoice) == [
        ("Total", "$2,550.00"),
        ("Paid", "-$1,950.00"),
        ("Taken by other payers", "-$600.00"),
        ("Still owed", "$0.00"),
    ]
    assert sums(shown, second) == [
        ("Total", "$2,550.00"),
        ("Paid with credit", "-$150.00"),
        ("Still owed", "$2,400.00"),
    ]
    for invoice in (clinic.invoice, second):
        *rows, (_, owed) = sums(shown, invoice)
        assert sum(cents(amount) for _, amount in rows) == cents(owed)


def test_of_a_stopped_package_the_visits_called_off_are_a_row(database, clerk, clinic, page, now):
    paid_in_cash(database, clinic.invoice, now, Money(10_000))
    with database.reading() as read:
        stop = what_a_stop_does(read, clinic.invoice)
    database.in_transaction(lambda tx: stop_package(tx, invoice_id=clinic.invoice.id, actor=SYSTEM, now=now))
    assert stop.freed == Money(10_000)
    assert sums(clerk.get(page).text, clinic.invoice) == [
        ("Total", "$2,550.00"),
        ("Visits called off or missed", "-$2,550.00"),
        ("Still owed", "$0.00"),
    ]


def test_a_void_invoice_says_that_nothing_of_it_is_owed(database, clerk, clinic, page, now):
    database.in_transaction(
        lambda tx: void_invoice(tx, invoice_id=clinic.invoice.id, reason="wrong plan", actor=SYSTEM, now=now)
    )
    assert sums(clerk.get(page).text, clinic.invoice) == [
        ("Total", "$2,550.00"),
        ("Not owed any more: it is void", "-$2,550.00"),
        ("Still owed", "$0.00"),
    ]


# --- what lets them in ---------------------------------------------------------------------------------


def test_what_went_back_covers_no_session_on_any_page(database, clerk, clinic, page, now):
    payment = paid_by_card(database, clinic.invoice, now)
    database.in_transaction(
        lambda tx: refund_payment(
            tx,
            payment_id=payment.id,
            amount=Money(215_000),
            refundable=Money(255_000),
            reason=RefundReason.OTHER,
            method=None,
            limit=Money(300_000),
            actor=SYSTEM,
            now=now,
        )
    )
    shown = section(clerk.get(page).text, "sessions-title")
    assert "$425.00 $400.00 ($25.00 is going back)" in row_of(shown, "Nov 2, 2026")
    assert "$425.00 $0.00 ($425.00 is going back)" in row_of(shown, "Nov 5, 2026")
    today = section(clerk.get("/staff/today").text, "visits-title")
    assert "$425.00 $400.00 ($25.00 is going back)" in row_of(today, "Sample, Maria")


def test_what_a_payer_only_promised_is_not_covered_yet(database, clerk, clinic, page, now):
    payer = a_payer(database, clinic.site.id, PayerKind.RELATIVE)
    database.in_transaction(
        lambda tx: agree_share(
            tx, invoice_id=clinic.invoice.id, order=a_fixed_part(payer, 255_000), actor=SYSTEM, now=now
        )
    )
    shown = section(clerk.get(page).text, "sessions-title")
    assert "$425.00 $0.00 ($425.00 only promised)" in row_of(shown, "Nov 2, 2026")


# --- what became of payments ---------------------------------------------------------------------------


@pytest.fixture
def check(database, clinic, now):
    """$2,550.00, taken to the bank."""
    return banked(database, paid_by_check(database, clinic.invoice, now, Money(255_000)), now)


@pytest.fixture
def card(database, clinic, now):
    """$2,550.00, in a dispute from then on."""
    payment = paid_by_card(database, clinic.invoice, now)
    disputed(database, payment, now)
    return payment


def payment_row(clerk, page, told="$2,550.00"):
    shown = clerk.get(page).text
    title = "paid-title" if page == "/staff/money" else "payments-title"
    return row_of(section(shown, title), told)


def test_a_check_that_bounced_is_no_money_any_more(database, clerk, page, check, now):
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
    for each in (page, "/staff/money"):
        assert "The bank took it back" in payment_row(clerk, each)
    assert payment_row(clerk, f"{page}/money").startswith("Nov 2, 2026 Check (no. 1042) $2,550.00 $0.00 ")


def test_a_payment_of_somebody_else_is_said_to_be_booked_there(database, clerk, clinic, page, check, now):
    other = new_patient(database, entity_id=clinic.entity.id, site_id=clinic.site.id, now=now)
    database.in_transaction(
        lambda tx: move_payment(
            tx, payment_id=check.id, patient_id=other.id, invoice_id=None, actor=SYSTEM, now=now
        )
    )
    assert "Booked for another patient" in payment_row(clerk, page)
    assert " $2,550.00 $0.00 " in payment_row(clerk, f"{page}/money")


def test_an_open_dispute_is_said_with_the_way_to_it(clerk, page, card):
    shown = clerk.get(page).text
    assert "A bank disputes $2,550.00 of this patient's payments." in shown
    assert 'href="/staff/disputes/dsp_' in shown


def test_while_a_bank_decides_the_disputed_part_is_said(clerk, page, card):
    for each in (page, "/staff/money", f"{page}/money"):
        assert "$2,550.00 disputed" in payment_row(clerk, each)
    assert "$2,550.00 disputed $2,550.00 $0.00 " in payment_row(clerk, f"{page}/money")


def test_a_lost_dispute_is_said_for_good(database, clerk, page, card, now):
    disputed(database, card, now, told=DisputeEvent.LOSE)
    for each in (page, "/staff/money", f"{page}/money"):
        row = payment_row(clerk, each)
        assert "$2,550.00 lost to a dispute" in row
        assert "disputed" not in row
    assert "dispute $2,550.00 $0.00 " in payment_row(clerk, f"{page}/money")


def test_another_payers_payment_is_said_to_be_theirs(clerk, page, sponsored):
    for each in (page, "/staff/money", f"{page}/money"):
        assert "another payer's" in html.unescape(payment_row(clerk, each, "$700.00"))


def test_what_went_back_through_a_credit_is_said_of_its_payment(database, clerk, clinic, page, now):
    paid_by_check(database, clinic.invoice, now, Money(265_000))
    with database.reading() as read:
        (lot,) = credit_balance(read, clinic.patient.id, SYSTEM).items
    refund = database.in_transaction(
        lambda tx: request_refund(
            tx,
            lot_id=lot.id,
            amount=lot.available,
            payment_id=None,
            limit=Money(50_000),
            actor=SYSTEM,
            now=now,
        )
    )
    assert "$100.00 being refunded" in payment_row(clerk, page, "$2,650.00")
    assert " $2,650.00 $100.00 $2,550.00 " in payment_row(clerk, f"{page}/money", "$2,650.00")
    database.in_transaction(
        lambda tx: send_check(tx, refund_id=refund.id, check_number="77", actor=SYSTEM, now=now)
    )
    for each in (page, "/staff/money"):
        assert "$100.00 refunded" in payment_row(clerk, each, "$2,650.00")
    assert " $2,650.00 $100.00 $2,550.00 " in payment_row(clerk, f"{page}/money", "$2,650.00")


def test_an_ordinary_payment_has_no_mark(database, clerk, clinic, page, now):
    paid_in_cash(database, clinic.invoice, now, Money(10_000))
    assert payment_row(clerk, page, "$100.00") == "Nov 2, 2026 Cash Receipt of $100.00 on Nov 2, 2026 $100.00"


# --- plain words ---------------------------------------------------------------------------------------


def test_an_invoice_says_what_kind_it_is_in_words(database, clerk, clinic, page, now):
    assert "Package, issued" in clerk.get(page).text
    bill = billed(database, clinic.patient, only_first=1)
    assert "For single visits, issued" in clerk.get(f"/staff/patients/{bill.patient.id}").text


def test_credit_that_the_patient_wants_back_leads_to_its_refund(database, clerk, clinic, page, edge, now):
    paid_by_check(database, clinic.invoice, now, Money(265_000))
    (lot,) = edge.read(lambda read: credit_balance(read, clinic.patient.id, SYSTEM)).items
    way = f'href="/staff/credits/{lot.id}/refunds/new">Send it back'
    assert way not in clerk.get(page).text
    send(clerk, page, f"/staff/credits/{lot.id}/election", election="refund")
    assert way in clerk.get(page).text
