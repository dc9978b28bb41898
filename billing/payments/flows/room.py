"""What the flows of this room work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from billing.kernel.clock import Clock
from billing.payments.ports import Gateway, GatewayTimeout
from billing.platform.data.database import Database

KEY_LIVES = timedelta(hours=24)
"""How long the processor knows one of our keys; after that an outcome is looked up, never sent again."""
SETTLES_WITHIN = timedelta(minutes=5)
"""How long a call may be on its way before what the processor does not show never arrived."""
T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Payments:
    """What the flows of this room work with."""

    database: Database
    gateway: Gateway
    clock: Clock


def write_now(room: Payments, work: Callable[..., T]) -> T:
    return room.database.in_transaction(lambda tx: work(tx, room.clock()))


def may_yet_arrive(room: Payments, began_at: datetime) -> bool:
    """Whether a call may be on its way that was sent as an operation began, or as its key ran out."""
    age = room.clock() - began_at
    return age < SETTLES_WITHIN or KEY_LIVES <= age < KEY_LIVES + SETTLES_WITHIN


def sent_or_found(
    room: Payments,
    *,
    ordered_at: datetime,
    called_at: datetime | None,
    find: Callable[[], T | None],
    send: Callable[[], T | None],
) -> T | None:
    """What the processor made of what is sent whenever a worker runs; None for a definite no.

    A key has its age from the first call on: what was never sent, because nothing ran, is sent later. `send`
    keeps that moment before it calls. A day after it was ordered the processor is asked first, whatever the
    books know of calls.
    Raises: GatewayTimeout, also while a call of ours may be on its way there.
    """
    now = room.clock()
    if now - ordered_at >= KEY_LIVES and (found := find()) is not None:
        return found
    if called_at is None or now - called_at < KEY_LIVES:
        return send()
    if may_yet_arrive(room, called_at):
        raise GatewayTimeout
    return None
