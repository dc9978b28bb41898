"""A little of everything that moves money, reached as staff, patients and insurers reach it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from billing.care.use_cases import cancel_session
from billing.invoices.use_cases.issue import issue_invoice
from billing.invoices.use_cases.void import void_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.payments.queries.credits import credits_of_patient
from billing.payments.records.credits import Election
from billing.payments.records.payments import ChargeFacts
from billing.payments.use_cases.checkouts import begin_checkout, keep_page, pay_checkout
from billing.payments.use_cases.credits import elect
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import (
    approve_refund,
    fail_refund,
    keep_sent,
    reject_refund,
    request_refund,
    succeed_refund,
)
from billing.platform.data.audit import seal_audit_rows
from billing.platform.data.database import Database
from billing.quotes.use_cases import quote_plan
from tests.conftest import NOW
from tests.factories.care import new_plan
from tests.factories.insurance import a_course, handed_out, imported
from tests.factories.invoices import billed
from tests.factories.remittance_835 import Claim, remittance

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission))
SUPERVISOR = Actor(id="usr_supervisor", entity_id=None, permissions=frozenset(Permission))
LIMIT = Money(20_000)


@dataclass(frozen=True)
class Journey:
    entity_id: str
    patient_id: str
    now: datetime


def a_journey(database: Database, *, now: datetime = NOW) -> Journey:
    """Paid, given, billed, reimbursed, credited, charged, overpaid, cancelled, refunded and voided."""
    course = a_course(database, sessions=3, now=now)
    bills = [handed_out(database, each, now=now + timedelta(hours=1)) for each in course.session_ids[:2]]
    claims = [
        Claim(control_number=bill.control_number, charge_cents=bill.charge.cents, paid_cents=18_000)
        for bill in bills
    ]
    later = now + timedelta(days=18)
    assert imported(database, remittance(claims), now=later).status == "posted"
    _issue_and_void(database, course.patient.id, later)
    _choose_credit(database, course.patient.id, later)
    by_card = billed(database, course.patient, only_first=2, now=later)
    _pay_by_card(database, by_card.invoice.id, too_much=Money(5_000), now=later + timedelta(hours=1))
    _cancel(database, course.session_ids[2], later + timedelta(hours=2))
    _refund(database, course.patient.id, later + timedelta(hours=3))
    database.in_transaction(seal_audit_rows)
    return Journey(course.patient.entity_id, course.patient.id, later + timedelta(hours=5))


def _choose_credit(database: Database, patient_id: str, now: datetime) -> None:
    with database.reading() as read:
        lots = credits_of_patient(read, patient_id, SYSTEM)
    for lot in lots:
        database.in_transaction(
            lambda tx, lot=lot: elect(tx, lot_id=lot.id, election=Election.CREDIT, actor=CLERK, now=now)
        )


def _pay_by_card(database: Database, invoice_id: str, *, too_much: Money, now: datetime) -> None:
    checkout = database.in_transaction(
        lambda tx: begin_checkout(
            tx, invoice_id=invoice_id, return_url="http://localhost/", request=None, actor=CLERK, now=now
        )
    )
    database.in_transaction(
        lambda tx: keep_page(
            tx, checkout_id=checkout.id, reference="cs_1", url="http://localhost/c", actor=CLERK, now=now
        )
    )
    charge = ChargeFacts(
        reference="ch_1",
        payment_intent="pi_1",
        amount=checkout.amount + too_much,
        fee=Money(1_335),
        net=checkout.amount + too_much - Money(1_335),
        balance_transaction="txn_1",
        charged_at=now,
        reporting_category="charge",
    )
    database.in_transaction(
        lambda tx: pay_checkout(
            tx, checkout_id=checkout.id, reference="cs_1", charge=charge, actor=SYSTEM, now=now
        )
    )


def _cancel(database: Database, session_id: str, now: datetime) -> None:
    database.in_transaction(lambda tx: cancel_session(tx, session_id=session_id, actor=CLERK, now=now))


def _refund(database: Database, patient_id: str, now: datetime) -> None:
    """To a card, by check, one that failed, one that was rejected, one above the limit, one that waits."""
    with database.reading() as read:
        by_source = {lot.source: lot for lot in credits_of_patient(read, patient_id, SYSTEM) if lot.available}
    overpaid, returned = by_source["overpayment"], by_source["return"]

    def ask(lot_id: str, cents: int, payment_id: str | None = None) -> str:
        return database.in_transaction(
            lambda tx: request_refund(
                tx,
                lot_id=lot_id,
                amount=Money(cents),
                payment_id=payment_id,
                limit=LIMIT,
                actor=CLERK,
                now=now,
            )
        ).id

    def do(use_case, refund_id: str, *, actor: Actor = SUPERVISOR, **more: str) -> None:
        database.in_transaction(lambda tx: use_case(tx, refund_id=refund_id, **more, actor=actor, now=now))

    for use_case in (succeed_refund, fail_refund):
        refund_id = ask(overpaid.id, 2_000, overpaid.source_id)
        do(keep_sent, refund_id, reference=f"re_{use_case.__name__}", actor=SYSTEM)
        do(use_case, refund_id, actor=SYSTEM)
    do(send_check, ask(returned.id, 1_000), check_number="1001")
    large = ask(returned.id, LIMIT.cents + 1)
    do(reject_refund, large)
    large = ask(returned.id, LIMIT.cents + 2)
    do(approve_refund, large)
    ask(overpaid.id, 100, overpaid.source_id)


def _issue_and_void(database: Database, patient_id: str, now: datetime) -> None:
    plan = new_plan(database, patient_id, starts_on=date(2027, 2, 1), now=now)
    quote = database.in_transaction(lambda tx: quote_plan(tx, plan_id=plan.id, actor=CLERK, now=now))
    chosen = [plan.sessions[0].id]
    issued = database.in_transaction(
        lambda tx: issue_invoice(tx, quote_id=quote.id, session_ids=chosen, actor=CLERK, now=now)
    )
    database.in_transaction(
        lambda tx: void_invoice(tx, invoice_id=issued.id, reason="sample", actor=CLERK, now=now)
    )


def behind_the_back(database: Database, *statements: str) -> None:
    """Change rows as somebody with the database's own password would: triggers and constraints aside."""
    if database.write_engine.dialect.name == "sqlite":
        _on_sqlite(str(database.write_engine.url.database), statements)
        return
    with database.write_engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in statements:
            connection.exec_driver_sql(statement)


def _on_sqlite(path: str, statements: tuple[str, ...]) -> None:
    """The triggers are put back afterwards, all in one transaction: each alone would wait for the disk."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("BEGIN IMMEDIATE")
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute("COMMIT")


def drop_guards(database: Database, table: str) -> None:
    """Take the triggers of one table away, for good."""
    with database.write_engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            named = connection.exec_driver_sql(
                f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table}'"
            )
            for (name,) in named.fetchall():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
