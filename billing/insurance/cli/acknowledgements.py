"""`flask claims acknowledge`: what was sent back for claims."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from billing.catalog.cli import AS_JSON
from billing.insurance.flows.acknowledgements import TAKEN, take_acknowledgement
from billing.insurance.flows.remittances import REFUSED, Run
from billing.insurance.ports import AcknowledgementReader
from billing.insurance.records.acknowledgements import AcknowledgedFile
from billing.insurance.schemas.claims import AcknowledgedFileView
from billing.insurance.use_cases.acknowledgements import DUPLICATE, MOVED
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Database

WELL = frozenset({TAKEN, DUPLICATE})


def add_acknowledge(group: AppGroup, database: Database, clock: Clock, reader: AcknowledgementReader) -> None:
    @group.command("acknowledge")
    @click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
    @click.option("--dry-run", is_flag=True, help="Do it all, show it, and roll it back.")
    @AS_JSON
    def acknowledge(paths: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:  # noqa: FBT001
        """Take what was sent back for claims: each 999 or 277CA FILE, or all files of a folder.

        A file is taken whole or refused whole; what came before changes nothing. Exits 0 when each file was
        taken or came before, and all of it is about claims that were sent.
        """
        run = database.rehearse if dry_run else database.in_transaction
        files = [file for path in paths for file in _files_in(path)]
        taken = [_take_path(run, reader, file, clock) for file in files]
        if as_json:
            well = all(each.status in WELL for each in taken)
            click.echo(json.dumps({"ok": well, "files": AcknowledgedFileView(many=True).dump(taken)}))
        else:
            click.echo("\n".join(map(_taken_as_text, taken)) or "There is no file.")
        sys.exit(0 if all(each.status in WELL for each in taken) else 1)


def _files_in(path: Path) -> list[Path]:
    """Those of a folder in the order of their names, without hidden ones."""
    if not path.is_dir():
        return [path]
    return sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))


def _take_path(run: Run, reader: AcknowledgementReader, path: Path, clock: Clock) -> AcknowledgedFile:
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = f"The file cannot be opened: {error.strerror}."
        return AcknowledgedFile(name=path.name, status=REFUSED, reason=reason)
    return take_acknowledgement(run, reader, name=path.name, content=content, actor=SYSTEM, now=clock())


def _taken_as_text(file: AcknowledgedFile) -> str:
    lines = [f"{file.name}: {file.status}" + (f". {file.reason}" if file.reason else "")]
    for each in file.claims:
        about = each.number or f"{each.named or 'nobody'} (segment {each.segment})"
        codes = f" ({', '.join(each.codes)})" if each.codes else ""
        state = f", now {each.state}" if each.status == MOVED else ""
        lines.append(f"  {about}: {each.kind} {each.verdict}{codes}: {each.status}{state}")
    return "\n".join(lines)
