"""Reads of what a patient sees by the link of a letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, or_, select

from billing.catalog.queries import find_entity
from billing.kernel.money import ZERO, Money, total
from billing.patients.queries import is_on_hold
from billing.payments.models.choices import ChoiceLetterRow, LetteredCreditRow
from billing.payments.models.credits import CreditLotRow, CreditWithdrawalRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.choices import goes_back_by_itself, standing_choice, visit_day
from billing.payments.queries.credits import applications_of_credit, lot_of
from billing.payments.queries.refunds import refund_of
from billing.payments.records.credits import CreditLot, CreditSource, Election, Withdrawal
from billing.payments.records.own_choices import OwnChoices, OwnCredit
from billing.payments.rules.choices import goes_back_on, shown_as
from billing.platform.data.database import Read

TAKEN_BY_INSURERS = (Withdrawal.TAKEBACK, Withdrawal.COVERED, Withdrawal.BILLED)


def own_choices(read: Read, letter_id: str) -> OwnChoices:
    """What a letter is about and what else of insurers' money is held for its patient, oldest first."""
    letter = read.session.get_one(ChoiceLetterRow, letter_id)
    lettered = select(LetteredCreditRow.lot_id).where(LetteredCreditRow.letter_id == letter_id)
    query = select(CreditLotRow).where(
        CreditLotRow.patient_id == letter.patient_id,
        CreditLotRow.source == CreditSource.REIMBURSEMENT,
        CreditLotRow.payer_id.is_(None),
        or_(CreditLotRow.available_cents > 0, CreditLotRow.id.in_(lettered)),
    )
    rows = read.session.scalars(query.order_by(CreditLotRow.held_on, CreditLotRow.id))
    lots = [lot_of(row) for row in rows]
    taken = _taken(read, [lot.id for lot in lots])
    return OwnChoices(
        clinic=find_entity(read, letter.entity_id),
        credits=tuple(_own(read, lot, taken.get(lot.id, ZERO)) for lot in lots),
        always=standing_choice(read, letter.patient_id),
        is_stopped=is_on_hold(read, letter.patient_id),
    )


def _own(read: Read, lot: CreditLot, taken: Money) -> OwnCredit:
    refunds = select(RefundRow).where(RefundRow.lot_id == lot.id).order_by(RefundRow.id)
    return OwnCredit(
        lot=lot,
        visit_on=visit_day(read, str(lot.session_id)),
        goes_back_on=goes_back_on(lot),
        used=total(each.amount - each.undone for each in applications_of_credit(read, lot.id)),
        taken=taken,
        refunds=tuple(refund_of(row) for row in read.session.scalars(refunds)),
        is_forgotten=lot.election is Election.REFUND and not goes_back_by_itself(read, lot.id),
        shown_as=shown_as(lot),
    )


def _taken(read: Read, lot_ids: Sequence[str]) -> Mapping[str, Money]:
    query = (
        select(CreditWithdrawalRow.lot_id, func.sum(CreditWithdrawalRow.amount_cents))
        .where(CreditWithdrawalRow.lot_id.in_(lot_ids), CreditWithdrawalRow.reason.in_(TAKEN_BY_INSURERS))
        .group_by(CreditWithdrawalRow.lot_id)
    )
    return {lot_id: Money(int(cents)) for lot_id, cents in read.session.execute(query)}
