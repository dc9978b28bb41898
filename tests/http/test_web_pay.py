"""The pay page: an amount, a button, and nothing about anybody."""

import re
from datetime import timedelta

import pytest

from billing.invoices.queries import find_invoice
from billing.invoices.use_cases.void import void_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.flows.checkouts import settle_checkout
from billing.payments.flows.room import Payments
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.receive import take_cash
from tests.factories.web import CHECKOUT_ORIGIN, new_pay_link, web_app


@pytest.fixture
def client(pages):
    return pages.test_client()


@pytest.fixture
def link(database, clinic, now):
    return f"/pay/{new_pay_link(database, clinic.invoice.id, now)}"


def press_pay(client, link):
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(link).text)[1]
    return client.post(link, data={"csrf_token": token})


def test_the_page_shows_the_clinic_and_an_amount_and_nobodys_name(client, link):
    page = client.get(link).text
    assert "Sample Clinic B" in page
    assert "$2,550.00" in page
    assert not re.search(
        "maria|sample, |infusion|ketamine|depression|patient", page.replace("Sample Clinic", ""), re.I
    )


def test_opening_the_page_changes_nothing_however_often(client, processor, link):
    assert {client.get(link).status_code for _ in range(3)} == {200}
    assert processor.states == {}


def test_the_button_leads_to_the_processors_page(client, link):
    answer = press_pay(client, link)
    assert answer.status_code == 303
    assert answer.location.startswith(f"{CHECKOUT_ORIGIN}/c/cs_chk_")


def test_the_browser_is_allowed_to_follow_there_from_this_page_alone(client, link):
    directive = f"form-action 'self' {CHECKOUT_ORIGIN};"
    assert directive in client.get(link).headers["Content-Security-Policy"]
    assert CHECKOUT_ORIGIN not in client.get("/estimate-notice").headers["Content-Security-Policy"]


@pytest.fixture
def deposited(edge, clinic, now):
    """Credit that comes off the next invoice."""

    def run(cents):
        named = {"patient_id": clinic.patient.id, "site_id": None, "actor": SYSTEM, "now": now}
        handed = Handed(tender=Tender.CASH, amount=Money(cents))
        edge.database.in_transaction(lambda tx: take_deposit(tx, handed=handed, **named))

    return run


def test_credit_that_would_leave_less_than_a_card_takes_leaves_as_much_as_it_takes(
    client, processor, edge, clinic, link, deposited
):
    """Of 2,550.00 there are 2,549.60: the card pays 0.50, and 0.10 stays credit."""
    deposited(254_960)
    assert press_pay(client, link).location.startswith(CHECKOUT_ORIGIN)
    owed = edge.read(lambda read: find_invoice(read, clinic.invoice.id, SYSTEM)).open_balance
    assert owed == Money(50)
    for _ in range(3):
        press_pay(client, link)
    assert len(processor.states) == 1


def test_an_invoice_that_no_card_takes_sends_to_the_desk_in_words_for_a_patient(
    client, edge, clinic, link, now
):
    named = {"invoice_id": clinic.invoice.id, "amount": Money(254_960), "actor": SYSTEM, "now": now}
    edge.database.in_transaction(lambda tx: take_cash(tx, **named))
    told = press_pay(client, link)
    assert (told.status_code, "Pay at the desk." in told.text) == (409, True)


def test_twenty_clicks_are_one_checkout(client, processor, link):
    for _ in range(20):
        press_pay(client, link)
    assert len(processor.states) == 1


def test_the_processor_never_learns_the_links_token(client, processor, link):
    press_pay(client, link)
    assert processor.success_urls == ["http://localhost/pay/thanks"]


def test_a_press_without_its_form_token_starts_nothing(client, processor, link):
    assert client.post(link).status_code == 400
    assert processor.states == {}


