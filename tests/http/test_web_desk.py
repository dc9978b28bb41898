"""What a click at the desk does once, twice, at the same moment, and while a card page stands."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import escape
from threading import Barrier

import pytest

from billing.invoices.queries import find_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.flows.checkouts import start_checkout
from billing.payments.flows.room import Payments
from billing.payments.queries.checkouts import standing_checkout
from billing.payments.queries.payments import list_payments
from billing.payments.use_cases.receive import take_cash
from tests.factories.web import new_package, send, token_of

ALL = "2550.00"


@pytest.fixture
def usual_role():
    return Role.FRONT_DESK


@pytest.fixture
def page(clinic):
    return f"/staff/patients/{clinic.patient.id}"


@pytest.fixture
def cash(clinic):
    return f"/staff/invoices/{clinic.invoice.id}/cash"


def owed(edge, clinic):
    return edge.read(lambda read: find_invoice(read, clinic.invoice.id, SYSTEM)).open_balance


def alert(text):
    """The sentence that refuses, if the page shows one."""
    found = re.search(r'role="alert"[^>]*>([^<]*)<', text)
    return found and found[1]


# --- the same form twice -------------------------------------------------------------------------------


def test_a_form_sent_again_with_another_amount_is_refused_and_never_said_to_be_booked(
    edge, clinic, clerk, page, cash
):
    send(clerk, page, cash, amount="10.00", key="k1")
    shown = send(clerk, page, cash, amount="50.00", key="k1").text
    assert "$50.00 in cash is booked." not in shown
    assert "sent before with another entry" in alert(shown)
    assert owed(edge, clinic) == Money(254_000)


def test_the_same_form_sent_again_says_once_more_what_was_booked(edge, clinic, clerk, page, cash):
    for _ in range(2):
        send(clerk, page, cash, amount="10.00", key="k1")
        shown = clerk.get(page).text
        assert "$10.00 in cash is booked." in shown
        assert alert(shown) is None
    assert owed(edge, clinic) == Money(254_000)


def test_two_clicks_at_the_same_moment_are_one_payment_and_no_refusal(pages, edge, clinic, clerk, page, cash):
    form = {"amount": ALL, "key": "k1", "csrf_token": token_of(clerk, page)}
    cookie, both = clerk.get_cookie("session"), Barrier(2)

    def click(_):
        browser = pages.test_client()
        browser.set_cookie(cookie.key, cookie.value)
        both.wait()
        browser.post(cash, data=form)
        return browser.get(page).text

    with ThreadPoolExecutor(2) as hands:
        shown = list(hands.map(click, range(2)))
    assert [alert(text) for text in shown] == [None, None]
    assert all("$2,550.00 in cash is booked." in text for text in shown)
    assert len(edge.read(lambda read: list_payments(read, SYSTEM, limit=5))) == 1


def test_a_refused_form_may_be_sent_again_when_the_reason_is_gone(edge, clinic, clerk, page, cash):
    assert "Only $2,550.00 is owed" in send(clerk, page, cash, amount="5000", key="k1").text
    send(clerk, page, cash, amount=ALL, key="k1")
    assert owed(edge, clinic) == Money(0)


@pytest.mark.parametrize("key", ["\x00", "a b", "x" * 256])
def test_a_key_that_nobody_was_given_books_nothing(edge, clinic, clerk, page, cash, key):
    answer = send(clerk, page, cash, amount="10.00", key=key)
    assert answer.status_code == 422
    assert alert(answer.text)
    assert owed(edge, clinic) == Money(255_000)


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"amount": "abc"}, "amount", "Type an amount above zero"),
        ({"amount": ""}, "amount", "Type an amount above zero"),
        ({"amount": "2550.01"}, "amount", "Only $2,550.00 is owed"),
        ({"amount": "100", "tendered": "99"}, "tendered", "Must be $100.00 or more."),
        ({"amount": "100", "tendered": "<b>"}, "tendered", "Type an amount above zero"),
    ],
)
def test_what_is_wrong_with_cash_is_said_beside_its_field_and_what_was_typed_stays(
    edge, database, clinic, clerk, page, cash, now, typed, field, said
):
    other = new_package(database, clinic.patient, now)
    answer = send(clerk, page, cash, **typed, key="k1")
    assert answer.status_code in (409, 422)
    name = f"{clinic.invoice.id}-{field}"
    assert f'<p class="wrong" id="{name}-wrong">{said}' in answer.text
    assert answer.text.count('class="wrong"') == 1
    inputs = dict(re.findall(r'<input class="amount" id="([^"]+)"([^>]+)>', answer.text))
    at = {"amount": "cash", "tendered": "tendered"}
    for each, text in typed.items():
        shown = inputs[f"{at[each]}-{clinic.invoice.id}"]
        assert f'value="{escape(text)}"' in shown
        assert (f'aria-invalid="true" autofocus aria-describedby="{name}-wrong"' in shown) == (each == field)
    assert 'value="2,550.00"' in inputs[f"cash-{other.id}"]
    assert "aria-invalid" not in inputs[f"cash-{other.id}"]
    assert owed(edge, clinic) == Money(255_000)


def test_who_comes_too_late_with_cash_is_told_above_where_no_form_is_left(edge, clinic, clerk, page, cash):
    send(clerk, page, cash, amount=ALL, key="k1")
    answer = send(clerk, page, cash, amount="10", key="k2")
    assert answer.status_code == 409
    assert f"Invoice {clinic.invoice.number} is paid: the patient owes nothing on it." in alert(answer.text)


# --- a card page that stands ---------------------------------------------------------------------------


@pytest.fixture
def standing(edge, clinic, processor):
    """The patient went off to pay by card and has not come back."""
    return start_checkout(
        Payments(edge.database, processor, edge.clock),
        invoice_id=clinic.invoice.id,
        return_url="http://localhost/pay/thanks",
        request=None,
        actor=SYSTEM,
    )


def cancel_path(clerk, page):
    return re.search(r'action="(/staff/invoices/[^"]+/cancel-card-page)"', clerk.get(page).text)[1]


def test_without_a_card_page_there_is_nothing_to_cancel(clerk, page, clinic):
    assert "cancel-card-page" not in clerk.get(page).text
    send(clerk, page, f"/staff/invoices/{clinic.invoice.id}/cancel-card-page")
    assert "No card page stands open, and no reader asks." in clerk.get(page).text


def test_who_takes_cash_while_a_card_page_stands_is_told_to_cancel_it_and_then_can(
    edge, clinic, clerk, page, cash, standing
):
    assert "Cancel it first" in alert(send(clerk, page, cash, amount=ALL, key="k1").text)
    assert owed(edge, clinic) == Money(255_000)
    assert send(clerk, page, cancel_path(clerk, page)).location == page
    shown = clerk.get(page).text
    assert "The card page is cancelled." in shown
    assert "cancel-card-page" not in shown
    assert edge.read(lambda read: standing_checkout(read, clinic.invoice.id)) is None
    send(clerk, page, cash, amount=ALL, key="k2")
    assert owed(edge, clinic) == Money(0)


def test_a_card_page_that_was_paid_meanwhile_counts_and_the_clerk_is_told(
    edge, clinic, clerk, page, processor, standing
):
    path = cancel_path(clerk, page)
    processor.complete(standing.reference, Money(255_000), edge.clock())
    send(clerk, page, path)
    assert "The patient has paid by card meanwhile" in alert(clerk.get(page).text)
    assert owed(edge, clinic) == Money(0)


def test_a_processor_that_does_not_answer_leaves_the_card_page_standing(
    edge, clinic, clerk, page, processor, standing
):
    path = cancel_path(clerk, page)
    processor.is_away = True
    answer = send(clerk, page, path)
    assert answer.status_code == 503
    assert "The card processor did not answer." in answer.text
    assert edge.read(lambda read: standing_checkout(read, clinic.invoice.id)) == standing


def test_a_card_page_is_cancelled_by_a_form_of_ours_alone(edge, clinic, clerk, page, standing):
    assert clerk.post(cancel_path(clerk, page)).status_code == 400
    assert edge.read(lambda read: standing_checkout(read, clinic.invoice.id)) == standing


def test_no_card_page_is_shown_for_an_invoice_that_is_settled(edge, clinic, clerk, page, now):
    edge.database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=clinic.invoice.id, amount=Money(255_000), actor=SYSTEM, now=now)
    )
    assert "cancel-card-page" not in clerk.get(page).text
