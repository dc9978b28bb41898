"""The life of a deposit that was asked for."""

from __future__ import annotations

from enum import StrEnum


class DepositRequestState(StrEnum):
    ASKED = "asked"
    PAID = "paid"
    WITHDRAWN = "withdrawn"


class DepositRequestEvent(StrEnum):
    PAY = "pay"
    WITHDRAW = "withdraw"
    BOUNCE = "bounce"
    LAPSE = "lapse"


DEPOSIT_REQUEST_MOVES: dict[tuple[DepositRequestState, DepositRequestEvent], DepositRequestState] = {
    (DepositRequestState.ASKED, DepositRequestEvent.PAY): DepositRequestState.PAID,
    (DepositRequestState.ASKED, DepositRequestEvent.WITHDRAW): DepositRequestState.WITHDRAWN,
    (DepositRequestState.WITHDRAWN, DepositRequestEvent.PAY): DepositRequestState.PAID,
    (DepositRequestState.PAID, DepositRequestEvent.BOUNCE): DepositRequestState.ASKED,
    (DepositRequestState.PAID, DepositRequestEvent.LAPSE): DepositRequestState.WITHDRAWN,
}
"""Money that comes late is a deposit nevertheless. With a check that bounces it is asked for again, but for
what was withdrawn before it was paid."""
