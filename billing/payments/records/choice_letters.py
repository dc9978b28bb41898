"""Letters that ask patients what becomes of an insurer's money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from billing.catalog.records import Entity
from billing.kernel.money import Money
from billing.payments.states.choice_letters import ChoiceLetterState


class ChoiceLetterKind(StrEnum):
    """ASK comes first; REMIND once, when the time is nearly over."""

    ASK = "ask"
    REMIND = "remind"


@dataclass(frozen=True, kw_only=True)
class ChoiceLetter:
    """`written_on` is the site's day; `sent_at` when a server took it, or a person had posted it."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    kind: ChoiceLetterKind
    state: ChoiceLetterState
    written_on: date
    sent_at: datetime | None
    document_id: str | None


@dataclass(frozen=True, kw_only=True)
class ToChoose:
    """A credit that waits: how much, and the day on which it goes back without a word."""

    lot_id: str
    amount: Money
    goes_back_on: date
    session_id: str | None


@dataclass(frozen=True, kw_only=True)
class PaperLetter:
    """A letter with what is printed of it; `sha256` is that of the body's canonical JSON."""

    letter: ChoiceLetter
    body: Mapping[str, Any] = field(repr=False)
    sha256: str

    @property
    def can_be_posted(self) -> bool:
        return self.letter.state is ChoiceLetterState.TO_POST and bool(self.body["credits"])


@dataclass(frozen=True, kw_only=True)
class WaitingLetter:
    """A mail that is to be sent, with what still waits for a choice."""

    to: str = field(repr=False)
    secret: str = field(repr=False)
    kind: ChoiceLetterKind
    sender: Entity
    credits: tuple[ToChoose, ...]
