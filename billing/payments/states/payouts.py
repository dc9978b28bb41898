"""The life of a payout: the processor's balance goes to the bank, and may come back."""

from __future__ import annotations

from enum import StrEnum


class PayoutState(StrEnum):
    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


class PayoutEvent(StrEnum):
    LEAVE = "leave"
    ARRIVE = "arrive"
    FAIL = "fail"
    CANCEL = "cancel"


_UNDER_WAY = (PayoutState.PENDING, PayoutState.IN_TRANSIT)
PAYOUT_MOVES: dict[tuple[PayoutState, PayoutEvent], PayoutState] = {
    (PayoutState.PENDING, PayoutEvent.LEAVE): PayoutState.IN_TRANSIT,
    (PayoutState.PAID, PayoutEvent.FAIL): PayoutState.FAILED,
    **{(state, PayoutEvent.ARRIVE): PayoutState.PAID for state in _UNDER_WAY},
    **{(state, PayoutEvent.FAIL): PayoutState.FAILED for state in _UNDER_WAY},
    **{(state, PayoutEvent.CANCEL): PayoutState.CANCELED for state in _UNDER_WAY},
}