def test_who_has_paid_comes_back_to_a_page_that_waits_and_then_says_so(client, edge, processor, link):
    press_pay(client, link)
    (reference,) = processor.states
    processor.complete(reference, Money(255_000), edge.clock())
    back = client.get("/pay/thanks")
    assert (back.status_code, back.location) == (303, link)
    waiting = client.get(link).text
    assert "being confirmed" in waiting
    assert '<meta http-equiv="refresh" content="3">' in waiting
    assert "<form" not in waiting
    settle_checkout(Payments(edge.database, processor, edge.clock), reference=reference)
    paid = client.get(link).text
    assert "Paid. Thank you." in paid
    for told in ("$2,550.00", "Nov 2, 2026", "RC-000001", f'href="{link}/receipt"'):
        assert told in paid


def open_receipt(client, link, born_on):
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(f"{link}/receipt").text)[1]
    return client.post(f"{link}/receipt", data={"csrf_token": token, "born_on": born_on})


@pytest.fixture
def paid(client, edge, processor, link):
    press_pay(client, link)
    (reference,) = processor.states
    processor.complete(reference, Money(255_000), edge.clock())
    settle_checkout(Payments(edge.database, processor, edge.clock), reference=reference)


@pytest.mark.parametrize("born_on", ["1980-05-17", "05/17/1980", "5/17/1980"])
def test_who_paid_by_a_link_opens_the_receipt_by_it(client, link, paid, born_on):
    assert open_receipt(client, link, born_on).location == f"{link}/receipt"
    assert "Receipt RC-000001" in client.get(f"{link}/receipt").text
    assert client.get(f"{link}/receipt.pdf").mimetype == "application/pdf"


def test_a_pay_link_opens_no_receipt_before_it_is_paid(client, link):
    assert open_receipt(client, link, "1980-05-17").status_code == 422


def test_wrong_dates_close_the_receipt_of_a_pay_link(client, link, paid):
    for _ in range(5):
        assert open_receipt(client, link, "1990-01-01").status_code == 422
    assert open_receipt(client, link, "1980-05-17").status_code == 422


def test_cash_at_the_desk_is_not_told_to_who_holds_the_link(client, database, clinic, link, now):
    cash = {"invoice_id": clinic.invoice.id, "amount": Money(255_000), "actor": SYSTEM, "now": now}
    database.in_transaction(lambda tx: take_cash(tx, **cash))
    page = client.get(link).text
    assert "Paid. Thank you." in page
    assert "$" not in page
    assert open_receipt(client, link, "1980-05-17").status_code == 422


def test_looking_at_the_waiting_page_books_nothing(client, edge, processor, clinic, link):
    press_pay(client, link)
    (reference,) = processor.states
    processor.complete(reference, Money(255_000), edge.clock())
    client.get(link)
    invoice = edge.read(lambda read: find_invoice(read, clinic.invoice.id, SYSTEM))
    assert invoice.open_balance == Money(255_000)


def test_who_comes_back_without_paying_can_pay_again(client, link):
    press_pay(client, link)
    assert client.get("/pay/thanks").location == link
    assert "Pay by card" in client.get(link).text


def test_a_silent_processor_does_not_invite_to_pay_twice(client, processor, link):
    press_pay(client, link)
    processor.is_away = True
    assert "being confirmed" in client.get(link).text


def test_when_the_processor_does_not_answer_the_payer_is_told_to_try_again(client, processor, link):
    processor.is_away = True
    answer = press_pay(client, link)
    assert answer.status_code == 503
    assert "Please try again shortly" in answer.text


def test_who_comes_back_in_another_browser_is_thanked_without_any_amount(client, link):
    page = client.get("/pay/thanks")
    assert page.status_code == 200
    assert "$" not in page.text


def test_the_amount_is_what_is_owed_now(client, database, clinic, link, now):
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=clinic.invoice.id, amount=Money(100_000), actor=SYSTEM, now=now)
    )
    assert "$1,550.00" in client.get(link).text


