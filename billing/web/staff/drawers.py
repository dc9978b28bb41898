"""/staff/cash-drawers: open one, count one, count another's again, and read what each shift came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.queries import find_site, site_date, sites
from billing.catalog.records import Site
from billing.kernel.errors import Flaw
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor, Permission
from billing.payments.queries.drawers import free_change, list_drawers, report_of
from billing.payments.records.drawers import DENOMINATIONS, CashDrawer, DrawerReport
from billing.payments.states.drawers import DrawerState
from billing.payments.use_cases.drawers import bring_float, confirm_drawer, count_drawer, open_drawer
from billing.people.queries import list_staff
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import amount_of, amount_or_zero_of, written
from billing.web.refusals import REFUSED, date_of, shown_again

PAGE, SHIFT = "staff/drawers.html", "staff/drawer.html"
MOST = 60
MOST_PIECES = 10_000
COUNT_IT = "Type how many there are of each, or the total; an empty drawer is a total of 0."
NOT_BOTH = "Type the notes and coins, or the total, not both."
PIECES = tuple((cents, f"${cents // 100}" if cents >= 100 else f"{cents}¢") for cents in DENOMINATIONS)


@dataclass(frozen=True, kw_only=True)
class Till:
    """One site: the reader's open drawer there, and the change that is in none."""

    site: Site
    own: CashDrawer | None
    free: Money
    today: str


@dataclass(frozen=True, kw_only=True)
class Shifts:
    """Drawers, newest first. `people` are addresses by id, `names` those of sites."""

    tills: Sequence[Till]
    drawers: Sequence[CashDrawer]
    people: Mapping[str, str]
    names: Mapping[str, str]


def make_blueprint(edge: Edge, drawer_limit: Money) -> Blueprint:
    routes = Blueprint("staff_drawers", __name__)
    _add_list_routes(routes, edge)
    _add_shift_routes(routes, edge, drawer_limit)
    return routes


def _add_list_routes(routes: Blueprint, edge: Edge) -> None:
    @routes.get("/staff/cash-drawers")
    @guard(Permission.PAYMENTS_READ)
    def drawers() -> str:
        return render_template(PAGE, **_page(edge))

    @routes.post("/staff/cash-drawers")
    @guard(Permission.PAYMENTS_TAKE)
    def open_one() -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            amount, site_id = amount_or_zero_of(request.form.get("float", ""), "float"), _site_id()
            opened = open_drawer(tx, site_id=site_id, float=amount, actor=actor, now=now)
            return url_for("staff_drawers.shift", drawer_id=opened.id)

        try:
            written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, row=_site_id(), **_page(edge))
        flash("Your drawer is open. Cash that you take falls into it.", "done")
        return redirect(url_for("staff_drawers.drawers"), 303)

    @routes.post("/staff/cash-floats")
    @guard(Permission.DRAWERS_MANAGE)
    def bring() -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            bring_float(
                tx,
                site_id=_site_id(),
                amount=amount_of(request.form.get("change", ""), "change"),
                brought_on=date_of("brought_on"),
                actor=actor,
                now=now,
            )
            return url_for("staff_drawers.drawers")

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, row=_site_id(), **_page(edge))
        flash("The change is booked. Drawers can be opened with it.", "done")
        return redirect(to, 303)


