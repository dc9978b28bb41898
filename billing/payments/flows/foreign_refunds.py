"""A refund that was made in the processor's dashboard, as soon as a notice tells of it."""

from __future__ import annotations

from collections.abc import Sequence

from billing.kernel.errors import Conflict
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.flows.refunds import book_if_clearly_right, record_known
from billing.payments.flows.room import Payments, log, write_now
from billing.payments.queries.differences import differences
from billing.payments.queries.payments import payment_by_charge
from billing.payments.queries.reconciliation import exceptions_of, gone_among
from billing.payments.records.reconciliation import MovementFacts
from billing.payments.use_cases.reconciliation import end_exceptions, keep_movements, name_exceptions


def follow_refund(room: Payments, *, reference: str, limit: Money) -> None:
    """Record what became of a refund; one that nobody asked for here is booked or named.

    As the day's round does, but at once, so that its payment shows what can still go back. One that moved no
    money yet, or of a charge that is not booked (yet), waits: for its next notice, or for that round.
    Raises: GatewayTimeout, GatewayRefused.
    """
    state = room.gateway.read_refund(reference)
    if record_known(room, state) is not None:
        return
    moved = room.gateway.movements_of(reference)
    if not moved or not _are_booked(room, moved):
        log.info("refund_waits", reference=reference)
        return
    write_now(room, lambda tx, now: keep_movements(tx, movements=moved, actor=SYSTEM, now=now))
    try:
        book_if_clearly_right(room, state, limit=limit)
    except Conflict as refused:
        log.warning("refund_not_booked", reference=reference, reason=refused.code)
    _name(room, reference)


def _are_booked(room: Payments, moved: Sequence[MovementFacts]) -> bool:
    """Whether the charge of each movement is."""
    with room.database.reading() as read:
        return all(each.charge and payment_by_charge(read, each.charge) for each in moved)


def _name(room: Payments, reference: str) -> None:
    """What differs still is named; what was named before and differs no more is ended."""
    with room.database.reading() as read:
        found = differences(read, among=[reference])
        gone = gone_among(read, exceptions_of(read, reference, is_open=True))
    write_now(room, lambda tx, now: name_exceptions(tx, found=found, actor=SYSTEM, now=now))
    write_now(room, lambda tx, now: end_exceptions(tx, gone=gone, actor=SYSTEM, now=now))
