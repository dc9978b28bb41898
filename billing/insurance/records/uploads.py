"""Files of insurers that somebody sent, and what each of their transactions would do or did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from billing.insurance.states import UploadState
from billing.kernel.money import Money

FAILED = "failed"
UPLOAD_FAILED = "upload-failed"
"""The task: payments of a file were not posted, by a fault of the program."""


@dataclass(frozen=True, kw_only=True)
class UploadPart:
    """One ST transaction of a file. `expected` is what it would become, `status` what it became.

    FAILED is one at which the program failed: nothing of it was done, and its reason says what to do.
    `remittance_id` is None until it was posted or parked, and for who may not know of it.
    """

    place: int
    claims: int
    trace: str
    payer_name: str
    amount: Money
    paid_on: date
    expected: str | None
    status: str | None
    reason: str | None
    remittance_id: str | None


@dataclass(frozen=True)
class Expected:
    """What one transaction would become: its status, and the reason of one that would not be posted."""

    status: str
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that somebody sent. Of one that nobody has read yet `claims` is 0."""

    id: str
    state: UploadState
    uploaded_at: datetime
    posted_at: datetime | None
    claims: int
    claims_done: int
    refusal: str | None
    parts: Sequence[UploadPart]
    """Those at the beginning of the file, as many as were asked for."""
