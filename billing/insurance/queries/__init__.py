"""Reads; superbills and remittances of other sites or entities do not exist for the actor."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select

from billing.insurance.errors import NoSuchRemittance, NoSuchSuperbill
from billing.insurance.models import ClaimRow, DiagnosisEditionRow, SuperbillRow
from billing.insurance.models.remittances import (
    RemittanceAdjustmentRow,
    RemittanceClaimRow,
    RemittanceCopyRow,
    RemittanceRow,
    RemittanceUndoRow,
)
from billing.insurance.queries.billed_charges import billed_otherwise
from billing.insurance.queries.papers import PAPERS, find_row, list_rows, rows_of_session, told_of_paper
from billing.insurance.records import (
    AnsweredClaim,
    Edition,
    FoundDiagnoses,
    Match,
    Outcome,
    Remittance,
    Superbill,
    Undone,
    WhichSuperbills,
)
from billing.insurance.records.answers import BilledOtherwise
from billing.insurance.records.set_apart import ApartAdjustment, ToldAdjustment
from billing.insurance.rules.diagnoses import search_diagnoses
from billing.insurance.rules.editions import SHIPPED, is_of_another_year, shipped_on, unpacked
from billing.insurance.rules.set_apart import mark_of, may_be_set_apart
from billing.insurance.states import RemittanceState, SuperbillState
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.documents import find_document
from billing.platform.data.reach import within_reach
from billing.platform.data.selects import BATCH, batches

UNPACKED: dict[str, Sequence[str]] = {}
"""The lines of loaded editions by their sha256, which this process unpacks once: they never change."""


def edition_on(read: Read, on: date) -> Edition:
    """The edition in force on that day of service; the oldest also serves days before it.

    An order file has no Excludes1 notes: those of the shipped edition of its day hold for a loaded one.
    """
    editions = DiagnosisEditionRow
    query = select(editions.starts_on, editions.sha256).order_by(editions.version)
    loaded = {row.starts_on: row.sha256 for row in read.session.execute(query)}
    starts = sorted({*SHIPPED, *loaded})
    starts_on = max((each for each in starts if each <= on), default=starts[0])
    if starts_on not in loaded:
        return shipped_on(starts_on)
    lines = _lines_of(read, loaded[starts_on])
    return Edition(starts_on=starts_on, lines=lines, notes=shipped_on(starts_on).notes)


def told_of_edition(read: Read, on: date) -> str:
    """Which codes hold on a day, for who runs the installation."""
    edition = edition_on(read, on)
    hold = f"The ICD-10-CM codes that start on {edition.starts_on} hold"
    if is_of_another_year(edition, on):
        return f"{hold}, but a new year of codes has begun: load it (flask diagnoses load)."
    return f"{hold}."


def find_diagnoses(read: Read, text: str, on: date, *, limit: int) -> FoundDiagnoses:
    """What is found by a code's beginning or by words, on that day of service; billable ones first."""
    edition = edition_on(read, on)
    return FoundDiagnoses(starts_on=edition.starts_on, items=search_diagnoses(edition, text, limit))


def _lines_of(read: Read, sha256: str) -> Sequence[str]:
    if sha256 not in UNPACKED:
        query = select(DiagnosisEditionRow.content).where(DiagnosisEditionRow.sha256 == sha256).limit(1)
        UNPACKED[sha256] = unpacked(read.session.scalars(query).one())
    return UNPACKED[sha256]


def find_superbill(read: Read, superbill_id: str, actor: Actor) -> Superbill:
    """Raises: NoSuchSuperbill."""
    row = find_row(read, SuperbillRow, superbill_id, actor)
    if row is None:
        raise NoSuchSuperbill("There is no such superbill. Check the id.")
    return superbill_of(row)


def superbills_among(read: Read, superbill_ids: Iterable[str], actor: Actor) -> Sequence[Superbill]:
    """Those of these that the actor may know of."""
    query = select(SuperbillRow).where(*within_reach(actor, SuperbillRow))
    return [
        superbill_of(row)
        for batch in _batches(superbill_ids)
        for row in read.session.scalars(query.where(SuperbillRow.id.in_(batch)))
    ]


def superbill_after(read: Read, superbill: Superbill) -> Superbill | None:
    """The version that took its place."""
    row = read.session.scalar(select(SuperbillRow).where(SuperbillRow.supersedes_id == superbill.id))
    return superbill_of(row) if row else None


def list_superbills(read: Read, actor: Actor, *, limit: int, **which: Any) -> Sequence[Superbill]:
    """See `papers.list_rows`."""
    return [superbill_of(row) for row in list_rows(read, SuperbillRow, actor, limit=limit, **which)]


def present_superbill(read: Read, session_id: str) -> Superbill | None:
    """The version that is neither superseded nor void."""
    issued = (each for each in versions_of_session(read, session_id) if each.state is SuperbillState.ISSUED)
    return next(issued, None)


def body_of_superbill(read: Read, session_id: str) -> Any:
    """What the present superbill shows; None without one."""
    superbill = present_superbill(read, session_id)
    return find_document(read, superbill.document_id).body if superbill else None


