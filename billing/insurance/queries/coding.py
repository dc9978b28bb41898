"""How a session is coded: by what was signed of it and the clinic's codes of its day, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.care.queries import plans_of
from billing.care.queries.charts import signed_chart
from billing.care.records import ChartEntry, DrugEntry, GivenDrug, Session
from billing.care.rules.charts import entered_drug
from billing.care.states import SessionState
from billing.catalog.queries import drugs, find_site, schedule_by_id
from billing.catalog.records import TIMED_SERVICES, AddOn, FeeSchedule
from billing.insurance.models import CodeSetRow, LineOverrideRow
from billing.insurance.records import SuperbillLine
from billing.insurance.records.coding import CodeSet, CodingStep, LineChange, LineOverride
from billing.insurance.rules.add_ons import with_add_ons
from billing.insurance.rules.code_sets import read_codes, shipped_codes
from billing.insurance.rules.coding import CodedVisit, code_visit
from billing.insurance.rules.coding.visit import Visit, known_since, minutes_between, on_the_clock
from billing.insurance.rules.lines import charge_lines
from billing.insurance.rules.overrides import as_billed, fits, mark_of
from billing.invoices.queries import line_of_session
from billing.invoices.records import Invoice, InvoiceLine
from billing.kernel.clock import local_date, told_minutes
from billing.kernel.errors import Conflict
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Read
from billing.platform.data.vault import Vault
from billing.quotes.queries import find_quote

CODED_SERVICES = TIMED_SERVICES | {"evaluation"}
"""Deposits and no-show fees never reach an insurer."""
WAITS = "The clinician has not signed this visit with its start and stop yet. It waits for them."


@dataclass(frozen=True, kw_only=True)
class CodedSession:
    """A session that was given and invoiced, and its lines, whose charges sum to what it was charged at.

    `times` are the site's own, to the minute; `not_coded` says why what was done has no line. `coded` are the
    lines by the clock, `billed` as staff bill them, which are the same without an override. One that was made
    for other lines `is_stale`, and nothing is billed until somebody looks again.
    """

    times: tuple[datetime, datetime]
    coded: tuple[SuperbillLine, ...]
    billed: tuple[SuperbillLine, ...]
    override: LineOverride | None
    is_stale: bool
    not_coded: tuple[CodingStep, ...]
    charged: InvoiceLine
    is_sample: bool

    @property
    def shown(self) -> str:
        """A mark of the lines and of what staff changed on them: another one, and they are not the same."""
        return mark_of(self.coded, self.billed, self.override)


def codes_on(read: Read, entity_id: str, on: date) -> CodeSet:
    """The clinic's own set of that day of service; the shipped one until it loaded one of its own."""
    return loaded_codes(read, entity_id, on) or shipped_codes(on)


def loaded_codes(read: Read, entity_id: str, on: date) -> CodeSet | None:
    query = (
        select(CodeSetRow.content, CodeSetRow.starts_on)
        .where(CodeSetRow.entity_id == entity_id, CodeSetRow.starts_on <= on)
        .order_by(CodeSetRow.starts_on.desc(), CodeSetRow.version.desc())
        .limit(1)
    )
    row = read.session.execute(query).first()
    return _read(row.content, row.starts_on) if row else None


def coded_session(read: Read, session: Session, refusal: type[Conflict]) -> CodedSession:
    """Raises: `refusal`, with what is missing."""
    invoice, charged = _charged(read, session, refusal)
    zone = ZoneInfo(find_site(read, session.site_id).timezone)
    if session.started_at is None or session.stopped_at is None:
        raise refusal(WAITS)
    times = on_the_clock(session.started_at, zone), on_the_clock(session.stopped_at, zone)
    schedule = schedule_by_id(read, find_quote(read, invoice.quote_id, SYSTEM).schedule_id)
    entry, given = _done(read, session, refusal)
    visit = Visit(
        entry=entry,
        drugs=given,
        zone=zone,
        times=times,
        seen_before=_seen_before(read, session, times[0].date(), zone),
        is_evaluation=session.service not in TIMED_SERVICES,
    )
    try:
        coded = code_visit(visit, codes_on(read, session.entity_id, visit.on))
    except ValueError as error:
        raise refusal(f"The drug's NDC in the clinic's file is wrong: {error}.") from error
    _must_have_a_code(coded, visit, refusal)
    services, without = with_add_ons(coded, _sold(session, schedule))
    lines = charge_lines(services, list_charge=charged.charge, net=charged.net)
    override = present_override(read, session.id)
    is_stale = override is not None and not fits(override, lines)
    return CodedSession(
        times=times,
        coded=lines,
        billed=as_billed(lines, override) if override and not is_stale else lines,
        override=override,
        is_stale=is_stale,
        not_coded=(*coded.not_coded, *without),
        charged=charged,
        is_sample=schedule.is_sample,
    )


