"""What this room asks of the outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from billing.insurance.records import RemittanceFile

RenderSuperbill = Callable[[Mapping[str, Any]], bytes]
"""Turns a frozen superbill into a PDF; the same body gives the same bytes."""


class RemittanceReader(Protocol):
    def read(self, content: bytes) -> RemittanceFile:
        """Raises: UnreadableRemittance, naming the segment."""
