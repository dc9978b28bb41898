"""`flask codes`: the codes that a clinic bills by, as a file of its own."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
import orjson
from flask.cli import AppGroup

from billing.catalog.cli import AS_JSON, refusals_told
from billing.catalog.queries import find_entity_by_slug
from billing.insurance.errors import UnreadableCodes
from billing.insurance.queries.coding import codes_on
from billing.insurance.records.coding import LoadedCodes
from billing.insurance.rules.code_sets import written_codes
from billing.insurance.schemas import LoadedCodesView
from billing.insurance.use_cases.code_sets import load_codes
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Database, Tx

DAY = click.DateTime(["%Y-%m-%d"])
CLINIC = click.option("--clinic", "slug", required=True, help="As in its file, such as b.")


def make_code_commands(database: Database, clock: Clock) -> AppGroup:
    """The group `codes`."""
    group = AppGroup("codes", help="The codes that a clinic bills by.")
    _add_load(group, database, clock)
    _add_show(group, database)
    return group


def _add_load(group: AppGroup, database: Database, clock: Clock) -> None:
    @group.command("load")
    @click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
    @CLINIC
    @click.option("--from", "since", type=DAY, required=True, help="First day of service, YYYY-MM-DD.")
    @click.option("--replace", is_flag=True, help="Put it in the place of other codes of that day.")
    @click.option("--dry-run", is_flag=True, help="Do it all, show it, and roll it back.")
    @AS_JSON
    def load(
        path: Path,
        slug: str,
        since: datetime,
        replace: bool,  # noqa: FBT001
        dry_run: bool,  # noqa: FBT001
        as_json: bool,  # noqa: FBT001
    ) -> None:
        """Bill by the codes of FILE from a day of service on; a wrong file is refused whole, line by line."""

        def take(tx: Tx) -> LoadedCodes:
            return load_codes(
                tx,
                entity_id=find_entity_by_slug(tx, slug).id,
                content=content,
                starts_on=since.date(),
                replaces=replace,
                actor=SYSTEM,
                now=clock(),
            )

        with refusals_told(as_json=as_json):
            content = _content_of(path)
            loaded = database.rehearse(take) if dry_run else database.in_transaction(take)
        click.echo(_as_json(loaded) if as_json else _as_text(loaded))


def _add_show(group: AppGroup, database: Database) -> None:
    @group.command("show")
    @CLINIC
    @click.option("--on", "on", type=DAY, required=True, help="Day of service, YYYY-MM-DD.")
    def show(slug: str, on: datetime) -> None:
        """Print the codes that hold on a day, as the file that can be changed and loaded."""
        with refusals_told(as_json=False), database.reading() as read:
            codes = codes_on(read, find_entity_by_slug(read, slug).id, on.date())
            click.echo(written_codes(codes), nl=False)


def _content_of(path: Path) -> bytes:
    """Raises: UnreadableCodes."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableCodes(f"The file cannot be opened: {error.strerror}.") from None


def _as_json(loaded: LoadedCodes) -> str:
    return orjson.dumps(LoadedCodesView().dump(loaded), option=orjson.OPT_INDENT_2).decode()


def _as_text(loaded: LoadedCodes) -> str:
    return f"Codes of clinic {loaded.clinic} from {loaded.starts_on}: {loaded.status}, {loaded.rows} rows."
