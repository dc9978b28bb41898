"""`flask janitor` and `flask reconcile`: what became of operations, and the processor beside the books."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from billing.kernel.money import Money
from billing.payments.flows.reconcile import Reconciled, reconcile
from billing.payments.flows.resolve import resolve
from billing.payments.flows.room import Payments
from billing.payments.ports import GatewayRefused, GatewayTimeout
from billing.payments.records.reconciliation import NamedException

NO_ANSWER = (
    "The card processor did not answer at {processor}. Run it again once it does. STRIPE_API_BASE names its "
    "address; without that it is the stand-in on SANDBOX_PORT, which `make run` or `make sandbox` starts."
)
LOOK_AT_KEY = "Does STRIPE_SECRET_KEY belong to it?"
NOT_KNOWN = {
    "events": "had not reached us",
    "movements": "are new since the last time",
    "payouts": "had not reached us",
}
"""Of what was listed. The processor sends no notice of a movement: that it is new says nothing is wrong."""

DAY = click.DateTime(["%Y-%m-%d"])


def make_commands(room: Payments, refund_limit: Money, processor: str) -> list[click.Command]:
    """`refund_limit` is the largest refund that needs no second person, `processor` its address."""
    return [_janitor(room), _reconcile(room, refund_limit, processor)]


def _janitor(room: Payments) -> click.Command:
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

    return janitor


def _reconcile(room: Payments, refund_limit: Money, processor: str) -> click.Command:
    @click.command(
        "reconcile", help="Hold the processor against the books; exit status 0 only when all is well."
    )
    @click.option("--from", "since", type=DAY, help="First day (UTC). Default: a week before the last time.")
    @click.option("--to", "until", type=DAY, help="Last day (UTC), included. Default: now.")
    @click.option("--json", "as_json", is_flag=True, help="For machines.")
    @click.pass_context
    def hold_against(
        context: click.Context, *, since: datetime | None, until: datetime | None, as_json: bool
    ) -> None:
        try:
            found = reconcile(room, since=_start(since), until=_end(until), refund_limit=refund_limit)
        except (GatewayTimeout, GatewayRefused) as error:
            if as_json:
                click.echo(json.dumps({"ok": False, "code": error.code, "processor": processor}))
                context.exit(1)
            raise click.ClickException(_why_not(error, processor)) from error
        click.echo(json.dumps(_told(found)) if as_json else "\n".join(_lines(found)))
        context.exit(0 if found.ok else 1)

    return hold_against


def _why_not(error: GatewayTimeout | GatewayRefused, processor: str) -> str:
    if isinstance(error, GatewayTimeout):
        return NO_ANSWER.format(processor=processor)
    return (
        f"The processor at {processor} refused to list anything ({error.more.get('reason')}). {LOOK_AT_KEY}"
    )


def _start(day: datetime | None) -> datetime | None:
    return day and day.replace(tzinfo=UTC)


def _end(day: datetime | None) -> datetime | None:
    return day and day.replace(hour=23, minute=59, second=59, tzinfo=UTC)


def _told(found: Reconciled) -> dict[str, Any]:
    standing = found.standing
    return {
        "ok": found.ok,
        "from": found.span.since and found.span.since.isoformat(),
        "to": found.span.until.isoformat(),
        "events": asdict(found.events),
        "movements": asdict(found.movements),
        "payouts": asdict(found.payouts),
        "operations": {"examined": found.operations, "made_twice": found.made_twice},
        "balance_cents": standing.balance.cents,
        "clearing_cents": standing.clearing.cents,
        "under_way_cents": standing.under_way.cents,
        "named_cents": standing.named.cents,
        "unexplained_cents": standing.unexplained.cents,
        "exceptions": [_exception(each) for each in found.exceptions],
    }


def _exception(named: NamedException) -> dict[str, Any]:
    return {
        "id": named.id,
        "kind": str(named.kind),
        "object_id": named.object_id,
        "cents": named.amount.cents,
        "first_seen_at": named.first_seen_at.isoformat(),
    }


def _lines(found: Reconciled) -> Iterator[str]:
    standing = found.standing
    for name, lists in (("events", found.events), ("movements", found.movements), ("payouts", found.payouts)):
        yield f"{lists.listed} {name} listed, of which {lists.missed} {NOT_KNOWN[name]}."
    yield f"{found.operations} operations of ours, {found.made_twice} of them made twice (invariant 9)."
    yield f"The processor holds {standing.balance}; clearing is {standing.clearing} (invariant 17)."
    yield f"Under way {standing.under_way}, named below {standing.named}, unexplained {standing.unexplained}."
    for each in found.exceptions:
        yield f"  {each.kind}  {each.object_id}  {each.amount}  since {each.first_seen_at:%Y-%m-%d}"
