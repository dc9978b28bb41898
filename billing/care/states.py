"""The life of a session, and the facts that this room announces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from billing.kernel.permissions import Actor


class SessionState(StrEnum):
    PLANNED = "planned"
    CHECKED_IN = "checked_in"
    GIVEN = "given"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    TURNED_AWAY = "turned_away"


class SessionEvent(StrEnum):
    RESCHEDULE = "reschedule"
    CHECK_IN = "check_in"
    GIVE = "give"
    CANCEL = "cancel"
    MISS = "miss"
    TURN_AWAY = "turn_away"


CALLED_OFF = frozenset({SessionState.CANCELLED, SessionState.NO_SHOW, SessionState.TURNED_AWAY})
"""What will not take place any more."""

EARNED = frozenset({SessionState.GIVEN, SessionState.NO_SHOW})
"""What a price is owed for by now: a visit that was given, or a fee for one that was missed."""

MOVES: dict[tuple[SessionState, SessionEvent], SessionState] = {
    (SessionState.PLANNED, SessionEvent.RESCHEDULE): SessionState.PLANNED,
    (SessionState.PLANNED, SessionEvent.CHECK_IN): SessionState.CHECKED_IN,
    (SessionState.PLANNED, SessionEvent.CANCEL): SessionState.CANCELLED,
    (SessionState.PLANNED, SessionEvent.MISS): SessionState.NO_SHOW,
    (SessionState.PLANNED, SessionEvent.TURN_AWAY): SessionState.TURNED_AWAY,
    (SessionState.CHECKED_IN, SessionEvent.GIVE): SessionState.GIVEN,
    (SessionState.CHECKED_IN, SessionEvent.CANCEL): SessionState.CANCELLED,
    (SessionState.CHECKED_IN, SessionEvent.TURN_AWAY): SessionState.TURNED_AWAY,
}


@dataclass(frozen=True, kw_only=True)
class SessionGiven:
    """The infusion or visit took place; `given_on` is the site's date of its start."""

    session_id: str
    patient_id: str
    given_on: date
    actor: Actor
    now: datetime


@dataclass(frozen=True, kw_only=True)
class ChartAmended:
    """What was signed of a given session has another version in its place."""

    session_id: str
    patient_id: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, kw_only=True)
class CoverMoved:
    """What covers a session that was given is not what covered it before."""

    session_id: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, kw_only=True)
class SessionCancelled:
    """The session will not take place; what covers it is free for something else."""

    session_id: str
    patient_id: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, kw_only=True)
class SessionMissed:
    """The patient did not come."""

    session_id: str
    patient_id: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, kw_only=True)
class PatientTurnedAway:
    """The patient came and could not be treated, for instance without fasting or without a driver."""

    session_id: str
    patient_id: str
    actor: Actor
    now: datetime
