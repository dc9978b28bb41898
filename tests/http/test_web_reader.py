"""An invoice asked for on a card reader from the patient's page: once, said, and cancelled there."""

from datetime import timedelta

import pytest

from billing.invoices.queries import find_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.patients.records import HoldReason, HoldTerms
from billing.patients.use_cases import place_hold
from billing.payments.queries.checkouts import standing_checkout
from billing.payments.records.checkouts import Reader
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.patient_deposits import take_deposit
from tests.factories.holds import stopped
from tests.factories.web import Processor, send, token_of


@pytest.fixture
def usual_role():
    return Role.FRONT_DESK


@pytest.fixture
def processor():
    return Processor(readers=[Reader(id="tmr_desk", label="Front desk", is_online=True)])


@pytest.fixture
def biller(enter):
    return enter(Role.BILLING)


@pytest.fixture
def page(clinic):
    return f"/staff/patients/{clinic.patient.id}"


@pytest.fixture
def asking(clinic):
    return f"/staff/invoices/{clinic.invoice.id}/reader"


def test_the_page_offers_it_says_what_is_asked_and_asks_once(clerk, page, asking, processor):
    assert f'href="{asking}/new"' in clerk.get(page).text
    form = clerk.get(f"{asking}/new").text
    assert "$2,550.00" in form
    assert "Front desk" in form
    unchosen = send(clerk, f"{asking}/new", asking, key="k0")
    assert unchosen.status_code == 422
    assert 'id="reader-wrong"' in unchosen.text
    for _ in range(2):
        sent = send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k1")
        assert sent.location.startswith("/staff/reader-payments/chk_")
    shown = clerk.get(page).text
    assert "The reader asks for $2,550.00." in shown
    assert "Cancel at the reader" in shown
    assert "Cancel the card page" not in shown
    assert f'href="{asking}/new"' not in shown
    assert len(processor.told) == 1
    assert "A reader asks for $2,550.00" in clerk.get(f"{asking}/new").text


def test_a_second_form_is_refused_in_words_while_a_reader_asks(clerk, page, asking):
    send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k1")
    again = send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k2")
    assert again.status_code == 409
    assert "Cancel it first" in again.text


def test_it_is_cancelled_at_the_reader(edge, clinic, clerk, page, asking):
    send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k1")
    send(clerk, page, f"/staff/invoices/{clinic.invoice.id}/cancel-card-page")
    shown = clerk.get(page).text
    assert "The reader asks no more." in shown
    assert f'href="{asking}/new"' in shown
    assert edge.read(lambda read: standing_checkout(read, clinic.invoice.id)) is None


def test_without_a_reader_or_an_answer_the_page_says_so(clerk, page, asking, processor):
    processor.is_away = True
    send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k1")
    assert "has not answered yet" in clerk.get(page).text


def test_a_reader_that_is_busy_is_said_to_be(clerk, page, asking, processor):
    processor.is_busy = True
    send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k1")
    assert "The reader is busy with another payment." in clerk.get(page).text


def test_no_reader_is_on(clerk, asking, processor):
    processor.readers.clear()
    assert "No card reader answers." in clerk.get(f"{asking}/new").text


def test_a_stop_of_charges_takes_the_offer_away(edge, clinic, clerk, page, asking, now):
    stopped(edge.database, clinic.patient.id, now=now)
    assert f'href="{asking}/new"' not in clerk.get(page).text
    assert "Ask on the reader" not in clerk.get(f"{asking}/new").text
    refused = send(clerk, page, asking, reader="tmr_desk", key="k1")
    assert refused.status_code == 409
    assert edge.read(lambda read: standing_checkout(read, clinic.invoice.id)) is None


def test_a_form_sent_again_after_the_cancel_says_that_nothing_is_asked(edge, clinic, clerk, page, asking):
    send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k1")
    send(clerk, page, f"/staff/invoices/{clinic.invoice.id}/cancel-card-page")
    clerk.get(page)
    send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k1")
    shown = clerk.get(page).text
    assert "The reader took nothing" in shown
    assert "The reader asks for $2,550.00." not in shown


def test_a_visit_billed_after_a_filing_is_offered(edge, clinic, clerk, asking, now):
    filed = HoldTerms(reason=HoldReason.BANKRUPTCY)
    edge.database.in_transaction(
        lambda tx: place_hold(
            tx,
            patient_id=clinic.patient.id,
            terms=filed,
            effective_from=now.date() - timedelta(days=9),
            actor=SYSTEM,
            now=now,
        )
    )
    assert "Ask on the reader" in clerk.get(f"{asking}/new").text


@pytest.fixture
def deposited(edge, clinic, now):
    """Credit that comes off the next invoice."""

    def run(cents):
        handed = Handed(tender=Tender.CASH, amount=Money(cents))
        edge.database.in_transaction(
            lambda tx: take_deposit(
                tx, patient_id=clinic.patient.id, handed=handed, site_id=None, actor=SYSTEM, now=now
            )
        )

    return run


def test_where_credit_leaves_no_card_anything_to_take_the_page_offers_the_credit(
    edge, clinic, biller, page, asking, deposited
):
    deposited(255_000)
    form = biller.get(f"{asking}/new").text
    credits = f"/staff/invoices/{clinic.invoice.id}/credits"
    assert ("pays all of it" in form, f'action="{credits}"' in form) == (True, True)
    assert "Ask on the reader" not in form
    assert send(biller, f"{asking}/new", credits, key="k1").location == page
    assert not edge.read(lambda read: find_invoice(read, clinic.invoice.id, SYSTEM)).open_balance


def test_credit_leaves_the_reader_what_a_card_takes(biller, page, asking, deposited):
    deposited(254_960)
    form = biller.get(f"{asking}/new").text
    assert "asks for <strong>$0.50</strong>: $2,549.50 of the patient" in form
    key = token_of(biller, f"{asking}/new")
    biller.post(asking, data={"reader": "tmr_desk", "key": "k1", "csrf_token": key})
    assert "The reader asks for $0.50." in biller.get(page).text


def test_credit_that_came_meanwhile_and_covers_all_pays_and_no_reader_asks(
    biller, page, asking, processor, deposited
):
    key = token_of(biller, f"{asking}/new")
    deposited(255_000)
    answer = biller.post(asking, data={"reader": "tmr_desk", "key": "k1", "csrf_token": key})
    assert answer.location == page
    assert "No reader was asked." in biller.get(page).text
    assert processor.states == {}


def test_without_credit_what_no_card_takes_is_taken_at_the_desk(clinic, biller, asking, deposited):
    deposited(254_960)
    send(biller, f"{asking}/new", f"/staff/invoices/{clinic.invoice.id}/credits", key="k1")
    form = biller.get(f"{asking}/new").text
    assert "A card takes no less than $0.50" in form
    assert "Ask on the reader" not in form


def test_who_may_not_use_credit_is_told_who_may(clerk, asking, deposited):
    deposited(255_000)
    form = clerk.get(f"{asking}/new").text
    assert ("Ask billing" in form, "Pay with the credit" in form) == (True, False)
