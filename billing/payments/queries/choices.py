"""Reads of what patients chose for their insurers' money, and of what still waits for a choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import ColumnElement, or_, select

from billing.payments.models.choices import StandingChoiceRow
from billing.payments.models.credits import CreditLotRow
from billing.payments.models.refunds import RefundRow
from billing.payments.records.credits import CreditSource, Election
from billing.platform.data.database import Read
from billing.platform.data.selects import batches


def standing_choice(read: Read, patient_id: str) -> Election | None:
    """What the patient wants done with whatever an insurer pays; None asks each time."""
    row = read.session.get(StandingChoiceRow, patient_id)
    return Election(row.election) if row and row.election else None


def waiting_credits(read: Read, patient_id: str) -> Sequence[str]:
    """Insurers' money of a patient that waits for a choice, oldest first."""
    query = select(CreditLotRow.id).where(
        CreditLotRow.patient_id == patient_id, *_is_left_of_insurers(), CreditLotRow.election.is_(None)
    )
    return read.session.scalars(query.order_by(CreditLotRow.held_on, CreditLotRow.id)).all()


def credits_to_refund(read: Read, held_until: date) -> Sequence[str]:
    """Insurers' money to give back by itself, oldest first.

    Held since that day or before and nobody chose; or of a patient who wants all of it back, and never asked
    for since they said so.
    """
    asked_since = (
        select(RefundRow.id)
        .where(RefundRow.lot_id == CreditLotRow.id, RefundRow.requested_at >= CreditLotRow.elected_at)
        .exists()
    )
    unanswered = CreditLotRow.election.is_(None) & (CreditLotRow.held_on <= held_until)
    by_standing_choice = (
        (CreditLotRow.election == Election.REFUND)
        & (StandingChoiceRow.election == Election.REFUND)
        & (StandingChoiceRow.changed_at <= CreditLotRow.elected_at)
        & ~asked_since
    )
    query = (
        select(CreditLotRow.id)
        .outerjoin(StandingChoiceRow, StandingChoiceRow.patient_id == CreditLotRow.patient_id)
        .where(*_is_left_of_insurers(), or_(unanswered, by_standing_choice))
        .order_by(CreditLotRow.held_on, CreditLotRow.id)
    )
    return read.session.scalars(query).all()


def without_anything_left(read: Read, lot_ids: Iterable[str]) -> list[str]:
    """Those of these credits that were refunded, spent or taken back."""
    query = select(CreditLotRow.id).where(CreditLotRow.available_cents == 0).order_by(CreditLotRow.id)
    return [
        lot_id
        for batch in batches(lot_ids)
        for lot_id in read.session.scalars(query.where(CreditLotRow.id.in_(batch)))
    ]


def _is_left_of_insurers() -> tuple[ColumnElement[bool], ...]:
    return (
        CreditLotRow.source == CreditSource.REIMBURSEMENT,
        CreditLotRow.payer_id.is_(None),
        CreditLotRow.available_cents > 0,
    )
