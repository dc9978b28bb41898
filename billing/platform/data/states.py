"""Moves along a room's state table, each kept with its event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.kernel.states import next_state
from billing.platform.data.base import Base, Id
from billing.platform.data.database import Tx

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


class StateChange(Base):
    __tablename__ = "state_change"

    id: Mapped[Id] = mapped_column(primary_key=True)
    subject_id: Mapped[Id] = mapped_column(index=True)
    before: Mapped[str] = mapped_column(String(30))
    event: Mapped[str] = mapped_column(String(30))
    after: Mapped[str] = mapped_column(String(30))
    actor_id: Mapped[Id]
    at: Mapped[datetime]


class Stateful(Protocol):
    """A live row that has a state."""

    @property
    def id(self) -> str: ...

    @property
    def state(self) -> str: ...

    @state.setter
    def state(self, value: str) -> None: ...


def advance(
    tx: Tx,
    row: Stateful,
    moves: Mapping[tuple[State, Event], State],
    event: Event,
    *,
    actor: Actor,
    now: datetime,
) -> State:
    """Move a row along its table and keep the move.

    Raises: IllegalMove when the table has no such edge.
    """
    before = type(next(iter(moves))[0])(row.state)
    after = next_state(moves, before, event)
    row.state = str(after)
    change = {
        "id": new_id("chg"),
        "subject_id": row.id,
        "before": str(before),
        "event": str(event),
        "after": str(after),
        "actor_id": actor.id,
        "at": now,
    }
    tx.insert(StateChange, [change])
    return after
