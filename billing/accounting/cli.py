"""`flask verify`, `flask export` and `flask audit verify`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from billing.accounting.errors import NoSuchExport
from billing.accounting.queries.exports import exported
from billing.accounting.queries.verify import verify
from billing.accounting.records import Export
from billing.accounting.rules.offers import export_of
from billing.accounting.rules.verdicts import told, told_in_lines
from billing.accounting.use_cases import disclose
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.platform.data.audit import verify_chain
from billing.platform.http.edge import Edge
from billing.platform.whole_file import copy_pieces, whole_file

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
DAY = click.DateTime(["%Y-%m-%d"])


def make_commands(edge: Edge, refund_limit: Money) -> list[click.Command]:
    """`refund_limit` is the largest refund that needs no second person."""
    return [_verify(edge, refund_limit), _export(edge), _audit(edge)]


def _verify(edge: Edge, refund_limit: Money) -> click.Command:
    @click.command("verify")
    @AS_JSON
    def look(as_json: bool) -> None:  # noqa: FBT001 - an option of the command line
        """Look at every invariant of the books; exit status 0 only when none failed."""
        verdict = edge.read(lambda read: verify(read, now=edge.clock(), refund_limit=refund_limit))
        click.echo(json.dumps(told(verdict)) if as_json else "\n".join(told_in_lines(verdict)))
        sys.exit(0 if verdict.ok else 1)

    return look


def _export(edge: Edge) -> click.Command:
    @click.command("export")
    @click.argument("kind")
    @click.option("--from", "since", type=DAY, help="First day, YYYY-MM-DD. Default: from the beginning.")
    @click.option("--to", "until", type=DAY, help="Last day, included. Default: to the end.")
    @click.option("--format", "form", default="csv", show_default=True)
    @click.option("--out", "path", required=True, metavar="FILE", help="Where to write; - for the terminal.")
    @AS_JSON
    def hand_out(
        kind: str,
        since: datetime | None,
        until: datetime | None,
        form: str,
        path: str,
        as_json: bool,  # noqa: FBT001
    ) -> None:
        """Write an export: journal, payments, refunds, credits or superbills."""
        try:
            export = export_of(kind, form, since and since.date(), until and until.date())
        except NoSuchExport as error:
            raise click.ClickException(error.detail) from error
        edge.database.in_transaction(lambda tx: disclose(tx, export=export, actor=SYSTEM, now=edge.clock()))
        written = _write(edge, export, path)
        if path != "-":
            click.echo(json.dumps(written) if as_json else f"{path}: {written['bytes']} bytes")

    return hand_out


def _audit(edge: Edge) -> click.Group:
    audit = click.Group("audit", help="The audit trail.")

    @audit.command("verify")
    @AS_JSON
    def follow(as_json: bool) -> None:  # noqa: FBT001
        """Follow the chain of the audit trail; exit status 0 only when it is whole."""
        report = edge.read(verify_chain)
        is_whole = report.broken_at is None and report.waiting >= 0
        if as_json:
            click.echo(json.dumps({"ok": is_whole, **asdict(report)}))
        else:
            state = "is whole" if is_whole else f"breaks at place {report.broken_at}"
            click.echo(f"The chain {state}: {report.sealed} rows sealed, {report.waiting} waiting.")
        sys.exit(0 if is_whole else 1)

    return audit


def _write(edge: Edge, export: Export, path: str) -> dict[str, object]:
    """Write all of it or nothing: a file appears under its name when it is complete."""
    with edge.database.reading() as read:
        pieces = (piece.encode() for piece in exported(read, export, SYSTEM))
        if path == "-":
            size, sha256 = copy_pieces(pieces, sys.stdout.buffer)
        else:
            with whole_file(Path(path)) as file:
                size, sha256 = copy_pieces(pieces, file)
    facts = {"kind": str(export.kind), "format": str(export.format), "file": path}
    return {"ok": True, **facts, "bytes": size, "sha256": sha256}
