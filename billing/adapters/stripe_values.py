"""Stripe's moments, amounts and references, read as ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from billing.kernel.money import Money
from billing.payments.ports import GatewayTimeout


def instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def money(cents: int, currency: str) -> Money:
    if currency != "usd":
        raise GatewayTimeout  # no usable answer, and not a no: the money may have moved
    return Money(cents)


def id_of(thing: Any) -> str | None:
    """The id of what Stripe shows either whole or as its id."""
    return thing if thing is None or isinstance(thing, str) else str(thing.id)
