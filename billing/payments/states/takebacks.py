"""The life of a payer's demand, as far as the patient is concerned."""

from __future__ import annotations

from enum import StrEnum


class TakebackState(StrEnum):
    """COVERED: the patient owes nothing of it. It was held, still credit, or a later claim paid it.

    DEMANDED waits for a person, who bills the patient or forgives.
    """

    DEMANDED = "demanded"
    COVERED = "covered"
    BILLED = "billed"
    FORGIVEN = "forgiven"


class TakebackEvent(StrEnum):
    COVER = "cover"
    BILL = "bill"
    FORGIVE = "forgive"


TAKEBACK_MOVES: dict[tuple[TakebackState, TakebackEvent], TakebackState] = {
    (TakebackState.DEMANDED, TakebackEvent.COVER): TakebackState.COVERED,
    (TakebackState.DEMANDED, TakebackEvent.BILL): TakebackState.BILLED,
    (TakebackState.DEMANDED, TakebackEvent.FORGIVE): TakebackState.FORGIVEN,
    (TakebackState.BILLED, TakebackEvent.FORGIVE): TakebackState.FORGIVEN,
}
