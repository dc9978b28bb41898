"""Cash and checks go to the bank once, whole deposits at a time; what waits is the balance of 1060."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.accounting.queries.verify import verify
from billing.catalog.errors import NoSuchSite
from billing.catalog.queries import sites
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import entry_of, trial_balance
from billing.payments.errors import AlreadyBanked, AnotherSite, BadBankingDay, NoSuchPayment, NotBankable
from billing.payments.models.payments import PaymentRow
from billing.payments.queries.deposits import list_deposits, list_undeposited
from billing.payments.queries.payments import list_payments
from billing.payments.states.payments import PAYMENT_MOVES, PaymentEvent
from billing.payments.use_cases.checkouts import begin_checkout, pay_checkout
from billing.payments.use_cases.deposits import bank_payments
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.receive import take_cash, take_check
from billing.platform.data.states import advance
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back
from tests.factories.invoices import a_patient, billed
from tests.factories.rivals import at_once
from tests.factories.world import RETURN_URL, a_charge

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission))
TODAY, LATER = NOW.date(), NOW + timedelta(days=3)


class Desk:
    """One invoice of 2,700 at one site, and what a clerk does about it."""

    def __init__(self, database):
        self.database = database
        self.bill = billed(database, a_patient(database))
        self.site_id = self.bill.invoice.site_id
        self.numbers = count(1042)

    def do(self, use_case, *, at=NOW, actor=CLERK, **arguments):
        return self.database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=at))

    def cash(self, cents=10_000, *, at=NOW):
        return self.do(take_cash, invoice_id=self.bill.invoice.id, amount=Money(cents), at=at)

    def check(self, cents=20_000, *, at=NOW):
        return self.do(
            take_check,
            invoice_id=self.bill.invoice.id,
            amount=Money(cents),
            number=str(next(self.numbers)),
            dated_on=TODAY,
            is_health_account=False,
            at=at,
        )

    def card(self):
        page = self.do(begin_checkout, invoice_id=self.bill.invoice.id, return_url=RETURN_URL, request=None)
        charge = a_charge(page.id, page.amount, NOW)
        self.do(pay_checkout, checkout_id=page.id, reference="cs_1", charge=charge)
        with self.database.reading() as read:
            return list_payments(read, SYSTEM, limit=1)[0]

    def bank(self, *payments, on=TODAY, at=NOW, site_id=None, actor=CLERK):
        return self.do(
            bank_payments,
            site_id=site_id or self.site_id,
            payment_ids=[payment.id for payment in payments],
            banked_on=on,
            at=at,
            actor=actor,
        )

    def books(self):
        with self.database.reading() as read:
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    def waiting(self):
        with self.database.reading() as read:
            return [payment.id for payment in list_undeposited(read, SYSTEM, site_id=self.site_id, limit=99)]

    def found(self):
        with self.database.reading() as read:
            verdict = verify(read, now=LATER, refund_limit=LIMIT)
        return {check.number for check in verdict.checks if check.found}


@pytest.fixture
def desk(database):
    return Desk(database)


def test_cash_and_a_check_go_to_the_bank_together(desk, database):
    cash, check, card = desk.cash(), desk.check(), desk.card()
    assert card.id not in desk.waiting()
    deposit = desk.bank(cash, check, on=date(2026, 11, 4), at=LATER)
    assert (deposit.amount, deposit.banked_on) == (Money(30_000), date(2026, 11, 4))
    assert (desk.books()["1000"], desk.books().get("1060")) == (30_000, None)
    assert desk.waiting() == []
    with database.reading() as read:
        entry = entry_of(read, source_kind="bank_deposit", source_id=deposit.id, purpose="banked")
        assert list_deposits(read, SYSTEM, site_id=desk.site_id, limit=9) == [deposit]
    assert entry.effective_on == date(2026, 11, 4)
    assert {line.cents for line in entry.lines} == {30_000, -10_000, -20_000}
    assert set(deposit.payment_ids) == {cash.id, check.id}
    assert desk.found() == set()


def test_what_cannot_be_banked_is_named_and_nothing_is_banked(desk, database):
    banked, good, card = desk.cash(), desk.check(), desk.card()
    desk.bank(banked)
    before = desk.books()
    for bad, error in [(banked, AlreadyBanked), (card, NotBankable)]:
        with pytest.raises(error, match=bad.id) as refusal:
            desk.bank(good, bad)
        assert refusal.value.more["payment_id"] == bad.id
    assert desk.books() == before
    assert desk.waiting() == [good.id]


@pytest.mark.parametrize("event", list(PaymentEvent))
def test_what_bounced_or_was_moved_is_not_at_hand(desk, database, event):
    good, bad = desk.check(), desk.check()

    def change(tx):
        row = tx.session.get_one(PaymentRow, bad.id)
        advance(tx, row, PAYMENT_MOVES, event, actor=CLERK, now=NOW)

    database.in_transaction(change)
    with pytest.raises(NotBankable, match=bad.id):
        desk.bank(good, bad)
    assert desk.waiting() == [good.id]


def test_a_payment_is_banked_at_its_own_site(desk, database):
    cash = desk.cash()
    with database.reading() as read:
        other = next(one for one in sites(read, cash.entity_id) if one.id != desk.site_id)
    with pytest.raises(AnotherSite, match=cash.id):
        desk.bank(cash, site_id=other.id)
    stranger = Actor(
        id="usr_2", entity_id=cash.entity_id, permissions=CLERK.permissions, site_ids=frozenset([other.id])
    )
    with pytest.raises(NoSuchSite):
        desk.bank(cash, actor=stranger)
    with pytest.raises(NoSuchPayment):
        desk.bank(cash, site_id=other.id, actor=stranger)
    assert desk.waiting() == [cash.id]


@pytest.mark.parametrize("on", [date(2026, 11, 4), date(2026, 11, 6)])
def test_neither_before_the_newest_receipt_nor_in_the_future(desk, on):
    payments = desk.cash(), desk.cash(at=LATER)
    with pytest.raises(BadBankingDay):
        desk.bank(*payments, on=on, at=LATER)
    assert desk.bank(*payments, on=LATER.date(), at=LATER).amount == Money(20_000)


def test_today_is_the_day_at_the_site(desk):
    late = datetime(2026, 11, 3, 4, 0, tzinfo=UTC)
    cash = desk.cash(at=late)
    with pytest.raises(BadBankingDay):
        desk.bank(cash, on=date(2026, 11, 3), at=late)
    assert desk.bank(cash, on=date(2026, 11, 2), at=late)


def test_a_payment_named_twice_is_banked_once(desk):
    cash = desk.cash()
    assert desk.bank(cash, cash).amount == cash.amount
    assert desk.books()["1000"] == 10_000


@pytest.mark.parametrize("times", [1, 2])
def test_a_banked_payment_moves_at_the_bank_and_is_not_banked_again(desk, database, times):
    cash = desk.cash()
    deposit = desk.bank(cash)
    before = desk.books()
    moved = cash
    for _ in range(times):
        right = a_patient(database)
        moved = desk.do(move_payment, payment_id=moved.id, patient_id=right.id, invoice_id=None, at=LATER)
    assert (desk.books()["1000"], desk.books().get("1060")) == (before["1000"], before.get("1060"))
    with database.reading() as read:
        again = entry_of(read, source_kind="payment", source_id=moved.id, purpose="received")
        (shown,) = list_deposits(read, SYSTEM, limit=9)
    assert {line.account for line in again.lines} == {"1000", "2200"}
    assert (shown.id, shown.amount, shown.payment_ids) == (deposit.id, Money(10_000), (moved.id,))
    assert desk.waiting() == []
    with pytest.raises(AlreadyBanked):
        desk.bank(moved, at=LATER)
    assert desk.found() == set()


def test_a_payment_moved_before_it_is_banked_waits_for_the_right_patient(desk, database):
    cash = desk.cash()
    right = a_patient(database)
    moved = desk.do(move_payment, payment_id=cash.id, patient_id=right.id, invoice_id=None)
    assert desk.waiting() == [moved.id]
    with pytest.raises(NotBankable):
        desk.bank(cash)
    desk.bank(moved)
    assert desk.books()["1000"] == 10_000
    assert desk.found() == set()


@pytest.mark.parametrize("table", ["bank_deposit", "bank_deposit_item"])
@pytest.mark.parametrize("deed", ["DELETE FROM {}", "UPDATE {} SET {}"])
def test_the_database_keeps_what_was_banked(desk, database, table, deed):
    desk.bank(desk.cash())
    column = "amount_cents = 1" if table == "bank_deposit" else "deposit_id = 'dep_1'"
    with pytest.raises(DBAPIError, match="keeps what it holds"):
        database.in_transaction(lambda tx: tx.session.execute(text(deed.format(table, column))))


@pytest.mark.parametrize(
    "attack",
    [
        "DELETE FROM bank_deposit_item",
        "UPDATE bank_deposit SET amount_cents = amount_cents + 1",
        "UPDATE ledger_entry SET purpose = 'gone' WHERE purpose = 'banked'",
        "UPDATE payment SET tender = 'card' WHERE amount_cents = 20000",
    ],
)
def test_verify_finds_a_deposit_that_is_not_as_it_was(desk, database, attack):
    desk.check()
    desk.bank(desk.cash())
    behind_the_back(database, attack)
    assert 8 in desk.found()


STEPS = st.lists(
    st.tuples(st.sampled_from(["cash", "check", "bank", "move"]), st.integers(0, 99)), max_size=9
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS)
def test_what_waits_is_the_balance_of_1060(database, steps):
    desk = Desk(database)
    known: list[SimpleNamespace] = []
    for step, number in steps:
        if step in ("cash", "check"):
            payment = getattr(desk, step)(1_000 + number)
            known.append(SimpleNamespace(payment=payment, is_banked=False))
        elif step == "bank":
            chosen = [one for place, one in enumerate(known) if not one.is_banked and (number >> place) & 1]
            if chosen:
                desk.bank(*(one.payment for one in chosen))
            for one in chosen:
                one.is_banked = True
        elif known:
            one = known[number % len(known)]
            named = {"payment_id": one.payment.id, "patient_id": a_patient(database).id, "invoice_id": None}
            one.payment = desk.do(move_payment, **named)
        waits = [one.payment for one in known if not one.is_banked]
        assert set(waits_of(desk, known)) == {payment.id for payment in waits}
    with database.reading() as read:
        everywhere = total(payment.amount for payment in list_undeposited(read, SYSTEM, limit=999))
        assert trial_balance(read).get("1060", 0) == everywhere.cents
    assert desk.found() == set()


def waits_of(desk, known):
    """Of this desk alone: the database also holds what earlier examples left."""
    mine = {one.payment.id for one in known}
    return [payment_id for payment_id in desk.waiting() if payment_id in mine]


@pytest.mark.processes
def test_of_eight_clerks_with_one_check_one_banks_it(desk, database, database_url):
    check, others = desk.check(), [desk.cash() for _ in range(8)]
    told = [(desk.site_id, [check.id, other.id]) for other in others]
    outcomes = at_once(database_url, bank_it, told)
    assert sorted(outcomes) == ["already-banked"] * 7 + ["done"]
    assert desk.books()["1000"] == 30_000
    assert len(desk.waiting()) == 7
    assert desk.found() == set()


def bank_it(database, site_id, payment_ids):
    named = {"site_id": site_id, "payment_ids": payment_ids, "banked_on": TODAY}
    database.in_transaction(lambda tx: bank_payments(tx, **named, actor=CLERK, now=NOW))
    return "done"


@pytest.mark.processes
def test_a_check_that_is_banked_while_it_moves_is_at_the_bank_or_at_hand(desk, database, database_url):
    check, right = desk.check(), a_patient(database)
    told = [("bank", desk.site_id, check.id), ("move", right.id, check.id)] * 4
    outcomes = at_once(database_url, bank_or_move, told)
    assert outcomes[1::2].count("done") == 1
    assert desk.books().get("1060", 0) + desk.books().get("1000", 0) == 20_000
    assert desk.found() == set()


def bank_or_move(database, deed, told, payment_id):
    if deed == "bank":
        return bank_it(database, told, [payment_id])
    named = {"payment_id": payment_id, "patient_id": told, "invoice_id": None}
    database.in_transaction(lambda tx: move_payment(tx, **named, actor=CLERK, now=NOW))
    return "done"
