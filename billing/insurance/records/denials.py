"""What is next after a denial, and the letter that appeals it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NextStep(StrEnum):
    """What a denial's codes call for, the most pressing first."""

    CHECK_CARD = "check_card"
    FIND_FIRST_ANSWER = "find_first_answer"
    PROVE_FILING = "prove_filing"
    SEND_RECORDS = "send_records"
    CORRECT = "correct"
    ASK_LEAVE = "ask_leave"
    FILE_ELSEWHERE = "file_elsewhere"
    APPEAL_OR_CLOSE = "appeal_or_close"
    LOOK_UP = "look_up"


class CodeList(StrEnum):
    """Claim adjustment reason codes, and remittance advice remark codes."""

    CARC = "carc"
    RARC = "rarc"


@dataclass(frozen=True, kw_only=True)
class LoadedCodes:
    """How many codes each list has that was loaded."""

    counts: Mapping[CodeList, int]


@dataclass(frozen=True, kw_only=True)
class AppealLetter:
    """A letter as it was frozen; `version` counts those of one claim from 1."""

    id: str
    """Of the frozen document."""
    claim_id: str
    number: str
    """Of the claim."""
    version: int
    sha256: str
    written_at: datetime
