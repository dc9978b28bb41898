"""`quote` on the command line: a plan in a JSON file, priced and explained. Nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import click
from marshmallow import ValidationError
from sqlalchemy.exc import DBAPIError

from billing.catalog.cli import AS_JSON, refusals_told
from billing.catalog.errors import NoScheduleInForce, NoSuchEntity
from billing.catalog.queries import find_entity_by_slug, sample_clinic, schedule_in_force
from billing.catalog.records import FeeSchedule
from billing.kernel.errors import Flaw
from billing.kernel.money import Money
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.problems import flaws_of
from billing.quotes.errors import PlanFileRefused
from billing.quotes.records import Line, PricedPlan, PricedSession
from billing.quotes.rules import price
from billing.quotes.schemas import PlanFile

LARGEST_FILE = 1_000_000
"""Bytes. A plan of two hundred sessions has a few ten thousand."""


def make_commands(edge: Edge) -> list[click.Command]:
    @click.command("quote")
    @click.argument("file", type=click.Path())
    @AS_JSON
    def quote(file: str, as_json: bool) -> None:  # noqa: FBT001 - an option of the command line
        """Price the plan in a JSON FILE, with the reason of each cent.

        `clinic` names a sample (a to e), which needs no database, or a clinic that was seeded.
        """
        with refusals_told(as_json=as_json):
            plan = read_plan(_content(file))
            schedule = _schedule(edge, plan["clinic"], plan["quoted_on"])
            priced = price(
                schedule, plan["condition"], plan["sessions"], plan["eligibilities"], plan["quoted_on"]
            )
        if as_json:
            click.echo(json.dumps(as_answer(schedule, priced)))
        else:
            click.echo("\n".join(_in_words(schedule, priced, plan["quoted_on"])))

    return [quote]


# --- the file ------------------------------------------------------------------------------------------


def read_plan(content: bytes) -> dict[str, Any]:
    """The fields of schemas.PlanFile.

    Raises: PlanFileRefused.
    """
    try:
        document = json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_without_repeats, parse_constant=_no_number
        )
        plan: dict[str, Any] = PlanFile().load(document)
    except ValidationError as error:
        raise _refused(*flaws_of(error.messages)) from None
    except RecursionError:
        raise _refused(Flaw("", "This is nested too deeply.")) from None
    except ValueError as error:
        raise _refused(Flaw("", f"This is not JSON: {error}.")) from None
    return plan


def _content(file: str) -> bytes:
    """Raises: PlanFileRefused for a file that cannot be read or is far too long."""
    try:
        with click.open_file(file, "rb") as stream:
            content: bytes = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise _refused(Flaw("", f"The file cannot be read: {error.strerror}.")) from None
    if len(content) > LARGEST_FILE:
        raise _refused(Flaw("", f"The file is longer than {LARGEST_FILE:,} bytes."))
    return content


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"it gives the field {repeated[0]!r} twice")
    return dict(pairs)


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _refused(*flaws: Flaw) -> PlanFileRefused:
    return PlanFileRefused("This plan cannot be priced; correct what is named.", list(flaws))


def _schedule(edge: Edge, clinic: str, quoted_on: date) -> FeeSchedule:
    """A sample's schedule from its file, or that of a seeded clinic on the date.

    Raises: PlanFileRefused.
    """
    sample = sample_clinic(clinic)
    if sample is not None:
        return sample.fee_schedule

    def in_force(read: Read) -> FeeSchedule:
        return schedule_in_force(read, find_entity_by_slug(read, clinic).id, quoted_on)

    try:
        return edge.read(in_force)
    except NoScheduleInForce as error:
        raise _refused(Flaw("/quoted_on", error.detail)) from None
    except NoSuchEntity:
        raise _refused(Flaw("/clinic", "Is no sample (a to e), and no clinic that was seeded.")) from None
    except DBAPIError:
        unread = "Is no sample (a to e), and the database of seeded clinics cannot be read."
        raise _refused(Flaw("/clinic", unread)) from None


# --- the answer ----------------------------------------------------------------------------------------


def as_answer(schedule: FeeSchedule, priced: PricedPlan) -> dict[str, Any]:
    """What scripts read; names are never changed."""
    return {
        "schedule": priced.schedule,
        "clinic": schedule.clinic,
        "sample": schedule.is_sample,
        "list_cents": priced.list_cents,
        "package_cents": priced.package_cents,
        "discount_cents": priced.discount_cents,
        "total_cents": priced.total_cents,
        "sessions": [_session_answer(session) for session in priced.sessions],
    }


def _session_answer(session: PricedSession) -> dict[str, Any]:
    return {
        "on": session.on.isoformat(),
        "service": session.service,
        "list_cents": session.list_cents,
        "package_cents": session.package_cents,
        "discount_cents": session.discount_cents,
        "net_cents": session.net_cents,
        "explanation": [line._asdict() for line in session.explanation],
    }


def _in_words(schedule: FeeSchedule, priced: PricedPlan, quoted_on: date) -> Iterator[str]:
    mark = " (SAMPLE DATA, nobody's prices)" if schedule.is_sample else ""
    yield f"Fee schedule {priced.schedule}{mark}, quoted on {quoted_on}"
    for number, session in enumerate(priced.sessions, start=1):
        yield ""
        yield f"{number:>3}. {session.on}  {session.service}"
        yield from map(_line_in_words, session.explanation)
        yield _amount("", session.net_cents)
    yield ""
    yield _amount("List price", priced.list_cents)
    yield _amount("Package", -priced.package_cents)
    yield _amount("Discount", -priced.discount_cents)
    yield _amount("Total", priced.total_cents)


def _line_in_words(line: Line) -> str:
    return f"     {line.rule:<16} {line.text:<62} {Money(line.cents)!s:>13}"


def _amount(name: str, cents: int) -> str:
    return f"     {name:<79} {Money(cents)!s:>13}"
