"""The commands that run an installation: start, worker, doctor."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import click
from flask import current_app

from billing.kernel.clock import Clock
from billing.kernel.permissions import Role
from billing.platform.data.database import Database, Read
from billing.platform.data.jobs import QueueReport, Worker, queue_report
from billing.platform.doctor import Installation, examine
from billing.platform.processes import (
    KeepsDying,
    Program,
    Supervisor,
    answers,
    end_on_signals,
    port_is_free,
)
from billing.platform.sample_reader import offer_reader

READY_WITHIN_SECONDS = 60.0
WEB_PROCESSES = 2
LONGEST_REQUEST_SECONDS = 120
"""Longer than three calls to a processor that does not answer: a request that is cut off leaves unknowns."""


@dataclass(frozen=True, kw_only=True)
class Office:
    """What the commands need to know of this installation; wiring fills it in."""

    root: Path
    """The folder that holds wsgi.py."""
    var_dir: Path
    database: Database
    database_url: str
    clock: Clock
    worker: Worker
    is_empty: Callable[[Read], bool]
    """Whether the database holds no clinic yet."""
    sample_clinic: Path | None
    """The clinic to load into an empty database; none in production."""
    port: int
    sandbox_port: int | None
    """Where the stand-in listens; none when the processor is elsewhere."""
    sandbox_environment: Mapping[str, str]
    public_url: str
    processor_base: str
    sends_mail: bool
    tell_of_codes: Callable[[Read, datetime], str]
    """Says which codes of diagnoses hold at a moment."""

    @property
    def run_dir(self) -> Path:
        return self.var_dir / "run"


def make_commands(office: Office) -> tuple[click.Command, ...]:
    """The commands of this file, for the Flask command line."""

    @click.command("start")
    @click.option(
        "--only", type=click.Choice(["web", "worker", "sandbox"]), help="One process instead of all."
    )
    def start(only: str | None) -> None:
        """Run web, worker and the processor's stand-in; Ctrl-C ends all of it."""
        end_on_signals()
        programs = [program for program in _all_programs(office) if only in (None, program.name)]
        if not programs:
            raise click.ClickException(f"The card processor is {office.processor_base}: no stand-in to run.")
        _refuse_busy_ports(office, programs)
        if only:
            _run_one(office, programs[0])
        else:
            _run_all(office, programs)

    @click.command("worker")
    @click.option("--once", is_flag=True, help="Do what is due now, then end.")
    @click.option("--json", "as_json", is_flag=True, help="Answer for machines.")
    def worker(once: bool, as_json: bool) -> None:  # noqa: FBT001 - options of the command line
        """Work the queues off."""
        if once:
            _work_once(office, _print_json if as_json else _print_work)
        else:
            _work_until_stopped(office.worker)

    @click.command("doctor")
    @click.option("--json", "as_json", is_flag=True, help="Answer for machines.")
    def doctor(as_json: bool) -> None:  # noqa: FBT001 - an option of the command line
        """Say in plain words what is wrong with this installation."""
        _examine(office, _print_json if as_json else _print_findings)

    return start, worker, doctor


# --- start ---------------------------------------------------------------------------------------------


def web_program(port: int, processes: int = WEB_PROCESSES) -> Program:
    """Loaded once, then forked: nothing is connected before a request comes."""
    gunicorn = (sys.executable, "-m", "gunicorn", "--worker-class", "sync", "--workers", str(processes))
    patience = ("--timeout", str(LONGEST_REQUEST_SECONDS))
    where = ("--bind", f"127.0.0.1:{port}", "--no-control-socket", "--preload", "wsgi:app")
    return Program(name="web", command=(*gunicorn, *patience, *where))


def worker_program() -> Program:
    return Program(name="worker", command=(*_flask(), "worker"))


def stand_in_program(environment: Mapping[str, str]) -> Program:
    return Program(name="sandbox", command=(sys.executable, "-m", "billing.sandbox"), environment=environment)


