"""How money left what it had paid."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, select, union_all

from billing.kernel.ids import birth_of
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor
from billing.payments.models.credits import CreditLotRow, CreditWithdrawalRow
from billing.payments.models.disputes import DisputeRow
from billing.payments.models.refunds import RefundRow
from billing.payments.records.credits import Withdrawal
from billing.payments.records.refunds import Gone, Refund, Rejection, Taken, WentBack
from billing.payments.states.refunds import RefundEvent, RefundState
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.selects import rows_among
from billing.platform.data.states import StateChange

BY_STATE = {
    RefundState.REQUESTED: Gone.ASKED,
    RefundState.APPROVED: Gone.WAITS,
    RefundState.SENT: Gone.SENT,
    RefundState.SUCCEEDED: Gone.SENT,
    RefundState.UNCLAIMED: Gone.SENT,
    RefundState.FAILED: Gone.FAILED,
    RefundState.REJECTED: Gone.CREDIT,
}


def how_gone(read: Read, taken_by: Collection[str]) -> Mapping[str, Taken]:
    """By the refund or lost dispute that took it.

    A voided check goes on as the refund that replaced it, and a refund that failed as the one that sent all
    of its money again.
    """
    found = {
        row.id: Taken(way=Gone.LOST, payment_id=row.payment_id)
        for row in rows_among(read, DisputeRow, "id", taken_by)
    }
    refunds = {row.id: row for row in rows_among(read, RefundRow, "id", taken_by)}
    for refund_id, last in _sent_again(read, refunds).items():
        is_lost = last.state == RefundState.FAILED and last.rejected_for == Rejection.DISPUTE_LOST
        way = Gone.LOST if is_lost else _way(last.state, last.reference)
        found[refund_id] = Taken(way=way, payment_id=refunds[refund_id].payment_id)
    return found


def after_failure(read: Read, refunds: Collection[Refund]) -> Mapping[str, Gone]:
    """What became of the money of those that failed."""
    failed = [refund.id for refund in refunds if refund.state is RefundState.FAILED]
    return {refund_id: taken.way for refund_id, taken in how_gone(read, failed).items()} if failed else {}


def went_back(read: Read, payment_ids: Collection[str]) -> Mapping[str, WentBack]:
    """By payment, also by check of the credit that it had become; what came to nothing did not go back."""
    columns = (RefundRow.state, RefundRow.reference, RefundRow.amount_cents)
    to_it = select(RefundRow.payment_id, *columns).where(RefundRow.payment_id.in_(payment_ids))
    of_its_credit = (
        select(CreditLotRow.origin_payment_id, *columns)
        .join(CreditLotRow, CreditLotRow.id == RefundRow.lot_id)
        .where(RefundRow.payment_id.is_(None), CreditLotRow.origin_payment_id.in_(payment_ids))
    )
    found: dict[str, WentBack] = {}
    for payment_id, state, reference, cents in read.session.execute(union_all(to_it, of_its_credit)):
        so_far, way = found.get(str(payment_id), WentBack()), _way(state, reference)
        found[str(payment_id)] = WentBack(
            sent=so_far.sent + (Money(cents) if way is Gone.SENT else ZERO),
            waits=so_far.waits + (Money(cents) if way is Gone.WAITS else ZERO),
            asked=so_far.asked + (Money(cents) if way is Gone.ASKED else ZERO),
        )
    return found


def asked_of_held(read: Read, payer_id: str, actor: Actor) -> Money:
    """What was held for another payer and is set aside for refunds that nobody approved yet.

    Not what such a refund takes of visits: that pays them again when it is refused.
    """
    waits = (
        RefundRow.payer_id == payer_id,
        RefundRow.state == RefundState.REQUESTED,
        RefundRow.reference.is_(None),
        *within_reach(actor, RefundRow),
    )
    of_credit = (
        select(func.sum(RefundRow.amount_cents))
        .join(CreditLotRow, CreditLotRow.id == RefundRow.lot_id)
        .where(*waits, CreditLotRow.source_id != RefundRow.id)
    )
    gathered = (
        select(func.sum(CreditWithdrawalRow.amount_cents))
        .join(RefundRow, RefundRow.id == CreditWithdrawalRow.subject_id)
        .where(*waits, CreditWithdrawalRow.reason == Withdrawal.RELEASED)
    )
    return Money(sum(int(read.session.scalar(query) or 0) for query in (of_credit, gathered)))


def _way(state: str, reference: str | None) -> Gone:
    """What was made in the processor's dashboard was sent, though it waits here for a person or the books."""
    way = BY_STATE[RefundState(state)]
    return Gone.SENT if way in (Gone.ASKED, Gone.WAITS) and reference is not None else way


def _sent_again(read: Read, refunds: Mapping[str, Any]) -> Mapping[str, Any]:
    """By the first refund of some money, the last one that is of all of it."""
    last = dict(refunds)
    while True:
        failed = {row.id: row for row in last.values() if row.state == RefundState.FAILED}
        after = {row.replaces_id: row for row in rows_among(read, RefundRow, "replaces_id", failed)}
        after |= _asked_again(read, {key: row for key, row in failed.items() if key not in after})
        if not after:
            return last
        last = {first: after.get(row.id, row) for first, row in last.items()}


def _asked_again(read: Read, failed: Mapping[str, Any]) -> Mapping[str, Any]:
    """By a refund that failed, the one that took all of its credit, or gathered that credit, since it did."""
    if not failed:
        return {}
    lots = {row.lot_id for row in failed.values()}
    gathered = select(CreditWithdrawalRow.subject_id, CreditWithdrawalRow.lot_id).where(
        CreditWithdrawalRow.lot_id.in_(lots), CreditWithdrawalRow.reason == Withdrawal.RELEASED
    )
    lot_of = {str(refund_id): str(lot_id) for refund_id, lot_id in read.session.execute(gathered)}
    moves = rows_among(read, StateChange, "subject_id", failed)
    failed_at = {move.subject_id: birth_of(move.id) for move in moves if move.event == RefundEvent.FAIL}
    later = [(lot_of[row.id], row) for row in rows_among(read, RefundRow, "id", lot_of)]
    later += [(row.lot_id, row) for row in rows_among(read, RefundRow, "lot_id", lots)]
    later.sort(key=lambda each: str(each[1].id))
    return {
        before.id: row
        for before in failed.values()
        for lot_id, row in later
        if lot_id == before.lot_id
        and birth_of(row.id) > failed_at[before.id]
        and row.amount_cents >= before.amount_cents
        and row.state != RefundState.REJECTED
    }
