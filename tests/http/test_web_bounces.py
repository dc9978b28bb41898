"""A check that bounced, on its page: what it says first, who may record it, and that it happens once."""

import pytest

from billing.invoices.queries import find_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.ledger.queries import trial_balance
from billing.payments.queries.payments import find_payment
from billing.payments.records.payments import Tender
from billing.payments.records.refunds import RefundMethod, RefundReason
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.deposit_requests import ask_for_deposit
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.refund_payment import refund_payment
from billing.platform.data.tasks import list_tasks
from tests.factories.catalog import seed_sample
from tests.factories.paid import banked, paid_by_card, paid_by_check, paid_in_cash
from tests.factories.web import new_staff, send, sign_in

BOUNCED = {"reason": "account_closed", "bounced_on": "2026-11-02", "fee": "12.00", "believed": "255000"}


@pytest.fixture
def unbanked(database, clinic, now):
    """A check of $2,600.00 for an invoice of $2,550.00."""
    return paid_by_check(database, clinic.invoice, now, Money(260_000))


@pytest.fixture
def check(database, unbanked, now):
    """The same, taken to the bank."""
    return banked(database, unbanked, now)


@pytest.fixture
def ask(check):
    return f"/staff/payments/{check.id}/bounce/new"


@pytest.fixture
def deed(check):
    return f"/staff/payments/{check.id}/bounce"


def test_the_page_says_what_is_owed_again_and_which_credit_goes_before_anything_does(
    edge, enter, clinic, check, ask
):
    page = enter().get(ask).text
    assert f"Invoice {clinic.invoice.number} owes <strong>$2,550.00</strong> again" in page
    assert "<strong>$50.00</strong> of Sample, Maria's credit is withdrawn" in page
    assert edge.read(lambda read: find_payment(read, check.id, SYSTEM)).state == "received"


