"""What a clinician may record of a visit, and what a signature needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from billing.care.errors import InvalidChart
from billing.care.records import ChartEntry, DrugEntry, EvaluationKind, GivenDrug, Hydration, Order, Way
from billing.care.rules import LONGEST_SESSION, dose_flaws
from billing.care.rules.talks import talk_flaws
from billing.catalog.records import TIMED_SERVICES, Drug
from billing.catalog.rules.identifiers import is_ndc
from billing.kernel.clock import local_date
from billing.kernel.errors import Flaw

MOST_DRUGS = 20
STOP_MISSING = "Enter when it stopped. Until then the visit waits for you."


def check_draft(entry: ChartEntry, listed: Collection[str], *, now: datetime) -> None:
    """What is entered may lack anything, yet nothing of it may be impossible. Raises: InvalidChart."""
    _refuse(_flaws(entry, listed, now))


def check_signable(entry: ChartEntry, listed: Collection[str], *, service: str, now: datetime) -> None:
    """A signature needs start and stop, and what was given at an infusion. Raises: InvalidChart."""
    _refuse([*_missing(entry, service), *_flaws(entry, listed, now)])


def check_same_day(entry: ChartEntry, given_at: datetime | None, zone: ZoneInfo) -> None:
    """The books have the income on its day, so that an amendment stays on it. Raises: InvalidChart."""
    if given_at is None or entry.started_at is None:
        return
    booked = local_date(given_at, zone)
    if local_date(entry.started_at, zone) != booked:
        message = f"The visit is booked on {_told(booked)}. Enter a start on that day."
        _refuse([Flaw("/started_at", message)])


def dose_given(drugs: Sequence[DrugEntry]) -> Decimal | None:
    """The mg of what the visit is for: its first drug, however often it was given; None without any."""
    if not drugs:
        return None
    return sum((each.dose_mg for each in drugs if each.drug == drugs[0].drug), start=Decimal(0))


def entered_drug(drug: DrugEntry, listed: Drug) -> GivenDrug:
    """With what the clinic's list says of it; the vial's own NDC stands in place of the list's."""
    shown = replace(listed, ndc=drug.ndc) if drug.ndc else listed
    return GivenDrug(**{each.name: getattr(drug, each.name) for each in fields(DrugEntry)}, listed=shown)


def _refuse(flaws: Sequence[Flaw] | Iterator[Flaw]) -> None:
    if found := list(flaws):
        raise InvalidChart("Correct what is named and send it again.", found)


def _missing(entry: ChartEntry, service: str) -> Iterator[Flaw]:
    if entry.started_at is None:
        yield Flaw("/started_at", "Enter when it started.")
    if entry.stopped_at is None:
        yield Flaw("/stopped_at", STOP_MISSING)
    if service in TIMED_SERVICES and not entry.drugs:
        yield Flaw("/drugs", "Enter the drug and its dose.")
    for place, drug in enumerate(entry.drugs):
        if (drug.started_at is None) != (drug.stopped_at is None):
            at = "started_at" if drug.started_at is None else "stopped_at"
            yield Flaw(f"/drugs/{place}/{at}", "Enter both times, or neither.")
    if entry.hydration:
        if entry.hydration.started_at is None:
            yield Flaw("/hydration/started_at", "Enter when the fluid was started.")
        if entry.hydration.stopped_at is None:
            yield Flaw("/hydration/stopped_at", "Enter when the fluid was stopped.")
    if (
        entry.evaluation
        and entry.evaluation.kind is EvaluationKind.OFFICE
        and entry.evaluation.minutes is None
    ):
        yield Flaw("/evaluation/minutes", "Enter the minutes of the evaluation.")


def _flaws(entry: ChartEntry, listed: Collection[str], now: datetime) -> Iterator[Flaw]:
    yield from _time_flaws("", entry.started_at, entry.stopped_at, now)
    if len(entry.drugs) > MOST_DRUGS:
        yield Flaw("/drugs", f"Enter at most {MOST_DRUGS} drugs.")
    for place, drug in enumerate(entry.drugs):
        yield from _drug_flaws(f"/drugs/{place}", drug, listed, now)
        yield from _outside_flaws(f"/drugs/{place}", drug, entry)
    yield from _order_flaws(entry.drugs)
    if entry.hydration:
        yield from _time_flaws("/hydration", entry.hydration.started_at, entry.hydration.stopped_at, now)
        yield from _outside_flaws("/hydration", entry.hydration, entry)
    yield from talk_flaws(entry)


def _drug_flaws(at: str, drug: DrugEntry, listed: Collection[str], now: datetime) -> Iterator[Flaw]:
    if drug.drug not in listed:
        yield Flaw(f"{at}/drug", "Choose a drug of the clinic's list.")
    yield from dose_flaws(f"{at}/dose_mg", drug.dose_mg)
    if drug.ndc is not None and not is_ndc(drug.ndc):
        yield Flaw(f"{at}/ndc", "Enter the NDC as it stands on the vial, with its hyphens.")
    yield from _time_flaws(at, drug.started_at, drug.stopped_at, now)


def _order_flaws(drugs: Sequence[DrugEntry]) -> Iterator[Flaw]:
    """One infusion is the first; each further one says how it ran beside it, or that it had its own line."""
    infused = [(place, drug) for place, drug in enumerate(drugs) if drug.way is Way.INFUSION]
    first = [place for place, drug in infused if drug.order is Order.FIRST and not drug.is_at_second_site]
    for place, drug in infused:
        if drug.order is Order.FIRST and not drug.is_at_second_site and place != first[0]:
            yield Flaw(f"/drugs/{place}/order", "Choose sequential or concurrent: one drug alone is first.")
        elif drug.order is not Order.FIRST and not first:
            yield Flaw(f"/drugs/{place}/order", "Choose first: no other infusion came before.")


def _outside_flaws(at: str, part: DrugEntry | Hydration, visit: ChartEntry) -> Iterator[Flaw]:
    """The visit's start and stop hold all that was given, as far as they are known."""
    for name in ("started_at", "stopped_at"):
        moment = getattr(part, name)
        if moment and visit.started_at and moment < visit.started_at:
            yield Flaw(
                f"{at}/{name}", "This is before the visit's start. The visit holds all that was given."
            )
        elif moment and visit.stopped_at and moment > visit.stopped_at:
            yield Flaw(f"{at}/{name}", "This is after the visit's stop. The visit holds all that was given.")


def _time_flaws(
    at: str, started_at: datetime | None, stopped_at: datetime | None, now: datetime
) -> Iterator[Flaw]:
    if started_at and started_at > now:
        yield Flaw(f"{at}/started_at", "The start cannot lie in the future.")
    if stopped_at and stopped_at > now:
        yield Flaw(f"{at}/stopped_at", "The stop cannot lie in the future.")
    elif started_at and stopped_at and stopped_at <= started_at:
        yield Flaw(f"{at}/stopped_at", "The stop must come after the start.")
    elif started_at and stopped_at and stopped_at - started_at > LONGEST_SESSION:
        yield Flaw(f"{at}/stopped_at", "A session lasts at most 24 hours.")


def _told(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"
