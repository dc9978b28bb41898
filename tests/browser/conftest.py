"""A real browser before the whole application and the processor's stand-in. Skipped where there is none."""

from __future__ import annotations

import base64
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from billing.kernel.permissions import Role
from billing.platform.data.database import Database
from billing.platform.processes import free_port
from billing.wiring import create_app
from config import load_settings
from tests.conftest import TEST_KEYS
from tests.factories.sandbox import CANARIES, Sandbox, start_sandbox
from tests.factories.web import PASSWORD, Clinic, new_staff, open_clinic

PATIENCE_SECONDS = 30
"""A busy machine is not a failure."""
expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@dataclass
class Office:
    """The application on a port of loopback, a clinic in it, and the stand-in beside it."""

    app: Flask
    url: str
    database: Database
    clinic: Clinic
    sandbox: Sandbox
    now: datetime

    def work(self) -> None:
        """What the worker does: here, act on the processor's notices."""
        result = self.app.test_cli_runner().invoke(args=["worker", "--once"])
        assert result.exit_code == 0, result.output

    def work_until(self, page: Page, words: str) -> None:
        """Until a page says it: nobody knows when the processor's notice comes."""
        end = monotonic() + PATIENCE_SECONDS
        while monotonic() < end and not page.get_by_text(words).first.is_visible():
            page.wait_for_timeout(100)
            self.work()
            page.reload()
        expect(page.get_by_text(words).first).to_be_visible()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that fails its test when anything on it is refused by our own policy."""
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    page, refused = context.new_page(), []
    page.on("console", lambda said: refused.append(said.text) if "Content Security" in said.text else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    yield page
    context.close()
    assert refused == []


@pytest.fixture
def office(database: Database, database_url: str, tmp_path: Path) -> Iterator[Office]:
    """On the real time, as the processor's stand-in and the browser's cookies are."""
    port, now = free_port(), datetime.now(UTC)  # noqa: TID251
    url = f"http://127.0.0.1:{port}"
    sandbox = start_sandbox(tmp_path, url, refused_words=CANARIES)
    settings = load_settings(
        {
            "BILLING_ENV": "test",
            "DATABASE_URL": database_url,
            "VAR_DIR": str(tmp_path / "var"),
            "PORT": str(port),
            "PUBLIC_URL": url,
            "FIELD_KEYS": f"test1:{base64.b64encode(TEST_KEYS['test1']).decode()}",
            "STRIPE_SECRET_KEY": sandbox.secret_key,
            "STRIPE_WEBHOOK_SECRET": sandbox.webhook_secret,
            "STRIPE_API_BASE": sandbox.url,
        }
    )
    app = create_app(settings)
    server = make_server("127.0.0.1", port, _closes_answers(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Office(app, url, database, open_clinic(database, now), sandbox, now)
        sandbox.refuse_leaks()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        sandbox.stop()
        with app.app_context():
            for engine in app.extensions["sqlalchemy"].engines.values():
                engine.dispose()


def _closes_answers(app: Any) -> Any:
    """The server of these tests leaves a file open that a browser asked for and then hung up on."""

    def answer(environ: Any, start_response: Any) -> Iterator[bytes]:
        with closing(app(environ, start_response)) as body:
            yield from body

    return answer


@pytest.fixture
def enter(office: Office, page: Page) -> Callable[[Role], Page]:
    """Somebody of a role signs in and looks at the money of the clinic's patient."""

    def work(role: Role) -> Page:
        staff = new_staff(office.database, role, office.now, entity_id=office.clinic.entity.id)
        page.goto(f"{office.url}/staff/")
        page.get_by_label("E-mail").fill(staff.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        page.goto(f"{office.url}/staff/patients/{office.clinic.patient.id}/money")
        return page

    return work