def _all_programs(office: Office) -> list[Program]:
    ours = [web_program(office.port), worker_program()]
    if office.sandbox_port is None:
        return ours
    return [stand_in_program(office.sandbox_environment), *ours]


def _flask() -> tuple[str, ...]:
    return sys.executable, "-m", "flask", "--app", "wsgi"


def _refuse_busy_ports(office: Office, programs: list[Program]) -> None:
    if office.port == office.sandbox_port:
        raise click.ClickException(f"PORT and SANDBOX_PORT are both {office.port}: make them differ.")
    wanted = {"web": ("PORT", office.port), "sandbox": ("SANDBOX_PORT", office.sandbox_port)}
    for program in programs:
        variable, port = wanted.get(program.name, ("", None))
        if port is not None and not port_is_free(port):
            raise click.ClickException(
                f"Port {port} is in use: stop what listens there, or choose another with {variable}=..."
            )


def _run_one(office: Office, program: Program) -> None:
    """In this terminal, without restarts: for looking at one process alone."""
    supervisor = Supervisor(folder=office.root, run_dir=office.run_dir)
    supervisor.start(program)
    try:
        status = supervisor.wait(program.name)
    except KeyboardInterrupt:
        status = 0
    finally:
        supervisor.stop_all()
    sys.exit(status)


def _run_all(office: Office, programs: list[Program]) -> None:
    supervisor = Supervisor(folder=office.root, run_dir=office.run_dir, log_dir=office.var_dir / "log")
    lock = _only_one(office.run_dir)
    try:
        _prepare(office)
        for program in programs:
            supervisor.start(program)
        _wait_until_ready(office, supervisor)
        if office.sandbox_port is not None and office.sample_clinic:
            offer_reader(office.processor_base, office.sandbox_environment["STRIPE_SECRET_KEY"])
        _welcome(office)
        supervisor.watch(click.echo)
        click.echo("\nAll processes have ended.")
    except KeepsDying as problem:
        raise click.ClickException(str(problem)) from None
    except KeyboardInterrupt:
        pass
    finally:
        supervisor.stop_all()
        lock.close()


def _only_one(run_dir: Path) -> IO[str]:
    """Held while the office is open: two in one folder would take each other's files for their own."""
    run_dir.mkdir(parents=True, exist_ok=True)
    lock = open(run_dir / "office.lock", "w")  # noqa: SIM115 - held until the office closes
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise click.ClickException(
            f"The office of {run_dir.parent} is open already: end it first, or set VAR_DIR for another one."
        ) from None
    return lock


def _prepare(office: Office) -> None:
    """Migrate; load the sample clinic into an empty database, and let one person of each role sign in."""
    _command("db", "upgrade")
    with office.database.reading() as read:
        empty = office.is_empty(read)
    if empty and office.sample_clinic:
        _command("seed", str(office.sample_clinic))
        _keep_sign_ins(office, [])
    _complete_sign_ins(office)


def _complete_sign_ins(office: Office) -> None:
    """Only where the sample clinic was loaded by us, this time or at an earlier, interrupted start."""
    sign_ins = _kept_sign_ins(office).get(_database_mark(office))
    if sign_ins is None:
        return
    there = {sign_in["role"] for sign_in in sign_ins}
    for role in Role:
        if role.value not in there:
            sign_ins.append(_sample_sign_in(role))
            _keep_sign_ins(office, sign_ins)


def _command(*arguments: str) -> str:
    """Run one of our own commands, as a person would, but in this process: starting another takes seconds."""
    done = current_app.test_cli_runner().invoke(args=list(arguments))
    if done.exit_code:
        raise click.ClickException(
            f"`flask {' '.join(arguments[:2])}` failed:\n{done.output}{done.exception!r}"
        )
    return done.stdout


def _sample_sign_in(role: Role) -> dict[str, str]:
    email = f"{role.value.replace('_', '-')}@clinic-b.example"
    answer = json.loads(_command("people", "add", "--email", email, "--role", role.value, "--json"))
    return {"role": role.value, "email": email, "password": answer["password"]}


