"""The life of a letter that asks a patient to choose."""

from enum import StrEnum


class ChoiceLetterState(StrEnum):
    """SENT: a mail server took it. TO_POST: a person prints and posts it. DROPPED: nothing waits any more.

    A server may take what was put aside to be posted while it was being handed over.
    """

    QUEUED = "queued"
    SENT = "sent"
    TO_POST = "to_post"
    POSTED = "posted"
    DROPPED = "dropped"


class ChoiceLetterEvent(StrEnum):
    SEND = "send"
    PRINT = "print"
    POST = "post"
    DROP = "drop"


CHOICE_LETTER_MOVES: dict[tuple[ChoiceLetterState, ChoiceLetterEvent], ChoiceLetterState] = {
    (ChoiceLetterState.QUEUED, ChoiceLetterEvent.SEND): ChoiceLetterState.SENT,
    (ChoiceLetterState.QUEUED, ChoiceLetterEvent.PRINT): ChoiceLetterState.TO_POST,
    (ChoiceLetterState.QUEUED, ChoiceLetterEvent.DROP): ChoiceLetterState.DROPPED,
    (ChoiceLetterState.TO_POST, ChoiceLetterEvent.SEND): ChoiceLetterState.SENT,
    (ChoiceLetterState.TO_POST, ChoiceLetterEvent.POST): ChoiceLetterState.POSTED,
    (ChoiceLetterState.TO_POST, ChoiceLetterEvent.DROP): ChoiceLetterState.DROPPED,
}
