"""Starts the processes of one installation, watches over them, and ends all of them together."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux
GRACE_SECONDS = 8.0
LOOK_EVERY_SECONDS = 0.2
SHORT_LIFE_SECONDS = 5.0
MOST_SHORT_LIVES = 3


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process to run. `environment` is added to that of the supervisor."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


class KeepsDying(Exception):
    """A program that ends again and again right after its start."""


@dataclass
class _Running:
    process: subprocess.Popen[bytes]
    started_at: float
    short_lives: int


class Supervisor:
    """Runs programs in `folder`, leaves NAME.pid under `run_dir`, and their words in `log_dir`.

    Without a `log_dir` they write to the supervisor's own terminal; without an `environment` they
    have its own.
    """

    def __init__(
        self,
        *,
        folder: Path,
        run_dir: Path,
        log_dir: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._run_dir = run_dir
        self._log_dir = log_dir
        self._environment = os.environ if environment is None else environment
        self._programs: dict[str, Program] = {}
        self._running: dict[str, _Running] = {}

    def start(self, program: Program) -> None:
        """Start a program, again when it had ended; what its last life left behind is ended first."""
        before = self._running.get(program.name)
        if before:
            _end_group(before.process.pid, signal.SIGKILL)
        self._programs[program.name] = program
        process = self._spawn(program)
        short_lives = before.short_lives if before else 0
        self._running[program.name] = _Running(process, time.monotonic(), short_lives)
        self._pid_file(program.name).write_text(f"{process.pid}\n")

    def stop(self, name: str) -> None:
        """End one program and what it started: politely, and after GRACE_SECONDS by force."""
        self._end([name])

    def stop_all(self) -> None:
        """End every program; all of them have the same GRACE_SECONDS."""
        self._end(list(self._running))

    def revive(self) -> list[str]:
        """Start again what has ended; return a sentence for each.

        Raises: KeepsDying; what somebody kills may die as often as they like.
        """
        return [
            self._revive(name)
            for name, running in self._running.items()
            if running.process.poll() is not None
        ]

    def wait(self, name: str) -> int:
        """Wait until a program ends by itself; return its exit status."""
        return self._running[name].process.wait()

    def watch(self, say: Callable[[str], None]) -> None:
        """Keep all programs alive until Ctrl-C or SIGTERM, then end them.

        Raises: KeepsDying, after ending them.
        """
        try:
            while True:
                for sentence in self.revive():
                    say(sentence)
                time.sleep(LOOK_EVERY_SECONDS)
        except KeyboardInterrupt:
            pass
        finally:
            self.stop_all()

    def log_of(self, name: str) -> str:
        """Where the words of a program can be read."""
        return str(self._log_dir / f"{name}.log") if self._log_dir else "the terminal"

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        self._run_dir.mkdir(parents=True, exist_ok=True)
        environment = {**self._environment, **program.environment}
        if self._log_dir is None:
            return _popen(program, self._folder, environment, None)
        self._log_dir.mkdir(parents=True, exist_ok=True)
        with open(self._log_dir / f"{program.name}.log", "ab") as log:
            return _popen(program, self._folder, environment, log.fileno())

    def _revive(self, name: str) -> str:
        running = self._running[name]
        status = running.process.returncode
        lived = time.monotonic() - running.started_at
        by_itself = status >= 0
        running.short_lives = running.short_lives + 1 if by_itself and lived < SHORT_LIFE_SECONDS else 0
        if running.short_lives >= MOST_SHORT_LIVES:
            raise KeepsDying(f"{name} ends right after its start (status {status}): see {self.log_of(name)}.")
        self.start(self._programs[name])
        return f"{name} ended with status {status} and was started again."

    def _end(self, names: list[str]) -> None:
        for name in names:
            _end_group(self._running[name].process.pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for name in names:
            process = self._running.pop(name).process
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            _end_group(process.pid, signal.SIGKILL)
            process.wait()
            self._forget(name, process.pid)

    def _forget(self, name: str, pid: int) -> None:
        """Remove the pid file, unless another process has taken the name meanwhile."""
        pid_file = self._pid_file(name)
        if pid_file.exists() and pid_file.read_text().strip() == str(pid):
            pid_file.unlink()

    def _pid_file(self, name: str) -> Path:
        return self._run_dir / f"{name}.pid"


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def answers(url: str) -> bool:
    """Whether an HTTP server answers there with success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # our own loopback address
            return bool(answer.status < 400)
    except (OSError, urllib.error.URLError):
        return False


def _popen(
    program: Program, folder: Path, environment: Mapping[str, str], log: int | None
) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C reaches the supervisor alone and children end in order."""
    return subprocess.Popen(  # noqa: S603  # the commands are ours
        program.command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  # one thread
    )


def _end_with_parent() -> None:
    """Were the supervisor itself killed, its children would otherwise hold the ports."""
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _end_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
