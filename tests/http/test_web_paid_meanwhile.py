"""An invoice that is paid while a clerk fills in a form: named, with what to do, and not offered again."""

import pytest

from billing.invoices.use_cases.void import void_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.payments import list_payments
from billing.payments.records.checkouts import Reader
from billing.payments.use_cases.receive import take_cash
from tests.factories.saved_cards import a_saved_card
from tests.factories.web import Processor, send

PAID = "Invoice {number} is paid: the patient owes nothing on it."
CHECK = {"amount": "2550.00", "number": "1042", "dated_on": "2026-11-02"}
TENDERS = {"cash": "10"}
AT_THE_DESK = [("checks", CHECK), ("tenders", TENDERS)]


@pytest.fixture
def usual_role():
    return Role.FRONT_DESK


@pytest.fixture
def processor():
    return Processor(readers=[Reader(id="tmr_desk", label="Front desk", is_online=True)])


@pytest.fixture
def patient(clinic):
    return f"/staff/patients/{clinic.patient.id}"


@pytest.fixture
def invoice(clinic):
    return f"/staff/invoices/{clinic.invoice.id}"


@pytest.fixture
def paid(database, clinic, now):
    """Somebody else takes all of it; the form was opened before."""
    order = {"invoice_id": clinic.invoice.id, "amount": Money(255_000), "actor": SYSTEM, "now": now}
    return lambda: database.in_transaction(lambda tx: take_cash(tx, **order))


def of_one_payment(edge):
    return len(edge.read(lambda read: list_payments(read, SYSTEM, limit=5))) == 1


@pytest.mark.parametrize(("what", "form"), AT_THE_DESK)
def test_what_is_handed_over_for_it_leads_to_a_deposit_or_back(
    edge, clerk, clinic, patient, invoice, paid, what, form
):
    paid()
    refused = send(clerk, patient, f"{invoice}/{what}", **form, key="k1")
    asked = clerk.get(f"{invoice}/{what}/new")
    assert (refused.status_code, asked.status_code) == (409, 200)
    for shown in (refused.text, asked.text):
        assert shown.count(PAID.format(number=clinic.invoice.number)) == 1
        assert (f'href="{patient}/deposits/new"' in shown, f'href="{patient}"' in shown) == (True, True)
        assert f'action="{invoice}/{what}"' not in shown
        assert clinic.invoice.id not in shown
    assert of_one_payment(edge)


@pytest.mark.parametrize(("what", "form"), AT_THE_DESK)
def test_a_void_one_is_said_to_be(edge, database, clerk, clinic, patient, invoice, now, what, form):
    database.in_transaction(
        lambda tx: void_invoice(tx, invoice_id=clinic.invoice.id, reason="wrong plan", actor=SYSTEM, now=now)
    )
    refused = send(clerk, patient, f"{invoice}/{what}", **form, key="k1")
    assert refused.status_code == 409
    assert f"Invoice {clinic.invoice.number} is void: the patient owes nothing on it." in refused.text
    assert f'action="{invoice}/{what}"' not in refused.text


@pytest.mark.parametrize(
    ("what", "form"),
    [
        ("cash", {"amount": "2550.00"}),
        ("reader", {"reader": "tmr_desk"}),
        ("charges", {"due": "255000"}),
        ("pay-link", {}),
    ],
)
def test_cash_the_reader_a_saved_card_and_a_pay_link_say_so_too(
    edge, database, clerk, clinic, patient, invoice, paid, now, what, form
):
    if what == "charges":
        form = form | {"saved_method_id": a_saved_card(database, clinic.patient, now).id}
    paid()
    refused = send(clerk, patient, f"{invoice}/{what}", **form, key="k1")
    assert refused.status_code == 409
    assert PAID.format(number=clinic.invoice.number) in refused.text
    assert f'action="{invoice}/{what}"' not in refused.text
    assert f"Invoice {clinic.invoice.id}" not in refused.text
    assert of_one_payment(edge)


def test_a_form_that_paid_it_itself_is_not_refused_when_it_is_sent_again(edge, clerk, patient, invoice):
    for _ in range(2):
        sent = send(clerk, patient, f"{invoice}/checks", **CHECK, key="k1")
        assert (sent.status_code, sent.location) == (303, patient)
    assert of_one_payment(edge)
