"""The life of an attempt to pay."""

from __future__ import annotations

from enum import StrEnum


class CheckoutState(StrEnum):
    """CREATED: recorded, and perhaps opened at the processor, whose answer we do not have yet."""

    CREATED = "created"
    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"
    REFUSED = "refused"


class CheckoutEvent(StrEnum):
    OPEN = "open"
    PAY = "pay"
    EXPIRE = "expire"
    REFUSE = "refuse"


STANDING = (CheckoutState.CREATED, CheckoutState.OPEN)
"""A checkout that may still take money; an invoice has at most one."""
CHECKOUT_MOVES: dict[tuple[CheckoutState, CheckoutEvent], CheckoutState] = {
    (CheckoutState.CREATED, CheckoutEvent.OPEN): CheckoutState.OPEN,
    (CheckoutState.CREATED, CheckoutEvent.PAY): CheckoutState.PAID,
    (CheckoutState.CREATED, CheckoutEvent.EXPIRE): CheckoutState.EXPIRED,
    (CheckoutState.CREATED, CheckoutEvent.REFUSE): CheckoutState.REFUSED,
    (CheckoutState.OPEN, CheckoutEvent.PAY): CheckoutState.PAID,
    (CheckoutState.EXPIRED, CheckoutEvent.PAY): CheckoutState.PAID,
    (CheckoutState.REFUSED, CheckoutEvent.PAY): CheckoutState.PAID,
    (CheckoutState.OPEN, CheckoutEvent.EXPIRE): CheckoutState.EXPIRED,
}
