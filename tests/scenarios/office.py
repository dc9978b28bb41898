"""A whole billing office on free ports, with a clock that the scenario moves."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from billing.platform.cli import WEB_PROCESSES, stand_in_program, web_program, worker_program
from billing.platform.processes import Supervisor, answers, free_port
from config import Settings, load_settings

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")
PATIENCE_SECONDS = 100.0
"""More than a job waits whose worker was killed under it."""
KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "SYSTEMROOT",
    "VIRTUAL_ENV",
    "COVERAGE_PROCESS_START",
)


class Failed(Exception):
    """A step did not come to its end."""


class Office:
    """Web, worker and stand-in as real processes. What dies is started again by whoever waits."""

    def __init__(
        self,
        *,
        folder: Path,
        database_url: str,
        clock: str,
        secrets: Mapping[str, str] | None = None,
        machines: int = 1,
        web_processes: int = WEB_PROCESSES,
    ) -> None:
        """`machines` is how often web and worker run, as on that many machines behind one address each.

        Each has so many `web_processes`.
        """
        self.folder = folder
        self.clock_file = folder / "clock"
        folder.mkdir(parents=True, exist_ok=True)
        self.set_clock(clock)
        port, sandbox_port = free_port(), free_port()
        self.environment = {
            **{name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
            "BILLING_ENV": "development",
            "VAR_DIR": str(folder),
            "DATABASE_URL": database_url,
            "CLINIC_CLOCK": str(self.clock_file),
            "PORT": str(port),
            "SANDBOX_PORT": str(sandbox_port),
            **(secrets or {}),
        }
        self.settings: Settings = load_settings(self.environment)
        self.url = self.settings.public_url
        self._more_ports = [free_port() for _ in range(machines - 1)]
        self.urls = [self.url, *(f"http://127.0.0.1:{port}" for port in self._more_ports)]
        self._web_processes = web_processes
        self._supervisor = Supervisor(
            folder=ROOT, run_dir=folder / "run", log_dir=folder / "log", environment=self.environment
        )

    def open(self) -> None:
        """Migrate, and start the three processes."""
        self.flask("db", "upgrade")
        stand_in = stand_in_program(self.settings.stand_in_environment)
        web = web_program(self.settings.port, self._web_processes)
        for program in (stand_in, web, worker_program()):
            self._supervisor.start(program)
        for number, more in enumerate(self._more_ports, 2):
            web = web_program(more, self._web_processes)
            self._supervisor.start(replace(web, name=f"web{number}"))
            self._supervisor.start(replace(worker_program(), name=f"worker{number}"))
        for url in self.urls:
            self.until("the web process is ready", lambda url=url: answers(f"{url}/readyz"))  # type: ignore[misc]
        self.until("the stand-in is ready", lambda: answers(f"{self.settings.stripe_api_base}/_control"))

    def close(self) -> None:
        self._supervisor.stop_all()

    def tend(self) -> None:
        """Start again what has died."""
        for sentence in self._supervisor.revive():
            print(f"    ({sentence})")

    def until(self, what: str, look: Callable[[], T | None]) -> T:
        """Look again and again until there is something to see; return it.

        Raises: Failed after PATIENCE_SECONDS.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.tend()
            if seen := look():
                return seen
            if time.monotonic() > deadline:
                raise Failed(f"Waited in vain until {what}; the logs are in {self.folder / 'log'}.")
            time.sleep(0.05)

    def set_clock(self, instant: str) -> None:
        """Move web, worker and stand-in to an instant, ISO 8601 with its offset."""
        datetime.fromisoformat(instant)
        draft = self.clock_file.with_suffix(".new")
        draft.write_text(instant)
        draft.replace(self.clock_file)

    def flask(self, *arguments: str) -> str:
        """Run a command of the product's command line; return what it prints.

        Raises: Failed when it does not end well.
        """
        done = subprocess.run(
            (*FLASK, *arguments), cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Failed(
                f"flask {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def flask_json(self, *arguments: str) -> Any:
        return json.loads(self.flask(*arguments, "--json"))
