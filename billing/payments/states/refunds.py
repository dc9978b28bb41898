"""The life of a refund."""

from __future__ import annotations

from enum import StrEnum


class RefundState(StrEnum):
    """SENT: the processor, or the post, has it. UNCLAIMED: nobody took it; it is set aside for the state."""

    REQUESTED = "requested"
    APPROVED = "approved"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    UNCLAIMED = "unclaimed"


class RefundEvent(StrEnum):
    """CALL: from here on a call to the processor may be on its way."""

    APPROVE = "approve"
    REJECT = "reject"
    CALL = "call"
    SEND = "send"
    SUCCEED = "succeed"
    FAIL = "fail"
    SET_ASIDE = "set_aside"
    CLAIM = "claim"


REFUND_MOVES: dict[tuple[RefundState, RefundEvent], RefundState] = {
    (RefundState.REQUESTED, RefundEvent.APPROVE): RefundState.APPROVED,
    (RefundState.REQUESTED, RefundEvent.REJECT): RefundState.REJECTED,
    (RefundState.APPROVED, RefundEvent.CALL): RefundState.APPROVED,
    (RefundState.APPROVED, RefundEvent.SEND): RefundState.SENT,
    (RefundState.APPROVED, RefundEvent.FAIL): RefundState.FAILED,
    (RefundState.SENT, RefundEvent.SUCCEED): RefundState.SUCCEEDED,
    (RefundState.SENT, RefundEvent.FAIL): RefundState.FAILED,
    (RefundState.SUCCEEDED, RefundEvent.FAIL): RefundState.FAILED,
    (RefundState.APPROVED, RefundEvent.SET_ASIDE): RefundState.UNCLAIMED,
    (RefundState.UNCLAIMED, RefundEvent.CLAIM): RefundState.APPROVED,
}
