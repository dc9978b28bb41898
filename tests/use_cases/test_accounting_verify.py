"""What was changed behind the product's back is found, and found under its number."""

import pytest

from billing.accounting.queries.verify import INVARIANTS, verify
from billing.accounting.records import Status
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import entry_of
from billing.ledger.use_cases import reverse
from billing.platform.data.documents import Document, store_rendering
from tests.factories.accounting import LIMIT, a_journey, behind_the_back, drop_guards

STRAY_LINES = (
    "INSERT INTO ledger_line (entry_id, place, account, cents)"
    " SELECT 'je_none', n, '1000', 10 * n - 15 FROM (SELECT 1 AS n UNION SELECT 2) AS two"
)


@pytest.fixture
def journey(database, now):
    """A healthy office in which everything has happened, a reversal and a rendering included."""
    journey = a_journey(database)

    def more(tx):
        payment_id = tx.session.connection().exec_driver_sql(
            "SELECT id FROM payment WHERE tender = 'card'"
        ).scalar_one()  # fmt: skip
        fee = entry_of(tx, source_kind="payment", source_id=payment_id, purpose="fee")
        reverse(tx, fee, source_kind="payment", source_id=payment_id, actor=SYSTEM, now=now)
        document_id = tx.session.query(Document.id).order_by(Document.id).first()[0]
        store_rendering(tx, document_id=document_id, media_type="application/pdf", content=b"%PDF", now=now)

    database.in_transaction(more)
    return journey


@pytest.fixture
def verdict(database, now):
    def look(limit=LIMIT):
        with database.reading() as read:
            return verify(read, now=now, refund_limit=limit)

    return look


def failed(verdict):
    return {check.number for check in verdict.checks if check.status is Status.FAILED}


def test_every_invariant_has_its_number():
    assert len(INVARIANTS) == 23


def test_an_empty_database_is_well(verdict):
    assert verdict().ok


def test_a_whole_journey_leaves_the_books_well(journey, verdict):
    looked = verdict()
    assert [f"{check.number}: {check.findings}" for check in looked.checks if check.findings] == []
    real = {check.number: check.examined for check in looked.checks if check.status is Status.OK}
    assert set(real) == {1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 14, 16, 17, 18, 19, 21}
    assert [number for number, examined in real.items() if not examined] == [17, 18], (
        "nothing was paid out or disputed"
    )


def test_what_cannot_be_looked_at_is_never_called_ok(verdict):
    status = {check.number: check.status for check in verdict().checks}
    assert {number for number, each in status.items() if each is Status.NOT_YET} == {13, 15}
    assert {number for number, each in status.items() if each is Status.ELSEWHERE} == {9, 20, 22, 23}


@pytest.mark.parametrize(
    ("numbers", "attack"),
    [
        ({1}, "UPDATE ledger_entry SET line_count = 7 WHERE purpose = 'fee'"),
        ({1}, STRAY_LINES),
        ({1, 3, 8}, "UPDATE ledger_line SET cents = cents + 1 WHERE cents > 0 AND account = '1060'"),
        ({2}, "UPDATE ledger_entry SET reverses_id = 'je_none' WHERE purpose = 'reverse-fee'"),
        ({3}, "UPDATE credit_lot SET available_cents = available_cents - 1 WHERE available_cents > 0"),
        ({3, 4}, "UPDATE ledger_line SET account = '2210' WHERE account = '2200' AND cents < 0"),
        ({5}, "UPDATE payment SET refunded_cents = refunded_cents + 1 WHERE tender = 'card'"),
        ({6}, "UPDATE invoice SET open_cents = 1 WHERE state = 'paid'"),
        ({6}, "UPDATE invoice SET open_cents = 1 WHERE state = 'void'"),
        ({3, 7}, "UPDATE session_coverage SET amount_cents = amount_cents - 1 WHERE source_kind = 'credit'"),
        ({7}, "UPDATE treatment_session SET covered_cents = 0, due_cents = 0 WHERE covered_cents > 0"),
        ({8}, "UPDATE payment SET fee_cents = fee_cents + 1 WHERE tender = 'card'"),
        ({8}, "UPDATE ledger_entry SET purpose = 'taken' WHERE source_kind = 'session'"),
        ({8}, "UPDATE ledger_entry SET source_id = 'ref_none' WHERE purpose = 'held-again'"),
        ({11}, "UPDATE state_change SET event = 'void' WHERE event = 'settle'"),
        ({3, 11}, "UPDATE treatment_session SET state = 'no_show' WHERE state = 'planned'"),
        ({11}, "DELETE FROM state_change WHERE after = 'sent'"),
        ({12}, "UPDATE document SET sealed = (SELECT sealed FROM remittance_claim LIMIT 1)"),
        ({12}, "UPDATE document SET version = 9 WHERE kind = 'superbill'"),
        ({12}, "UPDATE rendering SET sha256 = 'no'"),
        ({12}, "UPDATE quote SET total_cents = total_cents + 1, discount_cents = discount_cents - 1"),
        ({12}, "UPDATE fee_schedule SET sha256 = 'no'"),
        ({7, 14}, "UPDATE coverage_move SET cents = cents - 1 WHERE source_kind = 'payment'"),
        ({12, 14}, "UPDATE superbill SET paid_cents = paid_cents - 1"),
        ({16}, "UPDATE remittance_claim SET paid_cents = paid_cents + 1"),
        ({16}, "UPDATE remittance SET amount_cents = amount_cents - 1"),
        ({19}, "UPDATE audit_row SET actor_id = 'usr_other' WHERE action = 'payment.receive'"),
        ({19}, "DELETE FROM audit_seal WHERE place = 2"),
        ({21}, "UPDATE refund SET approved_by = requested_by WHERE amount_cents > 20000"),
        ({21}, "UPDATE refund SET approved_by_person = requested_by_person WHERE amount_cents > 20000"),
        ({21}, "UPDATE refund SET approved_by = 'system' WHERE amount_cents > 20000"),
    ],
)  # fmt: skip
def test_a_change_behind_the_back_fails_its_own_number(database, journey, verdict, numbers, attack):
    behind_the_back(database, attack)
    looked = verdict()
    assert failed(looked) == numbers
    assert all(check.objects for check in looked.checks if check.number in numbers)


