"""What can go wrong, in the domain's words. The edge alone chooses a status for each kind.

A room's errors.py derives from these and gives each error a `code`, which is stable and documented.
The sentence says what happened and what to do; it never holds health data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


class BillingError(Exception):
    """`more` holds facts for machines, such as `missing_cents`; ids and amounts only."""

    code: ClassVar[str]

    def __init__(self, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.more: Mapping[str, object] = more


class NotFound(BillingError):
    """No such thing, or none that this actor may know of."""


class Conflict(BillingError):
    """The present state of things does not allow it."""


@dataclass(frozen=True)
class Flaw:
    """One thing wrong with an input: a JSON pointer (or `line 12`, for files) and what to do."""

    pointer: str
    message: str


class Invalid(BillingError):
    """The input is wrong; names each field."""

    def __init__(self, detail: str, flaws: list[Flaw] | None = None, **more: object) -> None:
        super().__init__(detail, **more)
        self.flaws = flaws or []


class Denied(BillingError):
    """This actor may not do it."""


class Unavailable(BillingError):
    """Something outside did not answer; nothing was changed, or it will be resolved by itself."""


class IllegalMove(Conflict):
    """A state that the event cannot leave."""

    code = "illegal-move"
