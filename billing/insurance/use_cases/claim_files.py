"""Files of claims: what was issued and not sent yet, in one file for each receiver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select

from billing.catalog.queries import entities, find_entity
from billing.insurance.errors import ClaimFlawed
from billing.insurance.models import ClaimFileRow, ClaimRow
from billing.insurance.queries import edition_on
from billing.insurance.queries.claim_answers import answered_unsent_among
from billing.insurance.queries.claims import claim_on_file, facts_of_claim, file_on_file, files_of_period
from billing.insurance.queries.sending import why_not_sent
from billing.insurance.records import Edition
from billing.insurance.records.claims import Claim, ClaimFile, Frequency, Interchange
from billing.insurance.rules.claim_checks import claim_flaws
from billing.insurance.rules.claim_file import interchange_body
from billing.insurance.states import ClaimState
from billing.insurance.use_cases.claim_moves import file_claim
from billing.insurance.use_cases.claims import CONTROL_NUMBERS, RENDER_CLAIMS
from billing.kernel.clock import local_date
from billing.kernel.errors import Flaw
from billing.kernel.ids import new_id
from billing.kernel.money import total
from billing.kernel.permissions import Actor
from billing.patients.use_cases import lock_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.documents import freeze
from billing.platform.data.jobs import enqueue
from billing.platform.data.reach import within_reach
from billing.platform.data.series import next_number

DOCUMENT_KIND = "claim_file"
ANSWERED = "An answer was read, and nobody said that this was sent. If it was, mark it as filed. "
OTHERWISE = {
    Frequency.ORIGINAL: "If the patient's superbill was answered, withdraw this claim and issue it again.",
    Frequency.REPLACEMENT: (
        "If the version before was answered, correct it again with the payer's number from that answer."
    ),
    Frequency.VOID: "If the version before was taken back otherwise, nothing is to be sent: mark it, too.",
}
"""The way out when that answer was to something else, by what the claim is."""

Told = tuple[ClaimRow, Claim]
Found = tuple[ClaimRow, Flaw]
"""What is wrong with a claim, by its place within the claim."""


def file_claims(
    tx: Tx, *, starts_on: date, ends_on: date, actor: Actor, now: datetime
) -> tuple[ClaimFile, ...]:
    """File the claims of these days of service that were issued and not sent yet.

    One file for each legal entity and receiver; sample claims and real ones never share one.
    Raises: ClaimFlawed.
    """
    told = issued_claims(tx, starts_on=starts_on, ends_on=ends_on, actor=actor, now=now)
    zones = {row.entity_id: ZoneInfo(find_entity(tx, row.entity_id).timezone) for row, _ in told}
    return tuple(
        _file(tx, group, zone=zones[group[0][0].entity_id], actor=actor, now=now) for group in _groups(told)
    )


def issued_claims(tx: Tx, *, starts_on: date, ends_on: date, actor: Actor, now: datetime) -> list[Told]:
    """The claims of these days of service that were issued and not sent yet, with what they say.

    Their patients are held. All of them, or none: one that would be refused by now, that the plan may not be
    told, that was answered already, whose visit was amended since, or that says another charge or payment
    than the books, is named.
    Raises: ClaimFlawed.
    """
    waiting = (
        ClaimRow.state == ClaimState.ISSUED,
        ClaimRow.service_on.between(starts_on, ends_on),
        *within_reach(actor, ClaimRow),
    )
    held = _lock_patients(tx, waiting)
    query = select(ClaimRow).where(*waiting).order_by(ClaimRow.id)
    rows = tx.session.scalars(query.execution_options(populate_existing=True))
    told = [(row, facts_of_claim(tx, claim_on_file(row))) for row in rows if row.patient_id in held]
    today = {
        entity_id: local_date(now, ZoneInfo(find_entity(tx, entity_id).timezone))
        for entity_id in {row.entity_id for row, _ in told}
    }
    editions = {on: edition_on(tx, on) for on in {row.service_on for row, _ in told}}
    found = [*_flaws(told, today, editions), *_kept(tx, told), *_answered(tx, told)]
    if found:
        raise refusal(tx, "Some claims would be refused. Correct what is named; nothing was filed.", found)
    return told


def _lock_patients(tx: Tx, waiting: Sequence[ColumnElement[bool]]) -> frozenset[str]:
    """Whose claims wait: nothing is said of them, and none of their claims moves, until these are filed.

    What is issued for somebody else while a lock is waited for goes with the next file.
    """
    patient_ids = frozenset(tx.session.scalars(select(ClaimRow.patient_id).where(*waiting)))
    for patient_id in sorted(patient_ids):
        lock_patient(tx, patient_id)
    return patient_ids


def send_again(
    tx: Tx, *, starts_on: date, ends_on: date, actor: Actor, now: datetime
) -> tuple[ClaimFile, ...]:
    """The files in which claims of these days of service were sent before; the trail says who took them."""
    files = files_of_period(tx, starts_on, ends_on, actor)
    for file in files:
        record_audit(tx, actor=actor, action="claim_file.again", subject_id=file.id, now=now)
    return files


def refusal(tx: Tx, detail: str, found: Sequence[Found]) -> ClaimFlawed:
    """Numbers are each clinic's own: where there are several, each flaw says whose claim it is of."""
    clinics = {entity.id: entity for entity in entities(tx)}
    whose = {key: f"{clinic.trade_name}: " if len(clinics) > 1 else "" for key, clinic in clinics.items()}
    flaws = [
        Flaw(f"/claims/{row.number}{flaw.pointer}", whose[row.entity_id] + flaw.message)
        for row, flaw in found
    ]
    return ClaimFlawed(detail, flaws)


