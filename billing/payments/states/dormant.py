"""The life of a credit whose owner shows no sign."""

from __future__ import annotations

from enum import StrEnum


class DormantState(StrEnum):
    """WRITTEN: the owner was written to. CLAIMED: the owner answered, and it is credit as before."""

    LISTED = "listed"
    WRITTEN = "written"
    SET_ASIDE = "set_aside"
    REMITTED = "remitted"
    CLAIMED = "claimed"


class DormantEvent(StrEnum):
    WRITE = "write"
    SET_ASIDE = "set_aside"
    REMIT = "remit"
    CLAIM = "claim"


DORMANT_MOVES: dict[tuple[DormantState, DormantEvent], DormantState] = {
    (DormantState.LISTED, DormantEvent.WRITE): DormantState.WRITTEN,
    (DormantState.LISTED, DormantEvent.SET_ASIDE): DormantState.SET_ASIDE,
    (DormantState.WRITTEN, DormantEvent.SET_ASIDE): DormantState.SET_ASIDE,
    (DormantState.SET_ASIDE, DormantEvent.REMIT): DormantState.REMITTED,
    (DormantState.LISTED, DormantEvent.CLAIM): DormantState.CLAIMED,
    (DormantState.WRITTEN, DormantEvent.CLAIM): DormantState.CLAIMED,
    (DormantState.SET_ASIDE, DormantEvent.CLAIM): DormantState.CLAIMED,
}
