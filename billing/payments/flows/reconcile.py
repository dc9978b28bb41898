"""Holding the processor's lists against the books: what was missed is made good, the rest is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.flows.disputes import follow_dispute
from billing.payments.flows.events import work_event
from billing.payments.flows.payouts import follow_payout
from billing.payments.flows.refunds import settle_any_refund
from billing.payments.flows.resolve import settle_operation, tried
from billing.payments.flows.room import Payments, write_now
from billing.payments.queries.differences import differences
from billing.payments.queries.payouts import is_followed
from billing.payments.queries.reconciliation import (
    gone_among,
    last_reconciled_until,
    open_exceptions,
    operations_examined,
    operations_made_twice,
    standing_of,
)
from billing.payments.records.reconciliation import (
    Difference,
    ExceptionKind,
    Family,
    MovementFacts,
    NamedException,
    Notice,
    Standing,
)
from billing.payments.use_cases.inbox import keep_event
from billing.payments.use_cases.reconciliation import (
    end_exceptions,
    keep_movements,
    keep_reconciliation,
    name_exceptions,
    name_operations_made_twice,
)
from billing.platform.data.database import Tx

AGAIN = timedelta(days=7)
"""How much of what was listed before is listed again: lists may be late."""
PAGE = 100
ROUNDS = 3
"""How often everything is looked at anew while money moves beside it."""
T = TypeVar("T")


@dataclass(frozen=True)
class Span:
    since: datetime | None
    until: datetime


@dataclass(frozen=True)
class Listed:
    """How many there were, and how many of them we had missed."""

    listed: int
    missed: int


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """`exceptions` are the open ones, the oldest first, as many as a page holds."""

    span: Span
    events: Listed
    movements: Listed
    payouts: Listed
    operations: int
    made_twice: int
    standing: Standing
    exceptions: tuple[NamedException, ...]

    @property
    def ok(self) -> bool:
        return not self.exceptions and not self.standing.unexplained


def reconcile(
    room: Payments, *, since: datetime | None, until: datetime | None, refund_limit: Money
) -> Reconciled:
    """Hold what the processor lists against the books, make good what was missed, name what stays.

    Without `since` from a week before the last time on, the first time from the beginning. It may be broken
    off and begun again at any point. `refund_limit` is the largest refund that needs no second person.
    Raises: GatewayTimeout, GatewayRefused.
    """
    span = _span(room, since, until)
    events = _take_events(room, span, refund_limit)
    payouts = _follow_payouts(room, span)
    movements = Listed(0, 0)
    for _ in range(ROUNDS):
        began, before = room.clock(), room.gateway.read_balance()
        span = Span(span.since, until or began)  # what moved since the last round is listed too
        movements = _take_movements(room, span)
        _make_good(room, span, began, refund_limit)
        _name(room, span, began)
        balance = room.gateway.read_balance()
        with room.database.reading() as read:
            standing = standing_of(read, balance)
        if not standing.unexplained:
            break
    if before == balance or not standing.unexplained:
        _keep_standing(room, span, standing)
    return _report(room, span, events, movements, payouts, standing)


def _keep_standing(room: Payments, span: Span, standing: Standing) -> None:
    """Not what was seen while money moved at the processor: that says nothing, and the next time does."""
    write_now(
        room,
        lambda tx, now: keep_reconciliation(
            tx, standing=standing, since=span.since, until=span.until, actor=SYSTEM, now=now
        ),
    )


def _span(room: Payments, since: datetime | None, until: datetime | None) -> Span:
    if since is None:
        with room.database.reading() as read:
            last = last_reconciled_until(read)
        since = last and last - AGAIN
    return Span(since, until or room.clock())


def _take_events(room: Payments, span: Span, refund_limit: Money) -> Listed:
    """What the inbox does not have goes into it as a webhook would, and is worked at once."""
    listed = missed = 0
    for page in _pages(room.gateway.list_events(since=span.since, until=span.until)):
        fresh = _keep_events(room, page)
        for notice in fresh:
            _work(room, notice, refund_limit)
        listed, missed = listed + len(page), missed + len(fresh)
    return Listed(listed, missed)


def _keep_events(room: Payments, page: Sequence[Notice]) -> list[Notice]:
    """Those that had not come."""

    def keep(tx: Tx, now: datetime) -> list[Notice]:
        return [
            notice
            for notice in page
            if keep_event(tx, event=notice.event, payload=notice.payload, actor=SYSTEM, now=now)
        ]

    return write_now(room, keep)


def _work(room: Payments, notice: Notice, refund_limit: Money) -> None:
    """What cannot be done now is tried again by the event's own job."""
    event = notice.event
    tried(lambda: work_event(room, kind=event.kind, object_id=event.object_id, refund_limit=refund_limit))