def _add_shift_routes(routes: Blueprint, edge: Edge, drawer_limit: Money) -> None:
    @routes.get("/staff/cash-drawers/<drawer_id>")
    @guard(Permission.PAYMENTS_READ)
    def shift(drawer_id: str) -> str:
        return render_template(SHIFT, **_shift(edge, drawer_id))

    @routes.post("/staff/cash-drawers/<drawer_id>/count")
    @guard(Permission.PAYMENTS_TAKE)
    def count(drawer_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            found = _counted()
            count_drawer(tx, drawer_id=drawer_id, counted=found, limit=drawer_limit, actor=actor, now=now)
            return url_for("staff_drawers.shift", drawer_id=drawer_id)

        return _told(edge, drawer_id, work)

    @routes.post("/staff/cash-drawers/<drawer_id>/confirm")
    @guard(Permission.DRAWERS_MANAGE)
    def confirm(drawer_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            found = _counted()
            confirm_drawer(tx, drawer_id=drawer_id, counted=found, actor=actor, now=now)
            return url_for("staff_drawers.shift", drawer_id=drawer_id)

        return _told(edge, drawer_id, work)


def _told(edge: Edge, drawer_id: str, work: Any) -> Response | tuple[str, int]:
    """After a count: what it came to, or that somebody else has to count."""
    try:
        to = written(edge, work)
    except REFUSED as error:
        return shown_again(SHIFT, error, **_shift(edge, drawer_id))
    drawer = edge.read(lambda read: report_of(read, drawer_id, current_actor())).drawer
    if drawer.difference is None:
        flash("The count is kept. It differs: another person has to count this drawer.", "refused")
    else:
        flash(f"The drawer is closed: {difference_in_words(drawer.difference)}.", "done")
    return redirect(to, 303)


def difference_in_words(difference: Money) -> str:
    """`$5.00 short`."""
    if not difference:
        return "exact"
    return f"{difference} over" if difference > ZERO else f"{-difference} short"


def _page(edge: Edge) -> dict[str, Any]:
    actor, now = current_actor(), edge.clock()
    return {
        "shifts": edge.read(lambda read: _shifts(read, actor, now)),
        "in_words": difference_in_words,
        "may_take": actor.may(Permission.PAYMENTS_TAKE),
        "may_manage": actor.may(Permission.DRAWERS_MANAGE),
    }


def _shifts(read: Read, actor: Actor, now: datetime) -> Shifts:
    at = [
        site
        for site in (sites(read, actor.entity_id) if actor.entity_id else ())
        if actor.sees(entity_id=site.entity_id, site_id=site.id)
    ]
    free = free_change(read, actor)
    drawers = list_drawers(read, actor, limit=MOST)
    standing = list_drawers(read, actor, state=DrawerState.OPEN, limit=MOST)
    own = {each.site_id: each for each in standing if each.cashier == actor.person}
    return Shifts(
        tills=[
            Till(
                site=site,
                own=own.get(site.id),
                free=free.get(site.id, ZERO),
                today=site_date(read, site.id, now).isoformat(),
            )
            for site in at
        ],
        drawers=drawers,
        people=_people(read, actor),
        names={site.id: site.name for site in at},
    )


def _shift(edge: Edge, drawer_id: str) -> dict[str, Any]:
    actor = current_actor()
    with edge.database.reading() as read:
        report = report_of(read, drawer_id, actor)
        site, people = find_site(read, report.drawer.site_id), _people(read, actor)
    return {
        "report": report,
        "drawer": report.drawer,
        "site": site,
        "people": people,
        "in_words": difference_in_words,
        "pieces": PIECES,
        "to_count": _deed(report, actor),
    }


def _deed(report: DrawerReport, actor: Actor) -> str | None:
    """Where the form of the reader's count goes, if it is theirs to count."""
    drawer = report.drawer
    manages = actor.may(Permission.DRAWERS_MANAGE)
    if drawer.state is DrawerState.OPEN and actor.may(Permission.PAYMENTS_TAKE):
        return "staff_drawers.count" if manages or drawer.cashier == actor.person else None
    is_second = actor.person not in (drawer.cashier, drawer.counted_by)
    if drawer.state is DrawerState.COUNTED and manages and is_second:
        return "staff_drawers.confirm"
    return None


def _site_id() -> str:
    return request.form.get("site_id", "")


def _people(read: Read, actor: Actor) -> dict[str, str]:
    return {staff.id: staff.email for staff in list_staff(read, actor)}


def _counted() -> Money:
    """The notes and coins that were typed, or the total. Raises: InvalidRequest."""
    typed = {cents: request.form.get(f"n{cents}", "").strip() for cents in DENOMINATIONS}
    has_pieces, has_total = any(typed.values()), bool(request.form.get("counted", "").strip())
    if has_pieces == has_total:
        message = NOT_BOTH if has_total else COUNT_IT
        raise InvalidRequest(message, [Flaw("/counted", message)])
    if has_total:
        return amount_or_zero_of(request.form["counted"], "counted")
    return Money(sum(cents * _pieces(cents, text) for cents, text in typed.items()))


def _pieces(cents: int, text: str) -> int:
    """Raises: InvalidRequest."""
    if text and not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= MOST_PIECES):
        message = "Type how many there are: a whole number."
        raise InvalidRequest(message, [Flaw(f"/n{cents}", message)])
    return int(text or 0)
