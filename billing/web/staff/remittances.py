"""/staff/remittances: what insurers answered, what became of it, and what waits for a person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.care.queries import sessions_among
from billing.care.records import Session
from billing.insurance.errors import RemittanceNotParked
from billing.insurance.queries import adjustments_of, find_remittance_alone, list_remittances
from billing.insurance.queries.payees import FOR_ANOTHER
from billing.insurance.queries.payment_days import is_day_to_come
from billing.insurance.queries.remittances import (
    booked_otherwise,
    copies_of,
    count_claims,
    decisions_of,
    posted_with_number,
    told_claims,
    waiting_of,
)
from billing.insurance.queries.set_apart import held_apart
from billing.insurance.records import Remittance
from billing.insurance.records.remittances import ToldClaim
from billing.insurance.rules.payment_day import UNLIKELY_DAY
from billing.insurance.rules.set_apart import SETTLES, mark_of
from billing.insurance.states import RemittanceState
from billing.insurance.use_cases.remittance_decisions.payments import (
    call_day_right,
    call_distinct,
    call_payee_ours,
    look_again,
    put_back,
    set_aside,
)
from billing.kernel.ids import id_pattern
from billing.kernel.permissions import Actor, Permission
from billing.ledger.rules import CHART
from billing.people.queries import list_staff
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import remittance_words as words
from billing.web.forms import written
from billing.web.patient_words import called, page_of_patients
from billing.web.refusals import REFUSED, shown_again, text_of
from billing.web.visit_words import days_of_sessions

LIST, PAGE = "staff/remittances.html", "staff/remittance.html"
MOST, MOST_CLAIMS = 50, 100
LONGEST_REASON = 300
A_REMITTANCE = re.compile(id_pattern("rmt"))
AGAIN = "again"


@dataclass(frozen=True, kw_only=True)
class Page:
    """A remittance with a stretch of its claims, and whose they are as far as the reader may know it."""

    remittance: Remittance
    claims: Sequence[ToldClaim]
    how_many: int
    unmatched: Sequence[ToldClaim]
    """The first of those that need a visit and have none."""
    how_many_unmatched: int
    sessions: Mapping[str, Session]
    days: Mapping[str, date]
    """By session, the day on which it took place."""
    names: Mapping[str, str]
    goes_on: bool


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_remittances", __name__)

    @routes.get("/staff/remittances")
    @guard(Permission.REMITTANCES_READ)
    def remittances() -> str:
        """A page of them, those before the one that `after` names."""
        actor = current_actor()
        after = A_REMITTANCE.fullmatch(request.args.get("after", ""))
        show, which = _which(request.args.get("show", ""))
        with edge.database.reading() as read:
            found = list_remittances(read, actor, cursor=after and after[0], limit=MOST + 1, **which)
            copies = copies_of(read, [each.id for each in found])
        return render_template(
            LIST,
            listed=found[:MOST],
            copies=copies,
            goes_on=len(found) > MOST,
            is_first=after is None,
            show=show,
            words=words,
            may_write=actor.may(Permission.REMITTANCES_WRITE),
        )

    @routes.get("/staff/remittances/<remittance_id>")
    @guard(Permission.REMITTANCES_READ)
    def remittance(remittance_id: str) -> str:
        return render_template(PAGE, **remittance_page(edge, remittance_id))

    _add_deeds(routes, edge)
    return routes


def _add_deeds(routes: Blueprint, edge: Edge) -> None:
    place = "/staff/remittances/<remittance_id>"

    @routes.post(f"{place}/look-again")
    @guard(Permission.REMITTANCES_WRITE)
    def look(remittance_id: str) -> Response | tuple[str, int]:
        return _decided(edge, remittance_id, look_again, "look-again")

    @routes.post(f"{place}/set-aside")
    @guard(Permission.REMITTANCES_WRITE)
    def keep_aside(remittance_id: str) -> Response | tuple[str, int]:
        return _decided(edge, remittance_id, set_aside, "set-aside")

    @routes.post(f"{place}/put-back")
    @guard(Permission.REMITTANCES_WRITE)
    def take_back(remittance_id: str) -> Response | tuple[str, int]:
        return _decided(edge, remittance_id, put_back, "put-back")

    @routes.post(f"{place}/another-payment")
    @guard(Permission.REMITTANCES_WRITE)
    def is_another(remittance_id: str) -> Response | tuple[str, int]:
        return _decided(edge, remittance_id, call_distinct, "another")

    @routes.post(f"{place}/day-is-right")
    @guard(Permission.REMITTANCES_WRITE)
    def day_is_right(remittance_id: str) -> Response | tuple[str, int]:
        return _decided(edge, remittance_id, call_day_right, "right-day")

    @routes.post(f"{place}/payee-is-ours")
    @guard(Permission.REMITTANCES_WRITE)
    def payee_is_ours(remittance_id: str) -> Response | tuple[str, int]:
        return _decided(edge, remittance_id, call_payee_ours, "payee")


def _decided(edge: Edge, remittance_id: str, decide: Any, deed: str) -> Response | tuple[str, int]:
    """All but a look need a reason; `deed` is the form on the page that was sent."""
    actor, now = current_actor(), edge.clock()
    page = url_for("staff_remittances.remittance", remittance_id=remittance_id)

    def work(tx: Tx) -> str:
        reason = {} if decide is look_again else {"reason": text_of("reason", LONGEST_REASON)}
        decide(tx, remittance_id=remittance_id, **reason, actor=actor, now=now)
        return page

    try:
        written(edge, work)
    except RemittanceNotParked as error:
        flash(error.detail, "refused")
    except REFUSED as error:
        return shown_again(PAGE, error, deed=deed, **remittance_page(edge, remittance_id))
    else:
        tell_how_it_stands(edge, remittance_id, actor)
    return redirect(page, 303)


def tell_how_it_stands(edge: Edge, remittance_id: str, actor: Actor) -> None:
    """What a decision led to, on the next page."""
    seen = edge.read(lambda read: find_remittance_alone(read, remittance_id, actor))
    if seen.status == RemittanceState.POSTED:
        flash("It is posted, whole.", "done")
    elif seen.status == RemittanceState.PUT_ASIDE:
        flash("It is set aside. Nothing of it was booked.", "done")
    else:
        flash("That is kept. It still waits, for the reason below.", "done")


def remittance_page(edge: Edge, remittance_id: str) -> dict[str, Any]:
    """What the page shows, also when a form on it is shown again. Raises: NoSuchRemittance."""
    actor = current_actor()
    return edge.audited_read(
        lambda read: _page(read, remittance_id, actor, edge.clock()),
        actor=actor,
        action="page.remittance",
        subject_id=remittance_id,
    )


def _page(read: Read, remittance_id: str, actor: Actor, now: datetime) -> dict[str, Any]:
    remittance = find_remittance_alone(read, remittance_id, actor)
    is_parked = remittance.status == RemittanceState.PARKED
    waiting = waiting_of(read, remittance_id)
    places = waiting.unmatched if is_parked else ()
    claims = told_claims(read, remittance_id, waiting, after=_after(), limit=MOST_CLAIMS + 1)
    unmatched = told_claims(read, remittance_id, waiting, limit=MOST_CLAIMS, only=places[:MOST_CLAIMS])
    decisions, adjustments = decisions_of(read, remittance_id, actor), adjustments_of(read, remittance_id)
    named = [each.session_id for each in claims] + [each.session_id for each in decisions]
    session_ids = {each for each in named if each}
    sessions = sessions_among(read, session_ids)
    return {
        "page": Page(
            remittance=remittance,
            claims=claims[:MOST_CLAIMS],
            how_many=count_claims(read, remittance_id),
            unmatched=unmatched,
            how_many_unmatched=len(places),
            sessions=sessions,
            days=days_of_sessions(read, sessions.values()),
            names=called(read, {each.patient_id for each in sessions.values()}, actor),
            goes_on=len(claims) > MOST_CLAIMS,
        ),
        "decisions": decisions,
        "people": {each.id: each.email for each in list_staff(read, actor)} if decisions else {},
        "copies": copies_of(read, [remittance_id]).get(remittance_id),
        "like": posted_with_number(read, remittance_id) if is_parked else None,
        "is_like_another": is_parked and booked_otherwise(read, remittance_id) is not None,
        "is_for_another": is_parked and (remittance.reason or "").startswith(FOR_ANOTHER),
        "may_day_be_right": is_parked
        and (remittance.reason or "").startswith(UNLIKELY_DAY)
        and not is_day_to_come(read, actor.entity_id, remittance.paid_on, now),
        "adjustments": adjustments,
        "adjustments_shown": mark_of(adjustments),
        "held_apart": None if is_parked else held_apart(read, remittance_id),
        "accounts": [(account, CHART[account].name) for account in SETTLES],
        "may_settle": actor.may(Permission.LEDGER_WRITE),
        "patient_page": page_of_patients(actor),
        "may_write": actor.may(Permission.REMITTANCES_WRITE),
        "words": words,
    }


def _which(show: str) -> tuple[str, dict[str, Any]]:
    """What of the list is shown, and the query's own words for it."""
    if show == AGAIN:
        return AGAIN, {"came_again": True}
    if show in list(RemittanceState):
        return show, {"state": RemittanceState(show)}
    return "", {}


def _after() -> int:
    """The place behind which claims are shown."""
    text = request.args.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