def _follow_payouts(room: Payments, span: Span) -> Listed:
    listed = missed = 0
    for page in _pages(room.gateway.list_payouts(since=span.since, until=span.until)):
        with room.database.reading() as read:
            behind = [each.reference for each in page if not is_followed(read, each)]
        for reference in behind:
            _follow(room, reference)
        listed, missed = listed + len(page), missed + len(behind)
    return Listed(listed, missed)


def _follow(room: Payments, reference: str) -> None:
    tried(lambda: follow_payout(room, reference=reference))


def _take_movements(room: Payments, span: Span) -> Listed:
    listed = missed = 0
    for page in _pages(room.gateway.list_movements(since=span.since, until=span.until)):
        missed += _keep(room, page)
        listed += len(page)
    return Listed(listed, missed)


def _keep(room: Payments, page: Sequence[MovementFacts]) -> int:
    return write_now(room, lambda tx, now: keep_movements(tx, movements=page, actor=SYSTEM, now=now))


def _make_good(room: Payments, span: Span, began: datetime, refund_limit: Money) -> None:
    """Read again what differs: charges before what became of them, as their ids sort."""
    for page in _differing(room, span, began):
        for difference in page:
            _make_one_good(room, difference, refund_limit)


def _make_one_good(room: Payments, difference: Difference, refund_limit: Money) -> None:
    """What cannot be made good keeps its difference, which is named."""
    tried(lambda: _read_again(room, difference, refund_limit))


def _read_again(room: Payments, difference: Difference, refund_limit: Money) -> None:
    """All that the object moved, which may be more than the span listed, and then what became of it."""
    _keep(room, room.gateway.movements_of(difference.object_id))
    if difference.family is Family.CHARGE and difference.operation is not None:
        settle_operation(room, difference.operation)
    elif difference.family is Family.REFUND:
        settle_any_refund(room, reference=difference.object_id, limit=refund_limit)
    elif difference.family is Family.DISPUTE and difference.source is not None:
        follow_dispute(room, reference=difference.source)
    elif difference.family is Family.PAYOUT:
        follow_payout(room, reference=difference.object_id)


def _name(room: Payments, span: Span, began: datetime) -> None:
    for page in _differing(room, span, began):
        write_now(room, lambda tx, now, page=page: name_exceptions(tx, found=page, actor=SYSTEM, now=now))
    for twice in _made_twice(room):
        write_now(
            room,
            lambda tx, now, twice=twice: name_operations_made_twice(tx, found=twice, actor=SYSTEM, now=now),
        )
    _end_gone(room)


def _end_gone(room: Payments) -> None:
    after = ""
    while True:
        with room.database.reading() as read:
            page = open_exceptions(read, after=after)
            gone = gone_among(read, page)
        if not page:
            return
        _end(room, gone)
        after = page[-1].id


def _end(room: Payments, gone: Sequence[NamedException]) -> None:
    write_now(room, lambda tx, now: end_exceptions(tx, gone=gone, actor=SYSTEM, now=now))


def _differing(room: Payments, span: Span, began: datetime) -> Iterator[Sequence[Difference]]:
    after = ""
    while True:
        with room.database.reading() as read:
            page = differences(
                read, after=after, posted_since=span.since, posted_until=min(began, span.until)
            )
        if not page:
            return
        yield page
        after = page[-1].object_id


def _made_twice(room: Payments) -> Iterator[Sequence[tuple[str, Money]]]:
    after = ""
    while True:
        with room.database.reading() as read:
            page = operations_made_twice(read, after=after)
        if not page:
            return
        yield page
        after = page[-1][0]


def _report(
    room: Payments, span: Span, events: Listed, movements: Listed, payouts: Listed, standing: Standing
) -> Reconciled:
    with room.database.reading() as read:
        exceptions = tuple(open_exceptions(read))
        operations = operations_examined(read)
    twice = sum(each.kind is ExceptionKind.TWICE for each in exceptions)
    return Reconciled(
        span=span,
        events=events,
        movements=movements,
        payouts=payouts,
        operations=operations,
        made_twice=twice,
        standing=standing,
        exceptions=exceptions,
    )


def _pages(listed: Iterator[T]) -> Iterator[Sequence[T]]:
    """In memory there is one page at a time."""
    while page := list(islice(listed, PAGE)):
        yield page
