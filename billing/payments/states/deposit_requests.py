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


DEPOSIT_REQUEST_MOVES: dict[tuple[DepositRequestState, DepositRequestEvent], DepositRequestState] = {
    (DepositRequestState.ASKED, DepositRequestEvent.PAY): DepositRequestState.PAID,
    (DepositRequestState.ASKED, DepositRequestEvent.WITHDRAW): DepositRequestState.WITHDRAWN,
    (DepositRequestState.WITHDRAWN, DepositRequestEvent.PAY): DepositRequestState.PAID,
}
"""Money that comes late is a deposit nevertheless."""
