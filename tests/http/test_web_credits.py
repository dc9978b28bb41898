"""Credit that is taken off, moved and given back on the pages, and a payment of the wrong patient."""

import re

import pytest

from billing.invoices.queries import find_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.choices import standing_choice
from billing.payments.queries.credits import credit_balance
from billing.payments.queries.payments import list_payments
from billing.payments.queries.refunds import list_refunds
from billing.payments.records.credits import Election
from billing.payments.states.payments import PaymentState
from billing.payments.use_cases.credits import elect
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.platform.data.tasks import list_tasks
from tests.factories.catalog import seed_sample
from tests.factories.paid import paid_by_check, paid_in_cash
from tests.factories.patients import new_patient
from tests.factories.web import new_package, new_staff, send, sign_in


@pytest.fixture
def money_page(clinic):
    return f"/staff/patients/{clinic.patient.id}/money"


@pytest.fixture
def lot(database, edge, clinic, now):
    """$450.00 that a check brought too much."""
    paid_by_check(database, clinic.invoice, now, Money(300_000))
    return balance(edge, clinic).items[0]


def balance(edge, clinic):
    return edge.read(lambda read: credit_balance(read, clinic.patient.id, SYSTEM))


def alert(text):
    found = re.search(r'role="alert"[^>]*>([^<]*)<', text)
    return found and found[1]


def owed(edge, invoice):
    return edge.read(lambda read: find_invoice(read, invoice.id, SYSTEM)).open_balance


# --- uses of a credit ----------------------------------------------------------------------------------


@pytest.fixture
def second(database, clinic, lot, now):
    """Another package, which took the credit when it was issued."""
    return new_package(database, clinic.patient, now)


def test_credit_comes_off_an_invoice_once_and_an_old_page_is_told(edge, enter, clinic, money_page, second):
    clerk, use = enter(), balance(edge, clinic).applications[0]
    page = clerk.get(money_page).text
    assert (
        f'aria-label="Undo: back to credit, $450.00 on invoice {second.number}">Undo: back to credit<' in page
    )
    deed = f"/staff/credit-applications/{use.id}/reverse"
    for _ in range(2):
        answer = send(clerk, money_page, deed, undone="0", key="k1")
        assert answer.location == f"{money_page}#credits-title"
        assert "It is credit again, and the invoice owes it." in clerk.get(money_page).text
    assert (owed(edge, second), balance(edge, clinic).available) == (Money(255_000), Money(45_000))
    send(clerk, money_page, deed, undone="0", key="k2")
    assert "changed meanwhile" in alert(clerk.get(money_page).text)


def test_credit_moves_to_another_invoice_of_the_patient(
    edge, enter, clinic, money_page, second, database, now
):
    third = new_package(database, clinic.patient, now)
    clerk, use = enter(), balance(edge, clinic).applications[0]
    deed = f"/staff/credit-applications/{use.id}/move"
    assert f'<option value="{third.id}">' in clerk.get(money_page).text
    send(clerk, money_page, deed, undone="0", invoice_id=third.id, key="k1")
    assert "The credit pays the other invoice now." in clerk.get(money_page).text
    assert (owed(edge, second), owed(edge, third)) == (Money(255_000), Money(210_000))
    assert send(clerk, money_page, deed, undone="45000", invoice_id="inv_1", key="k2").status_code == 404


def test_the_desk_sees_what_was_taken_and_changes_nothing(edge, enter, clinic, money_page, second):
    clerk, use = enter(Role.FRONT_DESK), balance(edge, clinic).applications[0]
    page = clerk.get(money_page).text
    assert "What invoices took of it" in page
    assert "Undo: back to credit" not in page
    assert "Wrong patient" not in page
    for deed in ("reverse", "move"):
        path = f"/staff/credit-applications/{use.id}/{deed}"
        assert send(clerk, money_page, path, undone="0", key="k1").status_code == 403


# --- a credit goes back --------------------------------------------------------------------------------


