"""A fee schedule as plain JSON values and back: what is frozen when it is published.

Cents are integers, milligrams and dates are texts, so that nothing passes through a float.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from billing.catalog.records import AddOn, Discount, DoseBand, FeeSchedule, Rate, Tier


def body_of(schedule: FeeSchedule) -> dict[str, Any]:
    """Everything but the id, which is no part of what was published."""
    body = asdict(schedule)
    del body["id"]
    body["effective_from"] = schedule.effective_from.isoformat()
    for key in ("dose_bands", "weight_bands"):
        body[key] = [{**band, "above": str(band["above"])} for band in body[key]]
    return body


def schedule_of(body: Mapping[str, Any], schedule_id: str) -> FeeSchedule:
    return FeeSchedule(
        id=schedule_id,
        code=body["code"],
        clinic=body["clinic"],
        effective_from=date.fromisoformat(body["effective_from"]),
        is_sample=body["is_sample"],
        categories=body["categories"],
        rates=tuple(Rate(**rate) for rate in body["rates"]),
        dose_bands=_bands(body["dose_bands"]),
        weight_bands=_bands(body["weight_bands"]),
        add_ons=tuple(AddOn(**add_on) for add_on in body["add_ons"]),
        tiers=tuple(Tier(**tier) for tier in body["tiers"]),
        discounts=tuple(Discount(**discount) for discount in body["discounts"]),
        stack_discounts=body["stack_discounts"],
    )


def _bands(bands: list[dict[str, Any]]) -> tuple[DoseBand, ...]:
    return tuple(DoseBand(above=Decimal(band["above"]), cents=band["cents"]) for band in bands)
