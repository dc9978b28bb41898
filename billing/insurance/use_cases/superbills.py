"""Superbills: issued from the facts as they stand, frozen, superseded, voided. Never edited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from billing.care.queries import find_session, plans_of
from billing.care.records import Session
from billing.care.states import SessionState
from billing.catalog.queries import (
    drugs,
    find_condition,
    find_entity,
    find_provider,
    find_site,
    schedule_by_id,
)
from billing.catalog.records import TIMED_SERVICES, FeeSchedule, Site
from billing.insurance.errors import SuperbillNotPossible
from billing.insurance.models import SuperbillRow
from billing.insurance.queries import find_superbill, superbill_of, versions_of_session
from billing.insurance.records import AddedService, DrugGiven, Superbill, SuperbillLine
from billing.insurance.rules.coding import evaluation_services, infusion_services
from billing.insurance.rules.diagnoses import diagnosis_flaw
from billing.insurance.rules.lines import charge_lines, control_number, drug_given
from billing.insurance.rules.superbill import (
    Encounter,
    Issue,
    Parties,
    clock_times,
    minutes_between,
    same_facts,
    superbill_body,
)
from billing.insurance.states import SUPERBILL_MOVES, SuperbillEvent, SuperbillState
from billing.invoices.queries import line_of_session
from billing.invoices.records import Invoice, InvoiceLine
from billing.kernel.clock import local_date
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import policy_on
from billing.patients.use_cases import lock_patient
from billing.payments.queries.payments import paid_for_session
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.documents import find_document, freeze
from billing.platform.data.jobs import enqueue
from billing.platform.data.series import next_number
from billing.platform.data.states import advance
from billing.quotes.queries import find_quote

DOCUMENT_KIND = "superbill"
RENDER_JOB = "render_superbill"
"""The job that draws a superbill; its key is the document's id."""
CODED_SERVICES = TIMED_SERVICES | {"evaluation"}
"""Deposits and no-show fees never reach an insurer."""


def issue_superbill(
    tx: Tx, *, session_id: str, diagnoses: Sequence[str] = (), actor: Actor, now: datetime
) -> Superbill:
    """The superbill of a session that was given, as the facts and the ledger stand now.

    Unchanged facts return the present version; any change makes the next one, which names what it replaces.
    `diagnoses` are the provider's; without them those of the present version stay, or else the first code
    that is usual for the condition.
    Raises: NoSuchSession, SuperbillNotPossible.
    """
    lock_patient(tx, find_session(tx, session_id, actor).patient_id)
    session = find_session(tx, session_id, actor)
    versions = versions_of_session(tx, session_id)
    present = next((each for each in versions if each.state is SuperbillState.ISSUED), None)
    shown = find_document(tx, present.document_id).body if present else None
    site = find_site(tx, session.site_id)
    encounter = _encounter(tx, session, site, _chosen(tx, session, diagnoses, shown), now)
    parties = _parties(tx, session, site, encounter.started.date())
    issue = Issue(
        number=present.number if present else "",
        version=len(versions) + 1,
        supersedes=present.number if present else None,
        issued_on=local_date(now, ZoneInfo(site.timezone)),
    )
    if present and shown and same_facts(superbill_body(parties, encounter, issue), shown):
        return present
    return _issue(tx, session, parties, encounter, issue, present, actor, now)


def void_superbill(tx: Tx, *, superbill_id: str, actor: Actor, now: datetime) -> Superbill:
    """Withdraw a superbill; it stays on file, and its number is never used again.

    Raises: NoSuchSuperbill, IllegalMove.
    """
    lock_patient(tx, find_superbill(tx, superbill_id, actor).patient_id)
    row = tx.session.get_one(SuperbillRow, superbill_id, populate_existing=True)
    advance(tx, row, SUPERBILL_MOVES, SuperbillEvent.VOID, actor=actor, now=now)
    tx.session.flush()
    record_audit(tx, actor=actor, action="superbill.void", subject_id=superbill_id, now=now)
    return superbill_of(row)


