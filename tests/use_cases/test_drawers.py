"""Cash falls into a drawer, is counted blind, and what is over or short is on the books and was seen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.catalog.errors import NoSuchSite
from billing.catalog.queries import sites
from billing.kernel.errors import IllegalMove
from billing.kernel.money import Money
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.ledger.queries import entry_of
from billing.payments.errors.days import BadDay
from billing.payments.errors.drawers import (
    DrawerElsewhere,
    DrawerNotYours,
    DrawerOpen,
    DrawerWaits,
    FloatNotThere,
    NoSuchDrawer,
    NothingToBank,
    OwnDrawer,
    TenderedTooLittle,
)
from billing.payments.states.drawers import DrawerState
from billing.payments.use_cases.deposits import bank_payments
from billing.payments.use_cases.drawers import confirm_drawer, count_drawer, open_drawer
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.receive import take_cash, take_check
from billing.platform.data.tasks import list_tasks
from tests.conftest import NOW
from tests.factories.accounting import behind_the_back, drop_guards
from tests.factories.drawers import (
    ADA,
    ANNA,
    BEN,
    DRAWER_LIMIT,
    LATER,
    ROOT,
    SUE,
    TODAY,
    Till,
    person,
)
from tests.factories.invoices import a_patient
from tests.factories.rivals import at_once


@pytest.fixture
def till(database):
    return Till(database)


# --- change and what it is given from -------------------------------------------------------------------


def test_change_brought_from_the_bank_is_the_clinics_own_cash_and_a_drawer_takes_it(till):
    till.bring(10_000)
    assert till.books() == {"1000": -10_000, "1060": 10_000}
    drawer = till.open(6_000)
    assert (drawer.state, drawer.cashier, drawer.float) == (DrawerState.OPEN, "usr_anna", Money(6_000))
    assert till.books() == {"1000": -10_000, "1060": 10_000}
    assert till.free() == Money(4_000)
    assert till.found() == set()


def test_a_drawer_gets_no_change_that_the_site_does_not_hold(till):
    till.bring(10_000)
    till.open(6_000)
    with pytest.raises(FloatNotThere) as refusal:
        till.open(4_001, actor=BEN)
    assert refusal.value.more["available_cents"] == 4_000
    assert till.open(4_000, actor=BEN).float == Money(4_000)


@pytest.mark.parametrize("on", [TODAY + timedelta(days=1), date(1900, 1, 1)])
def test_change_is_not_brought_tomorrow_or_before_there_was_a_clinic(till, on):
    with pytest.raises(BadDay):
        till.bring(on=on)
    assert till.books() == {}


def test_the_float_of_one_shift_is_there_for_the_next(till):
    till.bring(10_000)
    for day in range(3):
        drawer = till.open(10_000)
        cash = till.cash(1_000 + day)
        assert till.count(drawer, 11_000 + day).difference == Money(0)
        till.bank(cash)
        assert till.free() == Money(10_000)
    assert till.books()["1060"] == 10_000
    assert till.found() == set()


# --- cash falls into the drawer -------------------------------------------------------------------------


def test_cash_falls_into_the_drawer_of_who_takes_it(till):
    drawer, bens = till.open(), till.open(actor=BEN)
    assert till.cash().drawer_id == drawer.id
    assert till.cash(actor=BEN).drawer_id == bens.id
    assert till.cash(actor=SUE).drawer_id is None


def test_cash_of_another_site_falls_into_a_drawer_of_that_site_or_is_not_taken(till):
    with till.database.reading() as read:
        (other,) = [each for each in sites(read, till.invoice.entity_id) if each.id != till.site_id]
    elsewhere = till.open(site_id=other.id)
    with pytest.raises(DrawerElsewhere) as refusal:
        till.cash()
    assert refusal.value.more["site_id"] == till.site_id
    assert till.found() == set()
    here = till.open()
    assert till.cash().drawer_id == here.id != elsewhere.id


def test_a_token_that_a_person_issued_puts_cash_into_that_persons_drawer(till):
    drawer = till.open()
    token = Actor(id="tok_1", entity_id=None, permissions=ANNA.permissions, person_id=ANNA.id)
    assert till.cash(actor=token).drawer_id == drawer.id


def test_a_site_without_drawers_works_as_before(till):
    cash = till.cash()
    till.bank(cash)
    assert (cash.drawer_id, cash.tendered, cash.change) == (None, None, None)
    assert till.books()["1000"] == 5_000
    assert till.found() == set()


def test_one_person_has_one_open_drawer_at_a_site(till):
    drawer = till.open()
    with pytest.raises(DrawerOpen) as refusal:
        till.open()
    assert refusal.value.more["drawer_id"] == drawer.id
    till.count(drawer, 0)
    assert till.open().id != drawer.id


@pytest.mark.parametrize("tendered", [5_000, 6_000])
def test_change_is_what_was_handed_over_beyond_what_is_kept(till, tendered):
    cash = till.cash(5_000, tendered=tendered)
    assert (cash.amount, cash.change) == (Money(5_000), Money(tendered - 5_000))
    assert till.books()["1060"] == 5_000


def test_less_than_what_is_kept_was_not_handed_over(till):
    with pytest.raises(TenderedTooLittle):
        till.cash(5_000, tendered=4_999)
    assert till.books() == {}


# --- the count ------------------------------------------------------------------------------------------


def test_nobody_is_told_what_is_expected_before_the_drawer_was_counted(till):
    till.bring(10_000)
    drawer = till.open(10_000)
    cash = till.cash()
    before = till.report(drawer)
    assert before.payments is None
    assert {before.drawer.taken, before.drawer.expected, before.drawer.difference} == {None}
    closed = till.count(drawer, 15_000)
    assert (closed.state, closed.expected, closed.difference) == (
        DrawerState.CLOSED,
        Money(15_000),
        Money(0),
    )
    (taken,) = till.report(drawer).payments
    assert (taken.payment_id, taken.amount, taken.deposit_id) == (cash.id, Money(5_000), None)
    assert taken.receipt_number.startswith("RC-")


def test_a_short_drawer_is_a_loss_and_an_over_one_a_gain(till, database):
    till.bring(10_000)
    for counted, difference in [(14_500, -500), (15_200, 200)]:
        drawer = till.open(9_500)
        till.cash(5_500)
        closed = till.count(drawer, counted)
        assert closed.difference == Money(difference)
        with database.reading() as read:
            entry = entry_of(read, source_kind="cash_drawer", source_id=drawer.id, purpose="difference")
        assert {line.account: line.cents for line in entry.lines} == {
            "1060": difference,
            "6140": -difference,
        }
        assert entry.effective_on == TODAY
    assert till.books()["6140"] == 300
    assert till.free() == Money(9_700)
    assert till.found() == set()


def test_an_exact_drawer_posts_nothing(till, database):
    drawer = till.open()
    till.count(drawer, 0)
    with database.reading() as read:
        assert entry_of(read, source_kind="cash_drawer", source_id=drawer.id, purpose="difference") is None


def test_a_drawer_closes_on_the_day_of_its_site(till):
    late = datetime(2026, 11, 3, 4, 0, tzinfo=UTC)
    drawer = till.open()
    till.cash(5_000)
    assert till.count(drawer, 4_900, at=late).closed_on == date(2026, 11, 2)


@pytest.mark.parametrize("beyond", [-1, 1])
def test_a_difference_beyond_the_limit_waits_for_another_persons_count(till, database, beyond):
    drawer = till.open()
    till.cash(10_000)
    before = till.books()
    counted = till.count(drawer, 10_000 + beyond * (DRAWER_LIMIT.cents + 1))
    assert (counted.state, counted.difference) == (DrawerState.COUNTED, None)
    assert till.books() == before
    with database.reading() as read:
        (task,) = list_tasks(read, SYSTEM, limit=9)
    assert (task.kind, task.subject_id) == ("drawer-difference", drawer.id)
    assert till.found() == set()
    closed = till.confirm(drawer, counted.counted.cents)
    assert closed.difference == Money(beyond * 2_001)
    assert (closed.counted_by, closed.confirmed_by) == ("usr_anna", "usr_sue")
    assert till.books()["6140"] == -beyond * 2_001
    assert till.found() == set()


def test_the_limit_itself_needs_nobody_else(till):
    drawer = till.open()
    till.cash(10_000)
    assert till.count(drawer, 8_000).state is DrawerState.CLOSED


def test_many_small_differences_of_a_day_are_a_large_one(till):
    states = []
    for _ in range(3):
        drawer = till.open()
        till.cash(10_000)
        states.append(till.count(drawer, 9_000).state)
    assert states == [DrawerState.CLOSED, DrawerState.CLOSED, DrawerState.COUNTED]
    assert till.found() == set()


def test_the_second_count_stands_and_the_first_is_kept(till):
    drawer = till.open()
    till.cash(10_000)
    till.count(drawer, 5_000)
    closed = till.confirm(drawer, 9_900)
    assert (closed.counted, closed.confirmed, closed.difference) == (
        Money(5_000),
        Money(9_900),
        Money(-100),
    )
    assert till.books()["6140"] == 100


def test_neither_the_cashier_nor_who_counted_first_counts_again(till):
    drawer = till.open(actor=SUE)
    till.cash(10_000, actor=SUE)
    till.count(drawer, 1_000, actor=SUE)
    token = Actor(id="tok_1", entity_id=None, permissions=SUE.permissions, person_id=SUE.id)
    for actor in (SUE, token):
        with pytest.raises(OwnDrawer):
            till.confirm(drawer, 1_000, actor=actor)
    assert till.confirm(drawer, 1_000, actor=ADA).state is DrawerState.CLOSED


def test_nobody_counts_another_persons_drawer_but_who_manages_them(till):
    drawer = till.open()
    with pytest.raises(DrawerNotYours):
        till.count(drawer, 0, actor=BEN)
    assert till.count(drawer, 0, actor=SUE).counted_by == "usr_sue"


def test_the_smallest_short_in_another_persons_drawer_is_seen_by_a_third(till):
    drawer = till.open()
    till.cash(10_000)
    assert till.count(drawer, 9_999, actor=SUE).state is DrawerState.COUNTED
    for actor in (ANNA, SUE):
        with pytest.raises(OwnDrawer):
            till.confirm(drawer, 9_999, actor=actor)
    assert till.confirm(drawer, 9_999, actor=ADA).difference == Money(-1)
    assert till.found() == set()


def test_a_drawer_is_counted_once_and_confirmed_once(till):
    drawer = till.open()
    with pytest.raises(IllegalMove):
        till.confirm(drawer, 0)
    till.cash(10_000)
    till.count(drawer, 1_000)
    with pytest.raises(IllegalMove):
        till.count(drawer, 10_000)
    till.confirm(drawer, 1_000)
    for again in (till.count, till.confirm):
        with pytest.raises(IllegalMove):
            again(drawer, 10_000, actor=ROOT)
    assert till.now_is(drawer).difference == Money(-9_000)


def test_a_counted_drawer_takes_no_more_cash(till):
    drawer = till.open()
    till.cash(10_000)
    till.count(drawer, 1_000)
    assert till.cash(500).drawer_id is None
    assert till.open().id != drawer.id
    assert till.now_is(drawer).taken == Money(10_000)


def test_a_drawer_of_another_site_does_not_exist(till, database):
    drawer = till.open()
    with database.reading() as read:
        other = next(one for one in sites(read, drawer.entity_id) if one.id != till.site_id)
    stranger = Actor(
        id="usr_x", entity_id=drawer.entity_id, permissions=ROOT.permissions, site_ids=frozenset([other.id])
    )
    for deed in (till.count, till.confirm):
        with pytest.raises(NoSuchDrawer):
            deed(drawer, 0, actor=stranger)
    with pytest.raises(NoSuchSite):
        till.open(actor=stranger)
    assert till.open(actor=stranger, site_id=other.id).site_id == other.id


# --- the bank -------------------------------------------------------------------------------------------


def test_cash_taken_to_the_bank_during_a_shift_is_not_expected_in_the_drawer(till):
    till.bring(10_000)
    drawer = till.open(10_000)
    banked = till.cash(7_000)
    till.cash(5_000)
    deposit = till.bank(banked)
    closed = till.count(drawer, 15_000)
    assert (closed.taken, closed.banked, closed.expected) == (Money(12_000), Money(7_000), Money(15_000))
    assert [taken.deposit_id for taken in till.report(drawer).payments] == [deposit.id, None]
    assert till.found() == set()


def test_cash_banked_after_the_shift_leaves_its_report_as_it_was(till):
    drawer = till.open()
    cash = till.cash(7_000)
    till.count(drawer, 7_000)
    before = till.report(drawer)
    till.bank(cash, at=LATER)
    assert till.report(drawer) == before
    assert till.found() == set()


def test_the_cash_of_a_drawer_stays_until_the_second_count(till):
    drawer = till.open()
    cash = till.cash(10_000)
    till.count(drawer, 1_000)
    with pytest.raises(DrawerWaits) as refusal:
        till.bank(cash)
    assert refusal.value.more["drawer_id"] == drawer.id
    till.confirm(drawer, 10_000)
    assert till.bank(cash).amount == Money(10_000)


def test_what_a_drawer_without_float_was_short_is_missing_at_the_bank(till):
    drawer = till.open()
    cash = till.cash(10_000)
    till.count(drawer, 9_500)
    assert till.free() == Money(-500)
    with pytest.raises(FloatNotThere):
        till.bank(cash, float=-501)
    deposit = till.bank(cash, float=-500)
    assert (deposit.amount, deposit.float) == (Money(9_500), Money(-500))
    assert (till.books()["1000"], till.books().get("1060"), till.free()) == (9_500, None, Money(0))
    assert till.found() == set()


def test_change_that_is_not_needed_goes_back_to_the_bank(till):
    till.bring(10_000)
    till.open(4_000)
    with pytest.raises(FloatNotThere):
        till.bank(float=6_001)
    assert till.bank(till.cash(actor=BEN), float=1_000).amount == Money(6_000)
    assert till.bank(float=5_000).amount == Money(5_000)
    assert till.books()["1060"] == 4_000
    assert till.found() == set()


def test_no_deposit_is_of_nothing(till):
    drawer = till.open()
    cash = till.cash(1_000)
    till.count(drawer, 0)
    with pytest.raises(NothingToBank):
        till.bank(cash, float=-1_000)
    with pytest.raises(NothingToBank):
        till.bank()


def test_missing_cash_does_not_come_out_of_a_check(till):
    drawer = till.open()
    till.cash(1_000)
    till.count(drawer, 0)
    check = till.do(
        take_check,
        actor=ANNA,
        invoice_id=till.invoice.id,
        amount=Money(9_000),
        number="1042",
        dated_on=TODAY,
        is_health_account=False,
    )
    with pytest.raises(NothingToBank):
        till.bank(check, float=-1_000)


@pytest.mark.parametrize("is_banked", [True, False])
@pytest.mark.parametrize("is_closed", [True, False])
def test_cash_booked_for_the_wrong_patient_stays_where_it_fell(till, database, is_banked, is_closed):
    drawer = till.open()
    cash = till.cash(7_000)
    if is_banked:
        till.bank(cash)
    if is_closed:
        till.count(drawer, 0 if is_banked else 7_000)
    right = a_patient(database)
    moved = till.do(move_payment, actor=ROOT, payment_id=cash.id, patient_id=right.id, invoice_id=None)
    assert moved.drawer_id == drawer.id
    assert till.found() == set()
    if not is_closed:
        assert till.count(drawer, 0 if is_banked else 7_000).difference == Money(0)
    (taken,) = till.report(drawer).payments
    assert (taken.payment_id, taken.amount) == (moved.id, Money(7_000))
    assert till.found() == set()


# --- what stays -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE cash_drawer SET counted_cents = 0",
        "UPDATE cash_drawer SET state = 'open', difference_cents = NULL",
        "DELETE FROM cash_drawer",
        "UPDATE cash_float SET amount_cents = 1",
        "DELETE FROM cash_float",
    ],
)
def test_the_database_keeps_a_closed_drawer_and_what_was_brought(till, database, deed):
    till.bring()
    till.count(till.open(10_000), 10_000)
    with pytest.raises(DBAPIError, match="keeps what it holds"):
        database.in_transaction(lambda tx: tx.session.execute(text(deed)))


@pytest.mark.parametrize(
    ("attack", "number"),
    [
        ("UPDATE cash_drawer SET difference_cents = 0", 3),
        ("UPDATE cash_drawer SET expected_cents = expected_cents - 100", 3),
        ("UPDATE cash_drawer SET taken_cents = taken_cents - 100", 3),
        ("UPDATE change_fund SET free_cents = free_cents + 1", 3),
        ("UPDATE payment SET drawer_id = NULL", 3),
        ("UPDATE payment SET drawer_id = 'drw_1'", 3),
        ("UPDATE cash_float SET amount_cents = 1", 8),
        ("UPDATE bank_deposit SET float_cents = 1", 8),
        ("DELETE FROM cash_float", 8),
        ("DELETE FROM cash_drawer", 8),
        ("UPDATE ledger_entry SET purpose = 'gone' WHERE source_kind = 'cash_drawer'", 8),
        ("UPDATE ledger_line SET account = '1000' WHERE account = '1060' AND cents = -2500", 8),
        ("UPDATE cash_drawer SET state = 'counted', difference_cents = NULL", 11),
        ("UPDATE cash_drawer SET confirmed_by = NULL", 21),
        ("UPDATE cash_drawer SET confirmed_by = cashier", 21),
        ("UPDATE cash_drawer SET counted_by = confirmed_by", 21),
    ],
)
def test_verify_finds_a_drawer_that_is_not_as_it_was(till, database, attack, number):
    till.bring()
    drawer = till.open(10_000)
    till.bank(till.cash(1_000))
    till.cash(5_000)
    till.count(drawer, 12_500)
    till.confirm(drawer, 12_500)
    assert till.found() == set()
    behind_the_back(database, attack)
    assert number in till.found()


def test_verify_misses_the_guard_of_closed_drawers(till, database):
    drop_guards(database, "cash_drawer")
    assert till.found() == {3}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["bring", "open", "cash", "count", "bank", "return"]),
        st.integers(0, 1),
        st.integers(-60, 60),
    ),
    max_size=14,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS)
def test_1060_is_what_lies_in_drawers_in_the_safe_and_waits_for_the_bank(database, steps):
    """Beside a model that counts real notes: what is in each drawer, and in the safe."""
    till = Till(database)
    safe, drawers, lying = ledger_at(till), {}, {}
    people = [person(f"{till.invoice.id[4:]}{number}", Role.FRONT_DESK) for number in range(2)]
    for step, who, number in steps:
        actor = people[who]
        cents = 50 * abs(number)
        mine = drawers.get(actor.id)
        if step == "bring" and cents:
            till.bring(cents)
            safe += cents
        elif step == "open" and not mine and cents <= till.free().cents:
            drawers[actor.id] = [till.open(cents, actor=actor), cents]
            safe -= cents
        elif step == "cash":
            payment = till.cash(1_000, actor=actor)
            lying[payment.id] = payment
            if mine:
                mine[1] += 1_000
            else:
                safe += 1_000
        elif step == "count" and mine:
            drawer, notes = drawers.pop(actor.id)
            found = max(0, notes + number)
            till.count(drawer, found, actor=actor)
            safe += found
        elif step == "bank" and lying and not drawers:
            missing = max(0, -till.free().cents)
            if sum(each.amount.cents for each in lying.values()) > missing:
                safe -= till.bank(*lying.values(), float=-missing).amount.cents
                lying.clear()
        elif step == "return" and till.free().cents > 0:
            safe -= till.bank(float=till.free().cents).amount.cents
        assert ledger_at(till) == safe + sum(notes for _, notes in drawers.values())
    assert till.found() == set()


def ledger_at(till):
    """The balance of 1060, with what earlier examples left there."""
    with till.database.reading() as read:
        rows = read.session.execute(
            text(
                "SELECT COALESCE(SUM(l.cents), 0) FROM ledger_line l JOIN ledger_entry e "
                "ON e.id = l.entry_id WHERE l.account = '1060' AND e.site_id = :site"
            ),
            {"site": till.site_id},
        )
        return int(rows.scalar_one())


# --- at once --------------------------------------------------------------------------------------------


@pytest.mark.processes
def test_of_eight_people_who_count_at_once_one_is_heard(till, database_url):
    drawer = till.open()
    till.cash(10_000)
    told = [("count", till.site_id, drawer.id, cents) for cents in range(9_000, 9_800, 100)]
    outcomes = at_once(database_url, act, told)
    assert sorted(outcomes) == ["done"] + ["illegal-move"] * 7
    closed = till.now_is(drawer)
    assert till.books()["6140"] == -closed.difference.cents
    assert till.found() == set()


@pytest.mark.processes
def test_of_two_who_confirm_at_once_one_is_heard(till, database_url):
    drawer = till.open()
    till.cash(10_000)
    till.count(drawer, 1_000)
    outcomes = at_once(database_url, act, [("confirm", till.site_id, drawer.id, 1_000)] * 4)
    assert sorted(outcomes) == ["done"] + ["illegal-move"] * 3
    assert till.found() == set()


@pytest.mark.processes
def test_cash_taken_while_the_drawer_is_counted_is_in_it_or_outside(till, database_url):
    drawer = till.open()
    count = ("count", till.site_id, drawer.id, 0)
    outcomes = at_once(database_url, act, [("cash", till.site_id, till.invoice.id, 100)] * 6 + [count])
    assert outcomes[-1] == "done"
    inside = [each for each in outcomes[:-1] if till.payment(each).drawer_id == drawer.id]
    assert till.now_is(drawer).taken == Money(100 * len(inside))
    assert till.books().get("1060", 0) == 600 + till.now_is(drawer).difference.cents
    assert till.found() == set()


@pytest.mark.processes
def test_cash_banked_while_the_drawer_is_counted_is_in_one_place(till, database_url):
    drawer = till.open()
    payments = [till.cash(100) for _ in range(5)]
    told = [("bank", till.site_id, payment.id, 0) for payment in payments]
    outcomes = at_once(database_url, act, [*told, ("count", till.site_id, drawer.id, 300)])
    assert outcomes == ["done"] * 6
    closed = till.now_is(drawer)
    assert closed.expected == closed.taken - closed.banked
    assert till.found() == set()


@pytest.mark.processes
def test_of_eight_clicks_one_opens_a_drawer_and_change_is_given_once(till, database_url):
    till.bring(10_000)
    outcomes = at_once(database_url, act, [("open", till.site_id, "anna", 6_000)] * 4)
    assert sorted(outcomes) == ["done"] + ["drawer-open"] * 3
    others = [("open", till.site_id, f"clerk{number}", 3_000) for number in range(4)]
    assert sorted(at_once(database_url, act, others)) == ["done"] + ["float-not-there"] * 3
    assert till.free() == Money(1_000)
    assert till.found() == set()


def act(database, deed, site_id, about, cents):
    """One rival's deed; a payment's is answered with its id."""
    amount = Money(cents)

    def work(tx):
        if deed == "open":
            actor = person(about, Role.FRONT_DESK)
            return open_drawer(tx, site_id=site_id, float=amount, actor=actor, now=NOW)
        if deed == "cash":
            return take_cash(tx, invoice_id=about, amount=amount, actor=ANNA, now=NOW)
        if deed == "bank":
            told = {"site_id": site_id, "payment_ids": [about], "banked_on": TODAY}
            return bank_payments(tx, **told, actor=BEN, now=NOW)
        if deed == "count":
            return count_drawer(tx, drawer_id=about, counted=amount, limit=DRAWER_LIMIT, actor=ANNA, now=NOW)
        return confirm_drawer(tx, drawer_id=about, counted=amount, actor=SUE, now=NOW)

    done = database.in_transaction(work)
    return done.id if deed == "cash" else "done"


def test_who_may_manage_drawers():
    assert {role for role in Role if "drawers:manage" in ROLES[role]} == {Role.SUPERVISOR, Role.ACCOUNTANT}
