"""A room's states are a table: `MOVES = {(State.OPEN, Event.SETTLE): State.PAID, ...}`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from billing.kernel.errors import IllegalMove
from billing.kernel.state_words import CANNOT_BE, IS, THINGS

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


def next_state(moves: Mapping[tuple[State, Event], State], state: State, event: Event) -> State:
    """Raises: IllegalMove when the table has no such edge."""
    try:
        return moves[state, event]
    except KeyError:
        raise IllegalMove(_refusal(moves, state, event), state=str(state), event=str(event)) from None


def _refusal(moves: Mapping[tuple[State, Event], State], state: State, event: Event) -> str:
    """`This refund is rejected, and cannot be approved.` What was done already is only said to be done."""
    is_now = f"This {THINGS[type(state).__name__]} is {IS[state]}"
    leads_here = any(told is event and after is state for (_, told), after in moves.items())
    return f"{is_now} already." if leads_here else f"{is_now}, and cannot be {CANNOT_BE[event]}."
