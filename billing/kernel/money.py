"""Cents: the only arithmetic on money, and the only place that rounds or splits it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HUNDRED_PERCENT = 10_000
"""Basis points in the whole."""

LARGEST_CENTS = 99_999_999_999
"""What one amount may be at most ($999,999,999.99): far above any bill, far below a 64-bit column."""


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """A whole number of cents, US dollars."""

    cents: int

    def __post_init__(self) -> None:
        if type(self.cents) is not int:
            raise TypeError("Money takes whole cents")

    def __add__(self, other: Money) -> Money:
        return Money(self.cents + other.cents)

    def __sub__(self, other: Money) -> Money:
        return Money(self.cents - other.cents)

    def __neg__(self) -> Money:
        return Money(-self.cents)

    def __bool__(self) -> bool:
        return self.cents != 0

    def __str__(self) -> str:
        sign = "-" if self.cents < 0 else ""
        return f"{sign}${abs(self.cents) // 100:,}.{abs(self.cents) % 100:02d}"

    def share(self, basis_points: int) -> Money:
        """Half up; refuses a negative amount."""
        return Money(share_cents(self.cents, basis_points))


ZERO = Money(0)


def total(amounts: Iterable[Money]) -> Money:
    return Money(sum(amount.cents for amount in amounts))


def share_cents(cents: int, basis_points: int) -> int:
    """The part of an amount that a percentage takes, in cents, rounded half up.

    Raises: ValueError for a negative amount or share, where "half up" would be ambiguous.
    """
    if cents < 0 or basis_points < 0:
        raise ValueError("a share is taken of an amount that is not negative")
    return (cents * basis_points + HUNDRED_PERCENT // 2) // HUNDRED_PERCENT


def split(amount: Money, weights: Sequence[int]) -> list[Money]:
    """Split in proportion without losing a cent: `split(Money(100), [1, 1, 1])` is 34, 33, 33."""
    return [Money(cents) for cents in split_cents(amount.cents, weights)]


def split_cents(cents: int, weights: Sequence[int]) -> list[int]:
    """Split by largest remainder, ties to the earlier part.

    Raises: ValueError when the amount or a weight is negative, or no weight takes a positive amount.
    """
    whole = sum(weights)
    if cents < 0 or any(weight < 0 for weight in weights) or (cents and not whole):
        raise ValueError("only a positive amount can be split, by weights of which one is positive")
    if not whole:
        return [0] * len(weights)
    parts = [cents * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: (-(cents * weights[place] % whole), place))
    for place in by_remainder[: cents - sum(parts)]:
        parts[place] += 1
    return parts