def count_present(read: Read, actor: Actor, which: WhichSuperbills) -> int:
    return read.session.scalar(select(func.count(SuperbillRow.id)).where(*_present(actor, which))) or 0


def present_superbills(read: Read, actor: Actor, which: WhichSuperbills) -> Generator[Superbill]:
    """Those that are not superseded or void, by clinic and day of service; few are held at a time.

    Close it when you leave it early: the server holds the rest.
    """
    in_order = (SuperbillRow.entity_id, SuperbillRow.service_on, SuperbillRow.id)
    query = select(SuperbillRow).where(*_present(actor, which)).order_by(*in_order)
    with closing(read.session.scalars(query.execution_options(yield_per=BATCH))) as rows:
        for row in rows:
            yield superbill_of(row)


def present_among(
    read: Read, actor: Actor, which: WhichSuperbills, superbill_ids: Iterable[str]
) -> Sequence[Superbill]:
    """Those of these that `present_superbills` would give, in its order."""
    query = select(SuperbillRow).where(*_present(actor, which))
    found = [
        superbill_of(row)
        for batch in _batches(superbill_ids)
        for row in read.session.scalars(query.where(SuperbillRow.id.in_(batch)))
    ]
    return sorted(found, key=lambda each: (each.entity_id, each.service_on, each.id))


def _present(actor: Actor, which: WhichSuperbills) -> list[ColumnElement[bool]]:
    conditions = [SuperbillRow.state == SuperbillState.ISSUED, *within_reach(actor, SuperbillRow)]
    if which.patient_id is not None:
        conditions.append(SuperbillRow.patient_id == which.patient_id)
    if which.starts_on is not None:
        conditions.append(SuperbillRow.service_on >= which.starts_on)
    if which.ends_on is not None:
        conditions.append(SuperbillRow.service_on <= which.ends_on)
    return conditions


def versions_of_session(read: Read, session_id: str) -> tuple[Superbill, ...]:
    """Oldest first."""
    return tuple(superbill_of(row) for row in rows_of_session(read, SuperbillRow, session_id))


def sessions_by_control_number(read: Read, numbers: Iterable[str], actor: Actor) -> dict[str, Match]:
    """The sessions that we gave these numbers to, by number."""
    found = {}
    for batch in _batches(numbers):
        for paper in PAPERS:
            query = select(paper.control_number, *_whose(paper)).where(
                paper.control_number.in_(batch), *within_reach(actor, paper)
            )
            for number, *whose in read.session.execute(query):
                found[number] = _match(*whose)
    return found


def sessions_by_payer_claim(
    read: Read, payer_id: str, numbers: Iterable[str], actor: Actor
) -> dict[tuple[str, int], Match]:
    """The sessions of claims that this payer answered before, by its claim number and the charge in cents.

    A number that stands for more than one session stands for none: payers use them again.
    """
    found: dict[tuple[str, int], set[Match]] = {}
    for batch, paper in product(_batches(numbers), PAPERS):
        query = (
            select(RemittanceClaimRow.payer_claim_number, RemittanceClaimRow.charge_cents, *_whose(paper))
            .join(RemittanceRow, RemittanceRow.id == RemittanceClaimRow.remittance_id)
            .join(paper, paper.session_id == RemittanceClaimRow.session_id)
            .where(
                RemittanceRow.payer_id == payer_id,
                RemittanceRow.state == RemittanceState.POSTED,
                RemittanceClaimRow.payer_claim_number.in_(batch),
                *within_reach(actor, paper),
            )
        )
        for number, charge_cents, *whose in read.session.execute(query):
            found.setdefault((number, charge_cents), set()).add(_match(*whose))
    return {key: next(iter(matches)) for key, matches in found.items() if len(matches) == 1}


def insurers_of(read: Read, claim_ids: Iterable[str]) -> dict[str, str]:
    """The insurer's name by the claim of a remittance."""
    query = select(RemittanceClaimRow.id, RemittanceRow.payer_name).join(
        RemittanceRow, RemittanceRow.id == RemittanceClaimRow.remittance_id
    )
    return {
        row.id: row.payer_name
        for batch in batches(claim_ids)
        for row in read.session.execute(query.where(RemittanceClaimRow.id.in_(batch)))
    }


def find_remittance(read: Read, remittance_id: str, actor: Actor) -> Remittance:
    """Raises: NoSuchRemittance."""
    row = _remittance_row(read, remittance_id, actor)
    told = adjustments_of(read, row.id)
    return replace(remittance_of(read, row), adjustments=told, adjustments_shown=mark_of(told))


def adjustments_of(read: Read, remittance_id: str) -> tuple[ToldAdjustment, ...]:
    """In the order of the payment; of a parked one none is set apart yet."""
    query = select(RemittanceAdjustmentRow).where(RemittanceAdjustmentRow.remittance_id == remittance_id)
    rows = read.session.scalars(query.order_by(RemittanceAdjustmentRow.place))
    return tuple(_told_adjustment(row) for row in rows)


