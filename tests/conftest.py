"""What every test may ask for: a fresh migrated database, a moment, and nothing outside loopback."""

from __future__ import annotations

import base64
import gc
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from flask import Flask
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from werkzeug.test import TestResponse

from billing.kernel.permissions import SYSTEM, Role
from billing.people.use_cases import issue_token
from billing.platform.data.base import Base
from billing.platform.data.database import Database
from billing.platform.data.engines import engine_options
from billing.platform.data.vault import Vault
from billing.wiring import create_app, subscribe
from config import load_settings

# A loaded machine is no mistake of the product: examples have no deadline, and may be slow to draw.
# `steady` draws the same each time: what is red is red again (docs/decisions/0146). Who looks for more
# takes --hypothesis-profile=searching.
settings.register_profile(
    "steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "searching",
    deadline=None,
    derandomize=False,
    max_examples=1_000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")

# What the suite imports stays; looking through it for garbage again and again took a third of the time.
gc.set_threshold(50_000, 20, 50)

# What tests write is gone a moment later, and every commit waits for the disk: one of memory, with room.
MEMORY_DISK = Path("/dev/shm")
MEMORY_BYTES = 2_000_000_000
if MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > MEMORY_BYTES:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY_DISK))

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)
TEST_KEYS = {"test1": b"t" * 32}


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


@pytest.fixture
def now() -> datetime:
    """Monday, 2 November 2026, nine in the morning in Chicago."""
    return NOW


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One migrated file, copied for each test."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer | None]:
    """The server of TEST_DATABASE_URL, with a migrated template that each test's database is copied from."""
    url = os.environ.get("TEST_DATABASE_URL")
    if not url:
        yield None
        return
    server = PostgresqlServer(url)
    yield server
    server.close()


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each test's database and clock lie: what is made for one place serves them all."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture
def database_url(place: Path, migrated_sqlite: Path, postgresql: PostgresqlServer | None) -> Iterator[str]:
    """The address of a fresh migrated database: SQLite, or PostgreSQL by TEST_DATABASE_URL."""
    if postgresql is None:
        path = place / "billing.db"
        for old in (path, place / "billing.db-wal", place / "billing.db-shm"):
            old.unlink(missing_ok=True)  # who still has the last test's file open keeps that one
        shutil.copyfile(migrated_sqlite, path)
        yield f"sqlite:///{path}"
        return
    name = postgresql.create()
    yield postgresql.address_of(name)
    postgresql.drop_later(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh migrated database, with every room's subscribers."""
    opened = _database_at(database_url)
    yield opened
    close(opened)


@pytest.fixture
def own_database(database_url: str) -> Iterator[Database]:
    """The same, but a Database that no other test sees again: for what else is to be subscribed."""
    opened = open_database(database_url)
    yield opened
    close(opened)


@pytest.fixture
def clock_file(place: Path, now: datetime) -> Path:
    """The movable clock of the application under test: write another instant to move it."""
    path = place / "clock"
    path.write_text(now.isoformat())
    return path


@pytest.fixture
def app(database_url: str, place: Path, clock_file: Path) -> Iterator[Flask]:
    """The whole application as wsgi.py makes it, on a fresh database; nothing listens at its processor."""
    made = _app_at(database_url, place / "var", clock_file)
    yield made
    with made.app_context():
        for engine in made.extensions["sqlalchemy"].engines.values():
            engine.dispose()


@pytest.fixture
def issue(app: Flask, database: Database, now: datetime) -> Callable[..., ApiClient]:
    """A client of the API who carries a fresh token of a role."""

    def make(role: Role, *, entity_id: str | None = None, site_ids: list[str] | None = None) -> ApiClient:
        issued = database.in_transaction(
            lambda tx: issue_token(
                tx,
                role=role,
                scopes=(),
                entity_id=entity_id,
                site_ids=site_ids,
                expires_at=None,
                actor=SYSTEM,
                now=now,
            )
        )
        return ApiClient(app, issued.secret)

    return make


class ApiClient:
    """Speaks JSON with a token; a POST carries a fresh Idempotency-Key unless it is given one."""

    def __init__(self, app: Flask, secret: str) -> None:
        self._client = app.test_client()
        self._headers = {"Authorization": f"Bearer {secret}"}

    def get(self, path: str, **options: Any) -> TestResponse:
        return self._client.get(f"/api/v1{path}", headers=self._headers, **options)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> TestResponse:
        key = key or uuid.uuid4().hex
        return self._client.post(
            f"/api/v1{path}", json=body, headers={**self._headers, "Idempotency-Key": key, **headers}
        )


def open_database(url: str) -> Database:
    """A Database as the product wires it, for tests that need no web."""
    options = engine_options(url)
    opened = Database(
        write=create_engine(url, **options), read=create_engine(url, **options), vault=Vault(TEST_KEYS)
    )
    subscribe(opened)
    return opened


def close(opened: Database) -> None:
    opened.write_engine.dispose()
    opened.read_engine.dispose()


# An engine words each statement once, and an application takes longer to make than most tests to run.


@lru_cache(maxsize=1)
def _database_at(url: str) -> Database:
    return open_database(url)


@lru_cache(maxsize=1)
def _app_at(url: str, var_dir: Path, clock_file: Path) -> Flask:
    return create_app(
        load_settings(
            {
                "BILLING_ENV": "test",
                "DATABASE_URL": url,
                "VAR_DIR": str(var_dir),
                "CLINIC_CLOCK": str(clock_file),
                "FIELD_KEYS": f"test1:{base64.b64encode(TEST_KEYS['test1']).decode()}",
                "STRIPE_API_BASE": "http://127.0.0.1:9",
            }
        )
    )


def migrate(url: str) -> None:
    """Bring a database to the newest version of the schema."""
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    try:
        with engine.connect() as connection:
            config.attributes.update(connection=connection, metadata=Base.metadata)
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()


class PostgresqlServer:
    """Makes databases from one migrated template, and drops them by the dozen.

    Each drop waits for a checkpoint; only the first of a row has something to write.
    """

    AT_ONCE = 40

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT")
        self._to_drop: list[str] = []
        self._template = self._new_name("template")
        self._run(f"CREATE DATABASE {self._template}")
        migrate(self.address_of(self._template))

    def create(self) -> str:
        name = self._new_name("test")
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        self._run(f"ALTER DATABASE {name} SET synchronous_commit = off")
        return name

    def address_of(self, name: str) -> str:
        return make_url(self._url).set(database=name).render_as_string(hide_password=False)

    def drop_later(self, name: str) -> None:
        self._to_drop.append(name)
        if len(self._to_drop) >= self.AT_ONCE:
            self._drop()

    def close(self) -> None:
        self._to_drop.append(self._template)
        self._drop()
        self._engine.dispose()

    def _drop(self) -> None:
        while self._to_drop:
            self._run(f"DROP DATABASE {self._to_drop.pop()} WITH (FORCE)")

    def _new_name(self, kind: str) -> str:
        return f"{kind}_{uuid.uuid4().hex[:12]}"

    def _run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))
