"""Cash drawers: opened with change, counted blind, closed with what was over or short.

Locks are taken in one order: patients, the site's change, drawers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select

from billing.catalog.errors import NoSuchSite
from billing.catalog.queries import find_site, site_date
from billing.catalog.records import Site
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor, Permission
from billing.ledger.records import Account, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.payments.errors.drawers import (
    DrawerElsewhere,
    DrawerNotYours,
    DrawerOpen,
    FloatNotThere,
    OwnDrawer,
)
from billing.payments.models.drawers import CashDrawerRow, CashFloatRow, ChangeFundRow
from billing.payments.queries.days import refuse_unless_past
from billing.payments.queries.drawers import (
    banked_from,
    differences_lately,
    drawer_of,
    find_drawer,
    float_of,
    taken_in,
)
from billing.payments.records.drawers import CashDrawer, CashFloat
from billing.payments.rules.refunds import LATELY
from billing.payments.states.drawers import DRAWER_MOVES, DrawerEvent, DrawerState
from billing.payments.use_cases.persons import lock_person
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_a_person, end_tasks

A_YEAR = timedelta(days=365)
CASH_DRAWER, CASH_FLOAT = "cash_drawer", "cash_float"
DRAWER_DIFFERENCE = "drawer-difference"


def bring_float(
    tx: Tx, *, site_id: str, amount: Money, brought_on: date, actor: Actor, now: datetime
) -> CashFloat:
    """Record change that was brought from the bank to a site: the clinic's own money, for any drawer.

    Raises: NoSuchSite, BadDay for one to come, or longer ago than anybody forgets it.
    """
    site, last_year = _site(tx, site_id, actor), site_date(tx, site_id, now - A_YEAR)
    refuse_unless_past(tx, site_id, "brought_on", brought_on, now, since=last_year)
    fund = lock_change(tx, site)
    fund.free_cents += amount.cents
    row = CashFloatRow(
        id=new_id("flt"),
        entity_id=site.entity_id,
        site_id=site_id,
        amount_cents=amount.cents,
        brought_on=brought_on,
        brought_by=actor.person,
        brought_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    brought = float_of(row)
    lines = (debit(Account.UNDEPOSITED, amount), credit(Account.BANK, amount))
    source = Source(CASH_FLOAT, row.id, "brought")
    post(tx, Posting.of(brought, source, brought_on, lines), actor=actor, now=now)
    _audit(tx, row, "float.bring", amount, actor, now)
    return brought


def open_drawer(tx: Tx, *, site_id: str, float: Money, actor: Actor, now: datetime) -> CashDrawer:
    """Open the actor's drawer at a site with change that the site holds.

    Raises: NoSuchSite, DrawerOpen, FloatNotThere.
    """
    site = _site(tx, site_id, actor)
    fund = lock_change(tx, site)
    if standing := lock_open_drawer(tx, site_id, actor):
        raise DrawerOpen("Your drawer at this site is open. Count it first.", drawer_id=standing)
    take_change(fund, float)
    row = CashDrawerRow(
        id=new_id("drw"),
        entity_id=site.entity_id,
        site_id=site_id,
        state=DrawerState.OPEN,
        cashier=actor.person,
        float_cents=float.cents,
        opened_on=site_date(tx, site_id, now),
        opened_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    _audit(tx, row, "drawer.open", float, actor, now)
    return drawer_of(row)


def count_drawer(
    tx: Tx, *, drawer_id: str, counted: Money, limit: Money, actor: Actor, now: datetime
) -> CashDrawer:
    """Say what is in a drawer, without being told what should be: it takes no more cash from now on.

    Up to the limit it is closed with the difference. Those of the last day count as well, since many small
    ones are a large one. Beyond, and with any difference in another person's drawer, somebody else has
    to count too.
    Raises: NoSuchDrawer, DrawerNotYours, IllegalMove when it was counted before.
    """
    fund, row = _locked(tx, drawer_id, actor)
    is_own = row.cashier == actor.person
    if not is_own and not actor.may(Permission.DRAWERS_MANAGE):
        raise DrawerNotYours("This is another person's drawer. Its cashier or a supervisor counts it.")
    taken, banked, today = taken_in(tx, row.id), banked_from(tx, row.id), site_date(tx, row.site_id, now)
    expected = Money(row.float_cents) + taken - banked
    difference, allowed = counted - expected, limit if is_own else ZERO
    lately = _differences_lately(tx, row, now) if difference else ZERO
    is_close = abs(difference.cents) + lately.cents <= allowed.cents
    event = DrawerEvent.CLOSE if is_close else DrawerEvent.DIFFER
    advance(tx, row, DRAWER_MOVES, event, actor=actor, now=now)
    row.taken_cents, row.banked_cents, row.expected_cents = taken.cents, banked.cents, expected.cents
    row.counted_cents, row.counted_by, row.counted_at = counted.cents, actor.person, now
    row.limit_cents = allowed.cents
    _audit(tx, row, "drawer.count", counted, actor, now)
    if is_close:
        return _close(tx, fund, row, difference, today, actor, now)
    tx.session.flush()
    ask_a_person(tx, kind=DRAWER_DIFFERENCE, about=row, actor=actor, now=now)
    return drawer_of(row)


def confirm_drawer(tx: Tx, *, drawer_id: str, counted: Money, actor: Actor, now: datetime) -> CashDrawer:
    """Close a drawer with what another person counts; both counts are kept, the second stands.

    Raises: NoSuchDrawer, OwnDrawer, IllegalMove.
    """
    fund, row = _locked(tx, drawer_id, actor)
    if actor.person in (row.cashier, row.counted_by):
        raise OwnDrawer("Somebody else has to count: neither the cashier nor who counted first.")
    today = site_date(tx, row.site_id, now)
    advance(tx, row, DRAWER_MOVES, DrawerEvent.CONFIRM, actor=actor, now=now)
    row.confirmed_cents, row.confirmed_by = counted.cents, actor.person
    _audit(tx, row, "drawer.confirm", counted, actor, now)
    difference = Money(counted.cents - (row.expected_cents or 0))
    closed = _close(tx, fund, row, difference, today, actor, now)
    end_tasks(tx, kind=DRAWER_DIFFERENCE, subject_ids=[row.id], actor=actor, now=now)
    return closed


def lock_change(tx: Tx, site: Site) -> ChangeFundRow:
    """The site's change, held until the end of the transaction; a row of nothing where there was none."""
    values = {"site_id": site.id, "entity_id": site.entity_id, "free_cents": 0}
    insert_unless_there(tx, ChangeFundRow, values, ["site_id"])
    return tx.session.get_one(ChangeFundRow, site.id, with_for_update=True, populate_existing=True)


