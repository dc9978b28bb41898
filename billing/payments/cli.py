"""`flask janitor`: looks up what became of operations whose outcome is not known."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from billing.payments.flows.resolve import resolve
from billing.payments.flows.room import Payments


def make_commands(room: Payments) -> list[click.Command]:
    @click.command("janitor", help="Look up what became of everything that has no outcome.")
    @click.option(
        "--once", is_flag=True, required=True, help="Look once and end; the worker looks by itself."
    )
    @click.option("--json", "as_json", is_flag=True, help="For machines.")
    @click.pass_context
    def janitor(context: click.Context, *, once: bool, as_json: bool) -> None:
        found = resolve(room)
        if as_json:
            click.echo(json.dumps({"ok": not found.unknown, **asdict(found)}))
        else:
            click.echo(
                f"Looked up {found.checkouts} checkouts, {found.refunds} refunds, {found.cards} cards "
                f"and {found.answers} answers to disputes; "
                f"{found.unknown} still without an outcome."
            )
        context.exit(1 if found.unknown else 0)

    return [janitor]
