"""The form of a visit's chart: what was typed becomes an entry, and what was recorded its fields again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from billing.care.errors import InvalidChart
from billing.care.records import (
    Chart,
    ChartEntry,
    DrugEntry,
    Evaluation,
    EvaluationKind,
    Hydration,
    HydrationPurpose,
    Order,
    Session,
    Way,
)
from billing.care.rules.charts import MOST_DRUGS
from billing.kernel.clock import local_date
from billing.kernel.errors import Flaw
from billing.platform.http.errors import InvalidRequest

Form = Mapping[str, Any]
Choice = TypeVar("Choice", Way, Order, HydrationPurpose, EvaluationKind)

MOST_ROWS = MOST_DRUGS
PAST_MIDNIGHT = "past_midnight"
DOSE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?", re.ASCII)
MINUTES = re.compile(r"[0-9]{1,4}", re.ASCII)


def entry_of(form: Form, zone: ZoneInfo) -> ChartEntry:
    """What was typed; rows without a drug count for nothing, and times are the site's on the day above.

    Of a visit that is said to have run past midnight, its stop is on the next day, and so is whatever is
    earlier on the clock than its start. It has to be said: times typed the wrong way round look the same.
    Raises: InvalidChart.
    """
    on = _day(form)
    began = _clock(form, "started_at", on, zone)
    ends_on = on + timedelta(days=1) if PAST_MIDNIGHT in form else on

    def own(field: str) -> datetime | None:
        """A time within the visit."""
        told = _clock(form, field, on, zone)
        return _clock(form, field, ends_on, zone) if told and began and told < began else told

    rows = [place for place in range(rows_of(form)) if _text(form, f"drugs-{place}-drug")]
    purpose, kind = _text(form, "hydration-purpose"), _text(form, "evaluation-kind")
    return ChartEntry(
        started_at=began,
        stopped_at=_clock(form, "stopped_at", ends_on, zone),
        provider_id=_text(form, "provider_id") or None,
        drugs=tuple(_drug(form, place, own) for place in rows),
        hydration=Hydration(
            started_at=own("hydration-started_at"),
            stopped_at=own("hydration-stopped_at"),
            purpose=_choice(form, "hydration-purpose", HydrationPurpose),
        )
        if purpose
        else None,
        evaluation=Evaluation(
            kind=_choice(form, "evaluation-kind", EvaluationKind),
            minutes=_minutes(form, "evaluation-minutes"),
            outside_minutes=_minutes(form, "evaluation-outside_minutes") or 0,
        )
        if kind
        else None,
        psychotherapy_minutes=_minutes(form, "psychotherapy_minutes"),
    )


def seen_of(form: Form) -> int:
    """The version that was on file when the form was shown. Raises: InvalidRequest."""
    text = _text(form, "version")
    if not MINUTES.fullmatch(text):
        raise InvalidRequest("This form is not complete. Load the page again.")
    return int(text)


def fields_of(session: Session, chart: Chart | None, zone: ZoneInfo) -> dict[str, str]:
    """The fields as they are to be shown at first: what was recorded, or else what is planned."""
    started_at = chart.started_at if chart else session.started_at
    stopped_at = chart.stopped_at if chart else session.stopped_at
    begun_at = started_at or session.checked_in_at
    on = local_date(begun_at, zone) if begun_at else session.planned_on
    shown = {
        "version": str(chart.version if chart else 0),
        "on": on.isoformat(),
        "started_at": _shown(started_at, zone),
        "stopped_at": _shown(stopped_at, zone),
        "provider_id": (chart.provider_id if chart else None) or session.provider_id or "",
    }
    if chart is None:
        return shown
    if _runs_past(chart, on, zone):
        shown[PAST_MIDNIGHT] = "yes"
    for place, drug in enumerate(chart.drugs):
        shown |= {f"drugs-{place}-{name}": told for name, told in _drug_fields(drug, zone).items()}
    if chart.hydration:
        shown |= {
            "hydration-purpose": chart.hydration.purpose.value,
            "hydration-started_at": _shown(chart.hydration.started_at, zone),
            "hydration-stopped_at": _shown(chart.hydration.stopped_at, zone),
        }
    if chart.evaluation:
        shown |= {
            "evaluation-kind": chart.evaluation.kind.value,
            "evaluation-minutes": str(chart.evaluation.minutes or ""),
            "evaluation-outside_minutes": str(chart.evaluation.outside_minutes or ""),
        }
    return shown | {"psychotherapy_minutes": str(chart.psychotherapy_minutes or "")}


def _runs_past(chart: Chart, on: date, zone: ZoneInfo) -> bool:
    """Whether any of it was on the day after; a draft may lack its stop."""
    told = [chart.stopped_at, *(each.stopped_at for each in chart.drugs)]
    told += [each.started_at for each in chart.drugs]
    if chart.hydration:
        told += [chart.hydration.started_at, chart.hydration.stopped_at]
    return any(each is not None and local_date(each, zone) > on for each in told)


def rows_of(form: Form) -> int:
    """How many rows for drugs the form has: one more than is filled in, when it was not sent yet."""
    sent = str(form.get("rows", ""))
    if MINUTES.fullmatch(sent):
        return min(int(sent), MOST_ROWS)
    filled = sum(1 for name in form if re.fullmatch(r"drugs-[0-9]+-drug", name))
    return max(1, filled)


def _drug(form: Form, place: int, own: Callable[[str], datetime | None]) -> DrugEntry:
    at = f"drugs-{place}"
    return DrugEntry(
        drug=_text(form, f"{at}-drug"),
        dose_mg=_dose(form, f"{at}-dose_mg"),
        way=_choice(form, f"{at}-way", Way),
        order=_choice(form, f"{at}-order", Order),
        started_at=own(f"{at}-started_at"),
        stopped_at=own(f"{at}-stopped_at"),
        ndc=_text(form, f"{at}-ndc") or None,
        is_at_second_site=f"{at}-is_at_second_site" in form,
    )


def _drug_fields(drug: DrugEntry, zone: ZoneInfo) -> dict[str, str]:
    ticked = {"is_at_second_site": "yes"} if drug.is_at_second_site else {}
    return {
        "drug": drug.drug,
        "dose_mg": f"{drug.dose_mg.normalize():f}",
        "way": drug.way.value,
        "order": drug.order.value,
        "started_at": _shown(drug.started_at, zone),
        "stopped_at": _shown(drug.stopped_at, zone),
        "ndc": drug.ndc or "",
        **ticked,
    }


def _shown(instant: datetime | None, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%H:%M}" if instant else ""


def _text(form: Form, field: str) -> str:
    return str(form.get(field, "")).strip()


def _day(form: Form) -> date:
    try:
        return date.fromisoformat(_text(form, "on"))
    except ValueError:
        raise _refused("on", "Choose the day of the visit.") from None


def _clock(form: Form, field: str, on: date, zone: ZoneInfo) -> datetime | None:
    text = _text(form, field)
    if not text:
        return None
    try:
        return datetime.combine(on, time.fromisoformat(text).replace(tzinfo=None), tzinfo=zone)
    except ValueError:
        raise _refused(field, "Enter the time as 14:05.") from None


def _dose(form: Form, field: str) -> Decimal:
    text = _text(form, field)
    if not DOSE.fullmatch(text):
        raise _refused(field, "Enter the dose in mg, such as 40 or 42.5.")
    return Decimal(text)


def _minutes(form: Form, field: str) -> int | None:
    text = _text(form, field)
    if text and not MINUTES.fullmatch(text):
        raise _refused(field, "Enter whole minutes, such as 30.")
    return int(text) if text else None


def _choice(form: Form, field: str, kind: type[Choice]) -> Choice:
    try:
        return kind(_text(form, field))
    except ValueError:
        raise _refused(field, "Choose one of the list.") from None


def _refused(field: str, message: str) -> InvalidChart:
    return InvalidChart(message, [Flaw(f"/{field}", message)])