def _differences_lately(tx: Tx, row: CashDrawerRow, now: datetime) -> Money:
    lock_person(tx, row.cashier)
    return differences_lately(tx, row.cashier, now - LATELY)


def take_change(fund: ChangeFundRow, amount: Money) -> None:
    """Raises: FloatNotThere."""
    if amount.cents > max(0, fund.free_cents):
        held = Money(max(0, fund.free_cents))
        raise FloatNotThere(
            f"Only {held} of change is kept at this site outside of drawers. Take that at most, or record "
            "the change that is brought from the bank first.",
            available_cents=held.cents,
        )
    fund.free_cents -= amount.cents


def leave_missing(fund: ChangeFundRow, amount: Money) -> None:
    """Drawers were short of takings: what is not there does not go to the bank. Raises: FloatNotThere."""
    if amount.cents > max(0, -fund.free_cents):
        missing = Money(max(0, -fund.free_cents))
        raise FloatNotThere(
            f"Closed drawers of this site are short of {missing} of what they took.",
            available_cents=-missing.cents,
        )
    fund.free_cents += amount.cents


def lock_drawers(tx: Tx, drawer_ids: Sequence[str]) -> dict[str, DrawerState]:
    """The states of drawers, held so that nobody counts them meanwhile."""
    query = (
        select(CashDrawerRow.id, CashDrawerRow.state)
        .where(CashDrawerRow.id.in_(drawer_ids))
        .order_by(CashDrawerRow.id)
        .with_for_update()
    )
    return {drawer_id: DrawerState(state) for drawer_id, state in tx.session.execute(query)}


def lock_open_drawer(tx: Tx, site_id: str, actor: Actor) -> str | None:
    """The actor's open drawer at a site, held so that nobody closes it meanwhile."""
    query = (
        select(CashDrawerRow.id)
        .where(
            CashDrawerRow.site_id == site_id,
            CashDrawerRow.cashier == actor.person,
            CashDrawerRow.state == DrawerState.OPEN,
        )
        .with_for_update()
    )
    return tx.session.scalar(query)


def refuse_cash_outside(tx: Tx, site_id: str, actor: Actor) -> None:
    """Who counts a drawer elsewhere would hold cash that no count expects. Raises: DrawerElsewhere."""
    query = select(CashDrawerRow.site_id).where(
        CashDrawerRow.cashier == actor.person, CashDrawerRow.state == DrawerState.OPEN
    )
    if open_at := tx.session.scalars(query).all():
        names = " and ".join(sorted(find_site(tx, each).name for each in open_at))
        here = find_site(tx, site_id).name
        raise DrawerElsewhere(
            f"Your cash drawer is open at {names}, and this is cash of {here}. Open a drawer at {here} too, "
            "with no change if need be, and keep the cash in it: it is counted and banked there.",
            site_id=site_id,
        )


def _close(
    tx: Tx,
    fund: ChangeFundRow,
    row: CashDrawerRow,
    difference: Money,
    today: date,
    actor: Actor,
    now: datetime,
) -> CashDrawer:
    """What was short is a loss, what was over a gain of the same account; both stay with the change."""
    fund.free_cents += row.float_cents + difference.cents
    row.difference_cents, row.closed_on, row.closed_at = difference.cents, today, now
    tx.session.flush()
    closed = drawer_of(row)
    if difference:
        lines = (debit(Account.UNDEPOSITED, difference), credit(Account.CASH_SHORT, difference))
        source = Source(CASH_DRAWER, row.id, "difference")
        post(tx, Posting.of(closed, source, today, lines), actor=actor, now=now)
    return closed


def _audit(
    tx: Tx, row: CashDrawerRow | CashFloatRow, action: str, amount: Money, actor: Actor, now: datetime
) -> None:
    detail = {"cents": amount.cents}
    record_audit(tx, actor=actor, action=action, subject_id=row.id, now=now, detail=detail)


def _locked(tx: Tx, drawer_id: str, actor: Actor) -> tuple[ChangeFundRow, CashDrawerRow]:
    drawer = find_drawer(tx, drawer_id, actor)
    fund = lock_change(tx, find_site(tx, drawer.site_id))
    return fund, tx.session.get_one(CashDrawerRow, drawer_id, with_for_update=True, populate_existing=True)


def _site(tx: Tx, site_id: str, actor: Actor) -> Site:
    site = find_site(tx, site_id)
    if not actor.sees(entity_id=site.entity_id, site_id=site_id):
        raise NoSuchSite(f"There is no site {site_id}.")
    return site