def test_a_credit_goes_back_by_check_after_it_was_said_in_words(edge, enter, clinic, lot):
    clerk, page = enter(Role.FRONT_DESK), f"/staff/credits/{lot.id}/refunds"
    asked = {"amount": "400", "available": "45000", "target": "check"}
    told = re.sub(r"<[^>]+>", "", send(clerk, f"{page}/new", f"{page}/look", **asked).text)
    assert "$400.00 of the patient's credit goes back by a check." in told.replace("&#39;", "'")
    assert "$50.00 of this credit stays." in told
    first, second = (send(clerk, f"{page}/new", page, **asked, key="k1").location for _ in range(2))
    (refund,) = edge.read(lambda read: list_refunds(read, SYSTEM, limit=9))
    assert first == second == f"/staff/refunds/{refund.id}"
    assert balance(edge, clinic).available == Money(5_000)


def test_what_is_wrong_with_a_refund_of_credit_is_said_beside_its_field(edge, enter, lot):
    clerk, page = enter(), f"/staff/credits/{lot.id}/refunds"
    asked = {"amount": "400", "available": "45000", "target": "check"}
    wrong = (
        ("amount", "450.01", 409),
        ("amount", "x", 422),
        ("target", "pay_1", 422),
        ("available", "1", 409),
    )
    for field, entered, status in wrong:
        for deed in (page, f"{page}/look"):
            answer = send(clerk, f"{page}/new", deed, **asked | {field: entered}, key=f"k{entered}")
            assert answer.status_code == status
            assert f'id="{field.replace("available", "amount")}-wrong"' in answer.text
    assert edge.read(lambda read: list_refunds(read, SYSTEM, limit=9)) == []


def test_credit_that_the_patient_keeps_is_not_offered(enter, database, lot, now):
    database.in_transaction(
        lambda tx: elect(tx, lot_id=lot.id, election=Election.CREDIT, actor=SYSTEM, now=now)
    )
    shown = enter().get(f"/staff/credits/{lot.id}/refunds/new").text
    assert "Record another choice first." in shown
    assert "<form" not in shown.split("<main")[1]


# --- the wrong patient ---------------------------------------------------------------------------------


@pytest.fixture
def payment(database, clinic, now):
    return paid_in_cash(database, clinic.invoice, now, Money(10_000))


@pytest.fixture
def robin(database, clinic, now):
    return new_patient(
        database,
        entity_id=clinic.entity.id,
        site_id=clinic.site.id,
        given_name="Robin",
        family_name="Right",
        phone="512-555-0199",
        now=now,
    )


@pytest.fixture
def moves(payment):
    return f"/staff/payments/{payment.id}/moves"


def test_a_payment_is_put_right_after_the_page_said_what_moves(
    edge, enter, clinic, payment, robin, moves, now
):
    invoice, clerk = new_package(edge.database, robin, now), enter()
    found = send(clerk, f"{moves}/new", f"{moves}/search", text="robin").text
    assert "Choose Robin Right" in found
    told = send(clerk, f"{moves}/new", f"{moves}/look", patient_id=robin.id).text
    plain = re.sub(r"<[^>]+>", "", told)
    assert "$100.00, Cash, leaves Sample, Maria and stands with Robin Right" in plain
    assert f"Invoice {clinic.invoice.number} of Sample, Maria owes $100.00 again." in plain
    assert owed(edge, invoice) == Money(255_000)
    for _ in range(2):
        answer = send(clerk, f"{moves}/new", moves, patient_id=robin.id, invoice_id=invoice.id, key="k1")
        assert answer.location == f"/staff/patients/{robin.id}/money"
    assert (owed(edge, invoice), owed(edge, clinic.invoice)) == (Money(245_000), Money(255_000))
    assert "Booked for another patient" in clerk.get(f"/staff/patients/{clinic.patient.id}/money").text
    assert [task.kind for task in edge.read(lambda read: list_tasks(read, SYSTEM, limit=9))] == [
        "privacy-review"
    ]
    assert "This payment was moved before" in clerk.get(f"{moves}/new").text


