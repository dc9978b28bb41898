"""Diagnosis editions, and superbills by the batch."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path

import click
import orjson
from flask.cli import AppGroup

from billing.catalog.cli import AS_JSON, refusals_told
from billing.insurance.errors import UnreadableDiagnoses
from billing.insurance.flows import Press, hand_out_batch
from billing.insurance.records import Batch, BatchForm, LoadedEdition, Superbill, WhichSuperbills
from billing.insurance.schemas import BatchView, LoadedEditionView
from billing.insurance.use_cases.diagnoses import load_edition
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Database, Tx
from billing.platform.whole_file import whole_file

DAY = click.DateTime(["%Y-%m-%d"])


def make_diagnosis_commands(database: Database, clock: Clock) -> AppGroup:
    """The group `diagnoses`."""
    group = AppGroup("diagnoses", help="The codes of ICD-10-CM.")

    @group.command("load")
    @click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
    @click.option("--from", "since", type=DAY, required=True, help="First day of service, YYYY-MM-DD.")
    @click.option("--replace", is_flag=True, help="Put it in the place of another edition of that day.")
    @click.option("--allow-removals", is_flag=True, help="Take it though many codes are billable no more.")
    @click.option("--dry-run", is_flag=True, help="Do it all, show it, and roll it back.")
    @AS_JSON
    def load(
        path: Path,
        since: datetime,
        replace: bool,  # noqa: FBT001
        allow_removals: bool,  # noqa: FBT001
        dry_run: bool,  # noqa: FBT001
        as_json: bool,  # noqa: FBT001
    ) -> None:
        """Load a year's codes from CMS's order FILE (icd10cm_order_2027.txt), whole or not at all."""

        def take(tx: Tx) -> LoadedEdition:
            return load_edition(
                tx,
                content=content,
                starts_on=since.date(),
                replaces=replace,
                may_remove=allow_removals,
                actor=SYSTEM,
                now=clock(),
            )

        with refusals_told(as_json=as_json):
            content = _content_of(path)
            loaded = database.rehearse(take) if dry_run else database.in_transaction(take)
        click.echo(_edition_as_json(loaded) if as_json else _edition_as_text(loaded))

    return group


def _content_of(path: Path) -> bytes:
    """Raises: UnreadableDiagnoses."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableDiagnoses(f"The file cannot be opened: {error.strerror}.") from None


def _edition_as_json(loaded: LoadedEdition) -> str:
    return orjson.dumps(LoadedEditionView().dump(loaded), option=orjson.OPT_INDENT_2).decode()


def _edition_as_text(loaded: LoadedEdition) -> str:
    usual = ", ".join(loaded.usual_not_billable)
    told = f"\nUsual for a condition of the clinic, but not billable then: {usual}." if usual else ""
    return (
        f"ICD-10-CM from {loaded.starts_on}: {loaded.status}. {loaded.codes} codes, {loaded.billable} "
        f"billable; {loaded.new} of these are new, {loaded.gone} are billable no more.{told}"
    )


# ------------------------------------------------------------------------------- superbills by the batch


def make_superbill_commands(database: Database, clock: Clock, press: Press) -> AppGroup:
    """The group `superbills`."""
    group = AppGroup("superbills", help="Superbills by the batch.")

    @group.command("render")
    @click.option("--from", "since", type=DAY, help="First day of service, YYYY-MM-DD. Default: the first.")
    @click.option("--to", "until", type=DAY, help="Last day of service, included. Default: the last.")
    @click.option("--patient", "patient_id", metavar="ID", help="Those of one patient alone.")
    @click.option(
        "--format",
        "form",
        type=click.Choice([form.value for form in BatchForm]),
        help="Default: zip for FILE.zip, else pdf.",
    )
    @click.option("--out", "path", required=True, type=click.Path(path_type=Path), metavar="FILE")
    @AS_JSON
    def render(
        since: datetime | None,
        until: datetime | None,
        patient_id: str | None,
        form: str | None,
        path: Path,
        as_json: bool,  # noqa: FBT001
    ) -> None:
        """Write all present superbills into one PDF, or into a ZIP with a manifest; void ones stay out.

        FILE is there when it is complete, and only its owner can read it.
        """
        which = WhichSuperbills(patient_id=patient_id, starts_on=_day(since), ends_on=_day(until))
        chosen = BatchForm(form or ("zip" if path.suffix.lower() == ".zip" else "pdf"))
        with refusals_told(as_json=as_json):
            batch = _write_batch(database, clock, press, path, which, chosen)
        size, sha256 = path.stat().st_size, _sha256_of(path)
        told = {"ok": True, "format": chosen, "file": str(path), "superbills": batch.count, "bytes": size}
        click.echo(
            json.dumps({**told, "sha256": sha256, "left_out": _left_out(batch)})
            if as_json
            else _batch_as_text(batch, path, size)
        )

    return group


def _write_batch(
    database: Database, clock: Clock, press: Press, path: Path, which: WhichSuperbills, form: BatchForm
) -> Batch:
    with whole_file(path) as file:
        os.fchmod(file.fileno(), 0o600)
        return hand_out_batch(
            database, press, file, which=which, form=form, actor=SYSTEM, clock=clock, watch=_with_a_bar
        )


def _left_out(batch: Batch) -> object:
    return BatchView().dump(batch)["left_out"]


def _batch_as_text(batch: Batch, path: Path, size: int) -> str:
    told = f"{path}: {batch.count} superbill{'s' if batch.count > 1 else ''}, {size} bytes"
    if not batch.left_out:
        return told
    lines = [f"  {each.superbill.number}: {each.why}" for each in batch.left_out]
    return "\n".join([f"{told}. Left out, see the tasks about them: {len(lines)}", *lines])


def _with_a_bar(superbills: Iterable[Superbill], count: int) -> Iterator[Superbill]:
    """On a terminal, how far it is."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(
        superbills, length=count, label="Superbills", file=sys.stderr, hidden=hidden
    ) as shown:
        yield from shown


def _day(instant: datetime | None) -> date | None:
    return instant.date() if instant else None


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
