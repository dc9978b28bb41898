"""Attempts to pay, links to pay by, and what the processor tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from billing.kernel.money import Money
from billing.payments.states.checkouts import CheckoutState


class Way(StrEnum):
    """Where the payer pays: on the processor's page, on a reader at the desk, or by a saved card, away."""

    PAGE = "page"
    READER = "reader"
    SAVED = "saved"


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A card reader, as the processor knows it."""

    id: str
    label: str
    is_online: bool


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """An attempt to pay an invoice, another payer's share of it, or a deposit that was asked for.

    `url` is None until it is known, and where there is no page. `descriptor` is what the payer reads on a
    card statement, kept so that a repeated call says the same. A saved card is charged under `consent_id`;
    `decline` is why its bank did not pay, in the bank's own word.
    """

    id: str
    invoice_id: str | None
    share_id: str | None
    deposit_request_id: str | None
    patient_id: str
    way: Way
    reader_id: str | None
    saved_method_id: str | None
    consent_id: str | None
    descriptor: str | None
    decline: str | None
    amount: Money
    state: CheckoutState
    reference: str | None
    url: str | None
    return_url: str
    is_health_account: bool
    opened_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class CheckoutAtSite:
    """What a person is asked about, where what it pays belongs."""

    id: str
    entity_id: str
    site_id: str


@dataclass(frozen=True, kw_only=True)
class PayLink:
    """What a stranger with the link may know: whose clinic, and how much."""

    id: str
    invoice_id: str | None
    share_id: str | None
    deposit_request_id: str | None
    entity_id: str
    amount: Money
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Event:
    """A verified notice from the processor. Read the object again rather than trust the order of events."""

    id: str
    kind: str
    object_id: str
    object_kind: str
    livemode: bool
    created_at: datetime
