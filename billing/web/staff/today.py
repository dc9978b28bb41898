"""/staff/today: who comes today, what is owed, what was paid lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template

from billing.care.queries import seen_sessions, sessions_on
from billing.care.records import SeenSession
from billing.catalog.queries import entities, find_entity
from billing.kernel.clock import local_date
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import names_of
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.staff.money import Books, books_of
from billing.web.staff.tasks import Shown, open_tasks
from billing.web.visit_words import loose_cover

MOST_SESSIONS = 200
MOST_OF_EACH = 10
"""How many open invoices and payments the first page shows; the page of the money shows more."""


@dataclass(frozen=True, kw_only=True)
class Day:
    """Sessions by the patients' names; who comes from a site that the reader may not know of has none."""

    on: date
    sessions: Sequence[SeenSession]
    names: Mapping[str, str]
    loose: Mapping[str, Sequence[str]]
    """By session, what of its cover lets nobody in."""
    books: Books | None
    tasks: Sequence[Shown] | None


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_today", __name__)

    @routes.get("/staff/today")
    @guard(Permission.CARE_READ)
    def today() -> str:
        actor, now = current_actor(), edge.clock()
        day = edge.audited_read(
            lambda read: _day(read, actor, now), actor=actor, action="page.today", subject_id=actor.id
        )
        return render_template("staff/today.html", day=day)

    return routes


def _day(read: Read, actor: Actor, now: datetime) -> Day:
    on = _clinic_date(read, actor, now)
    planned = sessions_on(read, on, actor=actor, site_id=None, cursor=None, limit=MOST_SESSIONS)
    sessions = seen_sessions(read, planned)
    names = names_of(read, {session.patient_id for session in sessions}, actor)
    return Day(
        on=on,
        sessions=sorted(sessions, key=lambda session: names.get(session.patient_id, "")),
        names=names,
        loose=loose_cover(read, sessions),
        tasks=open_tasks(read, actor, MOST_OF_EACH) if actor.may(Permission.TASKS_WORK) else None,
        books=books_of(read, actor, MOST_OF_EACH) if actor.may(Permission.INVOICES_READ) else None,
    )


def _clinic_date(read: Read, actor: Actor, now: datetime) -> date:
    """The date at the actor's clinic; at the first one, for those who work for all."""
    clinics = [find_entity(read, actor.entity_id)] if actor.entity_id else entities(read)
    zone = ZoneInfo(clinics[0].timezone) if clinics else ZoneInfo("UTC")
    return local_date(now, zone)
