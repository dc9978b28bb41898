"""A room's states are a table: `MOVES = {(State.OPEN, Event.SETTLE): State.PAID, ...}`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from billing.kernel.errors import IllegalMove

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


def next_state(moves: Mapping[tuple[State, Event], State], state: State, event: Event) -> State:
    """Raises: IllegalMove when the table has no such edge."""
    try:
        return moves[state, event]
    except KeyError:
        raise IllegalMove(f"What is {state} cannot {event}.", state=str(state), event=str(event)) from None
