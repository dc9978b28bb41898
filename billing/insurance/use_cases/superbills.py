"""Superbills: issued from the facts as they stand, frozen, superseded, voided. Never edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from billing.care.queries import find_session
from billing.care.records import Session
from billing.catalog.rules.identifiers import is_npi
from billing.insurance.errors import DiagnosesExclude, InvalidSuperbill, SuperbillNotPossible
from billing.insurance.models import SuperbillRow
from billing.insurance.queries import edition_on, find_superbill, superbill_of, versions_of_session
from billing.insurance.queries.claims import claims_of_session, facts_of_claim
from billing.insurance.queries.diagnoses import standing_diagnoses
from billing.insurance.records import Edition, Superbill
from billing.insurance.records.superbills import AS_BEFORE, Wishes
from billing.insurance.rules.claims import wishes_of_claim
from billing.insurance.rules.diagnoses import (
    diagnosis_flaw,
    diagnosis_or_unknown,
    exclusion_told,
    newly_excluding,
)
from billing.insurance.rules.lines import control_number
from billing.insurance.rules.overrides import pointing_flaw
from billing.insurance.rules.plan_limits import why_not_told
from billing.insurance.rules.superbill import (
    Encounter,
    Issue,
    Parties,
    codes_of,
    same_facts,
    superbill_body,
    wished_otherwise,
    wishes_of,
)
from billing.insurance.states import CLAIM_ENDS, SUPERBILL_MOVES, SuperbillEvent, SuperbillState
from billing.insurance.use_cases.facts import gather_facts
from billing.insurance.use_cases.outdated_papers import told_anew
from billing.insurance.use_cases.plan_limits import NOT_ALLOWED
from billing.kernel.clock import local_date
from billing.kernel.errors import Flaw
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.kernel.printable import unprintable
from billing.patients.queries import plan_limits_of
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.documents import find_document, freeze
from billing.platform.data.jobs import enqueue
from billing.platform.data.series import next_number
from billing.platform.data.states import advance
from billing.platform.data.tasks import end_tasks

DOCUMENT_KIND = "superbill"
SUPERBILL_AMENDED = "superbill-amended"
"""The task: of a superbill whose visit was amended since it was issued."""
RENDER_JOB = "render_superbill"
"""The job that draws a superbill; its key is the document's id."""


def issue_superbill(
    tx: Tx,
    *,
    session_id: str,
    diagnoses: Sequence[str] = (),
    are_unrelated: bool = False,
    wishes: Wishes = AS_BEFORE,
    actor: Actor,
    now: datetime,
) -> Superbill:
    """The superbill of a session that was given, as the facts and the ledger stand now.

    Unchanged facts return the present version; any change makes the next one, which names what it replaces.
    `diagnoses` are the provider's; without them those stand that were chosen for the visit before, or else
    for another of its plan. Two that exclude each other are refused unless the provider says that they
    `are_unrelated`.
    Raises: NoSuchSession, InvalidSuperbill, SuperbillNotPossible, DiagnosisNotChosen, DiagnosesExclude.
    """
    _check(wishes)
    lock_patient(tx, find_session(tx, session_id, actor).patient_id)
    session = find_session(tx, session_id, actor)
    versions = versions_of_session(tx, session_id)
    present = next((each for each in versions if each.state is SuperbillState.ISSUED), None)
    shown = find_document(tx, present.document_id).body if present else None
    stand = codes_of(shown) if shown else ()
    chosen = tuple(diagnoses) or stand or standing_diagnoses(tx, session)
    parties, encounter = gather_facts(tx, session, diagnoses=chosen, refusal=SuperbillNotPossible, now=now)
    served_on = encounter.started.date()
    if flaw := pointing_flaw(encounter.lines, len(encounter.diagnoses)):
        raise SuperbillNotPossible(flaw)
    if reason := why_not_told(plan_limits_of(tx, session.patient_id), served_on):
        raise SuperbillNotPossible(reason)
    edition = edition_on(tx, served_on)
    if flaw := diagnosis_flaw(edition, encounter.diagnoses):
        raise SuperbillNotPossible(flaw)
    before = wishes_of(shown) if shown else _on_claim(tx, session_id)
    encounter = _as_wished(encounter, wishes, before, edition)
    excluding = newly_excluding(edition, encounter.diagnoses, [stand])
    if excluding and not are_unrelated:
        raise DiagnosesExclude(exclusion_told(excluding))
    issue = Issue(
        number=present.number if present else "",
        version=len(versions) + 1,
        supersedes=present.number if present else None,
        issued_on=local_date(now, ZoneInfo(parties.site.timezone)),
    )
    if present and shown and same_facts(superbill_body(parties, encounter, issue), shown):
        end_tasks(tx, kind=SUPERBILL_AMENDED, subject_ids=[present.id], actor=actor, now=now)
        return present
    if excluding:
        record_audit(tx, actor=actor, action="superbill.diagnoses-unrelated", subject_id=session_id, now=now)
    return _issue(tx, session, parties, encounter, issue, present, actor, now)


