"""Billing the fee for a missed visit on its page, and waiving it."""

import pytest

from billing.care.use_cases import mark_no_show
from billing.invoices.queries import list_invoices
from billing.invoices.records import InvoiceKind
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.patient_deposits import take_deposit
from tests.factories.invoices import a_patient, billed
from tests.factories.web import new_staff, send, sign_in


@pytest.fixture
def visit(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def clerk(pages, database, visit, now):
    return sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=visit.patient.entity_id))


def miss(database, visit, now):
    database.in_transaction(
        lambda tx: mark_no_show(tx, session_id=visit.session_ids[0], actor=SYSTEM, now=now)
    )


def fees(database):
    with database.reading() as read:
        return [each for each in list_invoices(read, SYSTEM, limit=9) if each.kind is InvoiceKind.FEE]


def test_the_page_says_what_the_fee_does_bills_it_once_and_waives_it(database, visit, clerk, now):
    handed = Handed(tender=Tender.CASH, amount=Money(10_000))
    page = f"/staff/patients/{visit.patient.id}"
    deed = f"/staff/sessions/{visit.session_ids[0]}/no-show-fee"
    assert "has not missed this session" in clerk.get(f"{deed}/new").text
    assert "no-show-fee" not in clerk.get(page).text
    miss(database, visit, now)
    assert f"{deed}/new" in clerk.get(page).text
    assert "No deposit is held" in clerk.get(f"{deed}/new").text
    assert "While nothing is paid of it, billing can waive it" in clerk.get(f"{deed}/new").text
    database.in_transaction(
        lambda tx: take_deposit(
            tx, patient_id=visit.patient.id, handed=handed, site_id=None, actor=SYSTEM, now=now
        )
    )
    shown = clerk.get(f"{deed}/new").text
    assert all(
        each in shown for each in ("Bill $150.00", "$100.00</strong> of the patient", "$50.00</strong>")
    )
    assert "It cannot be waived afterwards, since money pays of it at once." in shown
    stale = send(clerk, f"{deed}/new", deed, fee="14000", key="s" * 20)
    assert (stale.status_code, fees(database)) == (409, [])
    for _ in range(2):
        sent = send(clerk, page, deed, fee="15000", key="k" * 20)
        assert (sent.status_code, sent.location) == (303, page)
    (fee,) = fees(database)
    assert fee.open_balance == Money(5_000)
    assert "The fee for this session is billed already" in clerk.get(f"{deed}/new").text
    waive = f"/staff/invoices/{fee.id}/waive-fee"
    assert "Waive the fee" not in clerk.get(page).text, "its deposit pays some of it"
    send(clerk, page, waive, key="w" * 20)
    assert "Money was applied to this invoice" in clerk.get(page).text


def test_a_fee_of_which_nothing_is_paid_is_waived(database, visit, clerk, now):
    miss(database, visit, now)
    page = f"/staff/patients/{visit.patient.id}"
    send(clerk, page, f"/staff/sessions/{visit.session_ids[0]}/no-show-fee", fee="15000", key="k" * 20)
    (fee,) = fees(database)
    assert "Waive the fee" in clerk.get(page).text
    assert send(clerk, page, f"/staff/invoices/{fee.id}/waive-fee", key="w" * 20).status_code == 303
    assert "The fee is waived" in clerk.get(page).text
    assert [each.state for each in fees(database)] == ["void"]
