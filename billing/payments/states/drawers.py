"""The life of a cash drawer."""

from __future__ import annotations

from enum import StrEnum


class DrawerState(StrEnum):
    """COUNTED: what was counted is too far from what was expected, and another person has to count."""

    OPEN = "open"
    COUNTED = "counted"
    CLOSED = "closed"


class DrawerEvent(StrEnum):
    DIFFER = "differ"
    CLOSE = "close"
    CONFIRM = "confirm"


DRAWER_MOVES: dict[tuple[DrawerState, DrawerEvent], DrawerState] = {
    (DrawerState.OPEN, DrawerEvent.DIFFER): DrawerState.COUNTED,
    (DrawerState.OPEN, DrawerEvent.CLOSE): DrawerState.CLOSED,
    (DrawerState.COUNTED, DrawerEvent.CONFIRM): DrawerState.CLOSED,
}
