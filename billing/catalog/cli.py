"""`seed` on the command line, and how a refusal is told there."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from sqlalchemy.exc import OperationalError, ProgrammingError

from billing.catalog.errors import DatabaseNotReady
from billing.catalog.records import Clinic, Entity
from billing.catalog.rules.clinic_file import read_clinic
from billing.catalog.rules.document import refusal
from billing.catalog.use_cases import seed_clinic
from billing.kernel.errors import BillingError, Flaw, Invalid
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.problems import problem_of

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Answer for machines.")


IsBillable = Callable[[Read, str], bool]
"""Whether insurers take a diagnosis; the codes are the business of a room above."""


def make_commands(edge: Edge, is_billable: IsBillable) -> list[click.Command]:
    @click.command("seed")
    @click.argument("file", type=click.Path())
    @AS_JSON
    def seed(file: str, as_json: bool) -> None:  # noqa: FBT001 - an option of the command line
        """Load a clinic from a YAML or JSON FILE; a wrong file is refused whole, line by line."""
        with refusals_told(as_json=as_json):
            clinic, entity = _load(edge, _text_of(file), is_billable)
        answer = _answer(clinic, entity)
        click.echo(json.dumps(answer) if as_json else _in_words(answer))

    return [seed]


@contextmanager
def refusals_told(*, as_json: bool) -> Iterator[None]:
    """Tell a refusal and end with status 1: for people on stderr, for machines as a problem on stdout."""
    try:
        yield
    except BillingError as error:
        if as_json:
            click.echo(problem_of(error).get_data(as_text=True))
        else:
            _tell(error)
        sys.exit(1)


def _tell(error: BillingError) -> None:
    click.echo(error.detail, err=True)
    for flaw in error.flaws if isinstance(error, Invalid) else ():
        click.echo(f"  {flaw.pointer or '/'}: {flaw.message}", err=True)


def _text_of(file: str) -> str:
    """Raises: ClinicFileRefused for what is no text file."""
    try:
        with click.open_file(file, "rb") as stream:
            content: bytes = stream.read()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refusal([Flaw(f"line {line}", "this is not UTF-8 text")]) from None
    except OSError as error:
        raise refusal([Flaw("line 1", f"the file cannot be read: {error.strerror}")]) from None


def _load(edge: Edge, text: str, is_billable: IsBillable) -> tuple[Clinic, Entity]:
    """Raises: ClinicFileRefused, ScheduleAlreadyPublished, DatabaseNotReady."""
    try:
        clinic = edge.read(lambda read: read_clinic(text, lambda code: is_billable(read, code)))
        return clinic, edge.database.in_transaction(
            lambda tx: seed_clinic(tx, clinic=clinic, actor=SYSTEM, now=edge.clock())
        )
    except (OperationalError, ProgrammingError) as error:
        raise DatabaseNotReady("The database is not set up: run `flask db upgrade` first.") from error


def _answer(clinic: Clinic, entity: Entity) -> dict[str, Any]:
    return {
        "ok": True,
        "clinic": entity.slug,
        "entity_id": entity.id,
        "schedule": clinic.fee_schedule.code,
        "sample": clinic.is_sample,
        "sites": len(clinic.sites),
        "providers": len(clinic.providers),
        "conditions": len(clinic.conditions),
        "protocols": len(clinic.protocols),
    }


def _in_words(answer: dict[str, Any]) -> str:
    counts = ", ".join(f"{answer[name]} {name}" for name in ("sites", "providers", "conditions", "protocols"))
    mark = " (sample data)" if answer["sample"] else ""
    return f"Clinic {answer['clinic']} is loaded{mark}: fee schedule {answer['schedule']}, {counts}."
