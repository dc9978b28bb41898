"""`flask claims export`: what was issued and not sent yet, as one file to send."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from billing.catalog.cli import AS_JSON, refusals_told
from billing.insurance.flows import claim_bytes
from billing.insurance.ports import RenderClaims
from billing.insurance.queries.claims import files_of_period
from billing.insurance.records.claims import ClaimFile
from billing.insurance.schemas import ClaimFileView
from billing.insurance.use_cases.claim_files import file_claims, send_again
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Database
from billing.platform.whole_file import copy_pieces, require_room, whole_file

DAY = click.DateTime(["%Y-%m-%d"])
FORMATS = click.Choice(["837p"])


def make_claim_commands(database: Database, clock: Clock, render: RenderClaims) -> AppGroup:
    """The group `claims`."""
    group = AppGroup("claims", help="Claims to insurers (X12 837P).")

    @group.command("export")
    @click.option("--format", "form", type=FORMATS, default="837p", show_default=True)
    @click.option("--from", "since", type=DAY, help="First day of service, YYYY-MM-DD. Default: the first.")
    @click.option("--to", "until", type=DAY, help="Last day of service, included. Default: the last.")
    @click.option("--out", "path", required=True, type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--again", is_flag=True, help="The files in which these days' claims were sent before.")
    @AS_JSON
    def export_claims(
        form: str,
        since: datetime | None,
        until: datetime | None,
        path: Path,
        again: bool,  # noqa: FBT001
        as_json: bool,  # noqa: FBT001
    ) -> None:
        """Write the claims that were issued and not sent yet, and mark them as filed: all, or none.

        A claim is filed once. With --again the files of before are written once more, byte for byte.
        """
        starts_on, ends_on = _day(since, date.min), _day(until, date.max)
        require_room(path)
        with database.reading() as read:
            before = files_of_period(read, starts_on, ends_on, SYSTEM)
        period = {"starts_on": starts_on, "ends_on": ends_on}
        chosen = send_again if again else file_claims
        with refusals_told(as_json=as_json):
            files = database.in_transaction(lambda tx: chosen(tx, **period, actor=SYSTEM, now=clock()))
        told = _written(database, clock, render, files, path)
        sent_before = sum(starts_on <= each.service_on <= ends_on for file in before for each in file.claims)
        if as_json:
            shown = ClaimFileView(many=True).dump(files)
            click.echo(
                json.dumps({"ok": True, "format": form, **told, "sent_before": sent_before, "files": shown})
            )
        else:
            click.echo(_as_text(files, path, sent_before))

    return group


def _day(given: datetime | None, default: date) -> date:
    return given.date() if given else default


def _written(
    database: Database, clock: Clock, render: RenderClaims, files: Sequence[ClaimFile], path: Path
) -> dict[str, Any]:
    """No claims, no file."""
    if not files:
        return {"file": None, "bytes": 0, "sha256": None}
    pieces = (claim_bytes(database, render, document_id=file.document_id, now=clock()) for file in files)
    with whole_file(path) as file:
        size, sha256 = copy_pieces(pieces, file)
    return {"file": str(path), "bytes": size, "sha256": sha256}


def _as_text(files: Sequence[ClaimFile], path: Path, sent_before: int) -> str:
    lines = [
        f"Interchange {file.control_number} to {file.receiver_id}: {len(file.claims)} claims, {file.charge}"
        for file in files
    ]
    if files:
        return "\n".join([*lines, f"Written to {path}."])
    if sent_before:
        return f"No claim waits to be sent. {sent_before} were sent before: --again writes their files."
    return "No claim waits to be sent."
