"""A visit that does not take place: /staff/sessions/<id>/absence/new says first what that does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.care.queries import coverage_of, find_session
from billing.care.records import LETS_NOBODY_IN, Session
from billing.care.states import SessionState
from billing.care.use_cases import cancel_session, mark_no_show, reschedule_session, turn_away
from billing.catalog.queries import site_date
from billing.invoices.queries import line_of_session
from billing.invoices.records import Invoice, InvoiceKind
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor, Permission
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, date_of, shown_again

PAGE = "staff/absence.html"
TO_COME = frozenset({SessionState.PLANNED, SessionState.CHECKED_IN})


@dataclass(frozen=True, kw_only=True)
class Absence:
    """A visit and what becomes of its money when it does not take place."""

    session: Session
    name: str
    invoice: Invoice | None
    paid: Money
    """What becomes free of it: neither a promise, nor what was refunded of it before."""
    is_on_its_day: bool
    """Whether its day has come, so that somebody can have missed it."""

    @property
    def is_to_come(self) -> bool:
        return self.session.state in TO_COME

    @property
    def of_package(self) -> bool:
        return self.invoice is not None and self.invoice.kind is InvoiceKind.PACKAGE

    @property
    def owed(self) -> Money:
        return (self.session.due or ZERO) - self.session.covered


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_absences", __name__)

    @routes.get("/staff/sessions/<session_id>/absence/new")
    @guard(Permission.CARE_PLAN)
    def look(session_id: str) -> str:
        return render_template(PAGE, **_page(edge, session_id))

    @routes.post("/staff/sessions/<session_id>/cancel")
    @guard(Permission.CARE_PLAN)
    def cancel(session_id: str) -> Response | tuple[str, int]:
        return _end(edge, session_id, cancel_session, "The visit is called off.")

    @routes.post("/staff/sessions/<session_id>/reschedule")
    @guard(Permission.CARE_PLAN)
    def reschedule(session_id: str) -> Response | tuple[str, int]:
        return _end(edge, session_id, _move, "The visit moves to the day that you chose.")

    @routes.post("/staff/sessions/<session_id>/no-show")
    @guard(Permission.CARE_CHECK_IN)
    def no_show(session_id: str) -> Response | tuple[str, int]:
        """One of a package is missed and moves to another day at once, since a package is whole."""
        return _end(edge, session_id, _miss, "The visit is marked as missed.")

    @routes.post("/staff/sessions/<session_id>/turn-away")
    @guard(Permission.CARE_CHECK_IN)
    def turned_away(session_id: str) -> Response | tuple[str, int]:
        return _end(edge, session_id, turn_away, "It is recorded that the patient could not be treated.")

    return routes


def _end(edge: Edge, session_id: str, deed: Callable[..., Session], done: str) -> Response | tuple[str, int]:
    actor, now = current_actor(), edge.clock()

    def work(tx: Tx) -> str:
        ended = deed(tx, session_id=session_id, actor=actor, now=now)
        return url_for("staff_patients.patient", patient_id=ended.patient_id)

    try:
        to = written(edge, work)
    except REFUSED as error:
        return shown_again(PAGE, error, **_page(edge, session_id))
    flash(done, "done")
    return redirect(to, 303)


def _move(tx: Tx, **of: Any) -> Session:
    """Raises: InvalidRequest."""
    return reschedule_session(tx, planned_on=date_of("planned_on"), **of)


def _miss(tx: Tx, **of: Any) -> Session:
    """Raises: InvalidRequest."""
    moved_to = date_of("moved_to") if "moved_to" in request.form else None
    return mark_no_show(tx, moved_to=moved_to, **of)


def _page(edge: Edge, session_id: str) -> dict[str, Any]:
    actor = current_actor()
    absence = edge.audited_read(
        lambda read: _absence(read, edge, session_id, actor),
        actor=actor,
        action="page.absence",
        subject_id=session_id,
    )
    return {"absence": absence, "may": actor.may, "Permission": Permission}


def _absence(read: Read, edge: Edge, session_id: str, actor: Actor) -> Absence:
    """Raises: NoSuchSession."""
    session = find_session(read, session_id, actor)
    standing = line_of_session(read, session_id)
    counted = [part for part in coverage_of(read, session_id) if part.source_kind not in LETS_NOBODY_IN]
    return Absence(
        session=session,
        name=name_of(read, session.patient_id, actor),
        invoice=standing[0] if standing else None,
        paid=total(part.amount for part in counted),
        is_on_its_day=session.planned_on <= site_date(read, session.site_id, edge.clock()),
    )