def _sign_ins_file(office: Office) -> Path:
    return office.run_dir / "sample-sign-ins.json"


def _kept_sign_ins(office: Office) -> dict[str, list[dict[str, str]]]:
    """Those of every database that was started from here: the passwords belong to one of them."""
    file = _sign_ins_file(office)
    kept: dict[str, list[dict[str, str]]] = json.loads(file.read_text()) if file.exists() else {}
    return kept


def _database_mark(office: Office) -> str:
    return hashlib.sha256(office.database_url.encode()).hexdigest()[:12]


def _keep_sign_ins(office: Office, sign_ins: list[dict[str, str]]) -> None:
    file = _sign_ins_file(office)
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = {**_kept_sign_ins(office), _database_mark(office): sign_ins}
    file.touch(mode=0o600)
    file.write_text(json.dumps(kept, indent=1))


def _wait_until_ready(office: Office, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    wanted = {"web": f"http://127.0.0.1:{office.port}/readyz"}
    if office.sandbox_port is not None:
        wanted["sandbox"] = f"http://127.0.0.1:{office.sandbox_port}/_control"
    for name, address in wanted.items():
        while not answers(address):
            if time.monotonic() > deadline:
                log = supervisor.log_of(name)
                raise click.ClickException(f"The {name} process does not get ready: see {log}.")
            supervisor.revive()
            time.sleep(0.1)


def _welcome(office: Office) -> None:
    click.echo(f"\nThe billing office is open (process {os.getpid()}).\n")
    click.echo(f"  staff     {office.public_url}/staff/")
    click.echo(f"  API       {office.public_url}/api/v1/openapi.json")
    if office.sandbox_port is not None:
        click.echo(
            f"  stand-in  http://127.0.0.1:{office.sandbox_port}/_control   (the card processor's double)"
        )
    sign_ins = _kept_sign_ins(office).get(_database_mark(office), [])
    if sign_ins:
        click.echo("\nSign-ins of the sample clinic (sample data, none of it is real):\n")
    for sign_in in sign_ins:
        click.echo(f"  {sign_in['role']:<11} {sign_in['email']:<30} {sign_in['password']}")
    click.echo(f"\nLogs are in {office.var_dir / 'log'}. Ctrl-C ends everything.")


# --- worker --------------------------------------------------------------------------------------------


def _work_once(office: Office, show: Callable[[dict[str, Any]], None]) -> None:
    done = office.worker.run_once()
    with office.database.reading() as read:
        report: QueueReport = queue_report(read, office.clock())
    show({"ok": not report.failed, "done": done, "waiting": report.waiting, "failed": report.failed})
    sys.exit(1 if report.failed else 0)


def _work_until_stopped(worker: Worker) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker.run_until(stop)


def _print_work(answer: dict[str, Any]) -> None:
    click.echo(f"{answer['done']} jobs done, {answer['waiting']} still due, {answer['failed']} given up.")


# --- doctor --------------------------------------------------------------------------------------------


def _examine(office: Office, show: Callable[[dict[str, Any]], None]) -> None:
    installation = Installation(
        database=office.database,
        clock=office.clock,
        migrations=office.root / "migrations",
        processor_base=office.processor_base,
        sends_mail=office.sends_mail,
        tell_of_codes=office.tell_of_codes,
    )
    findings = list(examine(installation))
    ok = all(finding.ok for finding in findings)
    show({"ok": ok, "checks": [asdict(finding) for finding in findings]})
    sys.exit(0 if ok else 1)


def _print_findings(answer: dict[str, Any]) -> None:
    for finding in answer["checks"]:
        click.echo(f"{'well ' if finding['ok'] else 'WRONG'}  {finding['name']:<10} {finding['says']}")


def _print_json(answer: dict[str, Any]) -> None:
    click.echo(json.dumps(answer))