def _check(wishes: Wishes) -> None:
    """Raises: InvalidSuperbill."""
    provider = wishes.referring_provider
    if provider and provider.npi and not is_npi(provider.npi):
        flaw = Flaw("/referring_provider/npi", "Give a National Provider Identifier of ten digits, or none.")
        raise InvalidSuperbill("Correct the referring provider.", [flaw])


def _on_claim(tx: Tx, session_id: str) -> Wishes:
    """Of the present claim, so that the insurer is told the same by both; of a first paper nothing."""
    present = [each for each in claims_of_session(tx, session_id) if each.state not in CLAIM_ENDS]
    return wishes_of_claim(facts_of_claim(tx, present[-1])) if present else AS_BEFORE


def _as_wished(encounter: Encounter, wishes: Wishes, before: Wishes, edition: Edition) -> Encounter:
    wording = {code: diagnosis_or_unknown(edition, code).description for code in encounter.diagnoses}
    return replace(encounter, wishes=wished_otherwise(before, wishes), wording=wording)


def void_superbill(tx: Tx, *, superbill_id: str, actor: Actor, now: datetime) -> Superbill:
    """Withdraw a superbill; it stays on file, and its number is never used again.

    Raises: NoSuchSuperbill, IllegalMove.
    """
    lock_patient(tx, find_superbill(tx, superbill_id, actor).patient_id)
    row = tx.session.get_one(SuperbillRow, superbill_id, populate_existing=True)
    advance(tx, row, SUPERBILL_MOVES, SuperbillEvent.VOID, actor=actor, now=now)
    tx.session.flush()
    for kind in (NOT_ALLOWED, SUPERBILL_AMENDED):
        end_tasks(tx, kind=kind, subject_ids=[superbill_id], actor=actor, now=now)
    told_anew(tx, session_id=row.session_id, actor=actor, now=now)
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
    if flaws := list(unprintable(body)):
        raise InvalidSuperbill("It would print a name or word wrong. Correct what is named.", flaws)
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
    told_anew(tx, session_id=session.id, actor=actor, now=now)
    return superbill_of(row)


def _numbered(issue: Issue, number: str) -> Issue:
    return Issue(number=number, version=issue.version, supersedes=issue.supersedes, issued_on=issue.issued_on)


def _supersede(tx: Tx, present: Superbill, actor: Actor, now: datetime) -> None:
    row = tx.session.get_one(SuperbillRow, present.id)
    advance(tx, row, SUPERBILL_MOVES, SuperbillEvent.SUPERSEDE, actor=actor, now=now)
    tx.session.flush()
    end_tasks(tx, kind=SUPERBILL_AMENDED, subject_ids=[present.id], actor=actor, now=now)
