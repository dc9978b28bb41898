"""Postings that go to the database together."""

from __future__ import annotations

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.errors import AlreadyPosted
from billing.ledger.records import Account, Posting, credit, debit
from billing.ledger.use_cases import post
from tests.conftest import NOW


@pytest.fixture
def do(database):
    def run(use_case, *, now=NOW, actor=SYSTEM, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=now))

    return run


def test_of_two_postings_that_go_together_the_one_that_was_posted_before_is_named(database):
    def posting(number):
        return Posting(
            entity_id="ent_1",
            site_id="sit_1",
            effective_on=NOW.date(),
            source_kind="session",
            source_id=f"ses_{number}",
            purpose="given",
            lines=(debit(Account.BANK, Money(5)), credit(Account.INFUSION, Money(5))),
        )

    database.in_transaction(lambda tx: post(tx, posting(2), actor=SYSTEM, now=NOW))

    def both(tx):
        post(tx, posting(1), actor=SYSTEM, now=NOW)
        post(tx, posting(2), actor=SYSTEM, now=NOW)

    with pytest.raises(AlreadyPosted, match="ses_2"):
        database.in_transaction(both)