def _flaws(told: Sequence[Told], today: Mapping[str, date], editions: Mapping[date, Edition]) -> list[Found]:
    """Diagnoses that exclude each other were answered for when the claim was issued."""
    return [
        (row, flaw)
        for row, facts in told
        for flaw in claim_flaws(
            facts, editions[row.service_on], as_of=today[row.entity_id], are_unrelated=True
        )
    ]


def _answered(tx: Tx, told: Sequence[Told]) -> list[Found]:
    """What the insurer seems to have: sent once more, it is refused as a duplicate, or paid twice."""
    answered = answered_unsent_among(tx, [claim_on_file(row) for row, _ in told])
    return [
        (row, Flaw("", ANSWERED + OTHERWISE[facts.frequency])) for row, facts in told if row.id in answered
    ]


def _kept(tx: Tx, told: Sequence[Told]) -> list[Found]:
    return [(row, Flaw("", reason)) for row, _ in told if (reason := why_not_sent(tx, claim_on_file(row)))]


def _groups(told: Sequence[Told]) -> list[list[Told]]:
    """What can share a file, in the order of the first claim of each."""
    groups: dict[object, list[Told]] = {}
    for row, facts in told:
        key = (row.entity_id, facts.submitter, facts.receiver, facts.is_sample)
        groups.setdefault(key, []).append((row, facts))
    return list(groups.values())


def _file(tx: Tx, group: Sequence[Told], *, zone: ZoneInfo, actor: Actor, now: datetime) -> ClaimFile:
    entity_id, file_id = group[0][0].entity_id, new_id("clf")
    claims = tuple(facts for _, facts in group)
    control = next_number(tx, entity_id=entity_id, series=CONTROL_NUMBERS)
    interchange = Interchange(control_number=control, made_at=now.astimezone(zone), claims=claims)
    body = interchange_body(interchange)
    document = freeze(tx, kind=DOCUMENT_KIND, subject_id=file_id, version=1, body=body, now=now)
    enqueue(tx, kind=RENDER_CLAIMS, key=document.id, due_at=now)
    row = ClaimFileRow(
        id=file_id,
        entity_id=entity_id,
        control_number=control,
        receiver_id=claims[0].receiver.id,
        claims=len(claims),
        charge_cents=total(claim.charge for claim in claims).cents,
        document_id=document.id,
        sha256=document.sha256,
        made_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    detail = {"claims": row.claims, "charge_cents": row.charge_cents}
    record_audit(tx, actor=actor, action="claim_file.make", subject_id=file_id, now=now, detail=detail)
    for claim, _ in group:
        file_claim(tx, claim_id=claim.id, sent_at=now, file_id=file_id, actor=actor, now=now)
    return file_on_file(tx, row)
