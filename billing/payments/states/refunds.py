"""The life of a refund."""

from __future__ import annotations

from enum import StrEnum


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
