"""Whether a thing came to its state along the table of its room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Move:
    before: str
    event: str
    after: str


def chain_flaw(
    table: Mapping[tuple[str, str], str], start: str, moves: Sequence[Move], end: str
) -> str | None:
    """What is wrong with a chain of moves from `start` to `end`, or None.

    Moves of one instant may come in any order; each has to begin where another ended.
    """
    for move in moves:
        if table.get((move.before, move.event)) != move.after:
            return f"the table has no move from {move.before} by {move.event} to {move.after}"
    state, left = start, list(moves)
    while left:
        step = _next(left, state)
        if step is None:
            return f"no move leads from {state} to {left[0].before}"
        left.remove(step)
        state = step.after
    return None if state == end else f"the moves end in {state}, the state is {end}"


def _next(moves: Sequence[Move], state: str) -> Move | None:
    """A move that stays comes before one that leaves, so that none is stranded."""
    leaving = [move for move in moves if move.before == state]
    return min(leaving, key=lambda move: move.after != state, default=None)
