"""How many minutes an evaluation and psychotherapy may have: no minute counts for both.

An evaluation has all of the practitioner's time on that day, also before and after the visit; psychotherapy
is face to face. Source: CPT, evaluation and management by time; psychotherapy with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from billing.care.records import ChartEntry, Evaluation
from billing.kernel.clock import told_minutes
from billing.kernel.errors import Flaw

LONGEST_TALK = 600
"""Minutes of an evaluation and of psychotherapy together: what a working day has."""
EVALUATED, ELSEWHEN, THERAPY = "/evaluation/minutes", "/evaluation/outside_minutes", "/psychotherapy_minutes"


def talk_flaws(entry: ChartEntry) -> Iterator[Flaw]:
    evaluation, therapy = entry.evaluation, entry.psychotherapy_minutes
    minutes = evaluation.minutes if evaluation else None
    flaws = [
        *_range_flaws(EVALUATED, minutes),
        *_range_flaws(THERAPY, therapy),
        *(_outside_flaws(evaluation) if evaluation else ()),
    ]
    if not flaws and (minutes or 0) + (therapy or 0) > LONGEST_TALK:
        told = f"Evaluation and psychotherapy of one day have at most {LONGEST_TALK} minutes together."
        flaws.append(Flaw(EVALUATED, told))
    yield from flaws or _flaws_by_the_clock(entry)


def _range_flaws(at: str, minutes: int | None) -> Iterator[Flaw]:
    if minutes is not None and not 1 <= minutes <= LONGEST_TALK:
        yield Flaw(at, f"Enter between 1 and {LONGEST_TALK} minutes.")


def _outside_flaws(evaluation: Evaluation) -> Iterator[Flaw]:
    if evaluation.outside_minutes < 0 or evaluation.outside_minutes > (evaluation.minutes or 0):
        yield Flaw(ELSEWHEN, "These are part of the minutes of the evaluation, and no more than they.")


def _flaws_by_the_clock(entry: ChartEntry) -> Iterator[Flaw]:
    """Once start and stop are known."""
    if entry.started_at is None or entry.stopped_at is None:
        return
    lasted = _on_the_clock(entry.stopped_at) - _on_the_clock(entry.started_at)
    visit, therapy = lasted // timedelta(minutes=1), entry.psychotherapy_minutes or 0
    evaluation = entry.evaluation
    within = (evaluation.minutes or 0) - evaluation.outside_minutes if evaluation else 0
    if therapy > visit:
        yield Flaw(THERAPY, f"Psychotherapy is face to face, and the visit has {told_minutes(visit)}.")
    elif within + therapy > visit:
        beside = f" and the psychotherapy {told_minutes(therapy)} of them" if therapy else ""
        yield Flaw(
            EVALUATED,
            f"The visit has {told_minutes(visit)}{beside}; no minute counts twice. Say how many of the "
            "evaluation's minutes were before or after the visit on that day.",
        )


def _on_the_clock(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
