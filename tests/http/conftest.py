"""What tests of pages ask for: a clinic, its pages in front of a processor of ours, and people in them.

A file that needs another processor or role says so by a fixture of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from billing.kernel.permissions import Role
from billing.platform.data.database import Database
from billing.platform.http.edge import Edge
from tests.factories.invoices import Billed, a_patient, billed
from tests.factories.office import Office, open_office
from tests.factories.web import Clinic, MovableClock, Processor, new_staff, open_clinic, sign_in, web_app


@pytest.fixture
def clock(now: datetime) -> MovableClock:
    return MovableClock(now)


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
    return web_app(edge, processor)


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
