"""Processes of the stand-in, forked from one that has loaded it: loading takes longer than most tests."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import mkstemp
from typing import Any, NoReturn

import billing.sandbox.__main__ as stand_in

ROOT = Path(__file__).resolve().parents[2]
ENDS_IN_SECONDS = 20
LISTENS = "listens on"


class Nursery:
    """Asks the loaded process for another one like it, and what became of that."""

    def __init__(self) -> None:
        self._loaded = subprocess.Popen(
            [sys.executable, "-m", "tests.factories.stand_ins"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._turn = threading.Lock()
        atexit.register(self._end)

    def start(self, environ: dict[str, str]) -> tuple[int, str]:
        """The id of a new process, and its address.

        Raises: RuntimeError with what it said when it does not come to listen; it has ended then.
        """
        with self._turn:
            answer = json.loads(self._answer(start=environ))
        if "failed" in answer:
            raise RuntimeError(f"the stand-in did not start: {answer['failed']}")
        return answer["process_id"], answer["address"]

    def wait(self, process_id: int) -> int:
        """Its exit status, negative for a signal, once it has ended; it is killed if that takes long."""
        with self._turn:
            return int(self._answer(wait=process_id))

    def _answer(self, **asked: Any) -> str:
        assert self._loaded.stdin
        with suppress(BrokenPipeError):  # then there is no line to read either
            print(json.dumps(asked), file=self._loaded.stdin, flush=True)
        return self._line()

    def _line(self) -> str:
        assert self._loaded.stdout
        line = self._loaded.stdout.readline()
        if not line:
            nursery.cache_clear()  # the next test has another
            raise RuntimeError("the process that has loaded the stand-in is gone")
        return line

    def _end(self) -> None:
        for pipe in (self._loaded.stdin, self._loaded.stdout):
            assert pipe
            pipe.close()
        self._loaded.wait(ENDS_IN_SECONDS)


@cache
def nursery() -> Nursery:
    return Nursery()


def _serve() -> None:
    """Until whoever asks is gone, and with them all that is still running."""
    running: dict[int, int] = {}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        asked = json.loads(line)
        if "start" in asked:
            print(json.dumps(_started(asked["start"], running)), flush=True)
            continue
        status = _ended(asked["wait"])
        sys.stderr.write(_read(running.pop(asked["wait"])))
        print(status, flush=True)
    for process_id in running:
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)


def _started(environ: dict[str, str], running: dict[int, int]) -> dict[str, Any]:
    """Its first line says where it listens; without one it has ended, and its errors say why."""
    errors, path = mkstemp()
    os.unlink(path)  # it goes with the last who has it open
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _become(environ, writing, errors)
    os.close(writing)
    with _at_most(child), open(reading) as told:
        said = told.readline()
    if LISTENS in said:
        running[child] = errors
        return {"process_id": child, "address": said.split()[-1]}
    status = _ended(child)
    return {"failed": f"{said}{_read(errors)}(exit status {status})"}


def _become(environ: dict[str, str], output: int, errors: int) -> NoReturn:
    """A child is the stand-in, and never comes back to what its parent does."""
    os.dup2(output, 1)
    os.dup2(errors, 2)
    os.environ.clear()
    os.environ.update(environ)
    status = 1
    try:
        stand_in.main()
        status = 0
    except SystemExit as said:
        print(said, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(status)


def _read(errors: int) -> str:
    with open(errors, "rb") as kept:
        kept.seek(0)
        return kept.read().decode(errors="replace")


def _ended(process_id: int) -> int:
    with _at_most(process_id):
        _, status = os.waitpid(process_id, 0)
    return os.waitstatus_to_exitcode(status)


@contextmanager
def _at_most(process_id: int) -> Iterator[None]:
    """A process that takes longer is killed."""
    signal.signal(signal.SIGALRM, lambda *_: os.kill(process_id, signal.SIGKILL))
    signal.alarm(ENDS_IN_SECONDS)
    yield
    signal.alarm(0)


if __name__ == "__main__":
    _serve()
