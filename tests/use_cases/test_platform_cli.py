"""start, worker and doctor, as somebody at the terminal meets them."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click import Command
from click.testing import CliRunner, Result

from billing.kernel.clock import system_clock
from billing.platform.cli import Office, make_commands, web_program
from billing.platform.data.database import Database
from billing.platform.data.jobs import Task, Worker, enqueue
from billing.platform.doctor import LONGEST_LAG
from billing.platform.processes import free_port
from tests.architecture.source import ROOT


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def office(database: Database, tmp_path: Path, done: list[str]) -> Office:
    def note(task: Task) -> None:
        done.append(task.key)

    return Office(
        root=ROOT,
        var_dir=tmp_path,
        database=database,
        database_url="sqlite:///unused.db",
        clock=system_clock,
        worker=Worker(database, system_clock, {"note": note}),
        is_empty=lambda read: True,
        sample_clinic=None,
        port=free_port(),
        sandbox_port=free_port(),
        sandbox_environment={},
        public_url="http://127.0.0.1:1",
        processor_base=f"http://127.0.0.1:{free_port()}",
        sends_mail=False,
        tell_of_codes=lambda read, now: f"The codes of {now.year} hold.",
    )


@pytest.fixture
def processor() -> Iterator[str]:
    """A server that refuses everybody, as the processor refuses a caller without a key."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(401)

        def log_message(self, *_words: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_web_process_outlasts_three_silent_calls_to_the_processor():
    command = web_program(8000).command
    assert int(command[command.index("--timeout") + 1]) >= 3 * 35


def test_a_busy_port_is_named_with_what_to_do(office: Office):
    with socket.create_server(("127.0.0.1", office.port)):
        answer = run(office, "start")
    assert answer.exit_code == 1
    assert answer.output == (
        f"Error: Port {office.port} is in use: stop what listens there, or choose another with PORT=...\n"
    )


def test_web_and_stand_in_cannot_share_a_port(office: Office):
    answer = run(replace(office, sandbox_port=office.port), "start")
    assert (answer.exit_code, "make them differ" in answer.output) == (1, True)


def test_there_is_no_stand_in_where_the_processor_is_real(office: Office):
    answer = run(replace(office, sandbox_port=None), "start", "--only", "sandbox")
    assert (answer.exit_code, "no stand-in to run" in answer.output) == (1, True)


def test_a_worker_does_what_is_due_and_says_so(office: Office, done: list[str]):
    _enqueue(office, "first", timedelta())
    answer = run(office, "worker", "--once", "--json")
    assert json.loads(answer.output) == {"ok": True, "done": 1, "waiting": 0, "failed": 0}
    assert (answer.exit_code, done) == (0, ["first"])


def test_what_is_not_due_waits(office: Office, done: list[str]):
    _enqueue(office, "later", timedelta(hours=1))
    assert json.loads(run(office, "worker", "--once", "--json").output)["done"] == 0
    assert done == []


def test_the_doctor_names_what_is_wrong_and_ends_badly(office: Office):
    answer = run(office, "doctor", "--json")
    found = {finding["name"]: finding["ok"] for finding in json.loads(answer.output)["checks"]}
    assert found == {
        "database": True,
        "schema": True,
        "clock": True,
        "skew": True,
        "worker": True,
        "codes": True,
        "keys": True,
        "processor": False,
        "mail": True,
    }
    assert answer.exit_code == 1


def test_the_doctor_is_content_when_all_is_well(office: Office, processor: str):
    answer = run(replace(office, processor_base=processor), "doctor")
    assert (answer.exit_code, "WRONG" in answer.output) == (0, False)


def test_the_doctor_misses_a_worker_that_lets_jobs_wait(office: Office):
    _enqueue(office, "forgotten", -2 * LONGEST_LAG)
    finding = _findings(run(office, "doctor", "--json"))["worker"]
    assert (finding["ok"], "is a worker running?" in finding["says"]) == (False, True)


def test_the_doctor_sees_an_unreadable_clock(office: Office, tmp_path: Path):
    def broken() -> None:
        raise FileNotFoundError(tmp_path / "clock")

    finding = _findings(run(replace(office, clock=broken), "doctor", "--json"))["clock"]  # type: ignore[arg-type]
    assert (finding["ok"], "CLINIC_CLOCK" in finding["says"]) == (False, True)


def run(office: Office, name: str, *arguments: str) -> Result:
    commands: dict[str | None, Command] = {command.name: command for command in make_commands(office)}
    return CliRunner().invoke(commands[name], arguments)


def _enqueue(office: Office, key: str, after: timedelta) -> None:
    due_at = system_clock() + after
    office.database.in_transaction(lambda tx: enqueue(tx, kind="note", key=key, due_at=due_at))


def _findings(answer: Result) -> dict[str, dict[str, object]]:
    return {finding["name"]: finding for finding in json.loads(answer.output)["checks"]}
