"""An invoice of three sessions, of which one was given: three lines, and the entry that earns it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING

from flask import Flask

from bench.databases import NO_SERVER, Databases
from bench.frame import PRODUCT, Contest, Goal, Row, contest, not_measured, timed
from bench.office import Office, answer, asked, open_office
from bench.peers import by_hand, orm_invoice
from billing.care.records import SessionOrder
from billing.care.use_cases import check_in, plan_sessions, record_session
from billing.kernel.permissions import SYSTEM
from billing.patients.records import Category, Evidence, Proof
from billing.patients.use_cases import add_patient, verify_eligibility
from billing.platform.data.database import Tx
from billing.platform.data.vault import Vault
from billing.quotes.use_cases import quote_plan
from tests.conftest import NOW, TEST_KEYS
from tests.factories.patients import SAMPLE_PERSON

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

ROUNDS, IN_A_ROUND, AT_ONCE = 7, 16, 16
PATH = "invoice of 3 lines with an entry of 3 postings, through HTTP"
HAND, HAND_ONCE, ORM = "the same statements by hand", "hand, each read once", "orm"
ORM_GOAL = Goal(2)


@dataclass(frozen=True)
class Bill:
    """What is to be invoiced: the three sessions of a plan, the first one given already."""

    quote_id: str
    session_ids: tuple[str, ...]

    @property
    def body(self) -> dict[str, object]:
        return {"quote_id": self.quote_id, "session_ids": list(self.session_ids)}


def rows(databases: Databases) -> Iterator[Row]:
    with databases.sqlite() as url:
        yield from _rows(url, "SQLite", Goal(0.3), f"sqlite3, {databases.sqlite_version}")
    if databases.postgresql_version is None:
        for goal, peer in ((Goal(0.55), HAND), (ORM_GOAL, _orm_name())):
            yield not_measured(f"{PATH}, PostgreSQL", goal, peer, NO_SERVER)
        return
    with databases.postgresql() as url:
        driver = f"psycopg {version('psycopg')}, {databases.postgresql_version}"
        yield from _rows(url, "PostgreSQL", Goal(0.55), driver)


def _rows(url: str, database: str, goal: Goal, driver: str) -> Iterator[Row]:
    with open_office(url) as office, by_hand.connected(url) as connection:
        told = Measured(office, connection)
        played = told.contest(url)
        path = f"{PATH}, {database}"
        yield played.row(
            path, goal, against=HAND, called=f"the same {told.statements} statements by hand: {driver}"
        )
        once = f"{told.statements_once} of them, nothing read twice: {driver}"
        yield played.row(path, None, against=HAND_ONCE, called=once)
        yield played.row(path, ORM_GOAL, against=ORM, called=_orm_name())


def _orm_name() -> str:
    return f"ORM and marshmallow: SQLAlchemy {version('sqlalchemy')}, marshmallow {version('marshmallow')}"


class Measured:
    """The sides of one contest on one database. Every deed needs a bill of its own."""

    def __init__(self, office: Office, connection: by_hand.Connection) -> None:
        self._office = office
        self._connection = connection
        self._bills = _bills(office, (ROUNDS + 1) * IN_A_ROUND * 4 + 1)
        self.statements = self.statements_once = 0
        self._issue(next(self._bills))  # the first number of a series is another statement

    def contest(self, url: str) -> Contest:
        app, engine = orm_invoice.make_app(url, Vault(TEST_KEYS), NOW)

        def by_orm() -> float:
            bills = self._next_bills()
            return _answered(app, [asked("/invoices", bill.body, self._office.headers()) for bill in bills])

        sides = {PRODUCT: self._product, HAND: self._hand, HAND_ONCE: self._hand_once, ORM: by_orm}
        try:
            return contest(sides, rounds=ROUNDS)
        finally:
            engine.dispose()

    def _product(self) -> float:
        requests = [self._office.asked("/invoices", bill.body) for bill in self._next_bills()]
        return _answered(self._office.app, requests)

    def _hand(self) -> float:
        seconds = 0.0
        for bill in self._next_bills():
            statements = self._statements(bill)
            self.statements = len(statements)
            seconds += self._seconds(statements)
        return seconds / IN_A_ROUND

    def _hand_once(self) -> float:
        seconds = 0.0
        for bill in self._next_bills():
            statements = by_hand.read_once(self._statements(bill))
            self.statements_once = len(statements)
            seconds += self._seconds(statements)
        return seconds / IN_A_ROUND

    def _statements(self, bill: Bill) -> list[by_hand.Statement]:
        return by_hand.statements_of(*self._office.engines, lambda: self._issue(bill))

    def _seconds(self, statements: list[by_hand.Statement]) -> float:
        began = perf_counter()
        by_hand.say(self._connection, statements)
        return perf_counter() - began

    def _issue(self, bill: Bill) -> None:
        self._office.post("/invoices", bill.body)

    def _next_bills(self) -> list[Bill]:
        return [next(self._bills) for _ in range(IN_A_ROUND)]


def _answered(app: Flask, requests: list[WSGIEnvironment]) -> float:
    """What a client does to ask is nobody's time."""
    return timed(partial(answer, app), requests)


def _bills(office: Office, count: int) -> Iterator[Bill]:
    """Of veterans, so that there is a discount; all of them made before anything is measured."""
    made: list[Bill] = []
    while len(made) < count:
        made += office.database.in_transaction(lambda tx: [_bill(tx, office) for _ in range(AT_ONCE)])
    return iter(made)


def _bill(tx: Tx, office: Office) -> Bill:
    people = {"actor": SYSTEM, "now": NOW}
    patient = add_patient(
        tx, entity_id=office.entity.id, site_id=office.site.id, person=SAMPLE_PERSON, **people
    )
    evidence = Evidence(category=Category.VETERAN, proof=Proof.DD_214, seen_by="front desk")
    verify_eligibility(tx, patient_id=patient.id, evidence=evidence, verified_on=NOW.date(), **people)
    orders = [
        SessionOrder(
            service="infusion", planned_on=NOW.date() + timedelta(days=day), minutes=45, dose_mg=Decimal(40)
        )
        for day in (0, 3, 7)
    ]
    plan = plan_sessions(tx, patient_id=patient.id, condition="depression", orders=orders, **people)
    quote = quote_plan(tx, plan_id=plan.id, **people)
    ids = tuple(session.id for session in plan.sessions)
    check_in(tx, session_id=ids[0], override_reason="sample", **people)
    record_session(
        tx,
        session_id=ids[0],
        started_at=NOW - timedelta(minutes=45),
        stopped_at=NOW,
        dose_mg=Decimal(40),
        **people,
    )
    return Bill(quote_id=quote.id, session_ids=ids)
