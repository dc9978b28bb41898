"""The life of a dispute: a bank takes a payment back, and decides."""

from __future__ import annotations

from enum import StrEnum


class DisputeState(StrEnum):
    """INQUIRY: the bank only asks. CLOSED: it never became a dispute, or was withdrawn."""

    NOTED = "noted"
    INQUIRY = "inquiry"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"


class DisputeEvent(StrEnum):
    INQUIRE = "inquire"
    DISPUTE = "dispute"
    REVIEW = "review"
    WIN = "win"
    LOSE = "lose"
    CLOSE = "close"


DISPUTED = (DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW)
"""The bank holds the money; an inquiry moves and blocks nothing."""

WANTS_ANSWER = (DisputeState.INQUIRY, DisputeState.NEEDS_RESPONSE)

ENDED = (DisputeState.WON, DisputeState.LOST, DisputeState.CLOSED)

_ENDS: dict[DisputeEvent, DisputeState] = {
    DisputeEvent.WIN: DisputeState.WON,
    DisputeEvent.LOSE: DisputeState.LOST,
    DisputeEvent.CLOSE: DisputeState.CLOSED,
}
_STANDING = (DisputeState.NOTED, DisputeState.INQUIRY, *DISPUTED)
DISPUTE_MOVES: dict[tuple[DisputeState, DisputeEvent], DisputeState] = {
    (DisputeState.NOTED, DisputeEvent.INQUIRE): DisputeState.INQUIRY,
    (DisputeState.NOTED, DisputeEvent.DISPUTE): DisputeState.NEEDS_RESPONSE,
    (DisputeState.NOTED, DisputeEvent.REVIEW): DisputeState.UNDER_REVIEW,
    (DisputeState.INQUIRY, DisputeEvent.DISPUTE): DisputeState.NEEDS_RESPONSE,
    (DisputeState.INQUIRY, DisputeEvent.REVIEW): DisputeState.UNDER_REVIEW,
    (DisputeState.NEEDS_RESPONSE, DisputeEvent.REVIEW): DisputeState.UNDER_REVIEW,
    **{(state, event): end for state in _STANDING for event, end in _ENDS.items()},
}
