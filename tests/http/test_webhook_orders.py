"""Two hundred webhooks, each twice, in any order, or none of them at all: the same books and payments."""

from __future__ import annotations

import os
import threading
from collections import defaultdict

import pytest
from sqlalchemy import func, select

from billing.accounting.queries.verify import verify
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import trial_balance
from billing.payments.flows.reconcile import reconcile
from billing.payments.models.inbox import WebhookEventRow
from billing.payments.queries.payments import list_payments
from billing.payments.use_cases.inbox import WORK_WEBHOOK
from billing.platform.data.jobs import Worker, queue_report
from tests.factories.accounting import LIMIT
from tests.factories.busy_week import BOOKS, PAYMENTS, a_busy_week
from tests.factories.office import open_office

pytestmark = pytest.mark.processes

SEED = int(os.environ.get("WEBHOOK_SEED", "1"))
PATIENCE = 2_400
"""Rounds of a twentieth of a second: what came too early is tried again after a pause."""


@pytest.fixture
def office(tmp_path, database_url, clock_file):
    opened = open_office(tmp_path, database_url, clock_file)
    a_busy_week(opened, clock_file)
    yield opened
    opened.close()


def books(office):
    """In books that are well."""
    with office.database.reading() as read:
        checks = verify(read, now=office.room.clock(), refund_limit=LIMIT).checks
        told = {account: cents for account, cents in trial_balance(read).items() if cents}
    assert [check for check in checks if check.found] == []
    return told


def payments(office):
    with office.database.reading() as read:
        found = list_payments(read, SYSTEM, limit=1_000)
    return sorted(
        (str(one.tender), one.amount.cents, one.fee.cents, one.refunded.cents, one.lost.cents)
        for one in found
    )


def until(is_so, words):
    waiting = threading.Event()
    for _ in range(PATIENCE):
        if is_so():
            return
        waiting.wait(0.05)
    raise AssertionError(words)


def arrived(office):
    with office.database.reading() as read:
        return read.session.scalar(select(func.count()).select_from(WebhookEventRow))


def work_webhooks(office):
    """The notices alone are worked: no daily round may help them."""

    def work(task):
        office.hear(task.payload["kind"], task.payload["object_id"])

    handlers = defaultdict(lambda: lambda _task: None, {WORK_WEBHOOK: work})
    worker = Worker(office.database, office.room.clock, handlers)

    def is_done():
        worker.run_once()
        with office.database.reading() as read:
            report = queue_report(read, office.room.clock())
        assert report.failed == 0
        return report.waiting == 0

    until(is_done, "some notices cannot be worked")


@pytest.mark.parametrize("seed", [SEED, SEED + 1, SEED + 2])
def test_two_hundred_webhooks_in_any_order_end_in_the_same_books(office, seed):
    events = office.sandbox.state()["undelivered_events"] // 2
    assert events >= 200
    office.sandbox.control("release-events", order="shuffled", seed=seed)
    until(lambda: office.sandbox.state()["undelivered_events"] == 0, "not all were delivered")
    assert arrived(office) == events
    work_webhooks(office)
    assert (books(office), payments(office)) == (BOOKS, PAYMENTS), f"WEBHOOK_SEED={seed}"


def test_webhooks_that_were_all_lost_are_made_good_to_the_same_books(office):
    office.sandbox.control("drop-waiting-events")
    found = reconcile(office.room, since=None, until=None, refund_limit=Money(20_000))
    assert (found.ok, arrived(office)) == (True, found.events.listed)
    assert (books(office), payments(office)) == (BOOKS, PAYMENTS)
