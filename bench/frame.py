"""Product and peer in turn, round by round, in one run. Only ratios travel between machines."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time
from typing import TypeVar

T = TypeVar("T")

Round = Callable[[], float]
"""Runs one round and answers the seconds that one deed took."""

PRODUCT = "product"


@dataclass(frozen=True)
class Goal:
    """What a figure has to be: at least the bound, or at most."""

    bound: float
    unit: str = "x"
    at_most: bool = False

    def __str__(self) -> str:
        return f"{'<' if self.at_most else '>='} {self.bound:g}{self.unit}"

    def told(self, figure: float) -> str:
        is_met = figure < self.bound if self.at_most else figure >= self.bound
        return "met" if is_met else "short"


@dataclass(frozen=True)
class Row:
    """One line of the answer. `detail` has the medians, or why nothing was measured."""

    path: str
    ratio: str
    goal: str
    outcome: str
    peer: str
    detail: str

    def __str__(self) -> str:
        return " | ".join((self.path, self.ratio, self.goal, self.outcome, self.peer))


@dataclass(frozen=True)
class Contest:
    """The seconds of every round, by side."""

    rounds: Mapping[str, Sequence[float]]

    def ratio(self, peer: str) -> float:
        """How many times as fast as the peer the product is: the median over the rounds."""
        pairs = zip(self.rounds[peer], self.rounds[PRODUCT], strict=True)
        return median(theirs / ours for theirs, ours in pairs)

    def row(self, path: str, goal: Goal | None, *, against: str, called: str) -> Row:
        ratio = self.ratio(against)
        ours, theirs = median(self.rounds[PRODUCT]), median(self.rounds[against])
        return Row(
            path=path,
            ratio=f"{ratio:.2f}x",
            goal=str(goal) if goal else "none",
            outcome=goal.told(ratio) if goal else "for comparison",
            peer=called,
            detail=f"{in_words(ours)} against {in_words(theirs)}",
        )


def contest(sides: Mapping[str, Round], *, rounds: int) -> Contest:
    """Let every side run once to warm up, then all of them in each round, in alternating order."""
    for side in sides.values():
        side()
    seen: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        for name in sorted(sides, reverse=bool(number % 2)):
            gc.collect()
            seen[name].append(sides[name]())
    return Contest(seen)


def timed(deed: Callable[[T], object], items: Iterable[T]) -> float:
    """The seconds that the deed takes for one item, over all of them."""
    listed = list(items)
    began = perf_counter()
    for item in listed:
        deed(item)
    return (perf_counter() - began) / len(listed)


def repeated(deed: Callable[[], object], times: int) -> Round:
    """A round of the same deed, which prepares nothing and leaves nothing behind."""
    return lambda: timed(lambda _: deed(), range(times))


def computed(deed: Callable[[], object]) -> Round:
    """A round of a deed that waits for nothing: its processor time, which other work hardly changes."""

    def run() -> float:
        began = process_time()
        deed()
        return process_time() - began

    return run


def not_measured(path: str, goal: Goal, peer: str, why: str) -> Row:
    return Row(path, "-", str(goal), "not measured", peer, why)


def in_words(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} us"
