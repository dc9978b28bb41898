"""The life of an answer to a bank's dispute."""

from __future__ import annotations

from enum import StrEnum


class AnswerState(StrEnum):
    """WAITING for another person, READY to go, SENDING: whether the processor has it is not known yet."""

    WAITING = "waiting"
    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"


class AnswerEvent(StrEnum):
    """SEND: a person has it sent. CALL: from here on a call to the processor may be on its way."""

    APPROVE = "approve"
    SEND = "send"
    CALL = "call"
    ARRIVE = "arrive"
    REFUSE = "refuse"


ANSWER_MOVES: dict[tuple[AnswerState, AnswerEvent], AnswerState] = {
    (AnswerState.WAITING, AnswerEvent.APPROVE): AnswerState.READY,
    (AnswerState.READY, AnswerEvent.SEND): AnswerState.SENDING,
    (AnswerState.SENDING, AnswerEvent.CALL): AnswerState.SENDING,
    (AnswerState.SENDING, AnswerEvent.ARRIVE): AnswerState.SENT,
    (AnswerState.SENDING, AnswerEvent.REFUSE): AnswerState.REFUSED,
}
