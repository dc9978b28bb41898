"""Reads; superbills and remittances of other sites or entities do not exist for the actor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from sqlalchemy import ColumnElement, exists, select

from billing.insurance.errors import NoSuchRemittance, NoSuchSuperbill
from billing.insurance.models import RemittanceClaimRow, RemittanceRow, SuperbillRow
from billing.insurance.records import AnsweredClaim, Match, Outcome, Remittance, Superbill
from billing.insurance.states import RemittanceState, SuperbillState
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach

BATCH = 500
"""How many values one statement compares with, and how many rows are fetched at a time."""


def find_superbill(read: Read, superbill_id: str, actor: Actor) -> Superbill:
    """Raises: NoSuchSuperbill."""
    row = read.session.get(SuperbillRow, superbill_id)
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise NoSuchSuperbill("There is no such superbill. Check the id.")
    return superbill_of(row)


def list_superbills(
    read: Read,
    actor: Actor,
    *,
    patient_id: str | None = None,
    starts_on: date | None = None,
    ends_on: date | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Superbill]:
    """All versions, newest first, those before the cursor; dates are those of the service, both included."""
    query = (
        select(SuperbillRow)
        .where(*within_reach(actor, SuperbillRow))
        .order_by(SuperbillRow.id.desc())
        .limit(limit)
    )
    if patient_id is not None:
        query = query.where(SuperbillRow.patient_id == patient_id)
    if starts_on is not None:
        query = query.where(SuperbillRow.service_on >= starts_on)
    if ends_on is not None:
        query = query.where(SuperbillRow.service_on <= ends_on)
    if cursor is not None:
        query = query.where(SuperbillRow.id < cursor)
    return [superbill_of(row) for row in read.session.scalars(query)]


def versions_of_session(read: Read, session_id: str) -> tuple[Superbill, ...]:
    """Oldest first."""
    query = select(SuperbillRow).where(SuperbillRow.session_id == session_id).order_by(SuperbillRow.version)
    return tuple(superbill_of(row) for row in read.session.scalars(query))


def sessions_by_control_number(read: Read, numbers: Iterable[str], actor: Actor) -> dict[str, Match]:
    """The sessions that we gave these numbers to, by number."""
    found = {}
    for batch in _batches(numbers):
        query = select(SuperbillRow).where(
            SuperbillRow.control_number.in_(batch), *within_reach(actor, SuperbillRow)
        )
        for row in read.session.scalars(query):
            found[row.control_number] = _match(row)
    return found


def sessions_by_payer_claim(
    read: Read, payer_id: str, numbers: Iterable[str], actor: Actor
) -> dict[tuple[str, int], Match]:
    """The sessions of claims that this payer answered before, by its claim number and the charge in cents.

    A number that stands for more than one session stands for none: payers use them again.
    """
    found: dict[tuple[str, int], set[Match]] = {}
    for batch in _batches(numbers):
        query = (
            select(RemittanceClaimRow.payer_claim_number, RemittanceClaimRow.charge_cents, SuperbillRow)
            .join(RemittanceRow, RemittanceRow.id == RemittanceClaimRow.remittance_id)
            .join(SuperbillRow, SuperbillRow.session_id == RemittanceClaimRow.session_id)
            .where(
                RemittanceRow.payer_id == payer_id,
                RemittanceRow.state == RemittanceState.POSTED,
                RemittanceClaimRow.payer_claim_number.in_(batch),
                *within_reach(actor, SuperbillRow),
            )
        )
        for number, charge_cents, row in read.session.execute(query):
            found.setdefault((number, charge_cents), set()).add(_match(row))
    return {key: next(iter(matches)) for key, matches in found.items() if len(matches) == 1}


def find_remittance(read: Read, remittance_id: str, actor: Actor) -> Remittance:
    """Raises: NoSuchRemittance."""
    query = select(RemittanceRow).where(RemittanceRow.id == remittance_id, *_shown_to(actor))
    row = read.session.scalar(query)
    if row is None:
        raise NoSuchRemittance("There is no such remittance. Check the id.")
    return remittance_of(read, row)


def list_remittances(
    read: Read,
    actor: Actor,
    *,
    state: RemittanceState | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Remittance]:
    """Newest first, those before the cursor, without their claims."""
    query = select(RemittanceRow).where(*_shown_to(actor)).order_by(RemittanceRow.id.desc()).limit(limit)
    if state is not None:
        query = query.where(RemittanceRow.state == state)
    if cursor is not None:
        query = query.where(RemittanceRow.id < cursor)
    return [_remittance(row, ()) for row in read.session.scalars(query)]


def _shown_to(actor: Actor) -> list[ColumnElement[bool]]:
    """A remittance is its entity's. Who is limited to sites sees it once each claim is matched to theirs.

    A parked one, whose claims are not matched yet, is for those who see the whole entity.
    """
    conditions = [] if actor.entity_id is None else [RemittanceRow.entity_id == actor.entity_id]
    if actor.site_ids is None:
        return conditions
    claim = exists().where(RemittanceClaimRow.remittance_id == RemittanceRow.id)
    within = exists().where(
        SuperbillRow.session_id == RemittanceClaimRow.session_id, *within_reach(actor, SuperbillRow)
    )
    return [*conditions, claim, ~claim.where(~within)]


def remittance_of(read: Read, row: RemittanceRow) -> Remittance:
    query = (
        select(RemittanceClaimRow)
        .where(RemittanceClaimRow.remittance_id == row.id)
        .order_by(RemittanceClaimRow.place)
    )
    claims = tuple(_claim(claim, row.state) for claim in read.session.scalars(query))
    return _remittance(row, claims)


def superbill_of(row: SuperbillRow) -> Superbill:
    return Superbill(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        session_id=row.session_id,
        number=row.number,
        version=row.version,
        state=SuperbillState(row.state),
        supersedes_id=row.supersedes_id,
        control_number=row.control_number,
        document_id=row.document_id,
        sha256=row.sha256,
        service_on=row.service_on,
        charge=Money(row.charge_cents),
        paid=Money(row.paid_cents),
        issued_at=row.issued_at,
    )


def _batches(values: Iterable[str]) -> Iterator[list[str]]:
    listed = sorted(set(values) - {""})
    return (listed[start : start + BATCH] for start in range(0, len(listed), BATCH))


def _match(row: SuperbillRow) -> Match:
    return Match(
        session_id=row.session_id, patient_id=row.patient_id, entity_id=row.entity_id, site_id=row.site_id
    )


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
        claims=claims,
    )


def _claim(row: RemittanceClaimRow, status: str) -> AnsweredClaim:
    return AnsweredClaim(
        control_number=row.control_number,
        status=status,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        session_id=row.session_id,
        paid=Money(row.paid_cents),
        credit=Money(row.credit_cents),
    )
