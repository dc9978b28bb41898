"""What tests of money share: a clerk who does things, the books, and what `verify` finds in them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.ledger.queries import trial_balance
from tests.conftest import NOW
from tests.factories.accounting import CLERK, LIMIT

LONG_AFTER = NOW + timedelta(days=1_100)
"""All that a test does is over by then."""


@pytest.fixture
def do(database):
    """A use case as the clerk does it now, or somebody else, or at another instant."""

    def run(use_case, *, by=CLERK, at=NOW, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=by, now=at))

    return run


@pytest.fixture
def ask(database):
    """What a query finds now."""

    def run(query, *arguments, **named):
        with database.reading() as read:
            return query(read, *arguments, **named)

    return run


@pytest.fixture
def books(database):
    """The accounts that are not at 0."""

    def read_them():
        with database.reading() as read:
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    return read_them


@pytest.fixture
def found(database):
    """The numbers of `verify` that failed."""

    def look():
        with database.reading() as read:
            verdict = verify(read, now=LONG_AFTER, refund_limit=LIMIT)
        return {check.number for check in verdict.checks if check.found}

    return look
