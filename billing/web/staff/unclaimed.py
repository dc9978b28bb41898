"""/staff/unclaimed: money whose owner shows no sign, on its way to the state or back to the owner."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.queries import site_date
from billing.kernel.errors import IllegalMove
from billing.kernel.ids import id_pattern
from billing.kernel.money import Money
from billing.kernel.permissions import Actor, Permission
from billing.payments.queries.dormant import find_dormant, list_dormant, still_owed, still_owed_of
from billing.payments.records.dormant import DormantCredit, StillOwed
from billing.payments.rules.dormant import DORMANCIES, dormant_on, may_be_set_aside
from billing.payments.states.dormant import DormantState
from billing.payments.use_cases.dormant import claim, record_letter, remit, set_aside
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import unclaimed_words
from billing.web.forms import written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, date_of, shown_again, text_of
from billing.web.staff.refunds import ANOTHER_PAYER, payer_of
from billing.web.staff.without_rule import groups_without_rule, what_insurers_left

PAGE, CONFIRM = "staff/unclaimed_one.html", "staff/unclaimed_confirm.html"
MOST = 50
LONGEST_REFERENCE = 60
A_DORMANT = re.compile(id_pattern("drm"))
CHANGED = "This changed meanwhile. Look at it again, then decide."
UNDECIDED = (DormantState.LISTED, DormantState.WRITTEN)


@dataclass(frozen=True, kw_only=True)
class Unclaimed:
    """`owed` is what is left of it, as long as nobody decided; `owner` as far as the actor may know."""

    dormant: DormantCredit
    owner: str
    owed: StillOwed | None
    today: str
    may_set_aside: bool
    """Whether it is the state's by now."""
    next: str

    @property
    def amount(self) -> Money | None:
        """What was set aside, or is left to be."""
        return self.owed.amount if self.owed else self.dormant.amount

    @property
    def may_write(self) -> bool:
        return self.dormant.state is DormantState.LISTED

    @property
    def may_remit(self) -> bool:
        return self.dormant.state is DormantState.SET_ASIDE

    @property
    def may_claim(self) -> bool:
        return self.dormant.state in (*UNDECIDED, DormantState.SET_ASIDE)


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_unclaimed", __name__)
    _add_letter(routes, edge)
    _add_state(routes, edge)
    _add_owner(routes, edge)

    @routes.get("/staff/unclaimed")
    @guard(Permission.CREDITS_READ)
    def unclaimed() -> str:
        return render_template("staff/unclaimed.html", **_list_page(edge))

    @routes.get("/staff/unclaimed/<dormant_id>")
    @guard(Permission.CREDITS_READ)
    def one(dormant_id: str) -> str:
        return render_template(PAGE, **_page(edge, dormant_id))

    return routes