def test_a_credit_below_nothing_is_found(database, journey, verdict):
    if database.write_engine.dialect.name == "postgresql":
        behind_the_back(database, "ALTER TABLE credit_lot DROP CONSTRAINT ck_credit_lot_never_negative")
    behind_the_back(database, "UPDATE credit_lot SET available_cents = -1 WHERE source = 'overpayment'")
    assert failed(verdict()) == {3, 4}


def test_two_checkouts_of_one_invoice_are_found(database, journey, verdict):
    copy = (
        "INSERT INTO checkout"
        " (id, invoice_id, patient_id, amount_cents, state, return_url, opened_at, expires_at)"
        " SELECT '{}', invoice_id, patient_id, 1, 'created', return_url, opened_at, expires_at"
        " FROM checkout WHERE reference = 'cs_1'"
    )
    behind_the_back(database, "DROP INDEX uq_checkout_standing", copy.format("chk_1"), copy.format("chk_2"))
    assert failed(verdict()) == {10}


def test_what_stands_for_more_than_a_day_is_remarked_on(database, journey):
    behind_the_back(
        database,
        "UPDATE checkout SET state = 'open'",
        "DELETE FROM state_change WHERE event = 'pay'",
    )
    with database.reading() as read:
        looked = verify(read, now=journey.now, refund_limit=LIMIT)
        later = verify(read, now=journey.now.replace(year=2027), refund_limit=LIMIT)
    assert not looked.checks[9].remarks
    assert "no outcome for more than a day" in later.checks[9].remarks[0]
    assert later.checks[9].status is Status.OK


@pytest.mark.parametrize(
    ("table", "numbers"),
    [
        ("ledger_entry", {1, 2}),
        ("ledger_line", {1, 2}),
        ("state_change", {11}),
        ("document", {12}),
        ("invoice_line", {12}),
        ("audit_row", {19}),
        ("audit_seal", {19}),
    ],
)
def test_a_trigger_that_was_taken_away_is_missed(database, verdict, table, numbers):
    drop_guards(database, table)
    looked = verdict()
    assert failed(looked) == numbers
    assert {name for check in looked.checks for name in check.objects} == {table}


def test_rows_that_wait_for_their_seal_are_counted_not_blamed(journey, verdict, database, now):
    behind_the_back(database, "DELETE FROM audit_seal WHERE place > 3")
    trail = verdict().checks[18]
    assert trail.status is Status.OK
    assert "wait for their seal" in trail.remarks[0]


def test_many_findings_are_counted_and_the_first_listed(database, journey, verdict):
    behind_the_back(
        database,
        "INSERT INTO ledger_line (entry_id, place, account, cents)"
        " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
        " SELECT 'je_' || i, side, '1000', 2 * side - 3 FROM n, (SELECT 1 AS side UNION SELECT 2) AS two",
    )
    entries = verdict().checks[0]
    assert (entries.found, len(entries.findings)) == (200, 50)
