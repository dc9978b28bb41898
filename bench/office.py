"""The whole application on a fresh database, and a client of its API."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from flask import Flask
from sqlalchemy import Engine
from werkzeug.test import create_environ, run_wsgi_app

from billing.catalog.queries import sites
from billing.catalog.records import Entity, Site
from billing.kernel.permissions import SYSTEM, Role
from billing.people.use_cases import issue_token
from billing.platform.data.database import Database
from billing.wiring import create_app
from config import load_settings
from tests.conftest import NOW, TEST_KEYS, open_database
from tests.factories.catalog import seed_sample

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


@dataclass(frozen=True)
class Office:
    """The application under test, its own way into the database, and the sample clinic."""

    app: Flask
    database: Database
    entity: Entity
    site: Site
    token: str

    @property
    def engines(self) -> tuple[Engine, Engine]:
        """Of the application's writers and of its readers."""
        with self.app.app_context():
            engines = self.app.extensions["sqlalchemy"].engines
        return engines[None], engines["reader"]

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Idempotency-Key": uuid.uuid4().hex}

    def asked(self, path: str, body: dict[str, Any]) -> WSGIEnvironment:
        """A POST with a fresh key, as a server of WSGI hands it to the application."""
        return asked(f"/api/v1{path}", body, self.headers())

    def post(self, path: str, body: dict[str, Any]) -> None:
        answer(self.app, self.asked(path, body))


def asked(path: str, body: dict[str, Any], headers: dict[str, str]) -> WSGIEnvironment:
    return create_environ(path, method="POST", json=body, headers=headers)


def answer(app: Flask, request: WSGIEnvironment) -> None:
    """Raises: RuntimeError unless the answer is 201: a refusal would be fast for nothing."""
    body, status, _ = run_wsgi_app(app, request, buffered=True)
    if not status.startswith("201"):
        raise RuntimeError(f"{request['PATH_INFO']} answered {status}: {b''.join(body).decode()}")


@contextmanager
def open_office(url: str) -> Iterator[Office]:
    with TemporaryDirectory() as folder:
        clock = Path(folder, "clock")
        clock.write_text(NOW.isoformat())
        app = create_app(
            load_settings(
                {
                    "BILLING_ENV": "test",
                    "DATABASE_URL": url,
                    "VAR_DIR": folder,
                    "CLINIC_CLOCK": str(clock),
                    "FIELD_KEYS": f"test1:{base64.b64encode(TEST_KEYS['test1']).decode()}",
                    "STRIPE_API_BASE": "http://127.0.0.1:9",
                }
            )
        )
        database = open_database(url)
        try:
            yield _office(app, database)
        finally:
            database.write_engine.dispose()
            database.read_engine.dispose()
            with app.app_context():
                for engine in app.extensions["sqlalchemy"].engines.values():
                    engine.dispose()


def _office(app: Flask, database: Database) -> Office:
    entity = seed_sample(database, NOW)
    with database.reading() as read:
        site = sites(read, entity.id)[0]
    issued = database.in_transaction(
        lambda tx: issue_token(
            tx,
            role=Role.BILLING,
            scopes=(),
            entity_id=entity.id,
            site_ids=None,
            expires_at=None,
            actor=SYSTEM,
            now=NOW,
        )
    )
    return Office(app=app, database=database, entity=entity, site=site, token=issued.secret)
