"""What left in the processor's dashboard has gone back, also while its booking waits for a second person."""

import html
import re
from dataclasses import replace

import pytest

from billing.invoices.records import PayerKind
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.evidence import facts_on_file
from billing.payments.records.dispute_answers import EvidenceFact
from billing.payments.use_cases.refunds import approve_refund
from tests.factories.dashboard import gone_by_hand
from tests.factories.disputes import disputed
from tests.factories.paid import paid_by_card
from tests.factories.patients import SAMPLE_PERSON
from tests.factories.payers import a_fixed_part, a_payer
from tests.factories.web import new_pay_link, send

ALL, PART = Money(255_000), Money(60_000)
SOMEBODY = replace(SYSTEM, id="usr_somebody")


def in_words(shown):
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", shown).split()))


@pytest.fixture
def read_page(clerk):
    return lambda path: in_words(clerk.get(path).text)


@pytest.fixture
def approved(database, now):
    """Another person agrees; the job that reads the refund at the processor has not run yet."""
    return lambda refund: database.in_transaction(
        lambda tx: approve_refund(tx, refund_id=refund.id, actor=SOMEBODY, now=now)
    )


@pytest.fixture
def twice(approved):
    """Does something while it waits for a person, and again while it waits for the books."""

    def work(refund, look):
        look()
        approved(refund)
        look()

    return work


def test_a_payers_statement_and_part_call_it_given_back(database, clinic, read_page, twice, now):
    payer = a_payer(database, clinic.site.id, PayerKind.SPONSOR)
    share = database.in_transaction(
        lambda tx: agree_share(
            tx, invoice_id=clinic.invoice.id, order=a_fixed_part(payer, PART.cents), actor=SYSTEM, now=now
        )
    )
    payment = paid_by_card(database, clinic.invoice, now, share_id=share.id)
    refund = gone_by_hand(database, payment, Money(50_000), now)

    def look():
        statement = read_page(f"/staff/payers/{payer.id}")
        assert "Paid in all $600.00 Given back $500.00 Held, to be given back $0.00" in statement
        assert "L-2026-17 $600.00 $600.00 $500.00 $0.00" in statement
        assert "$500.00 refunded" in read_page(f"/staff/payer-shares/{share.id}")

    twice(refund, look)


def test_the_invoice_its_visits_and_its_link_call_it_refunded(database, pages, clinic, read_page, twice, now):
    link = f"/pay/{new_pay_link(database, clinic.invoice.id, now)}"
    payment = paid_by_card(database, clinic.invoice, now)
    refund = gone_by_hand(database, payment, ALL, now)

    def look():
        patient = read_page(f"/staff/patients/{clinic.patient.id}")
        assert "Paid, then refunded" in patient
        assert "($425.00 went back)" in patient
        assert "$2,550.00 refunded" in patient
        assert "$2,550.00 of it was given back." in in_words(pages.test_client().get(link).text)

    twice(refund, look)


def test_the_patients_money_has_it_among_what_went_back(database, clinic, read_page, twice, now):
    payment = paid_by_card(database, clinic.invoice, now)
    refund = gone_by_hand(database, payment, PART, now)

    def look():
        shown = read_page(f"/staff/patients/{clinic.patient.id}/money")
        assert "Refunds not sent yet $0.00" in shown
        assert "Card (visa 4242) $2,550.00 $600.00 $1,950.00" in shown
        assert "Sent, not booked yet It was made in the processor's dashboard." in shown

    twice(refund, look)


def test_once_approved_nobody_is_told_that_it_is_being_sent(database, clinic, read_page, approved, now):
    refund = gone_by_hand(database, paid_by_card(database, clinic.invoice, now), PART, now)
    approved(refund)
    shown = read_page(f"/staff/refunds/{refund.id}")
    assert "Being sent" not in shown
    assert "It was made in the processor's dashboard. It is being booked; this takes a minute." in shown


def test_who_paid_reads_by_the_receipt_that_it_was_sent(database, pages, clinic, twice, now):
    page = f"/pay/{new_pay_link(database, clinic.invoice.id, now)}/receipt"
    payment = paid_by_card(database, clinic.invoice, now)
    visitor = pages.test_client()
    assert send(visitor, page, page, born_on=SAMPLE_PERSON.born_on.isoformat()).status_code == 303
    refund = gone_by_hand(database, payment, PART, now)

    def look():
        shown = in_words(visitor.get(page).text)
        assert "$600.00 . It was sent to the card or account that paid." in shown

    twice(refund, look)


def test_a_bank_that_disputes_the_payment_is_told_of_it(database, clinic, now):
    payment = paid_by_card(database, clinic.invoice, now)
    gone_by_hand(database, payment, PART, now)
    dispute = disputed(database, payment, now, amount=Money(10_000))
    with database.reading() as read:
        (told,) = facts_on_file(read, dispute)[EvidenceFact.REFUNDS]
    assert told == {
        "number": None,
        "refunded_on": now.date(),
        "cents": PART.cents,
        "how": "Back to the card or account that paid",
    }
