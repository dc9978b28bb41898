"""Reads of what patients chose for their insurers' money, and of what still waits for a choice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, func, or_, select

from billing.care.queries import find_session
from billing.catalog.queries import site_date
from billing.kernel.permissions import SYSTEM
from billing.payments.models.choices import StandingChoiceRow
from billing.payments.models.credits import CreditLotRow
from billing.payments.models.refunds import RefundRow
from billing.payments.records.credits import Chooser, CreditSource, Election
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read
from billing.platform.data.selects import row_where


def standing_choice(read: Read, patient_id: str) -> Election | None:
    """What the patient wants done with whatever an insurer pays; None asks each time."""
    row = row_where(read, StandingChoiceRow, patient_id=patient_id)
    return Election(row.election) if row and row.election else None


def waiting_credits(read: Read, patient_id: str) -> Sequence[str]:
    """Insurers' money of a patient that waits for a choice, oldest first."""
    query = select(CreditLotRow.id).where(
        CreditLotRow.patient_id == patient_id, *_is_left_of_insurers(), CreditLotRow.election.is_(None)
    )
    return read.session.scalars(query.order_by(CreditLotRow.held_on, CreditLotRow.id)).all()


def wanted_back_with_all(read: Read, patient_id: str) -> Sequence[str]:
    """What goes back only because the patient wanted all of it back, and nobody asked for that refund yet."""
    query = select(CreditLotRow.id).where(
        CreditLotRow.patient_id == patient_id,
        *_is_left_of_insurers(),
        CreditLotRow.election == Election.REFUND,
        CreditLotRow.elected_by == Chooser.STANDING,
        ~_asked_since(),
    )
    return read.session.scalars(query.order_by(CreditLotRow.id)).all()


def credits_to_refund(read: Read, waits_until: date) -> Sequence[str]:
    """Insurers' money to give back by itself, oldest first.

    It waits since that day or before and nobody chose; or the patient wants it back by their own word, for
    it or for all, and it was never asked for since they said so.
    """
    query = select(CreditLotRow.id).where(*_goes_back(waits_until))
    return read.session.scalars(query.order_by(CreditLotRow.held_on, CreditLotRow.id)).all()


def forgotten_refunds(read: Read, held_until: date) -> Sequence[str]:
    """Insurers' money held since that day or before that is to go back, and no refund of it is under way."""
    query = select(CreditLotRow.id).where(*_is_forgotten(), _waits_since() <= held_until)
    return read.session.scalars(query.order_by(CreditLotRow.held_on, CreditLotRow.id)).all()


def is_forgotten(read: Read, lot_id: str) -> bool:
    """Whether a credit is to go back, and no refund of it is under way."""
    return (
        read.session.scalar(select(CreditLotRow.id).where(CreditLotRow.id == lot_id, *_is_forgotten()))
        is not None
    )


def goes_back_by_itself(read: Read, lot_id: str) -> bool:
    """Whether the patient's own word sends a credit back at the next run, or a refund of it is under way."""
    query = select(CreditLotRow.id).where(CreditLotRow.id == lot_id, or_(_wanted_back(), _is_under_way()))
    return read.session.scalar(query) is not None


def goes_back_now(read: Read, lot_id: str, waits_until: date) -> bool:
    """Whether one credit is among `credits_to_refund`."""
    query = select(CreditLotRow.id).where(CreditLotRow.id == lot_id, *_goes_back(waits_until))
    return read.session.scalar(query) is not None


def unchosen(after: date | None = None, until: date | None = None) -> tuple[ColumnElement[bool], ...]:
    """What waits for a choice, where named since after one day and until another."""
    since = _waits_since()
    of_days = [*([since > after] if after else []), *([since <= until] if until else [])]
    return (*_is_left_of_insurers(), CreditLotRow.election.is_(None), *of_days)


def visit_day(read: Read, session_id: str) -> date:
    """The day of a visit at its site, as it was given or is planned."""
    session = find_session(read, session_id, SYSTEM)
    began = session.started_at
    return session.planned_on if began is None else site_date(read, session.site_id, began)


def _is_left_of_insurers() -> tuple[ColumnElement[bool], ...]:
    return (
        CreditLotRow.source == CreditSource.REIMBURSEMENT,
        CreditLotRow.payer_id.is_(None),
        CreditLotRow.available_cents > 0,
    )


def _goes_back(waits_until: date) -> tuple[ColumnElement[bool], ...]:
    unanswered = CreditLotRow.election.is_(None) & (_waits_since() <= waits_until)
    return (*_is_left_of_insurers(), or_(unanswered, _wanted_back()))


def _waits_since() -> ColumnElement[date]:
    return func.coalesce(CreditLotRow.reopened_on, CreditLotRow.held_on)


def _wanted_back() -> ColumnElement[bool]:
    """By the patient's own word, and not asked for since."""
    return (
        (CreditLotRow.election == Election.REFUND)
        & CreditLotRow.elected_by.in_((Chooser.STANDING, Chooser.PATIENT))
        & ~_asked_since()
    )


def _is_forgotten() -> tuple[ColumnElement[bool], ...]:
    return (*_is_left_of_insurers(), CreditLotRow.election == Election.REFUND, ~_is_under_way())


def _is_under_way() -> ColumnElement[bool]:
    under_way = RefundRow.state.in_((RefundState.REQUESTED, RefundState.APPROVED))
    return select(RefundRow.id).where(RefundRow.lot_id == CreditLotRow.id, under_way).exists()


def _asked_since() -> ColumnElement[bool]:
    """Whether a refund was asked for since the choice."""
    return (
        select(RefundRow.id)
        .where(RefundRow.lot_id == CreditLotRow.id, RefundRow.requested_at >= CreditLotRow.elected_at)
        .exists()
    )
