"""Letters that insurers send to patients, who hand them on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class LetterOutcome(StrEnum):
    """What the letter says, in the patient's own word. Nothing is posted for it."""

    PAID_ME = "paid_me"
    DENIED = "denied"
    DEDUCTIBLE = "deductible"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class SentLetter:
    """What a patient sends: `born_on` and the link say who it is, `visit_on` which visit."""

    born_on: date
    visit_on: date
    outcome: LetterOutcome
    media_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class LetterLink:
    id: str
    patient_id: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class InsurerLetter:
    """`session_id` is the one visit that was given on the day that the patient told, if there is one."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    session_id: str | None
    outcome: LetterOutcome
    visit_on: date
    media_type: str
    received_at: datetime
