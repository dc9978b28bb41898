"""A mail server on loopback that keeps what it is given, and an application that mails through it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from flask import Flask

from billing.wiring import create_app
from config import load_settings
from tests.conftest import TEST_KEYS
from tests.factories.loopback import lasting_port


@cache
def _port() -> int:
    """The same for every catcher, so that one application serves all who mail."""
    return lasting_port()


@dataclass
class Catcher:
    """`answer` is what it says to a mail; only `250` takes it."""

    port: int = field(default_factory=_port)
    kept: list[Message] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    answer: str = "250 OK"
    answer_to_recipient: str = "250 OK"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _: Any) -> str:
        if self.answer_to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer_to_recipient

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.kept.append(message_from_bytes(envelope.content))
            self.recipients.append(list(envelope.rcpt_tos))
        return self.answer

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?from=billing@clinic.example"


@contextmanager
def caught() -> Iterator[Catcher]:
    catcher = Catcher()
    controller = Controller(catcher, hostname="127.0.0.1", port=catcher.port)
    controller.start()
    try:
        yield catcher
    finally:
        controller.stop()


@contextmanager
def mailing_app(database_url: str, clock_file: Path, mail_url: str | None, **more: str) -> Iterator[Flask]:
    made = _app(database_url, clock_file, mail_url, **more)
    try:
        yield made
    finally:
        with made.app_context():
            for engine in made.extensions["sqlalchemy"].engines.values():
                engine.dispose()


@lru_cache(maxsize=1)
def _app(database_url: str, clock_file: Path, mail_url: str | None, **more: str) -> Flask:
    """One for all tests with the same address, which SQLite's have."""
    environment = {
        "BILLING_ENV": "test",
        "DATABASE_URL": database_url,
        "VAR_DIR": str(clock_file.parent / "var"),
        "CLINIC_CLOCK": str(clock_file),
        "FIELD_KEYS": f"test1:{base64.b64encode(TEST_KEYS['test1']).decode()}",
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "PUBLIC_URL": "http://localhost",
    }
    return create_app(load_settings(environment | ({"MAIL_URL": mail_url} if mail_url else {}) | more))
