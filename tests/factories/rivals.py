"""Several real processes that do something to one database at the same moment."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from typing import Any

from billing.kernel.errors import BillingError
from tests.conftest import open_database

PATIENCE_SECONDS = 60
Deed = Callable[..., Any]
"""A function of a module, called with the Database and what is told to it; its answer can be pickled."""

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.factories.rivals"])


def at_once(url: str, deed: Deed, told: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Let one process for each entry of `told` do its deed, all released by one gate.

    Returns each one's answer, or the code of the refusal that it met.
    """
    gate, answers = _processes.Barrier(len(told)), _processes.SimpleQueue()
    rivals = [
        _processes.Process(target=_rival, args=(url, deed, arguments, gate, answers, place), daemon=True)
        for place, arguments in enumerate(told)
    ]
    for rival in rivals:
        rival.start()
    found = dict(answers.get() for _ in rivals)
    for rival in rivals:
        rival.join(PATIENCE_SECONDS)
    failed = [answer for answer in found.values() if isinstance(answer, Exception)]
    if failed:
        raise ExceptionGroup("a rival broke down", failed)
    return [found[place] for place in range(len(told))]


def _rival(url: str, deed: Deed, arguments: tuple[Any, ...], gate: Any, answers: Any, place: int) -> None:
    try:
        database = open_database(url)
        with database.reading():
            pass
        gate.wait(PATIENCE_SECONDS)
        answers.put((place, deed(database, *arguments)))
    except BillingError as refusal:
        answers.put((place, refusal.code))
    except Exception as error:
        answers.put((place, RuntimeError(f"{type(error).__name__}: {error}")))
