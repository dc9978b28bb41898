"""A card that was declined at the reader: what the pages of the desk say, and lead on to."""

from datetime import timedelta

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.checkouts import standing_checkout
from billing.payments.queries.payments import list_payments
from billing.payments.records.checkouts import Reader
from billing.platform.http.edge import Edge
from tests.factories.web import (
    MovableClock,
    Processor,
    new_staff,
    open_clinic,
    send,
    sign_in,
    token_of,
    web_app,
)

DECLINED = "Nothing was taken. Ask for another card on the reader, or take the payment in another way."
UNSAID = ("stolen", "lost", "fraud", "pick up", "pickup", "restricted")


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


@pytest.fixture
def watching(clerk, asking):
    """The reader asks for the invoice: where the clerk is led, to wait for the card."""
    return send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k1").location


@pytest.fixture
def asked(clerk, page, watching, processor):
    """What the processor calls it."""
    assert "The reader asks for $2,550.00." in clerk.get(page).text
    (reference,) = processor.states
    return reference


def test_the_patient_s_page_says_that_it_was_declined_and_leads_to_the_next_card(
    clinic, clerk, page, asking, processor, asked
):
    processor.gave_up[asked] = "insufficient_funds"
    shown = clerk.get(page).text
    assert "not enough money" in shown
    assert DECLINED in shown
    assert "The reader asks for" not in shown
    assert "Cancel at the reader" not in shown
    assert f'href="{asking}/new"' in shown
    assert f'<a href="#cash-{clinic.invoice.id}">Take invoice {clinic.invoice.number} in another way' in shown


def test_so_does_the_reader_s_page(clinic, clerk, page, asking, processor, asked):
    processor.gave_up[asked] = "expired_card"
    shown = clerk.get(f"{asking}/new").text
    assert ("The card has expired." in shown, "Ask on the reader" in shown) == (True, True)
    assert "Cancel that" not in shown
    assert f'href="{page}#cash-{clinic.invoice.id}">Take invoice {clinic.invoice.number} in another' in shown


def test_who_waits_for_the_card_need_not_load_the_page_and_is_led_on_when_it_was_declined(
    clerk, page, watching, processor, asked
):
    waiting = clerk.get(watching).text
    assert ("The reader asks for $2,550.00." in waiting, 'http-equiv="refresh"' in waiting) == (True, True)
    assert "Cancel at the reader" in waiting
    assert watching in clerk.get(page).text
    processor.gave_up[asked] = "generic_decline"
    assert clerk.get(watching).location == page
    assert clerk.get(page).text.count(DECLINED) == 1


@pytest.mark.parametrize(
    "word", ["stolen_card", "lost_card", "pickup_card", "fraudulent", "restricted_card", "a_new_word"]
)
def test_nothing_is_said_that_a_patient_should_not_hear(clerk, page, asking, processor, asked, word):
    processor.gave_up[asked] = word
    for shown in (clerk.get(page).text, clerk.get(f"{asking}/new").text):
        assert "The bank declined the card." in shown
        assert [said for said in (*UNSAID, word) if said in shown.lower()] == []


def test_cash_is_taken_at_once_after_the_page_said_so(edge, clinic, clerk, page, processor, asked):
    processor.gave_up[asked] = "generic_decline"
    send(clerk, page, f"/staff/invoices/{clinic.invoice.id}/cash", amount="2550.00", key="c1")
    paid = edge.read(lambda read: [each.amount for each in list_payments(read, SYSTEM, limit=9)])
    assert paid == [Money(255_000)]
    assert DECLINED not in clerk.get(page).text


ON_PAPER = {"number": "1042", "dated_on": "2026-11-02"}
HANDED = [
    ("cash", {"amount": "2550.00"}),
    ("checks", {"amount": "2550.00", **ON_PAPER}),
    ("tenders", {"cash": "2550.00"}),
]


@pytest.mark.parametrize(("way", "handed"), HANDED)
def test_a_page_that_was_left_open_takes_what_is_handed_over_after_a_decline(
    edge, clinic, clerk, page, processor, asked, way, handed
):
    token = token_of(clerk, page)
    processor.gave_up[asked] = "generic_decline"
    form = {"csrf_token": token, "key": "c1", **handed}
    for _ in range(2):
        assert clerk.post(f"/staff/invoices/{clinic.invoice.id}/{way}", data=form).location == page
    assert "Cancel it first" not in clerk.get(page).text
    paid = edge.read(lambda read: [each.amount for each in list_payments(read, SYSTEM, limit=9)])
    assert paid == [Money(255_000)]


@pytest.mark.parametrize(("way", "handed"), HANDED)
def test_what_is_handed_over_while_the_reader_asks_is_refused_and_so_while_nobody_can_tell(
    clinic, clerk, page, processor, asked, way, handed
):
    form = {"csrf_token": token_of(clerk, page), "key": "c1", **handed}
    for is_away in (False, True):
        processor.is_away = is_away
        refused = clerk.post(f"/staff/invoices/{clinic.invoice.id}/{way}", data=form)
        assert (refused.status_code, "Cancel it first" in refused.text) == (409, True)
        assert DECLINED not in refused.text