def test_a_bounce_is_recorded_once_however_often_the_form_is_sent(edge, enter, clinic, check, ask, deed):
    clerk = enter()
    for _ in range(2):
        answer = send(clerk, ask, deed, **BOUNCED, key="k1")
        assert (answer.status_code, answer.location) == (303, f"/staff/patients/{clinic.patient.id}/money")
    page = clerk.get(answer.location).text
    assert "The check is recorded as bounced." in page
    assert "The bank took it back" in page
    assert ask not in page
    assert edge.read(lambda read: find_invoice(read, clinic.invoice.id, SYSTEM)).open_balance == Money(
        255_000
    )
    assert edge.read(trial_balance) == {"1000": -1_200, "1060": 0, "2100": 0, "2200": 0, "6130": 1_200}
    assert [task.kind for task in edge.read(lambda read: list_tasks(read, SYSTEM, limit=9))] == [
        "check-bounced"
    ]
    again = send(clerk, ask, deed, **BOUNCED | {"believed": "0"}, key="k2")
    assert again.status_code == 409
    assert "This check bounced before" in again.text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "anxiety"}, "reason"),
        ({"bounced_on": "2026-11-03"}, "bounced_on"),
        ({"bounced_on": ""}, "bounced_on"),
        ({"fee": "-1"}, "fee"),
        ({"fee": "much"}, "fee"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_and_books_nothing(
    edge, enter, check, ask, deed, wrong, field
):
    answer = send(enter(), ask, deed, **BOUNCED | wrong, key="k1")
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    assert edge.read(lambda read: find_payment(read, check.id, SYSTEM)).state == "received"


@pytest.mark.parametrize("fee", ["", "0", "0.00", "$0"])
def test_a_bank_that_asks_for_no_fee_is_entered_as_nothing(edge, enter, ask, deed, fee):
    assert send(enter(), ask, deed, **BOUNCED | {"fee": fee}, key="k1").status_code == 303
    assert "6130" not in edge.read(trial_balance)


def test_a_check_that_no_bank_had_is_taken_back_and_its_page_asks_for_no_fee(edge, enter, unbanked):
    clerk, page = enter(), f"/staff/payments/{unbanked.id}/bounce/new"
    asked = clerk.get(page).text
    for told in ("Take back the check of $2,600.00?", "record the bank deposit</a> first"):
        assert told in asked
    assert 'name="fee"' not in asked
    path = page.removesuffix("/new")
    refused = send(clerk, page, path, **BOUNCED, key="k1")
    assert refused.status_code == 409
    assert "Record the bank deposit first" in refused.text
    taken = send(clerk, page, path, **BOUNCED | {"fee": ""}, key="k2")
    assert taken.status_code == 303
    assert set(edge.read(trial_balance).values()) == {0}
    assert "The check is taken back." in clerk.get(taken.location).text
    for where in (taken.location, "/staff/money", f"/staff/patients/{unbanked.patient_id}"):
        shown = clerk.get(where).text
        assert "Taken back before the bank had it" in shown
        assert "The bank took it back" not in shown


def test_who_looked_at_another_amount_is_told_the_new_one(edge, enter, check, ask, deed):
    answer = send(enter(), ask, deed, **BOUNCED | {"believed": "254000"}, key="k1")
    assert answer.status_code == 409
    assert "changed meanwhile" in answer.text
    assert edge.read(lambda read: find_payment(read, check.id, SYSTEM)).state == "received"


def test_a_check_that_is_being_given_back_names_the_refund_that_has_to_end_first(
    edge, enter, check, ask, deed, now
):
    refund = edge.database.in_transaction(
        lambda tx: refund_payment(
            tx,
            payment_id=check.id,
            amount=Money(100),
            refundable=Money(260_000),
            reason=RefundReason.OTHER,
            method=RefundMethod.CHECK,
            limit=Money(0),
            actor=SYSTEM,
            now=now,
        )
    )
    clerk = enter()
    assert f"/staff/refunds/{refund.id}" in clerk.get(ask).text
    assert "Record that it bounced" not in clerk.get(ask).text
    assert send(clerk, "/staff/today", deed, **BOUNCED, key="k1").status_code == 409


def test_only_a_check_bounces(database, clinic, enter, now):
    cash, clerk = paid_in_cash(database, clinic.invoice, now, Money(100)), enter()
    card = paid_by_card(database, clinic.invoice, now)
    for payment in (cash, card):
        ask = f"/staff/payments/{payment.id}/bounce/new"
        assert "Only a check bounces" in clerk.get(ask).text
        assert send(clerk, "/staff/today", ask.removesuffix("/new"), **BOUNCED, key=ask).status_code in (
            409,
            422,
        )
        assert ask not in clerk.get(f"/staff/patients/{clinic.patient.id}/money").text


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.ACCOUNTANT])
def test_who_may_not_change_credit_is_offered_nothing(enter, clinic, ask, deed, role):
    clerk = enter(role)
    assert ask not in clerk.get(f"/staff/patients/{clinic.patient.id}/money").text
    assert clerk.get(ask).status_code == 403
    assert send(clerk, "/staff/money", deed, **BOUNCED, key="k1").status_code == 403


def test_another_clinic_finds_no_such_check(edge, pages, database, ask, deed, now):
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=other.id))
    assert stranger.get(ask).status_code == 404
    assert send(stranger, "/staff/today", deed, **BOUNCED, key="k1").status_code == 404


def test_a_deposit_that_the_check_had_paid_is_asked_for_again(database, enter, clinic, now):
    def do(use_case, **arguments):
        return database.in_transaction(
            lambda tx: use_case(tx, **arguments, site_id=None, actor=SYSTEM, now=now)
        )

    do(ask_for_deposit, patient_id=clinic.patient.id, amount=Money(10_000))
    handed = Handed(tender=Tender.CHECK, amount=Money(10_000), number="77", dated_on=now.date())
    deposit = do(take_deposit, patient_id=clinic.patient.id, handed=handed)
    clerk, deed = enter(), f"/staff/payments/{deposit.id}/bounce"
    told = "A deposit of <strong>$100.00</strong> was asked for"
    page = f"/staff/patients/{clinic.patient.id}"
    assert told not in clerk.get(page).text
    assert "<strong>$100.00</strong> is asked for again as a deposit" in clerk.get(f"{deed}/new").text
    assert (
        send(clerk, f"{deed}/new", deed, **BOUNCED | {"fee": "", "believed": "0"}, key="k1").status_code
        == 303
    )
    assert told in clerk.get(page).text
