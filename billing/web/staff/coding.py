"""/staff/sessions/<id>/coding: how a visit is coded, each line explained, and changed with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.care.queries import find_session
from billing.care.records import Session
from billing.insurance.errors import InvalidOverride, SuperbillNotPossible
from billing.insurance.queries.coding import CodedSession, coded_session
from billing.insurance.use_cases.overrides import LineAsked, override_lines
from billing.kernel.errors import Flaw
from billing.kernel.permissions import Actor, Permission
from billing.people.queries import list_staff
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, shown_again, text_of

PAGE = "staff/coding.html"
CHANGED = "The lines are changed. The next version of the superbill and claim has them so."
TAKEN_BACK = "The lines are billed as they are coded again."
INCOMPLETE = "This form is not complete. Load the page again."


@dataclass(frozen=True, kw_only=True)
class Shown:
    """`coded` is None while something is missing, which `missing` says."""

    session: Session
    name: str
    coded: CodedSession | None
    missing: str
    people: Mapping[str, str]

    @property
    def on(self) -> date:
        return self.coded.times[0].date() if self.coded else self.session.planned_on


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_coding", __name__)

    @routes.get("/staff/sessions/<session_id>/coding")
    @guard(Permission.SUPERBILLS_READ)
    def look(session_id: str) -> str:
        return render_template(PAGE, **_page(edge, session_id))

    @routes.post("/staff/sessions/<session_id>/coding")
    @guard(Permission.SUPERBILLS_WRITE)
    def change(session_id: str) -> Response | tuple[str, int]:
        actor, now, is_taken_back = current_actor(), edge.clock(), "take_back" in request.form

        def work(tx: Tx) -> str:
            lines = [] if is_taken_back else _asked()
            override_lines(
                tx,
                session_id=session_id,
                lines=lines,
                reason=text_of("reason", 500),
                shown=_mark(),
                actor=actor,
                now=now,
            )
            return url_for("staff_coding.look", session_id=session_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            shown = _beside_its_field(error) if isinstance(error, InvalidOverride) else error
            return shown_again(PAGE, shown, **_page(edge, session_id))
        flash(TAKEN_BACK if is_taken_back else CHANGED, "done")
        return redirect(to, 303)

    return routes


def _asked() -> list[LineAsked]:
    """Every line as it stands in the form; one that is as coded is no change. Raises: InvalidOverride."""
    lines = []
    for place in range(1, len(request.form.getlist("code")) + 1):
        typed = {name: request.form.getlist(name)[place - 1].strip().upper() for name in _names()}
        units = typed["units"]
        if not (units.isascii() and units.isdigit() and len(units) <= 5):
            raise InvalidOverride(
                "Correct the units.", [Flaw(f"/lines/{place - 1}/units", "Give a whole number of units.")]
            )
        lines.append(
            LineAsked(
                place=place,
                code=typed["code"],
                units=int(units),
                modifiers=typed["modifiers"].replace(",", " ").split(),
                pointers=typed["pointers"].replace(",", "").replace(" ", ""),
            )
        )
    return lines


def _names() -> tuple[str, ...]:
    """The fields of a line; a form that lacks some of them is none of ours. Raises: InvalidOverride."""
    names = ("code", "units", "modifiers", "pointers")
    if len({len(request.form.getlist(name)) for name in names}) != 1:
        raise InvalidOverride(INCOMPLETE)
    return names


def _mark() -> str:
    """Which lines the form was shown with. Raises: InvalidOverride."""
    if not (mark := request.form.get("shown", "")):
        raise InvalidOverride(INCOMPLETE)
    return mark


def _beside_its_field(error: InvalidOverride) -> InvalidOverride:
    """`/lines/0/code` as the page calls it: `code-0`."""
    flaws = [_renamed(flaw) for flaw in error.flaws]
    return InvalidOverride(error.detail, flaws)


def _renamed(flaw: Flaw) -> Flaw:
    _, _, number, name = flaw.pointer.split("/")
    return Flaw(f"{name}-{number}", flaw.message)


def _page(edge: Edge, session_id: str) -> dict[str, Any]:
    actor = current_actor()
    shown = edge.audited_read(
        lambda read: _shown(read, session_id, actor),
        actor=actor,
        action="page.coding",
        subject_id=session_id,
    )
    return {"shown": shown, "may": actor.may, "Permission": Permission}


def _shown(read: Read, session_id: str, actor: Actor) -> Shown:
    """Raises: NoSuchSession."""
    session = find_session(read, session_id, actor)
    try:
        coded, missing = coded_session(read, session, SuperbillNotPossible), ""
    except SuperbillNotPossible as error:
        coded, missing = None, error.detail
    return Shown(
        session=session,
        name=name_of(read, session.patient_id, actor),
        coded=coded,
        missing=missing,
        people={each.id: each.email for each in list_staff(read, actor)},
    )
