"""The application at a real address beside a real stand-in, its worker run by hand."""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import httpx
from flask import Flask
from sqlalchemy import select
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.serving import make_server

from billing.kernel.money import ZERO
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.flows.events import work_event
from billing.payments.flows.room import Payments
from billing.payments.models.inbox import WebhookEventRow
from billing.people.use_cases import issue_token
from billing.platform.data.database import Database
from billing.platform.data.jobs import Worker
from billing.wiring import create_app
from config import load_settings
from tests.conftest import NOW, TEST_KEYS
from tests.factories import loopback
from tests.factories.sandbox import CANARIES, SECRET_KEY, WEBHOOK_SECRET, Sandbox, start_sandbox


@dataclass
class Office:
    """`work` does what the worker would; `arrived` waits until webhooks of these kinds were kept."""

    url: str
    app: Flask
    database: Database
    sandbox: Sandbox
    room: Payments
    worker: Worker
    front: Front
    token: str

    def post(self, path: str, body: object = None, *, key: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        return loopback.post(f"{self.url}/api/v1{path}", json=body or {}, headers=headers, timeout=30)

    def get(self, path: str) -> httpx.Response:
        return loopback.get(f"{self.url}/api/v1{path}", headers={"Authorization": f"Bearer {self.token}"})

    def work(self) -> int:
        return self.worker.run_once()

    def hear(self, kind: str, object_id: str) -> None:
        """Act on a notice of the processor now; each refund that it may tell of needs a second person."""
        work_event(self.room, kind=kind, object_id=object_id, refund_limit=ZERO)

    def kept(self, kind: str) -> list[str]:
        """Ids of the events of one kind that are in the inbox."""
        with self.database.reading() as read:
            query = select(WebhookEventRow.event_id).where(WebhookEventRow.kind == kind)
            return list(read.session.scalars(query))

    def close(self) -> None:
        """Raises: AssertionError when the processor was told what is none of its business."""
        try:
            self.sandbox.refuse_leaks()
        finally:
            self.sandbox.stop()
            self.front.close()
            with self.app.app_context():
                for engine in self.app.extensions["sqlalchemy"].engines.values():
                    engine.dispose()


class Front:
    """Where every office of this process is, one after the other: one application serves them all."""

    def __init__(self) -> None:
        self._app: Flask | None = None
        self._under_way, self._changes = 0, threading.Condition()
        self.sandbox_port = loopback.lasting_port()
        server = make_server("127.0.0.1", 0, self, threaded=True)
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def __call__(self, environ: Any, start: Any) -> Any:
        with self._changes:
            app, self._under_way = self._app, self._under_way + 1
        try:
            return (app or ServiceUnavailable())(environ, start)
        finally:
            with self._changes:
                self._under_way -= 1
                self._changes.notify_all()

    def open(self, app: Flask) -> None:
        self._app = app

    def close(self) -> None:
        """What was asked of one office must not reach the database of the next."""
        with self._changes:
            self._app = None
            assert self._changes.wait_for(lambda: self._under_way == 0, timeout=20)


def open_office(tmp_path: Path, database_url: str, clock_file: Path) -> Office:
    """Everything on loopback and free ports, on a fresh database."""
    front = _front()
    sandbox = start_sandbox(tmp_path, front.url, clock_file, refused_words=CANARIES, port=front.sandbox_port)
    app = _app_beside(sandbox.url, front.url, database_url, clock_file)
    front.open(app)
    house = app.extensions["billing"]
    issued = house.edge.database.in_transaction(
        lambda tx: issue_token(
            tx,
            role=Role.SUPERVISOR,
            scopes=(),
            entity_id=None,
            site_ids=None,
            expires_at=None,
            actor=SYSTEM,
            now=NOW,
        )
    )
    return Office(
        url=front.url,
        app=app,
        database=house.edge.database,
        sandbox=sandbox,
        room=house.payments,
        worker=house.worker,
        front=front,
        token=issued.secret,
    )


@cache
def _front() -> Front:
    return Front()


@lru_cache(maxsize=1)
def _app_beside(sandbox_url: str, url: str, database_url: str, clock_file: Path) -> Flask:
    return create_app(
        load_settings(
            {
                "BILLING_ENV": "test",
                "DATABASE_URL": database_url,
                "VAR_DIR": str(clock_file.parent / "var"),
                "CLINIC_CLOCK": str(clock_file),
                "FIELD_KEYS": f"test1:{base64.b64encode(TEST_KEYS['test1']).decode()}",
                "STRIPE_API_BASE": sandbox_url,
                "STRIPE_SECRET_KEY": SECRET_KEY,
                "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
                "PUBLIC_URL": url,
            }
        )
    )