def _told_adjustment(row: RemittanceAdjustmentRow) -> ToldAdjustment:
    said = ApartAdjustment(code=row.code, reference=row.reference, amount=Money(row.amount_cents))
    return ToldAdjustment(
        code=said.code,
        reference=said.reference,
        amount=said.amount,
        place=row.place,
        is_set_apart=row.is_set_apart,
        may_be_set_apart=may_be_set_apart(said),
    )


def find_remittance_alone(read: Read, remittance_id: str, actor: Actor) -> Remittance:
    """The same without its claims, of which there may be thousands. Raises: NoSuchRemittance."""
    return remittance_without_claims(_remittance_row(read, remittance_id, actor))


def _remittance_row(read: Read, remittance_id: str, actor: Actor) -> RemittanceRow:
    query = select(RemittanceRow).where(RemittanceRow.id == remittance_id, *remittances_shown_to(actor))
    row = read.session.scalar(query)
    if row is None:
        raise NoSuchRemittance("There is no such remittance. Check the id.")
    return row


def list_remittances(
    read: Read,
    actor: Actor,
    *,
    state: RemittanceState | None = None,
    came_again: bool = False,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Remittance]:
    """Newest first, those before the cursor, without their claims.

    `came_again` lists those alone that were sent again after they were posted or set aside.
    """
    query = (
        select(RemittanceRow)
        .where(*remittances_shown_to(actor))
        .order_by(RemittanceRow.id.desc())
        .limit(limit)
    )
    if state is not None:
        query = query.where(RemittanceRow.state == state)
    if came_again:
        query = query.where(exists().where(RemittanceCopyRow.remittance_id == RemittanceRow.id))
    if cursor is not None:
        query = query.where(RemittanceRow.id < cursor)
    return [remittance_without_claims(row) for row in read.session.scalars(query)]


def remittances_shown_to(actor: Actor) -> list[ColumnElement[bool]]:
    """A remittance is its entity's. Who is limited to sites sees it once each claim is matched to theirs.

    A parked one, whose claims are not matched yet, is for those who see the whole entity.
    """
    conditions = [] if actor.entity_id is None else [RemittanceRow.entity_id == actor.entity_id]
    if actor.site_ids is None:
        return conditions
    claim = exists().where(RemittanceClaimRow.remittance_id == RemittanceRow.id)
    within = or_(
        *(
            exists().where(paper.session_id == RemittanceClaimRow.session_id, *within_reach(actor, paper))
            for paper in PAPERS
        )
    )
    return [*conditions, claim, ~claim.where(~within)]


def remittance_without_claims(row: RemittanceRow) -> Remittance:
    return _remittance(row, ())


def remittance_of(read: Read, row: RemittanceRow) -> Remittance:
    query = (
        select(RemittanceClaimRow)
        .where(RemittanceClaimRow.remittance_id == row.id)
        .order_by(RemittanceClaimRow.place)
    )
    others = billed_otherwise(read, row.id)
    claims = tuple(_claim(each, row.state, others.get(each.id)) for each in read.session.scalars(query))
    return replace(_remittance(row, claims), undone=_undone(read, row))


def _undone(read: Read, row: RemittanceRow) -> Undone | None:
    if row.state != RemittanceState.UNDONE:
        return None
    undo = read.session.scalars(
        select(RemittanceUndoRow).where(RemittanceUndoRow.remittance_id == row.id)
    ).one()
    sealed = read.vault.open("remittance_undo", undo.id, undo.sealed)
    return Undone(reason=sealed["reason"], undone_at=undo.undone_at, undone_by=undo.undone_by)


def superbill_of(row: SuperbillRow) -> Superbill:
    return Superbill(**told_of_paper(row), state=SuperbillState(row.state))


def _batches(values: Iterable[str]) -> Iterator[list[str]]:
    return batches(set(values) - {""})


def _whose(paper: type[SuperbillRow] | type[ClaimRow]) -> tuple[ColumnElement[str], ...]:
    return tuple(
        column.expression for column in (paper.session_id, paper.patient_id, paper.entity_id, paper.site_id)
    )


def _match(session_id: str, patient_id: str, entity_id: str, site_id: str) -> Match:
    return Match(session_id=session_id, patient_id=patient_id, entity_id=entity_id, site_id=site_id)


def _remittance(row: RemittanceRow, claims: tuple[AnsweredClaim, ...]) -> Remittance:
    return Remittance(
        id=row.id,
        payer_id=row.payer_id,
        payer_name=row.payer_name,
        trace=row.trace,
        amount=Money(row.amount_cents),
        paid_on=row.paid_on,
        status=row.state,
        reason=row.reason,
        received_at=row.received_at,
        is_on_paper=row.is_on_paper,
        claims=claims,
    )


def _claim(row: RemittanceClaimRow, status: str, other: BilledOtherwise | None) -> AnsweredClaim:
    return AnsweredClaim(
        id=row.id,
        control_number=row.control_number,
        status=status,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        session_id=row.session_id,
        paid=Money(row.paid_cents),
        credit=Money(row.credit_cents),
        charge=Money(row.charge_cents),
        billed=other.billed if other else None,
        is_part=bool(other and other.is_part),
    )
