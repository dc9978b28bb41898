"""`flask denials load`: what reason codes mean, in the words of the clinic's own list."""

from __future__ import annotations

import json
from pathlib import Path

import click
from flask.cli import AppGroup

from billing.catalog.cli import AS_JSON, refusals_told
from billing.insurance.errors import UnreadableReasonCodes
from billing.insurance.records.denials import LoadedCodes
from billing.insurance.use_cases.reason_codes import load_codes
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Database, Tx


def make_denial_commands(database: Database, clock: Clock) -> AppGroup:
    """The group `denials`."""
    group = AppGroup("denials", help="Why insurers pay nothing.")

    @group.command("load")
    @click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
    @click.option("--dry-run", is_flag=True, help="Do it all, show it, and roll it back.")
    @AS_JSON
    def load(path: Path, dry_run: bool, as_json: bool) -> None:  # noqa: FBT001
        """Load the clinic's own texts of reason codes (CARC) and remark codes (RARC), whole or not at all.

        FILE is CSV with the columns list, code and text. Each list in it takes the place of the former.
        """

        def take(tx: Tx) -> LoadedCodes:
            return load_codes(tx, content=content, actor=SYSTEM, now=clock())

        with refusals_told(as_json=as_json):
            content = _content_of(path)
            loaded = database.rehearse(take) if dry_run else database.in_transaction(take)
        counts = {str(of): count for of, count in sorted(loaded.counts.items())}
        if as_json:
            click.echo(json.dumps({"ok": True, **counts}))
        else:
            click.echo("; ".join(f"{of.upper()}: {count} codes" for of, count in counts.items()))

    return group


def _content_of(path: Path) -> bytes:
    """Raises: UnreadableReasonCodes."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableReasonCodes(f"The file cannot be opened: {error.strerror}.") from None
