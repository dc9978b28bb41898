"""`flask remittances unsettle`: what was set apart of a payment is settled no more."""

from __future__ import annotations

import json

import click
from flask.cli import AppGroup
from marshmallow import ValidationError

from billing.catalog.cli import AS_JSON, refusals_told
from billing.insurance.schemas.remittances import DecideRemittance
from billing.insurance.use_cases.remittance_decisions.settling import unsettle_set_apart
from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Database


def add_unsettle(group: AppGroup, database: Database, clock: Clock) -> None:
    @group.command("unsettle")
    @click.argument("remittance_id", metavar="ID")
    @click.option("--reason", required=True, callback=_line, help="Why; it is kept sealed.")
    @AS_JSON
    def unsettle(remittance_id: str, reason: str, as_json: bool) -> None:  # noqa: FBT001
        """Take back how what was set apart of the payment ID was settled.

        What that booked is reversed today; it is on 2240 again, and a task asks to settle it anew. A second
        time nothing moves: it exits with 1.
        """
        with refusals_told(as_json=as_json):
            database.in_transaction(
                lambda tx: unsettle_set_apart(
                    tx, remittance_id=remittance_id, reason=reason, actor=SYSTEM, now=clock()
                )
            )
        click.echo(json.dumps({"ok": True}) if as_json else "It is on 2240 again, and can be settled anew.")


def _line(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """As over HTTP."""
    try:
        return str(DecideRemittance().load({"reason": value})["reason"])
    except ValidationError as error:
        raise click.BadParameter(" ".join(error.messages_dict["reason"])) from None
