"""What the room hands to others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from billing.invoices.states import InvoiceState
from billing.kernel.money import Money

REFUNDED = "refunded"
"""The kind of cover whose money went back to its payer while the session stayed settled."""


class InvoiceKind(StrEnum):
    """PACKAGE: a package's reduction is in its price, so that its sessions stand or fall together."""

    SESSION = "session"
    PACKAGE = "package"


@dataclass(frozen=True, kw_only=True)
class InvoiceLine:
    """One session: charge - discount = net. The charge is the price after a package's reduction."""

    id: str
    session_id: str
    service: str
    service_on: date
    charge: Money
    discount: Money
    net: Money


@dataclass(frozen=True, kw_only=True)
class Invoice:
    id: str
    number: int
    entity_id: str
    site_id: str
    patient_id: str
    quote_id: str
    kind: InvoiceKind
    state: InvoiceState
    total: Money
    open_balance: Money
    issued_on: date
    issued_at: datetime
    lines: tuple[InvoiceLine, ...]


@dataclass(frozen=True, kw_only=True)
class SettledPart:
    """Money that went to one session; `earned` says the session had been given by then."""

    session_id: str
    amount: Money
    earned: bool


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What an invoice took of a tender, session by session."""

    invoice_id: str
    amount: Money
    parts: tuple[SettledPart, ...]
