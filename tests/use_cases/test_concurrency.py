"""Real processes at one moment: money is spent once, taken once, numbered once."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from billing.accounting.queries.verify import verify
from billing.care.use_cases import cancel_session
from billing.invoices.queries import find_invoice, list_invoices
from billing.invoices.use_cases.issue import issue_invoice
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor, Permission, Role
from billing.payments.errors import MoreThanAvailable
from billing.payments.models.checkouts import CheckoutRow
from billing.payments.models.inbox import WebhookEventRow
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.payments import list_payments
from billing.payments.queries.refunds import list_refunds
from billing.payments.records.checkouts import Event
from billing.payments.records.credits import Election
from billing.payments.use_cases.checkouts import begin_checkout, pay_checkout
from billing.payments.use_cases.credits import apply_credits_now, elect
from billing.payments.use_cases.inbox import keep_event
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refunds import approve_refund, reject_refund, request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.people.use_cases import issue_token
from billing.platform.data.database import Database
from billing.platform.data.jobs import Job
from billing.quotes.use_cases import quote_plan
from billing.wiring import create_app
from config import load_settings
from tests.conftest import NOW, TEST_KEYS
from tests.factories.care import give, new_plan
from tests.factories.invoices import a_patient, billed
from tests.factories.rivals import at_once
from tests.factories.world import RETURN_URL, a_charge

pytestmark = pytest.mark.processes

RIVALS = 8
CLERK, ACCOUNTANT = (
    Actor(id=f"usr_{name}", entity_id=None, permissions=frozenset(Permission)) for name in ("clerk", "books")
)
DEEDS: dict[str, Any] = {
    "apply_credits": apply_credits_now,
    "refund": request_refund,
    "cash": take_cash,
    "issue": issue_invoice,
    "cancel": cancel_session,
    "approve": approve_refund,
    "reject": reject_refund,
    "pay": pay_checkout,
}


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def bill(database, patient):
    return billed(database, patient, only_first=1)


@pytest.fixture
def credit(database, bill):
    """18,000 cents of an insurer's for a visit that the patient had paid; not chosen for yet."""
    do(database, "cash", {"invoice_id": bill.invoice.id, "amount": Money(45_000)})
    give(database, bill.session_ids[0])
    held = database.in_transaction(
        lambda tx: hold_reimbursement(
            tx,
            session_id=bill.session_ids[0],
            amount=Money(18_000),
            source_id="rmc_1",
            received_on=date(2026, 11, 20),
            actor=SYSTEM,
            now=NOW,
        )
    )
    return held.lot_id


@pytest.fixture(autouse=True)
def nothing_is_half_done(database):
    yield
    with database.reading() as read:
        verdict = verify(read, now=NOW, refund_limit=Money(20_000))
    assert [check for check in verdict.checks if check.found] == []


def do(database: Database, name: str, arguments: dict[str, Any], actor: Actor = CLERK) -> str:
    """Run one use case, here or in a process of its own."""
    database.in_transaction(lambda tx: DEEDS[name](tx, **arguments, actor=actor, now=NOW))
    return "done"


