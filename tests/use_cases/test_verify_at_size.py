"""A million lines in the ledger are looked at in bounded memory, and one wrong cent among them is found."""

import tracemalloc
from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.accounting.records import Status
from billing.kernel.money import Money
from billing.payments.records.payments import ChargeFacts
from billing.payments.use_cases.checkouts import begin_checkout, close_checkout, keep_page, pay_checkout
from billing.payments.use_cases.receive import take_cash
from tests.factories.accounting import CLERK, LIMIT, behind_the_back
from tests.factories.invoices import a_patient, billed

PAYMENTS = 250_000
"""Each posts four lines: what came, for whom it is held, and the processor's fee twice."""
MOST_BYTES = 50_000_000

COPIED = {
    "payment": ("id = '{payment}'", {"id", "charge_reference"}),
    "credit_lot": ("source_id = '{payment}'", {"id", "source_id", "origin_payment_id"}),
    "audit_row": ("subject_id = '{payment}'", {"id", "subject_id"}),
    "ledger_line": (
        "entry_id IN (SELECT id FROM ledger_entry WHERE source_id = '{payment}')",
        {"entry_id"},
    ),
    "ledger_entry": ("source_id = '{payment}'", {"id", "source_id"}),
}
"""What one payment wrote, in the order in which it is written, and what names it or its parts there."""


@pytest.fixture
def payment_id(database, now):
    """A card page was paid after the desk had taken the money in cash: all of it is the patient's credit."""
    invoice_id = billed(database, a_patient(database), only_first=1, now=now).invoice.id

    def do(use_case, **more):
        return database.in_transaction(lambda tx: use_case(tx, **more, actor=CLERK, now=now))

    page = do(begin_checkout, invoice_id=invoice_id, return_url="http://localhost/", request=None)
    do(keep_page, checkout_id=page.id, reference="cs_1", url="http://localhost/c")
    do(close_checkout, checkout_id=page.id)
    do(take_cash, invoice_id=invoice_id, amount=page.amount)
    fee = Money(1_335)
    charge = ChargeFacts(
        reference="ch_1",
        payment_intent="pi_1",
        amount=page.amount,
        fee=fee,
        net=page.amount - fee,
        balance_transaction="txn_1",
        charged_at=now + timedelta(minutes=5),
        reporting_category="charge",
    )
    do(pay_checkout, checkout_id=page.id, reference="cs_1", charge=charge)
    with database.reading() as read:
        return scalar(read, "SELECT id FROM payment WHERE tender = 'card'")


def scalar(session, statement):
    return session.session.connection().exec_driver_sql(statement).scalar_one()


def multiply(database, payment_id):
    """Copy the payment's rows PAYMENTS - 1 times, by SQL alone, under the guards of the ledger."""
    on_postgresql = database.write_engine.dialect.name == "postgresql"
    numbers = (
        "WITH RECURSIVE numbers(n) AS "
        f"(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {PAYMENTS - 1})"
    )

    def copy(connection, name):
        where, renamed = COPIED[name]
        columns = [row[0] for row in connection.exec_driver_sql(f"SELECT * FROM {name}").cursor.description]
        taken = ["NULL" if c == "checkout_id" else f"{c} || '-' || n" if c in renamed else c for c in columns]
        return (
            f"INSERT INTO {name} ({', '.join(columns)}) SELECT {', '.join(taken)} "
            f"FROM {name} CROSS JOIN numbers WHERE {where.format(payment=payment_id)}"
        )

    with database.write_engine.begin() as connection:
        copies = {name: copy(connection, name) for name in COPIED}
        if on_postgresql:  # where an entry and its lines are written by one statement
            lines = copies.pop("ledger_line")
            copies["ledger_entry"] = f", lines AS ({lines} RETURNING 1) {copies['ledger_entry']}"
        for statement in copies.values():
            connection.exec_driver_sql(numbers + statement)


def test_a_million_lines_are_verified_in_bounded_memory_and_one_wrong_cent_is_all_that_is_found(
    database, payment_id, now
):
    multiply(database, payment_id)
    wrong = f"{payment_id}-{PAYMENTS // 2}"
    behind_the_back(database, f"UPDATE payment SET fee_cents = fee_cents + 1 WHERE id = '{wrong}'")
    with database.reading() as read:
        assert scalar(read, "SELECT COUNT(*) FROM ledger_line") >= 1_000_000
        tracemalloc.start()
        checks = verify(read, now=now, refund_limit=LIMIT).checks
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < MOST_BYTES
    assert [(c.number, c.status, c.objects) for c in checks if c.findings] == [(8, Status.FAILED, [wrong])]
