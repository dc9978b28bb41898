"""Says in plain words what is wrong with an installation. Reads only."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from billing.kernel.clock import Clock, system_clock
from billing.platform.data.database import Database, Read
from billing.platform.data.documents import Document
from billing.platform.data.errors import VaultClosed
from billing.platform.data.jobs import queue_report

LONGEST_LAG = timedelta(minutes=2)
"""How late a due job may be before the worker counts as absent."""
LARGEST_SKEW = timedelta(seconds=30)
"""Signatures of webhooks are refused at five minutes; warn long before."""
YEARS_THAT_MAKE_SENSE = range(2025, 2100)


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `says` is a sentence for the person who runs the installation."""

    name: str
    ok: bool
    says: str


def well(name: str, says: str) -> Finding:
    return Finding(name=name, ok=True, says=says)


def ill(name: str, says: str) -> Finding:
    return Finding(name=name, ok=False, says=says)


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The installation under examination."""

    database: Database
    clock: Clock
    migrations: Path
    processor_base: str
    sends_mail: bool
    tell_of_codes: Callable[[Read, datetime], str]
    """Says which codes of diagnoses hold at a moment."""


def examine(installation: Installation) -> Iterator[Finding]:
    """Look at each part; what cannot be seen without the database is left out when it is away."""
    reachable = _database(installation)
    clock = _clock(installation)
    yield from (reachable, clock)
    if reachable.ok:
        migrated = _migrated(installation)
        yield migrated
        if migrated.ok:
            yield _keys(installation)
        if migrated.ok and clock.ok:
            yield from (_skew(installation), _worker(installation), _codes(installation))
    yield _processor(installation)
    yield _mail(installation)


def _database(installation: Installation) -> Finding:
    try:
        with installation.database.reading() as read:
            read.session.scalar(select(1))
    except SQLAlchemyError as error:
        return ill("database", f"The database does not answer ({type(error).__name__}): see DATABASE_URL.")
    return well("database", f"The {installation.database.write_engine.dialect.name} database answers.")


def _migrated(installation: Installation) -> Finding:
    config = Config()
    config.set_main_option("script_location", str(installation.migrations))
    wanted = set(ScriptDirectory.from_config(config).get_heads())
    with installation.database.reading() as read:
        present = set(MigrationContext.configure(read.session.connection()).get_current_heads())
    if present != wanted:
        return ill("schema", "The database is not at the newest schema: run `make migrate`.")
    return well("schema", "The database is at the newest schema.")


def _clock(installation: Installation) -> Finding:
    try:
        now = installation.clock()
    except (OSError, ValueError) as error:
        return ill("clock", f"CLINIC_CLOCK cannot be read: {error}.")
    if now.year not in YEARS_THAT_MAKE_SENSE:
        return ill("clock", f"The clock says {now:%Y-%m-%d}: set it right.")
    return well("clock", f"The clinic's clock says {now:%Y-%m-%d %H:%M} UTC.")


def _skew(installation: Installation) -> Finding:
    """A movable clock may say what it likes; the machine's must agree with the database's."""
    skew = abs(_database_time(installation) - system_clock())
    if skew > LARGEST_SKEW:
        return ill("skew", f"This machine and its database differ by {skew}: synchronise both.")
    return well("skew", "The clocks of this machine and of the database agree.")


def _database_time(installation: Installation) -> datetime:
    """PostgreSQL may run on another machine; SQLite has no clock of its own."""
    if installation.database.write_engine.dialect.name == "sqlite":
        return system_clock()
    with installation.database.reading() as read:
        instant: datetime = read.session.execute(select(func.now())).scalar_one()
    return instant.astimezone(UTC)


def _worker(installation: Installation) -> Finding:
    now = installation.clock()
    with installation.database.reading() as read:
        report = queue_report(read, now)
    if report.failed:
        return ill("worker", f"{report.failed} jobs were given up: look for job_failed in the worker's log.")
    if report.oldest_due_at and now - report.oldest_due_at > LONGEST_LAG:
        late = now - report.oldest_due_at
        return ill("worker", f"{report.waiting} jobs wait, the oldest for {late}: is a worker running?")
    return well("worker", f"No job is late; {report.waiting} are due now.")


def _codes(installation: Installation) -> Finding:
    """Those of the year before still serve: nothing is broken."""
    with installation.database.reading() as read:
        return well("codes", installation.tell_of_codes(read, installation.clock()))


def _keys(installation: Installation) -> Finding:
    """The oldest and the newest document stand for all sealed rows."""
    with installation.database.reading() as read:
        for order in (Document.id.asc(), Document.id.desc()):
            document = read.session.scalar(select(Document).order_by(order).limit(1))
            if document and not _opens(installation.database, document):
                return ill(
                    "keys", "FIELD_KEYS do not open this database: restore the keys it was sealed with."
                )
    return well("keys", "The field keys open what is sealed.")


def _opens(database: Database, document: Document) -> bool:
    try:
        database.vault.open_bytes("document", document.id, document.sealed)
    except VaultClosed:
        return False
    return True


def _mail(installation: Installation) -> Finding:
    if installation.sends_mail:
        return well("mail", "Receipts and letters to patients are mailed through MAIL_URL.")
    return well(
        "mail", "MAIL_URL is not set: no mail is sent; receipts and letters are PDF to hand out or post."
    )


def _processor(installation: Installation) -> Finding:
    """Any HTTP answer will do, a refusal for want of a key included."""
    try:
        urllib.request.urlopen(f"{installation.processor_base}/v1/balance", timeout=10)  # noqa: S310  # a setting
    except urllib.error.HTTPError:
        pass
    except (OSError, ValueError):
        says = f"The card processor does not answer at {installation.processor_base}: see STRIPE_API_BASE."
        return ill("processor", says)
    return well("processor", f"The card processor answers at {installation.processor_base}.")
