"""`flask claims export`: what was issued and not sent yet, as one file to send, or as sheets to mail."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from billing.catalog.cli import AS_JSON, refusals_told
from billing.catalog.errors import NoSuchEntity
from billing.catalog.queries import entities, find_entity_by_slug
from billing.insurance.cli.acknowledgements import add_acknowledge
from billing.insurance.flows import claim_bytes
from billing.insurance.ports import AcknowledgementReader, PrintClaims, RenderClaims
from billing.insurance.queries.claims import files_of_period
from billing.insurance.records.claims import ClaimFile, Offset
from billing.insurance.rules.cms1500 import MOST_OFFSET
from billing.insurance.schemas.claims import ClaimFileView, ClaimView
from billing.insurance.use_cases.claim_files import file_claims, send_again
from billing.insurance.use_cases.claim_papers import PrintedAgain, file_on_paper, print_again
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Database, Tx
from billing.platform.whole_file import copy_pieces, require_room, whole_file

DAY = click.DateTime(["%Y-%m-%d"])
X12, PAPER = "837p", "cms1500"
FORMATS = click.Choice([X12, PAPER])
NOTHING = {"file": None, "bytes": 0, "sha256": None}
POINTS = click.IntRange(-MOST_OFFSET, MOST_OFFSET)


def make_claim_commands(
    database: Database,
    clock: Clock,
    render: RenderClaims,
    print_claims: PrintClaims,
    reader: AcknowledgementReader,
) -> AppGroup:
    """The group `claims`."""
    group = AppGroup("claims", help="Claims to insurers (X12 837P, CMS-1500).")
    office = _Office(database, clock, render, print_claims)
    add_acknowledge(group, database, clock, reader)

    @group.command("export")
    @click.option("--clinic", "slug", help="As in its file, such as b. Default: the only one.")
    @click.option("--format", "form", type=FORMATS, default=X12, show_default=True)
    @click.option("--from", "since", type=DAY, help="First day of service, YYYY-MM-DD. Default: the first.")
    @click.option("--to", "until", type=DAY, help="Last day of service, included. Default: the last.")
    @click.option("--out", "path", required=True, type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--again", is_flag=True, help="What was sent before of these days, once more.")
    @click.option("--right", type=POINTS, default=0, help="Paper: points to move the data; negative is left.")
    @click.option("--down", type=POINTS, default=0, help="Paper: points to move the data; negative is up.")
    @AS_JSON
    def export_claims(
        slug: str | None,
        form: str,
        since: datetime | None,
        until: datetime | None,
        path: Path,
        again: bool,  # noqa: FBT001
        as_json: bool,  # noqa: FBT001
        **moved: int,
    ) -> None:
        """Write a clinic's claims that were issued and not sent yet, and mark them as filed: all, or none.

        cms1500 is the data alone, to be printed on the red forms. A claim is filed once. With --again the
        files of before are written once more, byte for byte, or the sheets printed anew: those of claims that
        ended, or that the plan may not be told by now, are left out and named. Each receiver has a
        file of its own: when there are several, the first control number in each is added to its name.
        """
        period = {"starts_on": _day(since, date.min), "ends_on": _day(until, date.max)}
        require_room(path)
        with refusals_told(as_json=as_json):
            clinic = _of_clinic(office.database, slug)
            if form == PAPER:
                told, text = _on_paper(office, clinic, period, path, Offset(**moved), again=again)
            else:
                told, text = _in_files(office, clinic, period, path, again=again)
        click.echo(json.dumps({"ok": True, "format": form, **told}) if as_json else text)

    return group


@dataclass(frozen=True)
class _Office:
    database: Database
    clock: Clock
    render: RenderClaims
    print_claims: PrintClaims


def _of_clinic(database: Database, slug: str | None) -> Actor:
    """The command line, as far as one clinic reaches: no other's patients go along, nor keep these here.

    Raises: NoSuchEntity.
    """
    with database.reading() as read:
        if slug is not None:
            return replace(SYSTEM, entity_id=find_entity_by_slug(read, slug).id)
        if len(known := entities(read)) > 1:
            slugs = ", ".join(each.slug for each in known)
            raise NoSuchEntity(f"Claims go out for one clinic at a time. Say whose: --clinic, of {slugs}.")
        return SYSTEM


def _in_files(
    office: _Office, clinic: Actor, period: Mapping[str, date], path: Path, *, again: bool
) -> tuple[dict[str, Any], str]:
    database, starts_on, ends_on = office.database, period["starts_on"], period["ends_on"]
    with database.reading() as read:
        before = files_of_period(read, starts_on, ends_on, clinic)
    chosen = send_again if again else file_claims
    files = database.in_transaction(lambda tx: chosen(tx, **period, actor=clinic, now=office.clock()))
    paths = _paths(files, path)
    written = [
        _written(
            each,
            (
                claim_bytes(database, office.render, document_id=file.document_id, now=office.clock())
                for file in files
                if paths[file.receiver_id] == each
            ),
        )
        for each in paths.values()
    ]
    only = written[0] if len(written) == 1 else NOTHING
    sent_before = sum(starts_on <= each.service_on <= ends_on for file in before for each in file.claims)
    shown = ClaimFileView(many=True).dump(files)
    told = {**only, "written": written, "sent_before": sent_before, "files": shown}
    return told, _as_text(files, paths, sent_before)


def _paths(files: Sequence[ClaimFile], path: Path) -> dict[str, Path]:
    """By receiver; a control number is never given twice, so that no two have one name."""
    first: dict[str, int] = {}
    for file in files:
        first.setdefault(file.receiver_id, file.control_number)
    if len(first) == 1:
        return dict.fromkeys(first, path)
    return {
        receiver: path.with_name(f"{path.stem}-{number}{path.suffix}") for receiver, number in first.items()
    }


def _on_paper(
    office: _Office, clinic: Actor, period: Mapping[str, date], path: Path, offset: Offset, *, again: bool
) -> tuple[dict[str, Any], str]:
    def chosen(tx: Tx) -> PrintedAgain:
        now = office.clock()
        if again:
            return print_again(tx, **period, actor=clinic, now=now)
        return PrintedAgain(printed=file_on_paper(tx, **period, actor=clinic, now=now), left_out=())

    sheets = office.database.in_transaction(chosen)
    printed = sheets.printed
    pages = [office.print_claims([facts for _, facts in printed], offset)] if printed else None
    claims = ClaimView(many=True).dump([claim for claim, _ in printed])
    left_out = [{"id": each.id, "number": each.number, "reason": why} for each, why in sheets.left_out]
    nothing = "No sheet of these days is printed again." if again else "No claim waits to be sent."
    told = f"{len(printed)} claims to print on red forms are in {path}." if printed else nothing
    text = "\n".join([told, *(f"{each['number']} is left out. {each['reason']}" for each in left_out)])
    shown = {"claims": claims, "left_out": left_out}
    return {**(_written(path, pages) if pages else NOTHING), **shown}, text


def _day(given: datetime | None, default: date) -> date:
    return given.date() if given else default


def _written(path: Path, pieces: Iterable[bytes]) -> dict[str, Any]:
    with whole_file(path) as file:
        size, sha256 = copy_pieces(pieces, file)
    return {"file": str(path), "bytes": size, "sha256": sha256}


def _as_text(files: Sequence[ClaimFile], paths: Mapping[str, Path], sent_before: int) -> str:
    lines = [
        f"Interchange {file.control_number} to {file.receiver_id}: {len(file.claims)} claims, {file.charge}"
        for file in files
    ]
    if files:
        return "\n".join([*lines, *(f"Written to {path}." for path in paths.values())])
    if sent_before:
        return f"No claim waits to be sent. {sent_before} were sent before: --again writes their files."
    return "No claim waits to be sent."
