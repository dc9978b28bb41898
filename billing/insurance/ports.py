"""What this room asks of the outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from billing.insurance.records import RemittanceFile
from billing.insurance.records.acknowledgements import Acknowledgement
from billing.insurance.records.claims import Claim, Offset


class RenderSuperbill(Protocol):
    def __call__(self, body: Mapping[str, Any], mark: str = "") -> bytes:
        """Turns a frozen superbill into a PDF; the same body gives the same bytes.

        A copy of what holds no more has a mark on each page, such as VOID.
        """


PrintSuperbills = Callable[[Iterable[Mapping[str, Any]], BinaryIO], None]
"""Writes one PDF of many frozen superbills, and keeps none of them in memory; its end says what it lacks."""

X12_TYPE = "application/edi-x12"
"""The media type of such a file."""

RenderAppeal = Callable[[Mapping[str, Any]], bytes]
"""Turns a frozen appeal letter into a PDF; the same body gives the same bytes."""

RenderClaims = Callable[[Mapping[str, Any]], bytes]
"""Turns a frozen file of claims into X12; the same body gives the same bytes."""


class PrintClaims(Protocol):
    def __call__(
        self, claims: Iterable[Claim], offset: Offset, *, is_view: bool = False, mark: str = ""
    ) -> bytes:
        """A PDF for pre-printed sheets of CMS-1500, or a view for the screen that bears the mark."""


class AcknowledgementReader(Protocol):
    def read(self, content: bytes) -> tuple[Acknowledgement, ...]:
        """Raises: UnreadableAcknowledgement, naming the segment."""


class RemittanceReader(Protocol):
    def read(self, content: bytes) -> RemittanceFile:
        """Raises: UnreadableRemittance, naming the segment."""


@dataclass(frozen=True, kw_only=True)
class Outside:
    """All of it, as the routes need it."""

    print_superbill: RenderSuperbill
    write_claims: RenderClaims
    print_claims: PrintClaims
    print_appeal: RenderAppeal
    remittances: RemittanceReader
    acknowledgements: AcknowledgementReader
