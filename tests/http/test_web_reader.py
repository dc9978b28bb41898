"""An invoice asked for on a card reader from the patient's page: once, said, and cancelled there."""

from datetime import timedelta

import pytest

from billing.kernel.permissions import SYSTEM, Role
from billing.patients.records import HoldReason, HoldTerms
from billing.patients.use_cases import place_hold
from billing.payments.queries.checkouts import standing_checkout
from billing.payments.records.checkouts import Reader
from billing.platform.http.edge import Edge
from tests.factories.holds import stopped
from tests.factories.web import MovableClock, Processor, new_staff, open_clinic, send, sign_in, web_app


@pytest.fixture
def edge(database, now):
    return Edge(database, MovableClock(now), "http://localhost")


@pytest.fixture
def clinic(database, now):
    return open_clinic(database, now)


@pytest.fixture
def processor():
    return Processor(readers=[Reader(id="tmr_desk", label="Front desk", is_online=True)])


@pytest.fixture
def clerk(edge, processor, clinic, now):
    app = web_app(edge, processor)
    return sign_in(app, new_staff(edge.database, Role.FRONT_DESK, now, entity_id=clinic.entity.id))


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
        assert send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k1").location == page
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
