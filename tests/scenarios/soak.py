"""`make soak`: any order of deeds and mishaps over HTTP, on real processes, beside a small model.

After each step the invariants hold, and once nothing is on its way the ledger says what the model says and
what the processor says. SOAK_SECONDS says how long (60), SOAK_SEED repeats a run, SOAK_MACHINES=2 starts
the four web processes and the worker twice over; without DATABASE_URL on SQLite in var/soak.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from billing.platform.processes import KeepsDying, end_on_signals
from tests.scenarios.demo_database import claim
from tests.scenarios.office import ROOT, Failed, Office
from tests.scenarios.soak_clinic import Clinic
from tests.scenarios.soak_deeds import DEEDS, Deed
from tests.scenarios.soak_desk import bill, leave_a_deposit, pay_by_card
from tests.scenarios.soak_visit import Choose, Visit

FOLDER = ROOT / "var" / "soak"
BEGINS = "2026-11-02T09:00:00-06:00"
WEB_PROCESSES = 4
STEPS = 30
CHANCE = st.integers(0, 2**32 - 1)


class Soak(RuleBasedStateMachine):
    """One patient. Hypothesis' own choice of rules leaves whole kinds out for a run, so there is one rule:
    every second step does what was done least until now, the others anything. Hypothesis draws one number
    a step, whatever is possible then: so it sees the same kind of run however fast the machine is.
    """

    clinic: ClassVar[Clinic]
    ends: ClassVar[float]
    steps: ClassVar[int] = 0
    failure: ClassVar[str] = ""
    tried: ClassVar[Counter[str]] = Counter()
    done: ClassVar[Counter[str]] = Counter()
    visit: Visit | None = None

    @initialize(chance=CHANCE)
    def a_new_patient_comes(self, chance: int) -> None:
        if self._is_over():
            return
        with self._told("a new patient"):
            self.visit = Visit(self.clinic, self.steps)
            choose = Choose(f"{self.steps} {chance}")
            for deed in (leave_a_deposit, bill, bill, pay_by_card, bill):
                deed(self.visit, choose)

    @rule(chance=CHANCE)
    def one_step(self, chance: int) -> None:
        if self.visit is None or self._is_over():
            return
        type(self).steps += 1
        choose = Choose(f"{self.steps} {chance}")
        deed = choose.of(self._possible(self.visit))
        self.tried[deed.name] += 1
        with self._told(deed.name):
            if deed.do(self.visit, choose) is not False:
                self.done[deed.name] += 1

    @invariant()
    def invariants_hold_and_all_say_the_same(self) -> None:
        if self.visit is None or self._is_over():
            return
        with self._told("what must hold"):
            self.clinic.refuse_broken_invariants()
            self.visit.compare()

    def teardown(self) -> None:
        """What is held is let go first, so that the next patient begins with nothing on its way."""
        if self.visit is None or self.failure:
            return
        with self._told("the patient's end"):
            self.visit.end()
            self.clinic.refuse_broken_invariants()
            self.clinic.compare_entries()
            self.clinic.stand_in.refuse_leaks()

    def _possible(self, visit: Visit) -> list[Deed]:
        possible = [deed for deed in DEEDS if deed.may(visit)]
        if self.steps % 2:
            least = min(self.tried[deed.name] for deed in possible)
            return [deed for deed in possible if self.tried[deed.name] == least]
        return possible

    def _is_over(self) -> bool:
        return bool(self.failure) or time.monotonic() > self.ends

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """A failure is printed before anything else happens."""
        try:
            yield
        except Exception:
            type(self).failure = f"{what} failed, at step {self.steps}"
            traceback.print_exc()
            raise


def soak(database_url: str, *, seconds: float, seed_number: int, machines: int) -> None:
    """Let one patient after the other come until the time is over."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    claim(database_url)
    office = Office(
        folder=FOLDER, database_url=database_url, clock=BEGINS, machines=machines, web_processes=WEB_PROCESSES
    )
    try:
        office.open()
        Soak.clinic, Soak.ends = Clinic(office, BEGINS), time.monotonic() + seconds
        while time.monotonic() < Soak.ends:
            play(seed_number)
            seed_number += 1
        Soak.clinic.close()
    finally:
        office.close()


def play(seed_number: int) -> None:
    """Some patients, one after the other. What fails is told at once, never replayed: processes have a past.

    Raises: Failed.
    """
    how = settings(
        max_examples=3,  # the first is always the simplest of all
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(seed_number)(Soak), settings=how)
    except Exception as error:
        raise Failed(f"{Soak.failure or error!r}") from error


def main() -> int:
    end_on_signals()
    seed_number = int(os.environ.get("SOAK_SEED") or random.randrange(1_000_000_000))
    seconds = float(os.environ.get("SOAK_SECONDS", "60"))
    machines = int(os.environ.get("SOAK_MACHINES", "1"))
    how = f"seed {seed_number} (SOAK_SEED={seed_number} begins the same)"
    print(f"Soaking for {seconds:.0f} s from {how}.", flush=True)
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{FOLDER / 'soak.db'}"
    try:
        soak(url, seconds=seconds, seed_number=seed_number, machines=machines)
    except (Failed, KeepsDying) as problem:
        _tell(Soak.done)
        print(f"\nThe soak failed: {problem}; {how}. Logs are in var/soak/log.", file=sys.stderr)
        return 1
    _tell(Soak.done)
    print(f"{Soak.steps} steps from {how}; after each the books were the model's and the processor's.")
    return 0


def _tell(done: Counter[str]) -> None:
    for deed in DEEDS:
        print(f"  {done[deed.name] or 'never':>5}  {deed.name}")


if __name__ == "__main__":
    sys.exit(main())
