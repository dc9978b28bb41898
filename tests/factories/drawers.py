"""A till: one invoice of 2,700 at one site, people who take cash, and what they do about a drawer."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from billing.accounting.queries.verify import verify
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Permission, Role
from billing.ledger.queries import trial_balance
from billing.payments.queries.drawers import find_drawer, free_change, report_of
from billing.payments.queries.payments import find_payment
from billing.payments.use_cases.deposits import bank_payments
from billing.payments.use_cases.drawers import bring_float, confirm_drawer, count_drawer, open_drawer
from billing.payments.use_cases.receive import take_cash
from billing.platform.data.database import Database
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.invoices import a_patient, billed

DRAWER_LIMIT = Money(2_000)
TODAY, LATER = NOW.date(), NOW + timedelta(days=3)


def person(name: str, role: Role) -> Actor:
    return Actor(id=f"usr_{name}", entity_id=None, permissions=ROLES[role])


ANNA, BEN = person("anna", Role.FRONT_DESK), person("ben", Role.FRONT_DESK)
SUE, ADA = person("sue", Role.SUPERVISOR), person("ada", Role.ACCOUNTANT)
ROOT = Actor(id="usr_root", entity_id=None, permissions=frozenset(Permission))


class Till:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.invoice = billed(database, a_patient(database)).invoice
        self.site_id = self.invoice.site_id

    def do(self, use_case: Any, *, actor: Actor, at: datetime = NOW, **told: Any) -> Any:
        return self.database.in_transaction(lambda tx: use_case(tx, **told, actor=actor, now=at))

    def bring(self, cents: int = 10_000, *, on: date = TODAY) -> Any:
        return self.do(bring_float, actor=SUE, site_id=self.site_id, amount=Money(cents), brought_on=on)

    def open(self, cents: int = 0, *, actor: Actor = ANNA, **told: Any) -> Any:
        return self.do(open_drawer, actor=actor, **({"site_id": self.site_id, "float": Money(cents)} | told))

    def cash(self, cents: int = 5_000, *, actor: Actor = ANNA, tendered: int | None = None) -> Any:
        handed = None if tendered is None else Money(tendered)
        return self.do(
            take_cash, actor=actor, invoice_id=self.invoice.id, amount=Money(cents), tendered=handed
        )

    def count(self, drawer: Any, cents: int, *, actor: Actor = ANNA, at: datetime = NOW) -> Any:
        return self.do(
            count_drawer, actor=actor, at=at, drawer_id=drawer.id, counted=Money(cents), limit=DRAWER_LIMIT
        )

    def confirm(self, drawer: Any, cents: int, *, actor: Actor = SUE) -> Any:
        return self.do(confirm_drawer, actor=actor, drawer_id=drawer.id, counted=Money(cents))

    def bank(self, *payments: Any, float: int = 0, at: datetime = NOW, actor: Actor = ANNA) -> Any:
        return self.do(
            bank_payments,
            actor=actor,
            at=at,
            site_id=self.site_id,
            payment_ids=[payment.id for payment in payments],
            banked_on=at.date(),
            float=Money(float),
        )

    def books(self) -> dict[str, int]:
        with self.database.reading() as read:
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    def free(self) -> Money:
        with self.database.reading() as read:
            return free_change(read, SYSTEM).get(self.site_id, ZERO)

    def report(self, drawer: Any) -> Any:
        with self.database.reading() as read:
            return report_of(read, drawer.id, SYSTEM)

    def now_is(self, drawer: Any) -> Any:
        with self.database.reading() as read:
            return find_drawer(read, drawer.id, SYSTEM)

    def payment(self, payment_id: str) -> Any:
        with self.database.reading() as read:
            return find_payment(read, payment_id, SYSTEM)

    def found(self) -> set[int]:
        with self.database.reading() as read:
            verdict = verify(read, now=LATER, refund_limit=LIMIT)
        return {check.number for check in verdict.checks if check.found}