def test_what_it_pays_must_be_chosen_and_may_be_nothing(edge, enter, clinic, robin, moves, payment):
    clerk = enter()
    refused = send(clerk, f"{moves}/new", moves, patient_id=robin.id, invoice_id="", key="k1")
    assert refused.status_code == 422
    assert 'id="invoice_id-wrong"' in refused.text
    own = send(clerk, f"{moves}/new", moves, patient_id=clinic.patient.id, invoice_id="credit", key="k2")
    assert own.status_code == 409
    assert "this patient" in alert(own.text)
    send(clerk, f"{moves}/new", moves, patient_id=robin.id, invoice_id="credit", key="k3")
    states = {each.state for each in edge.read(lambda read: list_payments(read, SYSTEM, limit=9))}
    assert states == {PaymentState.MOVED, PaymentState.RECEIVED}


def test_the_desk_and_another_clinic_put_nothing_right(
    pages, database, edge, enter, robin, moves, payment, now
):
    clerk = enter(Role.FRONT_DESK)
    assert clerk.get(f"{moves}/new").status_code == 403
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.SUPERVISOR, now, entity_id=other.id))
    assert stranger.get(f"{moves}/new").status_code == 404
    answer = send(stranger, "/staff/today", moves, patient_id=robin.id, invoice_id="credit", key="k1")
    assert answer.status_code == 404
    assert [each.state for each in edge.read(lambda read: list_payments(read, SYSTEM, limit=9))] == [
        "received"
    ]


@pytest.fixture
def reimbursed(database, edge, clinic, now):
    """$120.00 that an insurer paid for the first visit."""
    paid_in_cash(database, clinic.invoice, now, clinic.invoice.total)
    session_id = clinic.invoice.lines[0].session_id
    return database.in_transaction(
        lambda tx: hold_reimbursement(
            tx,
            session_id=session_id,
            amount=Money(12_000),
            source_id="rmc_1",
            received_on=now.date(),
            actor=SYSTEM,
            now=now,
        )
    )


def test_what_insurers_pay_goes_by_one_choice_until_the_patient_changes_it(edge, clinic, clerk, reimbursed):
    path = f"/staff/patients/{clinic.patient.id}"
    waiting = clerk.get(path).text
    assert "not chosen yet" in waiting
    assert "goes back on" in waiting
    assert '<option value="" selected>ask the patient each time</option>' in waiting
    done = send(clerk, path, f"{path}/standing-election", election="credit")
    assert (done.status_code, balance(edge, clinic).items[0].election) == (303, Election.CREDIT)
    shown = clerk.get(path).text
    assert '<option value="credit" selected>comes off the next invoice</option>' in shown
    assert "goes back on" not in shown
    send(clerk, path, f"{path}/standing-election", election="")
    assert '<option value="" selected>' in clerk.get(path).text
    refused = send(clerk, path, f"{path}/standing-election", election="lottery")
    assert (refused.status_code, "Choose one: credit or refund." in clerk.get(path).text) == (303, True)


def test_who_may_not_write_credits_chooses_nothing_for_a_patient(edge, clinic, enter):
    path = f"/staff/patients/{clinic.patient.id}"
    refused = send(enter(Role.ACCOUNTANT), "/staff/money", f"{path}/standing-election", election="refund")
    assert refused.status_code == 403
    assert edge.read(lambda read: standing_choice(read, clinic.patient.id)) is None


def test_the_desk_is_told_who_records_what_a_patient_chooses(edge, clinic, enter, reimbursed):
    path = f"/staff/patients/{clinic.patient.id}"
    desk = enter(Role.FRONT_DESK)
    assert "is recorded by billing or a supervisor" in desk.get(path).text
    lot_id = balance(edge, clinic).items[0].id
    assert send(desk, path, f"/staff/credits/{lot_id}/election", election="credit").status_code == 403
    assert "is recorded by billing or a supervisor" not in enter(Role.BILLING).get(path).text
