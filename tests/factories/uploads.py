"""A worker that reads and posts insurers' files; run as a program, it is killed: python -m ... URL CLAIMS"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from billing.adapters.remittance_835 import Edi835Reader
from billing.insurance.flows import remittance_uploads
from billing.insurance.flows.remittance_uploads import Office, post_upload, read_upload
from billing.insurance.ports import RemittanceReader
from billing.insurance.records import RemittanceClaim, RemittanceFile, RemittanceTransaction
from billing.insurance.use_cases.remittance_uploads import POST_UPLOAD, READ_UPLOAD
from billing.platform.data.database import Database
from billing.platform.data.jobs import Handler, Worker
from tests.conftest import NOW, open_database


class Handlers(dict[str, Handler]):
    """Work of other kinds is left undone."""

    def __missing__(self, _kind: str) -> Handler:
        return lambda _task: None


class Spoilt(tuple[RemittanceClaim, ...]):
    """Claims at which the program fails, as often as `errors` has one."""

    errors: list[Exception]

    def __iter__(self) -> Iterator[RemittanceClaim]:
        if self.errors:
            raise self.errors.pop(0)
        return super().__iter__()


class SpoilingReader:
    """Reads well, but for the claims of some payments; `first` is done before the first file is read."""

    def __init__(
        self, errors: Mapping[str, list[Exception]], first: Callable[[], None] | None = None
    ) -> None:
        self._errors, self._first = errors, first

    def read(self, content: bytes) -> RemittanceFile:
        first, self._first = self._first, None
        if first:
            first()
        read = Edi835Reader().read(content)
        return RemittanceFile(tuple(self._spoilt(each) for each in read.transactions))

    def _spoilt(self, transaction: RemittanceTransaction) -> RemittanceTransaction:
        if transaction.trace not in self._errors:
            return transaction
        claims = Spoilt(transaction.claims)
        claims.errors = self._errors[transaction.trace]
        return replace(transaction, claims=claims)


def a_worker(database: Database, *, now: datetime = NOW, reader: RemittanceReader | None = None) -> Worker:
    office = Office(database, reader or Edi835Reader(), lambda: now)
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
