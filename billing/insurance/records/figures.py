"""What an insurer is told of a visit's money."""

from __future__ import annotations

from dataclasses import dataclass

from billing.kernel.money import Money


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The net charge, and what was paid beside the insurer."""

    charge: Money
    paid: Money
