"""/staff/remittances/<id>/set-apart: what a payer added or kept that nobody can book, and what it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.insurance.queries.set_apart import held_apart
from billing.insurance.records import Remittance
from billing.insurance.records.set_apart import SettledPart
from billing.insurance.rules.set_apart import SETTLES
from billing.insurance.use_cases.remittance_decisions.set_apart import set_adjustments_apart
from billing.insurance.use_cases.remittance_decisions.settling import settle_set_apart, unsettle_set_apart
from billing.kernel.errors import Flaw
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Permission
from billing.ledger.queries import posted_since
from billing.ledger.records import Account
from billing.ledger.rules import CHART
from billing.platform.data.database import Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import written
from billing.web.refusals import REFUSED, choice_of, shown_again, text_of
from billing.web.staff.remittances import (
    LONGEST_REASON,
    PAGE,
    remittance_page,
    tell_how_it_stands,
)

CHOOSE = "Choose what is set apart."
INCOMPLETE = "The page was not sent whole. Load it again, then choose."
CHOOSE_ACCOUNT = "Choose what it was."


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a decision would lead to: how the payment would stand, and what would be booked where."""

    remittance: Remittance
    moves: Sequence[tuple[str, str, Money]]


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_remittance_apart", __name__)
    place = "/staff/remittances/<remittance_id>"

    @routes.post(f"{place}/set-apart/preview")
    @guard(Permission.REMITTANCES_WRITE)
    def look(remittance_id: str) -> str | tuple[str, int]:
        """What it would book. Nothing is written."""
        try:
            seen = edge.database.rehearse(lambda tx: _seen(tx, edge, remittance_id))
        except REFUSED as error:
            return _refused(edge, error, remittance_id, "set-apart")
        page = remittance_page(edge, remittance_id)
        return render_template(PAGE, entered=request.form, deed="set-apart", seen=seen, **page)

    @routes.post(f"{place}/set-apart")
    @guard(Permission.REMITTANCES_WRITE)
    def keep_apart(remittance_id: str) -> Response | tuple[str, int]:
        return _done(edge, remittance_id, "set-apart", _set_apart)

    @routes.post(f"{place}/settle-apart")
    @guard(Permission.LEDGER_WRITE)
    def settle(remittance_id: str) -> Response | tuple[str, int]:
        told = "It is booked, and nothing of it is on 2240 any more."
        return _done(edge, remittance_id, "settle-apart", _settle, told)

    @routes.post(f"{place}/unsettle")
    @guard(Permission.LEDGER_WRITE)
    def unsettle(remittance_id: str) -> Response | tuple[str, int]:
        told = "That is reversed. It is on 2240 again, and can be settled anew."
        return _done(edge, remittance_id, "unsettle", _unsettle, told)

    return routes


def _done(
    edge: Edge,
    remittance_id: str,
    deed: str,
    work: Callable[[Tx, Edge, str], object],
    told: str | None = None,
) -> Response | tuple[str, int]:
    """`deed` is the form on the page that was sent; without `told` the payment says how it stands."""
    page = url_for("staff_remittances.remittance", remittance_id=remittance_id)

    def do(tx: Tx) -> str:
        work(tx, edge, remittance_id)
        return page

    try:
        written(edge, do)
    except REFUSED as error:
        return _refused(edge, error, remittance_id, deed)
    if told:
        flash(told, "done")
    else:
        tell_how_it_stands(edge, remittance_id, current_actor())
    return redirect(page, 303)


def _seen(tx: Tx, edge: Edge, remittance_id: str) -> Seen:
    before = new_id("je")
    told = _set_apart(tx, edge, remittance_id)
    tx.flush()
    moves = posted_since(tx, before, current_actor())
    return Seen(
        remittance=told,
        moves=[(code, CHART[Account(code)].name, Money(cents)) for code, cents in moves.items()],
    )


def _set_apart(tx: Tx, edge: Edge, remittance_id: str) -> Remittance:
    places = [int(each) for each in request.form.getlist("place") if each.isascii() and each.isdigit()]
    if not places:
        raise InvalidRequest(CHOOSE, [Flaw("/place", CHOOSE)])
    if not (shown := request.form.get("shown", "")):
        raise InvalidRequest(INCOMPLETE, [Flaw("/place", INCOMPLETE)])
    return set_adjustments_apart(
        tx,
        remittance_id=remittance_id,
        places=places,
        reason=text_of("reason", LONGEST_REASON),
        shown=shown,
        actor=current_actor(),
        now=edge.clock(),
    )


def _settle(tx: Tx, edge: Edge, remittance_id: str) -> None:
    """All of it at once, as one thing; the API takes it in parts."""
    account = choice_of(Account, "account", CHOOSE_ACCOUNT)
    if account not in SETTLES:
        raise InvalidRequest(CHOOSE_ACCOUNT, [Flaw("/account", CHOOSE_ACCOUNT)])
    held = held_apart(tx, remittance_id)
    whole = ZERO if held is None else held.amount
    part = SettledPart(account=account, amount=whole if whole > ZERO else -whole)
    reason = text_of("reason", LONGEST_REASON)
    actor, now = current_actor(), edge.clock()
    settle_set_apart(tx, remittance_id=remittance_id, parts=[part], reason=reason, actor=actor, now=now)


def _unsettle(tx: Tx, edge: Edge, remittance_id: str) -> None:
    reason, shown = text_of("reason", LONGEST_REASON), request.form.get("shown", "")
    unsettle_set_apart(
        tx, remittance_id=remittance_id, reason=reason, shown=shown, actor=current_actor(), now=edge.clock()
    )


def _refused(edge: Edge, error: Any, remittance_id: str, deed: str) -> tuple[str, int]:
    return shown_again(PAGE, error, deed=deed, **remittance_page(edge, remittance_id))
