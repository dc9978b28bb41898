"""A payment as JSON and back: what is parked is posted later from what was kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from billing.insurance.records import (
    Adjustment,
    ProviderAdjustment,
    RemittanceClaim,
    RemittanceLine,
    RemittanceTransaction,
)
from billing.kernel.money import Money

MONEY = frozenset({"amount", "charge", "paid", "patient_responsibility"})


def to_keep(transaction: RemittanceTransaction) -> dict[str, Any]:
    """Values of JSON, and dates."""
    return asdict(transaction)


def as_kept(kept: Mapping[str, Any]) -> RemittanceTransaction:
    """The transaction, equal to the one that was kept."""
    return RemittanceTransaction(
        **_values(kept)
        | {
            "paid_on": date.fromisoformat(kept["paid_on"]),
            "claims": tuple(_claim(each) for each in kept["claims"]),
            "provider_adjustments": tuple(
                ProviderAdjustment(**_values(each)) for each in kept["provider_adjustments"]
            ),
            "doubts": tuple(kept["doubts"]),
        }
    )


def _claim(kept: Mapping[str, Any]) -> RemittanceClaim:
    lines = tuple(_line(each) for each in kept["lines"])
    told = {"adjustments": _adjustments(kept), "lines": lines, "remarks": tuple(kept.get("remarks", ()))}
    return RemittanceClaim(**_values(kept) | told)


def _line(kept: Mapping[str, Any]) -> RemittanceLine:
    served_on = date.fromisoformat(kept["served_on"]) if kept["served_on"] else None
    return RemittanceLine(**_values(kept) | {"adjustments": _adjustments(kept), "served_on": served_on})


def _adjustments(kept: Mapping[str, Any]) -> tuple[Adjustment, ...]:
    return tuple(Adjustment(**_values(each)) for each in kept["adjustments"])


def _values(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Money(value["cents"]) if name in MONEY else value for name, value in kept.items()}
