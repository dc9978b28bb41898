"""What insurers answer: `remittances import`, of files and whole folders."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
import orjson
from flask.cli import AppGroup

from billing.insurance.cli.remittance_apart import add_unsettle
from billing.insurance.flows.remittances import REFUSED, WELL, Run, import_remittance, settled_by_later_ones
from billing.insurance.ports import RemittanceReader
from billing.insurance.records import ImportedFile, Remittance
from billing.insurance.schemas.remittances import ImportView
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Database, Tx

NAMES = frozenset({".835", ".era", ".edi", ".x12"})
"""How names of remittances end. In a folder another file counts as one by its first bytes."""
FIRST, BYTE_ORDER_MARK = b"ISA", b"\xef\xbb\xbf"
BYTES_LOOKED_AT = 100


def make_commands(database: Database, clock: Clock, reader: RemittanceReader) -> AppGroup:
    """The group `remittances`."""
    group = AppGroup("remittances", help="What insurers answer (X12 835).")

    @group.command("import")
    @click.argument("paths", metavar="FILES...", nargs=-1, required=True, type=click.Path(path_type=Path))
    @click.option("--dry-run", is_flag=True, help="Do it all, show it, and roll it back.")
    @click.option("--json", "as_json", is_flag=True, help="For machines.")
    def import_files(paths: tuple[Path, ...], dry_run: bool, as_json: bool) -> None:  # noqa: FBT001
        """Post FILES, and all of a folder, in any order; exits 0 when each is posted or a duplicate.

        What is no remittance in a folder, by its name and its first bytes, is left aside and told. A dry run
        does the same in one transaction, which other writers wait for, and rolls it back.
        """
        files, aside = _sorted_out(paths)

        def post(run: Run) -> list[ImportedFile]:
            return settled_by_later_ones(_imported(run, reader, files, clock))

        def play(tx: Tx) -> list[ImportedFile]:
            return post(lambda work: work(tx))

        imported = database.rehearse(play) if dry_run else post(database.in_transaction)
        click.echo(_as_json(imported, aside) if as_json else _as_text(imported, aside))
        sys.exit(0 if all(each.status in WELL for each in imported) else 1)

    add_unsettle(group, database, clock)
    return group


def _imported(
    run: Run, reader: RemittanceReader, paths: Sequence[Path], clock: Clock
) -> Iterator[ImportedFile]:
    """One file after another, with a bar of their bytes on a terminal."""
    sizes = [path.stat().st_size if path.is_file() else 0 for path in paths]
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=sum(sizes), label="Remittances", file=sys.stderr, hidden=hidden) as bar:
        for path, size in zip(paths, sizes, strict=True):
            yield _import_path(run, reader, path, clock, _share_of(bar.update, size))


def _share_of(update: Callable[[int], None], size: int) -> Callable[[int, int], None]:
    """Moves a bar by this many bytes in all, as claims are told done."""
    shown = 0

    def told(done: int, of: int) -> None:
        nonlocal shown
        now = size * done // of
        update(now - shown)
        shown = now

    return told


def _sorted_out(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Files themselves, and of folders each remittance that is not hidden, by name; or the folder when it has
    none. Then the names of what is left aside."""
    taken: list[Path] = []
    aside: list[str] = []
    for path in paths:
        if not path.is_dir():
            taken.append(path)
            continue
        files = sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
        remittances = [each for each in files if _is_remittance(each)]
        taken += remittances or [path]
        aside += [each.name for each in files if each not in remittances]
    return taken, aside


def _is_remittance(path: Path) -> bool:
    """One that cannot be opened is: that is told of it."""
    if path.suffix.lower() in NAMES:
        return True
    try:
        with path.open("rb") as file:
            first = file.read(BYTES_LOOKED_AT)
    except OSError:
        return True
    return first.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(FIRST)


def _import_path(
    run: Run, reader: RemittanceReader, path: Path, clock: Clock, told: Callable[[int, int], None]
) -> ImportedFile:
    if path.is_dir():
        return ImportedFile(name=path.name, status=REFUSED, reason="The folder holds no remittances.")
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = f"The file cannot be opened: {error.strerror}."
        return ImportedFile(name=path.name, status=REFUSED, reason=reason)
    return import_remittance(
        run, reader, name=path.name, content=content, actor=SYSTEM, clock=clock, told=told
    )


def _as_json(imported: Sequence[ImportedFile], aside: Sequence[str]) -> str:
    told = {**ImportView().dump({"files": imported}), "left_aside": aside}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()


def _as_text(imported: Sequence[ImportedFile], aside: Sequence[str]) -> str:
    lines = []
    for file in imported:
        lines.append(f"{file.name}: {file.status}" + (f". {file.reason}" if file.reason else ""))
        for each in file.transactions:
            lines += _transaction_as_text(each)
        for each in file.resumed:
            lines += ["  What had waited for it:", *_transaction_as_text(each)]
    if aside:
        lines.append(f"Left aside, no remittances: {', '.join(aside)}")
    return "\n".join(lines)


def _transaction_as_text(told: Remittance) -> list[str]:
    reason = f". {told.reason}" if told.reason else ""
    return [
        f"  {told.trace} from {told.payer_name}, {told.amount}: {told.status}{reason}",
        *(
            f"    {claim.control_number}: {claim.status}, paid {claim.paid}, credit {claim.credit}"
            + (f" ({claim.outcome.replace('_', ' ')})" if claim.outcome else "")
            + (f", charge {claim.charge}, billed {claim.billed}" if claim.billed else "")
            for claim in told.claims
        ),
    ]
