"""Moves along a room's state table, each kept with its event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.kernel.states import next_state
from billing.platform.data.base import Base, Id
from billing.platform.data.database import Read, Tx

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


@dataclass(frozen=True, kw_only=True)
class Move:
    """One kept change of state."""

    subject_id: str
    event: str
    after: str
    actor_id: str
    at: datetime


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


def moves_of(read: Read, subject_ids: Sequence[str]) -> list[Move]:
    """The moves of these, the oldest first."""
    query = select(StateChange).where(StateChange.subject_id.in_(subject_ids)).order_by(StateChange.id)
    return [
        Move(subject_id=row.subject_id, event=row.event, after=row.after, actor_id=row.actor_id, at=row.at)
        for row in read.session.scalars(query)
    ]