def test_a_settled_invoice_takes_no_second_payment(client, database, clinic, processor, link, now):
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(link).text)[1]
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=clinic.invoice.id, amount=Money(255_000), actor=SYSTEM, now=now)
    )
    assert client.post(link, data={"csrf_token": token}).location == link
    assert "Paid. Thank you." in client.get(link).text
    assert processor.states == {}


def test_the_link_of_a_void_invoice_thanks_nobody(client, database, clinic, link, now):
    database.in_transaction(
        lambda tx: void_invoice(
            tx, invoice_id=clinic.invoice.id, reason="Entered twice.", actor=SYSTEM, now=now
        )
    )
    page = client.get(link).text
    assert "Nothing is owed any more." in page
    assert "Paid" not in page
    assert "<form" not in page


def test_an_unknown_and_an_expired_link_look_the_same(client, edge, link):
    edge.clock.now += timedelta(days=31)
    varying = r'nonce="[^"]*"'
    pages = [
        client.get(path)
        for path in (link, "/pay/unknown", "/pay/%00", "/pay/%ED%A0%80", "/pay/" + "x" * 3000)
    ]
    assert {page.status_code for page in pages} == {404}
    assert len({re.sub(varying, "", page.text) for page in pages}) == 1
    assert "Clinic" not in pages[0].text


def test_the_right_to_an_estimate_is_posted_for_everybody(client):
    page = client.get("/estimate-notice")
    assert page.status_code == 200
    assert "$400 or more" in page.text


# --- credit --------------------------------------------------------------------------------------------


@pytest.fixture
def hold_credit(database, clinic, now):
    def work(cents):
        handed = Handed(tender=Tender.CASH, amount=Money(cents))
        database.in_transaction(
            lambda tx: take_deposit(
                tx, patient_id=clinic.patient.id, handed=handed, site_id=None, actor=SYSTEM, now=now
            )
        )

    return work


def in_words(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_credit_that_covers_all_pays_by_the_link_and_no_page_is_opened(client, processor, link, hold_credit):
    hold_credit(300_000)
    before = in_words(client.get(link))
    assert "$2,550.00 The clinic holds credit that pays all of it." in before
    assert "Pay with the credit" in before
    assert "Pay by card" not in before
    assert "$3,000.00" not in before
    paid = press_pay(client, link)
    assert (paid.status_code, paid.location, processor.states) == (303, link, {})
    after = in_words(client.get(link))
    assert "Paid. Thank you." in after
    assert "$2,550.00 was paid with credit that the clinic held." in after


def test_credit_that_covers_a_part_is_named_before_and_after(client, edge, processor, link, hold_credit):
    hold_credit(10_000)
    before = in_words(client.get(link))
    assert "$2,450.00 $2,550.00 is owed. The clinic holds credit: $100.00 of it comes off" in before
    assert "and $2,450.00 is left to pay." in before
    press_pay(client, link)
    assert "$2,450.00 $100.00 was paid with credit that the clinic held." in in_words(client.get(link))
    (reference,) = processor.states
    processor.complete(reference, Money(245_000), edge.clock())
    settle_checkout(Payments(edge.database, processor, edge.clock), reference=reference)
    paid = in_words(client.get(link))
    assert "Paid. Thank you. $2,450.00 Paid on Nov 2, 2026." in paid
    assert "$100.00 of what was owed was paid with credit that the clinic held." in paid


def test_without_credit_none_is_spoken_of(client, database, clinic, link, now):
    assert "credit" not in client.get(link).text
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=clinic.invoice.id, amount=Money(255_000), actor=SYSTEM, now=now)
    )
    assert "credit" not in client.get(link).text


def test_mail_is_promised_only_where_it_is_set_up(edge, processor, link, paid):
    promise = "The clinic can mail it to the patient, too."
    assert promise in web_app(edge, processor).test_client().get(link).text
    assert promise not in web_app(edge, processor, sends_mail=False).test_client().get(link).text
