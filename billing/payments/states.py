"""The lives of a checkout and of a refund."""

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


class RefundState(StrEnum):
    """SENT: the processor, or the post, has it."""

    REQUESTED = "requested"
    APPROVED = "approved"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"


class RefundEvent(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    SEND = "send"
    SUCCEED = "succeed"
    FAIL = "fail"


REFUND_MOVES: dict[tuple[RefundState, RefundEvent], RefundState] = {
    (RefundState.REQUESTED, RefundEvent.APPROVE): RefundState.APPROVED,
    (RefundState.REQUESTED, RefundEvent.REJECT): RefundState.REJECTED,
    (RefundState.APPROVED, RefundEvent.SEND): RefundState.SENT,
    (RefundState.APPROVED, RefundEvent.FAIL): RefundState.FAILED,
    (RefundState.SENT, RefundEvent.SUCCEED): RefundState.SUCCEEDED,
    (RefundState.SENT, RefundEvent.FAIL): RefundState.FAILED,
    (RefundState.SUCCEEDED, RefundEvent.FAIL): RefundState.FAILED,
}
