"""What has no outcome is looked up after five minutes, after an hour, then daily; over real HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.payments.flows.resolve import resolve, resolve_due
from tests.conftest import NOW
from tests.factories.invoices import a_patient, billed
from tests.factories.office import open_office

pytestmark = pytest.mark.processes

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def office(tmp_path, database_url, clock_file):
    opened = open_office(tmp_path, database_url, clock_file)
    yield opened
    opened.close()


@pytest.fixture
def lost(office):
    """The processor is not there: whether it opened the page nobody here knows."""
    bill = billed(office.database, a_patient(office.database), only_first=1)
    office.sandbox.kill()
    assert office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").status_code == 503


def looks(office, clock_file, moments):
    """After which of these spans the worker's round asked the processor."""
    asked = []
    for moment in moments:
        clock_file.write_text((NOW + moment).isoformat())
        if resolve_due(office.room).checkouts:
            asked.append(moment)
    return asked


def test_an_outcome_is_looked_for_after_five_minutes_an_hour_and_then_daily(office, lost, clock_file):
    every_five_minutes = [5 * MINUTE * n for n in range(1, 40)]
    assert looks(office, clock_file, every_five_minutes) == [10 * MINUTE, HOUR]
    every_hour = [n * HOUR for n in range(5, 80)]
    assert looks(office, clock_file, every_hour) == [DAY + HOUR, 2 * DAY + HOUR, 3 * DAY + HOUR]


def test_a_person_who_cannot_wait_looks_at_once(office, lost, clock_file):
    clock_file.write_text((NOW + 10 * MINUTE).isoformat())
    assert (resolve_due(office.room).unknown, resolve_due(office.room).checkouts) == (1, 0)
    assert resolve(office.room).checkouts == 1


def test_the_moments_of_looking_outlive_the_worker(office, lost, clock_file):
    clock_file.write_text((NOW + 10 * MINUTE).isoformat())
    assert resolve_due(office.room).unknown == 1
    again = type(office.room)(office.database, office.room.gateway, office.room.clock)
    assert resolve_due(again).checkouts == 0
