"""/staff/charts: visits that wait for the clinician; what was done at one is recorded, signed, amended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.care.errors import ChartChanged, InvalidChart
from billing.care.queries import find_session
from billing.care.queries.charts import charts_of, waiting_for_clinician
from billing.care.records import Chart, Session
from billing.care.states import SessionState
from billing.care.use_cases.charts import amend_chart, keep_chart, sign_chart
from billing.catalog.queries import drugs, find_site, providers
from billing.catalog.records import Drug, Provider
from billing.kernel.clock import local_date
from billing.kernel.errors import Flaw
from billing.kernel.permissions import Actor, Permission
from billing.people.queries import list_staff
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.chart_form import MOST_ROWS, entry_of, fields_of, rows_of, seen_of
from billing.web.forms import written
from billing.web.patient_words import called, name_of
from billing.web.refusals import REFUSED, shown_again, text_of

PAGE, LIST = "staff/chart.html", "staff/charts.html"
MOST_WAITING = 200
KEPT = "What is recorded so far is kept. Sign it once it is complete."
SIGNED = "Signed. The visit is given."
AMENDED = "The amendment is signed. What was signed before stays on file."


@dataclass(frozen=True, kw_only=True)
class Charted:
    """A visit and every version of what was recorded of it, oldest first; times are the site's."""

    session: Session
    name: str
    zone: ZoneInfo
    charts: Sequence[Chart]
    drugs: Sequence[Drug]
    providers: Sequence[Provider]
    people: Mapping[str, str]

    @property
    def on(self) -> date:
        begun_at = self.session.started_at or self.session.checked_in_at
        return local_date(begun_at, self.zone) if begun_at else self.session.planned_on

    @property
    def latest(self) -> Chart | None:
        return self.charts[-1] if self.charts else None

    @property
    def is_open(self) -> bool:
        return self.session.state is SessionState.CHECKED_IN

    @property
    def is_given(self) -> bool:
        return self.session.state is SessionState.GIVEN

    def clock(self, instant: datetime | None) -> str:
        return f"{instant.astimezone(self.zone):%H:%M}" if instant else "open"

    def provider_name(self, provider_id: str | None) -> str:
        return next((each.name for each in self.providers if each.id == provider_id), "not named")


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_charts", __name__)
    _add_looks(routes, edge)
    _add_deeds(routes, edge)
    return routes


def _add_looks(routes: Blueprint, edge: Edge) -> None:
    @routes.get("/staff/charts")
    @guard(Permission.CARE_RECORD)
    def waiting() -> str:
        actor = current_actor()
        found = edge.audited_read(
            lambda read: _waiting(read, actor), actor=actor, action="page.charts", subject_id=actor.id
        )
        return render_template(LIST, **found)

    @routes.get("/staff/sessions/<session_id>/chart")
    @guard(Permission.CARE_READ)
    def chart(session_id: str) -> str:
        charted = _charted(edge, session_id)
        return render_template(
            PAGE, **_page(charted, fields_of(charted.session, charted.latest, charted.zone))
        )

    @routes.post("/staff/sessions/<session_id>/chart/more")
    @guard(Permission.CARE_RECORD)
    def more(session_id: str) -> str:
        """One more row for a drug; nothing is written."""
        return render_template(PAGE, **_page(_charted(edge, session_id), request.form, more_rows=1))


def _add_deeds(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/sessions/<session_id>/chart")
    @guard(Permission.CARE_RECORD)
    def keep(session_id: str) -> Response | tuple[str, int]:
        return _done(edge, session_id, keep_chart, KEPT)

    @routes.post("/staff/sessions/<session_id>/chart/sign")
    @guard(Permission.CARE_RECORD)
    def sign(session_id: str) -> Response | tuple[str, int]:
        return _done(edge, session_id, sign_chart, SIGNED)

    @routes.post("/staff/sessions/<session_id>/chart/amend")
    @guard(Permission.CARE_RECORD)
    def amend(session_id: str) -> Response | tuple[str, int]:
        return _done(edge, session_id, amend_chart, AMENDED, reason=lambda: text_of("reason", 500))


def _done(
    edge: Edge, session_id: str, deed: Callable[..., Chart], told: str, **more: Callable[[], str]
) -> Response | tuple[str, int]:
    actor, now = current_actor(), edge.clock()

    def work(tx: Tx) -> str:
        session = find_session(tx, session_id, actor)
        zone = ZoneInfo(find_site(tx, session.site_id).timezone)
        beside = {name: read_it() for name, read_it in more.items()}
        entry, seen = entry_of(request.form, zone), seen_of(request.form)
        deed(tx, session_id=session_id, entry=entry, seen=seen, **beside, actor=actor, now=now)
        return url_for("staff_charts.chart", session_id=session_id)

    try:
        to = written(edge, work)
    except REFUSED as error:
        shown = _flat(error) if isinstance(error, InvalidChart) else error
        charted = _charted(edge, session_id)
        # What is on file now stands above the form: whoever sends it again has seen it.
        now_seen = {"version": str(len(charted.charts))} if isinstance(error, ChartChanged) else {}
        return shown_again(PAGE, shown, **_page(charted, request.form.to_dict() | now_seen))
    flash(told, "done")
    return redirect(to, 303)


def _flat(error: InvalidChart) -> InvalidChart:
    """`/drugs/0/dose_mg` as the form calls it: `drugs-0-dose_mg`."""
    flaws = [Flaw(flaw.pointer.removeprefix("/").replace("/", "-"), flaw.message) for flaw in error.flaws]
    return InvalidChart(error.detail, flaws)


def _page(charted: Charted, shown: Mapping[str, Any], *, more_rows: int = 0) -> dict[str, Any]:
    actor = current_actor()
    return {
        "charted": charted,
        "shown": shown,
        "rows": range(min(rows_of(shown) + more_rows, MOST_ROWS)),
        "may_record": actor.may(Permission.CARE_RECORD),
        "sees_patient": actor.may(Permission.PATIENTS_READ),
    }


def _charted(edge: Edge, session_id: str) -> Charted:
    actor = current_actor()

    def look(read: Read) -> Charted:
        """Raises: NoSuchSession."""
        session = find_session(read, session_id, actor)
        return Charted(
            session=session,
            name=name_of(read, session.patient_id, actor),
            zone=ZoneInfo(find_site(read, session.site_id).timezone),
            charts=charts_of(read, session_id),
            drugs=drugs(read, session.entity_id),
            providers=providers(read, session.entity_id),
            people={each.id: each.email for each in list_staff(read, actor)},
        )

    return edge.audited_read(look, actor=actor, action="page.chart", subject_id=session_id)


def _waiting(read: Read, actor: Actor) -> dict[str, Any]:
    waiting = waiting_for_clinician(read, actor, limit=MOST_WAITING)
    names = called(read, {session.patient_id for session, _ in waiting}, actor)
    return {"waiting": waiting, "names": names, "most": MOST_WAITING}
