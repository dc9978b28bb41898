"""`make demo`: the journey on real processes; its papers, books and journey.json go to var/demo."""

import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from billing.platform.processes import KeepsDying, end_on_signals
from config import load_settings
from tests.scenarios.demo_database import claim
from tests.scenarios.journey import FIRST_INSTANT, play
from tests.scenarios.office import ROOT, Failed, Office
from tests.scenarios.record import Record

FOLDER = ROOT / "var" / "demo"


def main() -> int:
    end_on_signals()
    began = time.monotonic()
    try:
        with _alone():
            _demo(os.environ.get("DATABASE_URL") or f"sqlite:///{FOLDER / 'demo.db'}")
    except (Failed, KeepsDying) as problem:
        print(f"\nThe demo failed. {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo was interrupted.", file=sys.stderr)
        return 130
    print(f"\nAll of it is in {FOLDER.relative_to(ROOT)}/ ({time.monotonic() - began:.0f} s).")
    return 0


def _demo(database_url: str) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    claim(database_url)
    office = Office(
        folder=FOLDER, database_url=database_url, clock=FIRST_INSTANT, secrets=_secrets_of_this_folder()
    )
    record = Record(FOLDER)
    print("Two patients' ways through the office (sample data):\n", flush=True)
    try:
        office.open()
        play(office, record)
    finally:
        office.close()


def _secrets_of_this_folder() -> dict[str, str]:
    """Those that `flask` uses here, so that whoever looks at the demo's database afterwards can open it."""
    field_keys = os.environ.get("FIELD_KEYS")
    if field_keys:
        return {"FIELD_KEYS": field_keys}
    load_settings({"BILLING_ENV": "development"})  # makes them on first use
    kept: dict[str, str] = json.loads((ROOT / "var" / "secrets.json").read_text())
    return kept


@contextmanager
def _alone() -> Iterator[None]:
    """Two demos would take each other's folder away."""
    lock = Path(FOLDER.parent / "demo.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed("Another demo is running in this folder: wait for its end.") from None
        yield


if __name__ == "__main__":
    sys.exit(main())
