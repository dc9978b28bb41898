"""An 835 of 20,000 claims with two adjustments each, read into records and balanced; nothing is posted."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import oxedi

from bench.databases import Databases
from bench.frame import PRODUCT, Goal, Row, computed, contest, not_measured
from bench.peers import raw_835
from billing.adapters.remittance_835 import Edi835Reader
from billing.insurance.rules.balance import imbalance
from tests.factories.remittance_835 import Claim, remittance

CLAIMS = 20_000
LOOP, PARSE = "flat loop", "parse alone"
PATH = f"835 of {CLAIMS:,} claims: parsed and balanced"
STATUS = Path("/proc/self/status")


def rows(_databases: Databases) -> Iterator[Row]:
    content = sample_file()
    sides = {
        PRODUCT: computed(lambda: read_and_balance(content)),
        LOOP: computed(lambda: raw_835.balanced_claims(content)),
        PARSE: computed(lambda: oxedi.parse(content)),
    }
    assert raw_835.balanced_claims(content) == read_and_balance(content) == CLAIMS
    played = contest(sides, rounds=9)
    called = f"oxedi {version('oxedi')}"
    yield played.row(PATH, Goal(0.7), against=LOOP, called=f"{called}, balanced in one flat loop")
    yield played.row(PATH, None, against=PARSE, called=f"{called}, parsed alone and not read")
    yield _memory(content)


def read_and_balance(content: bytes) -> int:
    """How many claims there are, all of which balance."""
    transactions = Edi835Reader().read(content).transactions
    assert not any(imbalance(transaction) for transaction in transactions)
    return sum(len(transaction.claims) for transaction in transactions)


def sample_file() -> bytes:
    return remittance(
        [
            Claim(
                control_number=f"SAMPLE{number:010d}",
                charge_cents=36_125,
                paid_cents=18_050,
                adjustments=(("CO", "45", 6_125), ("PR", "1", 11_950)),
            )
            for number in range(CLAIMS)
        ]
    )


def _memory(content: bytes) -> Row:
    """What reading adds to the peak of a fresh process that holds the file."""
    goal, path = Goal(60, unit=" MB", at_most=True), f"835 of {CLAIMS:,} claims: memory beside the file"
    if not STATUS.exists():
        return not_measured(path, goal, "none", "only Linux tells the peak of a process")
    command = [sys.executable, "-m", "bench.rows.remittance"]
    told = subprocess.run(command, check=True, capture_output=True, input=content).stdout
    megabytes = int(told) / 1024
    return Row(
        path=path,
        ratio=f"{megabytes:.0f} MB",
        goal=str(goal),
        outcome=goal.told(megabytes),
        peer="none",
        detail="the process's peak",
    )


def peak_kilobytes() -> int:
    """`getrusage` would count what the process was before it became this program."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", STATUS.read_text())[0])


if __name__ == "__main__":
    file = sys.stdin.buffer.read()
    before = peak_kilobytes()
    read_and_balance(file)
    print(peak_kilobytes() - before)
