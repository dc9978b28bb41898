"""What tests of pages ask for: a clinic, its pages in front of a processor of ours, and people in them.

A file that needs another processor or role says so by a fixture of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.kernel.permissions import Role
from billing.platform.data.database import Database
from billing.platform.http.edge import Edge
from tests.conftest import NOW
from tests.factories.invoices import Billed, a_patient, billed
from tests.factories.office import Office, open_office
from tests.factories.web import Clinic, MovableClock, Processor, new_staff, open_clinic, sign_in, web_app


@pytest.fixture(scope="session")
def lasting_clock() -> MovableClock:
    """Of the pages that serve all tests."""
    return MovableClock(NOW)


@pytest.fixture
def clock(lasting_clock: MovableClock, now: datetime) -> MovableClock:
    lasting_clock.now = now
    return lasting_clock


@pytest.fixture
def edge(database: Database, clock: MovableClock) -> Edge:
    return Edge(database, clock, "http://localhost")


@pytest.fixture
def clinic(database: Database, now: datetime) -> Clinic:
    return open_clinic(database, now)


@pytest.fixture
def processor() -> Processor:
    return Processor()


@pytest.fixture
def pages(edge: Edge, processor: Processor) -> Flask:
    """The pages alone; `app` is the whole application."""
    made, line = _pages_at(edge)
    line.processor = processor
    return made


@pytest.fixture
def usual_role() -> Role:
    """Of who signs in, unless the test says another."""
    return Role.BILLING


@pytest.fixture
def enter(
    pages: Flask, database: Database, clinic: Clinic, usual_role: Role, now: datetime
) -> Callable[..., FlaskClient]:
    """A browser in which somebody of the clinic has signed in."""

    def work(role: Role = usual_role, **of: Any) -> FlaskClient:
        return sign_in(pages, new_staff(database, role, now, **{"entity_id": clinic.entity.id} | of))

    return work


@pytest.fixture
def clerk(enter: Callable[..., FlaskClient]) -> FlaskClient:
    return enter()


@pytest.fixture
def office(tmp_path: Path, database_url: str, clock_file: Path) -> Iterator[Office]:
    """The whole application, with the processor's stand-in over HTTP."""
    opened = open_office(tmp_path, database_url, clock_file)
    yield opened
    opened.close()


@pytest.fixture
def bill(office: Office) -> Billed:
    """A visit of $450 that nobody paid."""
    return billed(office.database, a_patient(office.database), only_first=1)


@pytest.fixture
def deaf(office: Office) -> Office:
    """No webhook reaches it, and payouts are made by hand alone."""
    office.sandbox.control("payout-schedule", schedule="manual")
    office.sandbox.control("drop-events", times=1000)
    return office


class Line:
    """Whoever is the processor of the test under way answers."""

    processor: Processor

    def __getattr__(self, call: str) -> Any:
        return getattr(self.processor, call)


@lru_cache(maxsize=1)
def _pages_at(edge: Edge) -> tuple[Flask, Line]:
    """Made once for all tests with the same database and clock: it takes longer than most tests to run."""
    line = Line()
    return web_app(edge, line), line
