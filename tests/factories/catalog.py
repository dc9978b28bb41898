"""The sample clinics, loaded as `flask seed` loads them."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from billing.catalog.queries import sample_clinic
from billing.catalog.records import Clinic, Entity, FeeSchedule
from billing.catalog.use_cases import seed_clinic
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Database


@cache
def sample(slug: str = "b") -> Clinic:
    clinic = sample_clinic(slug)
    assert clinic is not None
    return clinic


def sample_schedule(slug: str = "b") -> FeeSchedule:
    """As in the file: never published, without an id."""
    return sample(slug).fee_schedule


def seed_sample(database: Database, now: datetime, slug: str = "b") -> Entity:
    """Load a sample clinic into the database."""
    return database.in_transaction(lambda tx: seed_clinic(tx, clinic=sample(slug), actor=SYSTEM, now=now))