def _issue(
    tx: Tx,
    session: Session,
    parties: Parties,
    encounter: Encounter,
    issue: Issue,
    present: Superbill | None,
    actor: Actor,
    now: datetime,
) -> Superbill:
    number = f"SB-{next_number(tx, entity_id=session.entity_id, series=DOCUMENT_KIND):06d}"
    body = superbill_body(parties, encounter, _numbered(issue, number))
    if present:
        _supersede(tx, present, actor, now)
    document = freeze(
        tx, kind=DOCUMENT_KIND, subject_id=session.id, version=issue.version, body=body, now=now
    )
    enqueue(tx, kind=RENDER_JOB, key=document.id, due_at=now)
    row = SuperbillRow(
        id=new_id("sb"),
        entity_id=session.entity_id,
        site_id=session.site_id,
        patient_id=session.patient_id,
        session_id=session.id,
        number=number,
        version=issue.version,
        state=SuperbillState.ISSUED,
        supersedes_id=present.id if present else None,
        control_number=control_number(session.id),
        document_id=document.id,
        sha256=document.sha256,
        service_on=encounter.started.date(),
        charge_cents=body["totals"]["net_cents"],
        paid_cents=body["totals"]["paid_cents"],
        issued_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    detail = {"charge_cents": row.charge_cents, "paid_cents": row.paid_cents}
    record_audit(tx, actor=actor, action="superbill.issue", subject_id=row.id, now=now, detail=detail)
    return superbill_of(row)


def _numbered(issue: Issue, number: str) -> Issue:
    return Issue(number=number, version=issue.version, supersedes=issue.supersedes, issued_on=issue.issued_on)


def _supersede(tx: Tx, present: Superbill, actor: Actor, now: datetime) -> None:
    row = tx.session.get_one(SuperbillRow, present.id)
    advance(tx, row, SUPERBILL_MOVES, SuperbillEvent.SUPERSEDE, actor=actor, now=now)
    tx.session.flush()


# -------------------------------------------------------------------------------- what the page says


def _parties(tx: Tx, session: Session, site: Site, served_on: date) -> Parties:
    if session.provider_id is None:
        raise SuperbillNotPossible(
            "The session names no provider. Enter who gave it, then issue the superbill."
        )
    return Parties(
        entity=find_entity(tx, session.entity_id),
        site=site,
        provider=find_provider(tx, session.provider_id),
        patient=lock_patient(tx, session.patient_id),
        policy=policy_on(tx, session.patient_id, served_on),
    )


def _encounter(tx: Tx, session: Session, site: Site, diagnoses: tuple[str, ...], now: datetime) -> Encounter:
    invoice, charged = _charged(tx, session)
    times = clock_times(session, ZoneInfo(site.timezone))
    if times is None:
        raise SuperbillNotPossible("The session has no start or stop time yet. It waits for the clinician.")
    started, stopped = times
    if flaw := diagnosis_flaw(diagnoses, started.date()):
        raise SuperbillNotPossible(flaw)
    schedule = schedule_by_id(tx, find_quote(tx, invoice.quote_id, SYSTEM).schedule_id)
    return Encounter(
        session_id=session.id,
        started=started,
        stopped=stopped,
        diagnoses=diagnoses,
        lines=_lines(tx, session, minutes_between(started, stopped), charged, schedule),
        charged=charged,
        payments=paid_for_session(tx, session.id, now),
        is_sample=schedule.is_sample,
    )


def _charged(tx: Tx, session: Session) -> tuple[Invoice, InvoiceLine]:
    if session.state is not SessionState.GIVEN or session.service not in CODED_SERVICES:
        raise SuperbillNotPossible(
            f"A superbill is for an evaluation or infusion that was given; this is a {session.service} "
            f"that is {session.state}."
        )
    found = line_of_session(tx, session.id)
    if found is None:
        raise SuperbillNotPossible("The session is not invoiced yet. Issue its invoice first.")
    return found


def _chosen(tx: Tx, session: Session, diagnoses: Sequence[str], shown: Any) -> tuple[str, ...]:
    if diagnoses:
        return tuple(diagnoses)
    if shown:
        return tuple(diagnosis["code"] for diagnosis in shown["diagnoses"])
    return find_condition(tx, session.entity_id, session.condition).icd10[:1]


def _lines(
    tx: Tx, session: Session, minutes: int, charged: InvoiceLine, schedule: FeeSchedule
) -> tuple[SuperbillLine, ...]:
    if session.service in TIMED_SERVICES:
        services = infusion_services(minutes, charged.service_on)
        drug: DrugGiven | None = _drug(tx, session)
    else:
        seen_before = _seen_before(tx, session)
        services = evaluation_services(minutes, charged.service_on, seen_before=seen_before)
        drug = None
    if not services:
        raise SuperbillNotPossible(f"An evaluation of {minutes} minutes is too short to have a code.")
    return charge_lines(
        services, list_charge=charged.charge, net=charged.net, added=_added(session, schedule), drug=drug
    )


def _drug(tx: Tx, session: Session) -> DrugGiven:
    known = drugs(tx, session.entity_id)
    if not known or session.dose_mg is None:
        raise SuperbillNotPossible("The drug and its dose are not recorded; an insurer asks for both.")
    return drug_given(known[0], session.dose_mg)


def _added(session: Session, schedule: FeeSchedule) -> tuple[AddedService, ...]:
    """The add-ons that have a code of their own."""
    priced = [(schedule.add_ons_by_code[code], units) for code, units in sorted(session.add_ons.items())]
    return tuple(
        AddedService(
            code=add_on.hcpcs,
            units=units,
            description=add_on.name,
            list_charge=Money(add_on.cents * units),
        )
        for add_on, units in priced
        if add_on.hcpcs and units
    )


def _seen_before(tx: Tx, session: Session) -> bool:
    return any(
        other.state is SessionState.GIVEN and other.planned_on < session.planned_on
        for plan in plans_of(tx, session.patient_id)
        for other in plan.sessions
    )
