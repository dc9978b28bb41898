"""Saved cards, and what patients agreed to about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from billing.payments.states.saved_methods import SavedState


class Purpose(StrEnum):
    """What a saved card may be charged for without its owner."""

    FUTURE_VISITS = "future_visits"
    PLAN_INSTALMENTS = "plan_instalments"


class ConsentDeed(StrEnum):
    GIVEN = "given"
    REVOKED = "revoked"


class ConsentBy(StrEnum):
    """LINK: the patient, on the page of a link; WRITING: on paper, which staff recorded."""

    LINK = "link"
    WRITING = "writing"


class AfterDecline(StrEnum):
    """What can be done after a saved card was declined: later the same, another card, or only the payer."""

    TRY_LATER = "try_later"
    NEW_CARD = "new_card"
    ASK_PAYER = "ask_payer"


@dataclass(frozen=True, kw_only=True)
class ConsentText:
    """What is agreed to, word for word, and its hash."""

    purpose: Purpose
    version: str
    text: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """A card as the processor keeps it: never its number."""

    reference: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, kw_only=True)
class Consent:
    """One deed about one purpose: given, or taken back. The last one counts.

    `signed_on` is the date on the paper, if it was one; `text` is what was agreed to, None where it ended.
    """

    id: str
    saved_method_id: str
    purpose: Purpose
    deed: ConsentDeed
    told_by: ConsentBy
    actor_id: str
    signed_on: date | None
    text_sha256: str | None
    text: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class SavedMethod:
    """`purposes` are those that the patient agrees to now; `blocked_for` is the bank's own word.

    `url` is where the card is typed, at the processor, while the state is `pending`.
    """

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    customer_id: str
    state: SavedState
    card: CardFacts | None
    blocked_for: str | None
    purposes: tuple[Purpose, ...]
    page_reference: str | None
    url: str | None
    return_url: str
    opened_at: datetime
    expires_at: datetime
    removal_asked_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ProcessorCustomer:
    """A patient at the processor, who knows nothing of them; `reference` is its id there once it is known."""

    id: str
    reference: str | None
    made_at: datetime


@dataclass(frozen=True, kw_only=True)
class CardLink:
    """Leave to save a card for a patient: whose clinic, and for which purposes the patient is asked."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    purposes: tuple[Purpose, ...]
    expires_at: datetime
