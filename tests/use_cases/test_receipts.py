"""Receipts: one of each payment and each refund that went out, frozen, fit for a health account."""

import hashlib

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from billing.accounting.queries.verify import verify
from billing.accounting.records import Status
from billing.adapters.receipt_pdf import render_receipt
from billing.care.use_cases import cancel_session
from billing.catalog.queries import providers
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.receipts import list_receipts
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import fail_refund, keep_sent, request_refund
from billing.platform.data.documents import canonical_json, rendered_once
from tests.factories.accounting import CLERK, LIMIT, behind_the_back
from tests.factories.invoices import a_patient, billed
from tests.factories.patients import new_patient
from tests.factories.world import a_world


@pytest.fixture
def do(database, now):
    def run(use_case, **more):
        return database.in_transaction(lambda tx: use_case(tx, **more, actor=CLERK, now=now))

    return run


@pytest.fixture
def bill(database, now):
    return billed(database, a_patient(database), only_first=2, now=now)


def receipts(database, patient_id):
    with database.reading() as read:
        return list_receipts(read, SYSTEM, patient_id=patient_id, limit=50)


def failed(database, now):
    with database.reading() as read:
        checks = verify(read, now=now, refund_limit=LIMIT).checks
    return [check.number for check in checks if check.status is Status.FAILED]


def test_a_payment_has_a_receipt_that_names_what_a_health_account_asks_for(database, now):
    world = a_world(database, now)
    first = receipts(database, world.patient.id)[-1]
    with database.reading() as read:
        provider = providers(read, world.entity.id)[0]
    body = first.body
    assert first.payment_id == world.ids["payment_id"][0]
    assert first.number == body["number"] == "RC-000001"
    assert body["patient"]["name"] == f"{world.patient.given_name} {world.patient.family_name}"
    assert (body["clinic"]["name"], body["clinic"]["tin"]) == (world.entity.name, world.entity.tin)
    assert body["site"]["address"]["line1"] == world.site.address.line1
    assert (body["issued_on"], body["paid_on"], body["paid_with"]) == ("2026-11-02", "2026-11-02", "Cash")
    assert body["paid_by_patient"]
    assert not body["is_health_account"]
    assert [line["description"] for line in body["lines"]] == ["Ketamine infusion treatment"] * 2
    assert {line["provider"] for line in body["lines"]} == {f"{provider.name}, {provider.credentials}"}
    assert all(line["service_on"] for line in body["lines"])
    assert sum(line["cents"] for line in body["lines"]) == body["amount_cents"] == first.amount.cents
    assert hashlib.sha256(canonical_json(body)).hexdigest() == first.sha256


def test_receipts_count_without_a_gap_and_each_names_its_own_money(database, do, bill):
    for cents in (10_000, 20_000, 5_000):
        do(take_cash, invoice_id=bill.invoice.id, amount=Money(cents))
    issued = receipts(database, bill.patient.id)[::-1]
    assert [each.number for each in issued] == ["RC-000001", "RC-000002", "RC-000003"]
    assert [each.amount for each in issued] == [Money(10_000), Money(20_000), Money(5_000)]


def test_a_payment_that_is_undone_leaves_no_number_behind(database, do, bill, now):
    def broken(tx):
        take_cash(tx, invoice_id=bill.invoice.id, amount=Money(100), actor=CLERK, now=now)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.in_transaction(broken)
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(100))
    assert [each.number for each in receipts(database, bill.patient.id)] == ["RC-000001"]


@pytest.fixture
def refund(database, do, bill):
    """A session that was paid for is called off, and its price goes back by check."""
    do(take_cash, invoice_id=bill.invoice.id, amount=bill.invoice.total)
    do(cancel_session, session_id=bill.session_ids[0])
    with database.reading() as read:
        (lot,) = credits_of_patient(read, bill.patient.id, SYSTEM)
    return do(request_refund, lot_id=lot.id, amount=lot.available, payment_id=None, limit=lot.available)


def test_a_refund_has_a_receipt_of_its_own_when_it_is_sent_and_not_before(database, do, bill, refund):
    assert [each.refund_id for each in receipts(database, bill.patient.id)] == [None]
    do(send_check, refund_id=refund.id, check_number="1001")
    sent, paid = receipts(database, bill.patient.id)
    assert (sent.number, sent.refund_id, sent.amount) == ("RC-000002", refund.id, refund.amount)
    assert (sent.body["kind"], sent.body["paid_with"], sent.body["paid_on"]) == (
        "refund", "By check 1001", "2026-11-02",
    )  # fmt: skip
    assert paid.stands
    do(keep_sent, refund_id=refund.id, reference="check 1001")
    assert len(receipts(database, bill.patient.id)) == 2


def test_the_receipt_of_a_refund_that_came_back_stays_and_does_not_stand(database, do, bill, refund):
    do(keep_sent, refund_id=refund.id, reference="check 1001")
    do(fail_refund, refund_id=refund.id)
    sent, _ = receipts(database, bill.patient.id)
    assert sent.refund_id == refund.id
    assert not sent.stands


def test_a_moved_payment_has_a_new_receipt_of_the_day_on_which_it_came(database, do, bill):
    payment = do(take_cash, invoice_id=bill.invoice.id, amount=Money(10_000))
    right = new_patient(
        database, entity_id=bill.patient.entity_id, site_id=bill.patient.site_id, given_name="Ruth"
    )
    moved = do(move_payment, payment_id=payment.id, patient_id=right.id, invoice_id=None)
    (wrong,), (new,) = receipts(database, bill.patient.id), receipts(database, right.id)
    assert (wrong.stands, new.stands, new.payment_id) == (False, True, moved.id)
    assert new.body["patient"]["name"].startswith("Ruth ")
    assert [line["description"] for line in new.body["lines"]] == ["Kept as credit for future services"]


def test_the_bytes_of_a_receipt_never_change(database, do, bill, now):
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(100))
    (issued,) = receipts(database, bill.patient.id)
    drawn = rendered_once(database, render_receipt, document_id=issued.document_id, now=now)
    again = rendered_once(database, lambda _: b"%PDF other", document_id=issued.document_id, now=now)
    assert drawn == again == render_receipt(issued.body)
    for statement in ("UPDATE receipt SET amount_cents = 1", "DELETE FROM receipt"):
        with pytest.raises(DatabaseError), database.write_engine.begin() as connection:
            connection.execute(text(statement))
    assert failed(database, now) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE receipt SET amount_cents = amount_cents + 1",
        "UPDATE receipt SET sha256 = 'other'",
        "UPDATE document SET sha256 = 'other' WHERE kind = 'receipt'",
        "UPDATE payment SET amount_cents = amount_cents + 1",
    ],
)
def test_verify_finds_a_receipt_that_says_other_than_what_is_booked(database, do, bill, now, change):
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(100))
    behind_the_back(database, change)
    assert 12 in failed(database, now)