def _add_letter(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/unclaimed/<dormant_id>/letter")
    @guard(Permission.CREDITS_WRITE)
    def letter(dormant_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> None:
            record_letter(tx, dormant_id=dormant_id, sent_on=date_of("sent_on"), actor=actor, now=now)

        return _done_or_shown(edge, work, dormant_id, PAGE, "The letter is recorded.")


def _add_state(routes: Blueprint, edge: Edge) -> None:
    @routes.get("/staff/unclaimed/<dormant_id>/set-aside")
    @guard(Permission.LEDGER_WRITE)
    def ask_set_aside(dormant_id: str) -> str:
        return render_template(CONFIRM, deed="set-aside", **_page(edge, dormant_id))

    @routes.post("/staff/unclaimed/<dormant_id>/set-aside")
    @guard(Permission.LEDGER_WRITE)
    def keep_set_aside(dormant_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> None:
            set_aside(tx, dormant_id=dormant_id, actor=actor, now=now)

        return _done_or_shown(edge, work, dormant_id, PAGE, "It is set aside for the state.")

    @routes.get("/staff/unclaimed/<dormant_id>/remit")
    @guard(Permission.LEDGER_WRITE)
    def ask_remit(dormant_id: str) -> str:
        return render_template(CONFIRM, deed="remit", **_page(edge, dormant_id))

    @routes.post("/staff/unclaimed/<dormant_id>/remit")
    @guard(Permission.LEDGER_WRITE)
    def keep_remit(dormant_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> None:
            reference = text_of("reference", LONGEST_REFERENCE)
            remit(tx, dormant_id=dormant_id, reference=reference, actor=actor, now=now)

        return _done_or_shown(
            edge, work, dormant_id, CONFIRM, "It is booked: the state has it.", deed="remit"
        )


def _add_owner(routes: Blueprint, edge: Edge) -> None:
    @routes.get("/staff/unclaimed/<dormant_id>/claim")
    @guard(Permission.CREDITS_WRITE)
    def ask_claim(dormant_id: str) -> str:
        return render_template(CONFIRM, deed="claim", **_page(edge, dormant_id))

    @routes.post("/staff/unclaimed/<dormant_id>/claim")
    @guard(Permission.CREDITS_WRITE)
    def keep_claim(dormant_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> None:
            claim(tx, dormant_id=dormant_id, actor=actor, now=now)

        return _done_or_shown(edge, work, dormant_id, PAGE, "It is recorded that the owner answered.")


def _done_or_shown(
    edge: Edge, work: Callable[[Tx], Any], dormant_id: str, page: str, done: str, **more: str
) -> Response | tuple[str, int]:
    def write(tx: Tx) -> str:
        try:
            work(tx)
        except IllegalMove:
            raise IllegalMove(CHANGED) from None
        return url_for("staff_unclaimed.one", dormant_id=dormant_id)

    try:
        to = written(edge, write)
    except REFUSED as error:
        return shown_again(page, error, **more, **_page(edge, dormant_id))
    flash(done, "done")
    return redirect(to, 303)


def _list_page(edge: Edge) -> dict[str, Any]:
    """A page of them, after the one that `after` names; all, or those that stand as `state` says.

    What nobody can tell the day of stands on the first page of all.
    """
    actor, now = current_actor(), edge.clock()
    after = A_DORMANT.fullmatch(request.args.get("after", ""))
    state = next((each for each in DormantState if each == request.args.get("state")), None)

    def find(read: Read) -> dict[str, Any]:
        found = list_dormant(read, actor, state=state, cursor=after and after[0], limit=MOST + 1)
        owed = still_owed_of(read, found[:MOST])
        is_first_of_all = after is None and state is None
        return {
            "unclaimed": [_unclaimed(read, each, owed[each.id], actor, now) for each in found[:MOST]],
            "goes_on": len(found) > MOST,
            "without_rule": groups_without_rule(read, actor, now) if is_first_of_all else (),
            "insurers": what_insurers_left(read, actor, now) if is_first_of_all else None,
        }

    found = edge.audited_read(find, actor=actor, action="page.unclaimed", subject_id=actor.id)
    return {
        **found,
        "is_first": after is None,
        "state": state,
        "states": DormantState,
        "words": unclaimed_words,
        "may": actor.may,
        "Permission": Permission,
    }


def _page(edge: Edge, dormant_id: str) -> dict[str, Any]:
    """Raises: NoSuchDormantCredit."""
    actor, now = current_actor(), edge.clock()

    def find(read: Read) -> Unclaimed:
        dormant = find_dormant(read, dormant_id, actor)
        return _unclaimed(read, dormant, still_owed(read, dormant), actor, now)

    found = edge.audited_read(find, actor=actor, action="page.unclaimed_one", subject_id=dormant_id)
    return {"one": found, "may": actor.may, "Permission": Permission, "words": unclaimed_words}


def _unclaimed(read: Read, dormant: DormantCredit, left: StillOwed, actor: Actor, now: datetime) -> Unclaimed:
    owed = left if dormant.state in UNDECIDED else None
    today = site_date(read, dormant.site_id, now)
    rule = DORMANCIES.get(dormant.us_state)
    is_the_states = (
        owed is not None
        and rule is not None
        and may_be_set_aside(owed.amount, rule, dormant_on(owed.last_sign, rule), dormant.letter_on, today)
    )
    return Unclaimed(
        dormant=dormant,
        owner=_owner(read, dormant, actor),
        owed=owed,
        today=today.isoformat(),
        may_set_aside=is_the_states,
        next=unclaimed_words.what_comes_next(dormant, owed, today),
    )


def _owner(read: Read, dormant: DormantCredit, actor: Actor) -> str:
    if payer := payer_of(read, dormant.payer_id, actor):
        return payer if payer != ANOTHER_PAYER else ANOTHER_PAYER.capitalize()
    return name_of(read, dormant.patient_id, actor)
