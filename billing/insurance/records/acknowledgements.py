"""What became of claims on their way: 999 (005010X231A1) of a form, 277CA (005010X214) of each claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """NOTED is neither: a form that was right, or a claim that was handed on."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOTED = "noted"


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """What a file says of one claim, of one transaction that we sent, or of a whole file of ours.

    `codes` are X12's own; no text and nothing that stood in the claim is among them.
    """

    segment: int
    """Its place in the file that it came in, from 1."""
    kind: str
    """999 or 277CA."""
    receiver_id: str
    """GS03: to whom it was sent."""
    interchange_number: int | None
    """The control number of our file."""
    set_number: int | None
    """ST02 of our transaction; None for the whole file."""
    control_number: str
    """CLM01, or empty when it is not about one claim."""
    verdict: Verdict
    codes: tuple[str, ...]
    payer_claim_number: str
    """REF*1K, or empty."""


@dataclass(frozen=True, kw_only=True)
class ClaimNotice:
    """An acknowledgement as it is kept with its claim."""

    id: str
    kind: str
    verdict: Verdict
    codes: tuple[str, ...]
    payer_claim_number: str
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class AcknowledgedClaim:
    """What became of an acknowledgement for one claim. `named` is what the file calls it by.

    `status` is moved, noted, duplicate or unmatched.
    """

    segment: int
    named: str
    kind: str
    verdict: Verdict
    codes: tuple[str, ...]
    status: str
    number: str | None = None
    state: str | None = None


@dataclass(frozen=True, kw_only=True)
class AcknowledgedFile:
    """`status` is taken, duplicate, unmatched (some of it) or refused, with the reason."""

    name: str
    status: str
    reason: str | None = None
    claims: tuple[AcknowledgedClaim, ...] = ()