def test_cash_for_what_the_card_has_paid_meanwhile_is_refused_in_these_words(
    clinic, clerk, page, processor, asked, now
):
    form = {"csrf_token": token_of(clerk, page), "key": "c1", "amount": "2550.00"}
    processor.complete(asked, Money(255_000), now)
    refused = clerk.post(f"/staff/invoices/{clinic.invoice.id}/cash", data=form)
    said = f"Invoice {clinic.invoice.number} is paid: the patient owes nothing on it."
    assert (refused.status_code, said in refused.text) == (409, True)
    assert "Cancel it first" not in refused.text


def test_the_next_card_is_asked_for_and_the_former_decline_is_told_no_more(
    clerk, page, asking, processor, asked
):
    processor.gave_up[asked] = "generic_decline"
    send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k2")
    shown = clerk.get(page).text
    assert ("The reader asks for $2,550.00." in shown, DECLINED in shown) == (True, False)
    assert len(processor.states) == 2


def test_a_form_sent_again_after_the_decline_says_so_and_asks_nothing(clerk, page, asking, processor, asked):
    processor.gave_up[asked] = "generic_decline"
    clerk.get(page)
    send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k1")
    assert clerk.get(page).text.count(DECLINED) == 1
    assert len(processor.states) == 1


def test_a_payer_who_gives_up_at_the_reader_leaves_no_page_that_says_it_asks(
    clerk, page, asking, processor, asked
):
    processor.gave_up[asked] = None
    shown = clerk.get(page).text
    assert "The reader asks for" not in shown
    assert f'href="{asking}/new"' in shown


def test_while_the_processor_does_not_answer_the_pages_say_what_they_knew(
    clerk, page, watching, processor, asked
):
    processor.is_away = True
    for shown in (clerk.get(page), clerk.get(watching)):
        assert (shown.status_code, "The reader asks for $2,550.00." in shown.text) == (200, True)


def test_who_waits_is_told_that_the_card_has_paid(edge, clinic, clerk, page, watching, processor, asked, now):
    processor.complete(asked, Money(255_000), now)
    assert clerk.get(watching).location == page
    assert "The card has paid $2,550.00." in clerk.get(page).text
    assert edge.read(lambda read: standing_checkout(read, clinic.invoice.id)) is None


def test_who_waits_for_a_payer_that_gives_up_is_told_that_nothing_was_taken(
    clerk, page, watching, processor, asked
):
    processor.gave_up[asked] = None
    assert clerk.get(watching).location == page
    assert "The reader took nothing" in clerk.get(page).text


def test_nobody_waits_for_what_is_none_of_theirs(edge, processor, watching, clerk, clinic, now):
    assert clerk.get("/staff/reader-payments/chk_unknown").status_code == 404
    elsewhere = new_staff(edge.database, Role.BILLING, now, entity_id=clinic.entity.id, site_ids=["site_x"])
    assert sign_in(web_app(edge, processor), elsewhere).get(watching).status_code == 404


def test_the_day_after_a_decline_is_no_news(edge, clerk, page, processor, asked):
    processor.gave_up[asked] = "generic_decline"
    assert DECLINED in clerk.get(page).text
    edge.clock.now += timedelta(days=1, minutes=1)
    assert DECLINED not in clerk.get(page).text


def test_a_deposit_that_was_declined_is_said_to_be_and_asked_on_the_reader_again(
    clinic, clerk, page, processor
):
    form, path = f"{page}/deposits/new", f"{page}/deposit-requests"
    send(clerk, form, path, asked="100.00", reader="tmr_desk", key="d1")
    (reference,) = processor.states
    processor.gave_up[reference] = "stolen_card"
    for shown in (clerk.get(page).text, clerk.get(form).text):
        assert ("The bank declined the card." in shown, "stolen" in shown) == (True, False)
    again = clerk.get(form).text.partition('/reader"')[0].rpartition('action="')[2] + "/reader"
    send(clerk, form, again, key="d2")
    assert "Choose one of the readers." in clerk.get(form).text
    assert send(clerk, form, again, reader="tmr_desk", key="d3").status_code == 303
    assert "The reader asks for it now" in clerk.get(form).text
    assert len(processor.states) == 2


def test_what_several_tenders_left_to_the_reader_is_waited_for_and_a_decline_is_told(
    clerk, page, clinic, processor
):
    tenders = f"/staff/invoices/{clinic.invoice.id}/tenders"
    handed = {"cash": "2,000.00", "rest": "tmr_desk", "key": "k1"}
    for _ in range(2):
        watching = send(clerk, f"{tenders}/new", tenders, **handed).location
        assert watching.startswith("/staff/reader-payments/chk_")
    waiting = clerk.get(watching).text
    assert "What the patient handed over is booked" in waiting
    assert "The reader asks for $550.00." in waiting
    (reference,) = processor.states
    processor.gave_up[reference] = "insufficient_funds"
    assert clerk.get(watching).location == page
    assert "not enough money" in clerk.get(page).text
    assert send(clerk, f"{tenders}/new", tenders, **handed).location == page
