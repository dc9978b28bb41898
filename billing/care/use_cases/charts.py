"""What the clinician records of a visit: kept, signed, amended. No version of it is ever changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from billing.care.errors import ChartChanged, ChartNotOpen, InvalidChart
from billing.care.models import SessionChartRow, SessionRow
from billing.care.queries import find_session, open_clinical, seal_clinical
from billing.care.queries.charts import chart_of, charts_of, seal_chart
from billing.care.records import Chart, ChartEntry, Session
from billing.care.rules import check_times, site_date
from billing.care.rules.charts import (
    STOP_MISSING,
    check_draft,
    check_same_day,
    check_signable,
    dose_given,
    entered_drug,
)
from billing.care.states import ChartAmended, SessionEvent, SessionGiven, SessionState
from billing.care.use_cases.move import keep_session, locked_session, move_session
from billing.catalog.errors import NoSuchProvider
from billing.catalog.queries import drugs, find_provider, find_site
from billing.catalog.records import Drug
from billing.kernel.errors import Flaw
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx


def keep_chart(
    tx: Tx, *, session_id: str, entry: ChartEntry, seen: int | None = None, actor: Actor, now: datetime
) -> Chart:
    """Keep what is recorded so far; it may lack its stop, and then the visit waits for the clinician.

    `seen` is the version that stood on file for who writes this one, 0 for none; None does not ask.
    Raises: NoSuchSession, ChartNotOpen, ChartChanged, InvalidChart.
    """
    session = _locked(tx, session_id, actor)
    _must_be_open(session)
    _must_be_seen(tx, session, seen)
    listed = _listed(tx, session)
    check_draft(entry, listed, now=now)
    _check_provider(tx, session, entry)
    return _keep(tx, session, _given(entry, listed), signed=False, reason=None, actor=actor, now=now)


def sign_chart(
    tx: Tx, *, session_id: str, entry: ChartEntry, seen: int | None = None, actor: Actor, now: datetime
) -> Chart:
    """Sign what was done: from then on the session is given. Announces SessionGiven.

    `seen` as of `keep_chart`.
    Raises: NoSuchSession, ChartNotOpen, ChartChanged, InvalidChart, InvalidSessionRecord.
    """
    session = _locked(tx, session_id, actor)
    _must_be_open(session)
    _must_be_seen(tx, session, seen)
    listed = _listed(tx, session)
    check_signable(entry, listed, service=session.service, now=now)
    _check_provider(tx, session, entry)
    given = _given(entry, listed)
    dose_mg = dose_given(given.drugs)
    return give_as_charted(tx, session=session, entry=given, dose_mg=dose_mg, actor=actor, now=now)


def amend_chart(
    tx: Tx,
    *,
    session_id: str,
    entry: ChartEntry,
    reason: str,
    seen: int | None = None,
    actor: Actor,
    now: datetime,
) -> Chart:
    """Put another version in the place of what was signed, and say why. Both stay on file.

    Announces ChartAmended. The day stays, since the books have the visit's income on it. `seen` as of
    `keep_chart`.
    Raises: NoSuchSession, ChartNotOpen, ChartChanged, InvalidChart, InvalidSessionRecord.
    """
    session = _locked(tx, session_id, actor)
    if session.state is not SessionState.GIVEN:
        raise ChartNotOpen("Nothing is signed of this visit yet. Sign what was recorded first.")
    _must_be_seen(tx, session, seen)
    listed = _listed(tx, session)
    check_signable(entry, listed, service=session.service, now=now)
    check_same_day(entry, session.started_at, ZoneInfo(find_site(tx, session.site_id).timezone))
    _check_provider(tx, session, entry)
    given = _given(entry, listed)
    row = locked_session(tx, session_id)
    _write_on_session(tx, row, given, dose_given(given.drugs), now)
    keep_session(tx, row=row, action="session.amend", detail=_why(tx, reason), actor=actor, now=now)
    chart = _keep(tx, session, given, signed=True, reason=reason, actor=actor, now=now)
    tx.emit(ChartAmended(session_id=session_id, patient_id=session.patient_id, actor=actor, now=now))
    return chart


def give_as_charted(
    tx: Tx, *, session: Session, entry: ChartEntry, dose_mg: Decimal | None, actor: Actor, now: datetime
) -> Chart:
    """The session is given as its signed chart says; `dose_mg` is of its main drug. Announces SessionGiven.

    For this room only; the patient is locked, and the drugs are those of the clinic's list.
    Raises: IllegalMove, InvalidSessionRecord.
    """
    row = move_session(tx, session_id=session.id, event=SessionEvent.GIVE, actor=actor, now=now)
    _write_on_session(tx, row, entry, dose_mg, now)
    keep_session(tx, row=row, action="session.record", detail={}, actor=actor, now=now)
    chart = _keep(tx, session, entry, signed=True, reason=None, actor=actor, now=now)
    tx.emit(
        SessionGiven(
            session_id=row.id,
            patient_id=row.patient_id,
            given_on=site_date(find_site(tx, row.site_id), row.started_at or now),
            actor=actor,
            now=now,
        )
    )
    return chart


def _given(entry: ChartEntry, listed: Mapping[str, Drug]) -> ChartEntry:
    return replace(entry, drugs=tuple(entered_drug(each, listed[each.drug]) for each in entry.drugs))


def _locked(tx: Tx, session_id: str, actor: Actor) -> Session:
    """As it is once its patient is held."""
    lock_patient(tx, find_session(tx, session_id, actor).patient_id)
    return find_session(tx, session_id, actor)


def _must_be_open(session: Session) -> None:
    if session.state is SessionState.GIVEN:
        raise ChartNotOpen("This visit is signed already. Amend it, and say why.")
    if session.state is not SessionState.CHECKED_IN:
        raise ChartNotOpen("The patient is not checked in. That comes first.")


def _must_be_seen(tx: Tx, session: Session, seen: int | None) -> None:
    if seen not in (None, len(charts_of(tx, session.id))):
        raise ChartChanged(
            "Somebody else recorded this visit since this was shown. Nothing was written. Compare it with "
            "what is on file now; what you write next takes its place."
        )


def _listed(tx: Tx, session: Session) -> Mapping[str, Drug]:
    return {drug.code: drug for drug in drugs(tx, session.entity_id)}


def _check_provider(tx: Tx, session: Session, entry: ChartEntry) -> None:
    """Raises: InvalidChart."""
    if entry.provider_id is None:
        return
    try:
        is_ours = find_provider(tx, entry.provider_id).entity_id == session.entity_id
    except NoSuchProvider:
        is_ours = False
    if not is_ours:
        flaw = Flaw("/provider_id", "Choose a provider of this clinic.")
        raise InvalidChart("Choose who gave it.", [flaw])


def _write_on_session(
    tx: Tx, row: SessionRow, entry: ChartEntry, dose_mg: Decimal | None, now: datetime
) -> None:
    """Start, stop, dose and provider, as prices, papers and lists read them.

    Raises: InvalidSessionRecord.
    """
    if entry.started_at is None or entry.stopped_at is None:
        raise InvalidChart("Enter start and stop.", [Flaw("/stopped_at", STOP_MISSING)])
    check_times(entry.started_at, entry.stopped_at, checked_in_at=row.checked_in_at or now, now=now)
    row.started_at, row.stopped_at = entry.started_at, entry.stopped_at
    row.provider_id = entry.provider_id or row.provider_id
    row.sealed = seal_clinical(tx.vault, row.id, open_clinical(tx.vault, row) | {"dose_mg": dose_mg})


def _why(tx: Tx, reason: str) -> Mapping[str, str | int]:
    """The reason is sealed with the chart; the trail holds its fingerprint, so that a changed one shows."""
    return {"reason_fingerprint": tx.vault.fingerprint("chart.reason", reason)}


def _keep(
    tx: Tx,
    session: Session,
    entry: ChartEntry,
    *,
    signed: bool,
    reason: str | None,
    actor: Actor,
    now: datetime,
) -> Chart:
    former = charts_of(tx, session.id)
    chart = Chart(
        **{each.name: getattr(entry, each.name) for each in fields(ChartEntry)},
        id=new_id("cht"),
        session_id=session.id,
        entity_id=session.entity_id,
        site_id=session.site_id,
        version=len(former) + 1,
        is_signed=signed,
        written_by=actor.person,
        written_at=now,
        reason=reason,
    )
    row = SessionChartRow(
        id=chart.id,
        session_id=chart.session_id,
        entity_id=chart.entity_id,
        site_id=chart.site_id,
        version=chart.version,
        is_signed=signed,
        written_by=chart.written_by,
        written_at=now,
        sealed=seal_chart(tx.vault, chart),
    )
    tx.session.add(row)
    tx.session.flush()
    detail: dict[str, str | int] = {"session_id": session.id, "version": chart.version}
    action = "chart.sign" if signed else "chart.keep"
    record_audit(tx, actor=actor, action=action, subject_id=chart.id, now=now, detail=detail)
    return chart_of(tx.vault, row)
