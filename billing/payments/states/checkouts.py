"""The life of an attempt to pay."""

from __future__ import annotations

from enum import StrEnum


class CheckoutState(StrEnum):
    """CREATED: recorded, and perhaps opened at the processor, whose answer we do not have yet.

    PROCESSING: the payer authorized a debit of a bank account, which takes days; DECLINED: it failed.
    """

    CREATED = "created"
    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    EXPIRED = "expired"
    REFUSED = "refused"
    DECLINED = "declined"


class CheckoutEvent(StrEnum):
    OPEN = "open"
    PROCESS = "process"
    PAY = "pay"
    EXPIRE = "expire"
    REFUSE = "refuse"
    DECLINE = "decline"


PAYABLE = (CheckoutState.CREATED, CheckoutState.OPEN)
"""A checkout whose page may still be used."""
STANDING = (*PAYABLE, CheckoutState.PROCESSING)
"""A checkout that may still take money; an invoice has at most one."""
CHECKOUT_MOVES: dict[tuple[CheckoutState, CheckoutEvent], CheckoutState] = {
    (CheckoutState.CREATED, CheckoutEvent.OPEN): CheckoutState.OPEN,
    (CheckoutState.CREATED, CheckoutEvent.PAY): CheckoutState.PAID,
    (CheckoutState.CREATED, CheckoutEvent.EXPIRE): CheckoutState.EXPIRED,
    (CheckoutState.CREATED, CheckoutEvent.REFUSE): CheckoutState.REFUSED,
    (CheckoutState.CREATED, CheckoutEvent.PROCESS): CheckoutState.PROCESSING,
    (CheckoutState.CREATED, CheckoutEvent.DECLINE): CheckoutState.DECLINED,
    (CheckoutState.OPEN, CheckoutEvent.PAY): CheckoutState.PAID,
    (CheckoutState.OPEN, CheckoutEvent.PROCESS): CheckoutState.PROCESSING,
    (CheckoutState.OPEN, CheckoutEvent.DECLINE): CheckoutState.DECLINED,
    (CheckoutState.PROCESSING, CheckoutEvent.PAY): CheckoutState.PAID,
    (CheckoutState.PROCESSING, CheckoutEvent.DECLINE): CheckoutState.DECLINED,
    (CheckoutState.DECLINED, CheckoutEvent.PAY): CheckoutState.PAID,
    (CheckoutState.EXPIRED, CheckoutEvent.PAY): CheckoutState.PAID,
    (CheckoutState.REFUSED, CheckoutEvent.PAY): CheckoutState.PAID,
    (CheckoutState.OPEN, CheckoutEvent.EXPIRE): CheckoutState.EXPIRED,
}