def present_override(read: Read, session_id: str) -> LineOverride | None:
    """What staff changed on the lines of a session, when anything stands changed."""
    query = (
        select(LineOverrideRow)
        .where(LineOverrideRow.session_id == session_id)
        .order_by(LineOverrideRow.version.desc())
        .limit(1)
    )
    row = read.session.scalar(query)
    override = override_of(read.vault, row) if row else None
    return override if override and override.changes else None


def override_of(vault: Vault, row: LineOverrideRow) -> LineOverride:
    told = vault.open(LineOverrideRow.__tablename__, row.id, row.sealed)
    return LineOverride(
        id=row.id,
        session_id=row.session_id,
        version=row.version,
        changes=tuple(_change(each) for each in told["changes"]),
        reason=told["reason"],
        written_by=row.written_by,
        written_at=row.written_at,
    )


def _change(told: dict[str, Any]) -> LineChange:
    lists = {name: tuple(told[name]) for name in ("modifiers", "was_modifiers")}
    return LineChange(**told | lists)


@lru_cache(maxsize=64)
def _read(content: str, starts_on: date) -> CodeSet:
    return read_codes(content.encode(), starts_on)


def _charged(read: Read, session: Session, refusal: type[Conflict]) -> tuple[Invoice, InvoiceLine]:
    if session.service in CODED_SERVICES and session.state is SessionState.CHECKED_IN:
        raise refusal(WAITS)
    if session.service not in CODED_SERVICES or session.state is not SessionState.GIVEN:
        raise refusal(
            f"An insurer is told of an evaluation or infusion that was given; this {session.service} "
            f"is {session.state}."
        )
    found = line_of_session(read, session.id)
    if found is None:
        raise refusal("The session is not invoiced yet. Issue its invoice first.")
    return found


def _done(read: Read, session: Session, refusal: type[Conflict]) -> tuple[ChartEntry, tuple[GivenDrug, ...]]:
    """What the clinician signed; of a visit from before charts, its times and the clinic's first drug."""
    chart, is_timed = signed_chart(read, session.id), session.service in TIMED_SERVICES
    if chart and (chart.drugs or not is_timed):
        return chart, chart.drugs
    entry = chart or ChartEntry(started_at=session.started_at, stopped_at=session.stopped_at)
    if not is_timed:
        return entry, ()
    listed = drugs(read, session.entity_id)
    if not listed or session.dose_mg is None:
        raise refusal("The drug and its dose are not recorded; an insurer asks for both.")
    return entry, (entered_drug(DrugEntry(drug=listed[0].code, dose_mg=session.dose_mg), listed[0]),)


def _must_have_a_code(coded: CodedVisit, visit: Visit, refusal: type[Conflict]) -> None:
    if coded.services or any(drug.weight for drug in coded.drugs):
        return
    if visit.is_evaluation:
        raise refusal(
            f"An evaluation of {told_minutes(minutes_between(*visit.times))} is too short to have a code."
        )
    raise refusal("Nothing that was recorded of this visit has a code. See what was done.")


def _sold(session: Session, schedule: FeeSchedule) -> Sequence[tuple[AddOn, int]]:
    return [(schedule.add_ons_by_code[code], units) for code, units in sorted(session.add_ons.items())]


def _seen_before(read: Read, session: Session, on: date, zone: ZoneInfo) -> bool:
    """Whether something was given to the patient here earlier, if only on the same day, not too long ago."""
    since = known_since(on)
    given = (
        other
        for plan in plans_of(read, session.patient_id)
        for other in plan.sessions
        if other.state is SessionState.GIVEN
    )
    return any(
        _began(other) < _began(session) and local_date(_began(other)[0], zone) >= since for other in given
    )


def _began(session: Session) -> tuple[datetime, str]:
    """In which order visits were; of two at the very same moment one is the first for ever."""
    return session.started_at or datetime.max.replace(tzinfo=UTC), session.id
