"""`flask remittances import`: what an insurer sent, posted or parked, with a report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import orjson
from flask.cli import AppGroup

from billing.insurance.flows import REFUSED, Run, import_remittance
from billing.insurance.ports import RemittanceReader
from billing.insurance.records import ImportedFile
from billing.insurance.schemas import ImportView
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Database, Tx

WELL = frozenset({"posted", "duplicate"})


def make_commands(database: Database, clock: Clock, reader: RemittanceReader) -> AppGroup:
    """The group `remittances`."""
    group = AppGroup("remittances", help="What insurers answer (X12 835).")

    @group.command("import")
    @click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
    @click.option("--dry-run", is_flag=True, help="Do it all, show it, and roll it back.")
    @click.option("--json", "as_json", is_flag=True, help="For machines.")
    def import_files(files: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:  # noqa: FBT001
        """Post FILES; exits 0 when each was posted or is a duplicate.

        A dry run plays each file by itself, as if the others had not come.
        """

        def post(path: Path) -> ImportedFile:
            return _import_path(database.in_transaction, reader, path, clock)

        def play(path: Path) -> ImportedFile:
            return database.rehearse(lambda tx: _import_path(_inside(tx), reader, path, clock))

        imported = [(play if dry_run else post)(path) for path in files]
        click.echo(_as_json(imported) if as_json else _as_text(imported))
        sys.exit(0 if all(each.status in WELL for each in imported) else 1)

    return group


def _inside(tx: Tx) -> Run:
    """Runs work inside a transaction that is already open."""
    return lambda work: work(tx)


def _import_path(run: Run, reader: RemittanceReader, path: Path, clock: Clock) -> ImportedFile:
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = f"The file cannot be opened: {error.strerror}."
        return ImportedFile(name=path.name, status=REFUSED, reason=reason)
    return import_remittance(run, reader, name=path.name, content=content, actor=SYSTEM, clock=clock)


def _as_json(imported: Sequence[ImportedFile]) -> str:
    return orjson.dumps(ImportView().dump({"files": imported}), option=orjson.OPT_INDENT_2).decode()


def _as_text(imported: Sequence[ImportedFile]) -> str:
    lines = []
    for file in imported:
        lines.append(f"{file.name}: {file.status}" + (f". {file.reason}" if file.reason else ""))
        for each in file.transactions:
            reason = f". {each.reason}" if each.reason else ""
            lines.append(f"  {each.trace} from {each.payer_name}, {each.amount}: {each.status}{reason}")
            lines += [
                f"    {claim.control_number}: {claim.status}, paid {claim.paid}, credit {claim.credit}"
                + (f" ({claim.outcome.replace('_', ' ')})" if claim.outcome else "")
                for claim in each.claims
            ]
    return "\n".join(lines)