def test_eight_processes_spend_one_credit_once(database, database_url, patient, credit):
    invoices = [billed(database, patient, only_first=1).invoice.id for _ in range(RIVALS // 2)]
    database.in_transaction(
        lambda tx: elect(tx, lot_id=credit, election=Election.CREDIT, actor=SYSTEM, now=NOW)
    )
    whole = {"lot_id": credit, "amount": Money(18_000), "payment_id": None, "limit": Money(0)}
    deeds = [("apply_credits", {"invoice_id": invoice_id}) for invoice_id in invoices]
    outcomes = at_once(database_url, do, [*deeds, *[("refund", whole)] * (RIVALS // 2)])
    assert outcomes.count("done") == 1
    assert set(outcomes) <= {"done", "nothing-to-apply", "more-than-available", "refund-not-elected"}
    with database.reading() as read:
        assert credits_of_patient(read, patient.id, SYSTEM)[0].available == Money(0)


def test_many_small_pieces_of_a_credit_are_never_more_than_all_of_it(database, database_url, credit):
    outcomes = at_once(database_url, ask_for_pieces, [(credit, 6)] * RIVALS)
    assert sum(outcomes) == 18
    with database.reading() as read:
        refunds = list_refunds(read, SYSTEM, limit=99)
    assert total(refund.amount for refund in refunds) == Money(18_000)


def ask_for_pieces(database: Database, lot_id: str, times: int) -> int:
    """How many thousands of cents it got."""
    return sum(_got_a_piece(database, lot_id) for _ in range(times))


def _got_a_piece(database: Database, lot_id: str) -> bool:
    piece = {"lot_id": lot_id, "amount": Money(1_000), "payment_id": None, "limit": Money(20_000)}
    try:
        return do(database, "refund", piece) == "done"
    except MoreThanAvailable:
        return False


def test_twenty_clicks_on_pay_are_one_checkout(database, database_url, bill):
    pages = at_once(database_url, click_pay, [(bill.invoice.id,)] * 20)
    assert len(set(pages)) == 1
    with database.reading() as read:
        assert read.session.scalar(select(func.count()).select_from(CheckoutRow)) == 1


def click_pay(database: Database, invoice_id: str) -> str:
    return database.in_transaction(
        lambda tx: begin_checkout(
            tx, invoice_id=invoice_id, return_url=RETURN_URL, request=None, actor=CLERK, now=NOW
        )
    ).id


def test_a_charge_told_by_eight_processes_is_booked_once(database, database_url, bill):
    page = click_pay(database, bill.invoice.id)
    charge = a_charge(page, Money(45_000), NOW)
    facts = {"checkout_id": page, "reference": "cs_1", "charge": charge}
    assert at_once(database_url, do, [("pay", facts)] * RIVALS) == ["done"] * RIVALS
    with database.reading() as read:
        assert len(list_payments(read, SYSTEM, limit=9)) == 1


def test_a_notice_sent_eight_times_at_once_is_kept_once(database, database_url):
    assert sorted(at_once(database_url, tell, [("evt_1",)] * RIVALS)) == [False] * 7 + [True]
    with database.reading() as read:
        assert read.session.scalar(select(func.count()).select_from(WebhookEventRow)) == 1
        assert read.session.scalar(select(func.count()).where(Job.key == "evt_1")) == 1


def tell(database: Database, event_id: str) -> bool:
    event = Event(
        id=event_id,
        kind="checkout.session.completed",
        object_id="cs_1",
        object_kind="checkout.session",
        livemode=False,
        created_at=datetime(2026, 11, 2, tzinfo=UTC),
    )
    return database.in_transaction(
        lambda tx: keep_event(tx, event=event, payload=b"{}", actor=SYSTEM, now=NOW)
    )


def test_a_bill_is_paid_in_cash_once_however_many_desks_take_it(database, database_url, bill):
    whole = {"invoice_id": bill.invoice.id, "amount": Money(45_000)}
    outcomes = at_once(database_url, do, [("cash", whole)] * RIVALS)
    assert sorted(outcomes) == ["done"] + ["more-than-owed"] * 7


def test_one_request_sent_by_eight_processes_is_one_payment_and_one_answer(database, database_url, bill):
    secret = database.in_transaction(
        lambda tx: issue_token(
            tx,
            role=Role.FRONT_DESK,
            scopes=(),
            entity_id=None,
            site_ids=None,
            expires_at=None,
            actor=SYSTEM,
            now=NOW,
        )
    ).secret
    answers = at_once(database_url, post_cash, [(database_url, secret, bill.invoice.id)] * RIVALS)
    assert {status for status, _ in answers} == {201}
    assert len({body for _, body in answers}) == 1
    with database.reading() as read:
        assert find_invoice(read, bill.invoice.id, SYSTEM).open_balance == Money(0)


def post_cash(_database: Database, url: str, secret: str, invoice_id: str) -> tuple[int, bytes]:
    key = base64.b64encode(TEST_KEYS["test1"]).decode()
    app = create_app(
        load_settings({"BILLING_ENV": "test", "DATABASE_URL": url, "FIELD_KEYS": f"test1:{key}"})
    )
    answer = app.test_client().post(
        f"/api/v1/invoices/{invoice_id}/cash-payments",
        json={"amount_cents": 45_000},
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "once"},
    )
    return answer.status_code, answer.data


def test_a_refund_is_approved_or_rejected_never_both(database, database_url, credit):
    whole = {"lot_id": credit, "amount": Money(18_000), "payment_id": None, "limit": Money(0)}
    do(database, "refund", whole)
    with database.reading() as read:
        (refund,) = list_refunds(read, SYSTEM, limit=9)
    asked = {"refund_id": refund.id}
    outcomes = at_once(
        database_url, do, [("approve", asked, ACCOUNTANT), ("reject", asked, ACCOUNTANT)] * (RIVALS // 2)
    )
    assert sorted(outcomes) == ["done"] + ["illegal-move"] * 7


def test_a_quote_is_billed_once_and_bills_are_numbered_without_a_gap(database, database_url, patient):
    quotes = []
    for _ in range(2):
        plan = new_plan(database, patient.id)
        quotes.append(
            database.in_transaction(lambda tx, p=plan: quote_plan(tx, plan_id=p.id, actor=SYSTEM, now=NOW))
        )
    deeds = [("issue", {"quote_id": quote.id}) for quote in quotes] * (RIVALS // 2)
    outcomes = at_once(database_url, do, deeds)
    assert sorted(outcomes) == ["done"] * 2 + ["session-already-invoiced"] * 6
    with database.reading() as read:
        assert sorted(invoice.number for invoice in list_invoices(read, SYSTEM, limit=9)) == [1, 2]


def test_a_visit_called_off_while_it_is_paid_leaves_the_money_somewhere(database, database_url, bill):
    deeds: list[tuple[str, dict[str, Any]]] = [
        ("cancel", {"session_id": bill.session_ids[0]}),
        ("cash", {"invoice_id": bill.invoice.id, "amount": Money(45_000)}),
    ]
    outcomes = at_once(database_url, do, deeds * (RIVALS // 2))
    with database.reading() as read:
        held = total(lot.available for lot in credits_of_patient(read, bill.patient.id, SYSTEM))
        taken = total(payment.amount for payment in list_payments(read, SYSTEM, limit=9))
    assert outcomes[::2].count("done") == 1
    assert held == taken
