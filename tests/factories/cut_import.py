"""Imports a file of insurers' payments and is killed in the middle of it: python -m ... URL FILE CLAIMS"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from billing.adapters.remittance_835 import Edi835Reader
from billing.insurance.flows.remittances import import_remittance
from billing.kernel.permissions import SYSTEM
from tests.conftest import NOW, open_database


def import_until_killed(url: str, path: str, claims: int) -> None:
    """The process ends when this many claims were posted, some of them in an open transaction."""

    def told(done: int, _of: int) -> None:
        if done == claims:
            os.kill(os.getpid(), signal.SIGKILL)

    import_remittance(
        open_database(url).in_transaction,
        Edi835Reader(),
        name="cut.835",
        content=Path(path).read_bytes(),
        actor=SYSTEM,
        clock=lambda: NOW,
        told=told,
    )


if __name__ == "__main__":
    import_until_killed(sys.argv[1], sys.argv[2], int(sys.argv[3]))
