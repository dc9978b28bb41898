"""Six infusions of a veteran: package, time, dose, add-ons, and the discount spread over the visits."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import cycle
from random import Random

from bench.databases import Databases
from bench.frame import PRODUCT, Goal, Row, contest, repeated
from bench.peers import decimal_quote
from billing.catalog.records import FeeSchedule
from billing.quotes.records import SessionToPrice
from billing.quotes.rules import price
from tests.factories.catalog import sample_schedule

PEER = "decimal"
CONDITION, VETERAN, QUOTED_ON = "depression", ("veteran",), date(2026, 11, 2)
PLANS, IN_A_ROUND = 250, 500
Plan = tuple[SessionToPrice, ...]


def rows(_databases: Databases) -> Iterator[Row]:
    schedule = sample_schedule()
    plans = [_plan(Random(number)) for number in range(PLANS)]
    for plan in plans:
        _check_that_they_agree(schedule, plan)
    for_us, for_peer = cycle(plans), cycle(plans)
    sides = {
        PRODUCT: repeated(lambda: price(schedule, CONDITION, next(for_us), VETERAN, QUOTED_ON), IN_A_ROUND),
        PEER: repeated(lambda: decimal_quote.price(schedule, CONDITION, next(for_peer), VETERAN), IN_A_ROUND),
    }
    called = f"the same in Decimal, Python {platform.python_version()}"
    path = "quote of six visits with discounts, spread over lines"
    yield contest(sides, rounds=11).row(path, Goal(2), against=PEER, called=called)


def _plan(draw: Random) -> Plan:
    """One course of one patient: the weight stays, time, dose and add-ons vary from visit to visit."""
    weight = Decimal(draw.randrange(550, 1100)) / 10
    return tuple(
        SessionToPrice(
            on=QUOTED_ON + timedelta(days=3 * number),
            service="infusion",
            minutes=draw.choice((45, 60, 75, 90)),
            dose_mg=Decimal(draw.randrange(30, 100, 5)),
            weight_kg=weight,
            add_ons={"anti_nausea": 1} if draw.random() < 0.5 else {},
        )
        for number in range(6)
    )


def _check_that_they_agree(schedule: FeeSchedule, plan: Plan) -> None:
    ours = price(schedule, CONDITION, plan, VETERAN, QUOTED_ON).sessions
    theirs = decimal_quote.price(schedule, CONDITION, plan, VETERAN)
    for our, their in zip(ours, theirs, strict=True):
        assert our.net_cents == their.net * 100
        assert [(rule, cents) for rule, _, cents in our.explanation] == [
            (rule, amount * 100) for rule, _, amount in their.lines
        ]
