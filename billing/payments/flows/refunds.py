"""A refund, around the calls to the processor."""

from __future__ import annotations

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments import ports
from billing.payments.flows.room import Payments, log, sent_or_found, write_now
from billing.payments.ports import GatewayRefused
from billing.payments.queries.payments import charge_of_payment
from billing.payments.queries.refunds import find_refund, refund_by_reference
from billing.payments.queries.unknowns import first_called_at
from billing.payments.records.refunds import Refund, Rejection
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.foreign_refunds import book_foreign_refund
from billing.payments.use_cases.refunds import (
    call_refund,
    fail_refund,
    keep_sent,
    reject_refund,
    succeed_refund,
)


def send_refund(room: Payments, *, refund_id: str) -> Refund:
    """Send an approved refund to the processor, or look it up when its key is too old to send again.

    One that was made in the dashboard has the processor's id already: it is read, and not made twice.

    Raises: GatewayTimeout, also while a call of ours may be on its way there: the job comes again, under the
    same key.
    """
    with room.database.reading() as read:
        refund, called_at = find_refund(read, refund_id, SYSTEM), first_called_at(read, refund_id)
        charge = charge_of_payment(read, str(refund.payment_id))
    if refund.state is not RefundState.APPROVED:
        return refund
    if refund.has_left_unbooked:
        return _record_refund(room, refund_id, room.gateway.read_refund(str(refund.reference)))
    sent = sent_or_found(
        room,
        ordered_at=refund.approved_at or refund.requested_at,
        called_at=called_at,
        find=lambda: room.gateway.find_refund(refund.id, charge_reference=charge),
        send=lambda: _send(room, refund, charge),
    )
    if sent is None:
        return write_now(room, lambda tx, now: fail_refund(tx, refund_id=refund_id, actor=SYSTEM, now=now))
    return _record_refund(room, refund_id, sent)


def settle_refund(room: Payments, *, reference: str) -> Refund | None:
    """Read a refund at the processor and record what became of it.

    None for one that was made elsewhere: reconciliation books it or names it.
    """
    return record_known(room, room.gateway.read_refund(reference))


def record_known(room: Payments, state: ports.RefundState) -> Refund | None:
    """Record what became of a refund that was read just now; None for one that was made elsewhere."""
    with room.database.reading() as read:
        known = refund_by_reference(read, state.reference)
    if known and known.state is RefundState.REQUESTED:
        return _drop_if_failed(room, known, state)
    refund_id = known.id if known else state.operation
    if refund_id is None:
        log.warning("refund_not_ours", reference=state.reference)
        return None
    return _record_refund(room, refund_id, state)


def settle_any_refund(room: Payments, *, reference: str, limit: Money) -> None:
    """As `settle_refund`; one that was made in the processor's dashboard is booked if that is clearly right.

    Raises: UnexplainedMoney, and whatever keeps a refund of ours from being asked for.
    """
    state = room.gateway.read_refund(reference)
    if record_known(room, state) is None:
        book_if_clearly_right(room, state, limit=limit)


def book_if_clearly_right(room: Payments, state: ports.RefundState, *, limit: Money) -> None:
    """Book one that nobody asked for here. Raises: as `settle_any_refund`."""
    if state.charge_reference is None or state.status is ports.RefundStatus.FAILED:
        return
    charge, amount = state.charge_reference, state.amount
    booked = write_now(
        room,
        lambda tx, now: book_foreign_refund(
            tx,
            charge_reference=charge,
            reference=state.reference,
            amount=amount,
            limit=limit,
            actor=SYSTEM,
            now=now,
        ),
    )
    _record_refund(room, booked.id, state)


def _send(room: Payments, refund: Refund, charge: str) -> ports.RefundState | None:
    """None for a definite no."""
    write_now(room, lambda tx, now: call_refund(tx, refund_id=refund.id, actor=SYSTEM, now=now))
    try:
        return room.gateway.refund(key=refund.id, charge_reference=charge, amount=refund.amount)
    except GatewayRefused as refused:
        log.warning("refund_refused", refund=refund.id, reason=refused.reason)
        return None


def _drop_if_failed(room: Payments, asked: Refund, state: ports.RefundState) -> Refund:
    """When the money came back before anybody approved it, there is nothing to approve."""
    if state.status is not ports.RefundStatus.FAILED:
        return asked
    return write_now(
        room,
        lambda tx, now: reject_refund(
            tx, refund_id=asked.id, reason=Rejection.CAME_BACK, actor=SYSTEM, now=now
        ),
    )


def _record_refund(room: Payments, refund_id: str, state: ports.RefundState) -> Refund:
    refund = write_now(
        room,
        lambda tx, now: keep_sent(tx, refund_id=refund_id, reference=state.reference, actor=SYSTEM, now=now),
    )
    if state.status is ports.RefundStatus.SUCCEEDED:
        return write_now(room, lambda tx, now: succeed_refund(tx, refund_id=refund_id, actor=SYSTEM, now=now))
    if state.status is ports.RefundStatus.FAILED:
        return write_now(room, lambda tx, now: fail_refund(tx, refund_id=refund_id, actor=SYSTEM, now=now))
    return refund
