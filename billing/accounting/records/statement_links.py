"""Links by which patients open their statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.kernel.permissions import Actor


@dataclass(frozen=True, kw_only=True)
class StatementLink:
    """What opens a patient's statement for who knows the birth date."""

    id: str
    patient_id: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class StatementHolder:
    """Who looks at a patient's statement by a link, with the reach that the link has."""

    patient_id: str
    actor: Actor
