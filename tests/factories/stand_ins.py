"""Processes of the stand-in, forked from one that has loaded it: loading takes longer than most tests."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

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

        Raises: RuntimeError when it does not come to listen; it has ended then.
        """
        with self._turn:
            process_id, said = int(self._answer(start=environ)), self._line()
        if LISTENS not in said:
            self.wait(process_id)
            raise RuntimeError("the stand-in did not start")
        return process_id, said.split()[-1]

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
    running: set[int] = set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        asked = json.loads(line)
        if "start" in asked:
            running.add(_fork(asked["start"]))
            continue
        running.discard(asked["wait"])
        print(_ended(asked["wait"]), flush=True)
    for process_id in running:
        with suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)


def _ended(process_id: int) -> int:
    signal.signal(signal.SIGALRM, lambda *_: os.kill(process_id, signal.SIGKILL))
    signal.alarm(ENDS_IN_SECONDS)
    _, status = os.waitpid(process_id, 0)
    signal.alarm(0)
    return os.waitstatus_to_exitcode(status)


def _fork(environ: dict[str, str]) -> int:
    if child := os.fork():
        return child
    os.environ.clear()
    os.environ.update(environ)
    print(os.getpid(), flush=True)
    try:
        stand_in.main()
    except SystemExit as said:
        print("ended", flush=True)
        print(said, file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    _serve()
