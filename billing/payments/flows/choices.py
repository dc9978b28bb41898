"""Insurers' money that waited 30 days for a choice goes back, one credit at a time; none is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from billing.kernel.clock import Clock
from billing.kernel.errors import Conflict
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.flows.room import T, log
from billing.payments.queries.choices import credits_to_refund, forgotten_refunds
from billing.payments.rules.choices import ANSWERS_WITHIN
from billing.payments.use_cases.unanswered import ask_about_choice, ask_about_forgotten, refund_unanswered
from billing.platform.data.database import Database

A_DAY = timedelta(days=1)
"""Places are not of one day; each credit is looked at by its own."""


def refund_what_nobody_chose(database: Database, clock: Clock, limit: Money) -> None:
    """Each credit is a transaction of its own. What is refused is asked of a person, and looked at again.

    So is what is to go back for 30 days, and nobody asked for a refund of it.
    """
    until = clock().date() + A_DAY - ANSWERS_WITHIN
    with database.reading() as read:
        to_refund, forgotten = credits_to_refund(read, until), forgotten_refunds(read, until - A_DAY)
    deeds = [
        *(partial(_give_back, database, clock, limit, each) for each in to_refund),
        *(partial(_ask_about_forgotten, database, clock, each) for each in forgotten),
    ]
    each_for_itself(deeds, lambda deed: deed())


def each_for_itself(ones: Iterable[T], work: Callable[[T], None]) -> None:
    """Do it for each, also after one that went wrong; then the job fails with that, and is tried again.

    Raises: what the first that went wrong did.
    """
    wrong: list[Exception] = []
    for each in ones:
        try:
            work(each)
        except Exception as error:
            log.warning("one_of_many_failed", error=type(error).__name__)
            wrong.append(error)
    if wrong:
        raise wrong[0]


def _give_back(database: Database, clock: Clock, limit: Money, lot_id: str) -> None:
    try:
        database.in_transaction(
            partial(refund_unanswered, lot_id=lot_id, limit=limit, actor=SYSTEM, now=clock())
        )
    except Conflict:
        database.in_transaction(partial(ask_about_choice, lot_id=lot_id, actor=SYSTEM, now=clock()))


def _ask_about_forgotten(database: Database, clock: Clock, lot_id: str) -> None:
    database.in_transaction(partial(ask_about_forgotten, lot_id=lot_id, actor=SYSTEM, now=clock()))
