"""What this room asks of the outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO, Protocol

from billing.insurance.records import RemittanceFile

RenderSuperbill = Callable[[Mapping[str, Any]], bytes]
"""Turns a frozen superbill into a PDF; the same body gives the same bytes."""

PrintSuperbills = Callable[[Iterable[Mapping[str, Any]], BinaryIO], None]
"""Writes one PDF of many frozen superbills, and keeps none of them in memory."""

X12_TYPE = "application/edi-x12"
"""The media type of such a file."""

RenderClaims = Callable[[Mapping[str, Any]], bytes]
"""Turns a frozen file of claims into X12; the same body gives the same bytes."""


class RemittanceReader(Protocol):
    def read(self, content: bytes) -> RemittanceFile:
        """Raises: UnreadableRemittance, naming the segment."""
