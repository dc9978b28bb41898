"""A worker that reads and posts insurers' files; run as a program, it is killed: python -m ... URL CLAIMS"""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime

from billing.adapters.remittance_835 import Edi835Reader
from billing.insurance.flows import remittance_uploads
from billing.insurance.flows.remittance_uploads import Office, post_upload, read_upload
from billing.insurance.use_cases.remittance_uploads import POST_UPLOAD, READ_UPLOAD
from billing.platform.data.database import Database
from billing.platform.data.jobs import Handler, Worker
from tests.conftest import NOW, open_database


class Handlers(dict[str, Handler]):
    """Work of other kinds is left undone."""

    def __missing__(self, _kind: str) -> Handler:
        return lambda _task: None


def a_worker(database: Database, *, now: datetime = NOW) -> Worker:
    office = Office(database, Edi835Reader(), lambda: now)
    handlers = Handlers()
    handlers[READ_UPLOAD] = lambda task: read_upload(office, task)
    handlers[POST_UPLOAD] = lambda task: post_upload(office, task)
    return Worker(database, lambda: now, handlers)


def work_until_killed(url: str, claims: int) -> None:
    """The process ends when this many claims were posted, some of them in an open transaction."""
    count = remittance_uploads._Step._one_more

    def told(step: remittance_uploads._Step) -> None:
        count(step)
        if step._done == claims:
            os.kill(os.getpid(), signal.SIGKILL)

    remittance_uploads._Step._one_more = told  # type: ignore[method-assign]
    a_worker(open_database(url)).run_once()


if __name__ == "__main__":
    work_until_killed(sys.argv[1], int(sys.argv[2]))
