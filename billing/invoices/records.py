"""What the room hands to others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from billing.care.records import PROMISED
from billing.invoices.states import InvoiceState, ShareState
from billing.kernel.money import ZERO, Money, total

AUTHORIZED, FORGIVEN = "payer_share", "forgiven_share"
"""Cover that another payer authorized and owes; and what the clinic bears of it after all."""
OF_PAYERS = frozenset({AUTHORIZED, PROMISED})
"""The kinds of cover that another payer owes."""


NO_SHOW = "no_show"
"""The service of a fee for a session that the patient missed."""


class InvoiceKind(StrEnum):
    """PACKAGE: a package's reduction is in its price, so that its sessions stand or fall together.

    DIFFERENCE: what given sessions of a package cost more, because it was stopped. FEE: for a session that
    the patient missed.
    """

    SESSION = "session"
    PACKAGE = "package"
    DIFFERENCE = "difference"
    FEE = "fee"


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
    reprices_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class StandingLine:
    """A line that is owed or was paid, with the invoice that it stands on."""

    invoice_id: str
    number: int
    kind: InvoiceKind
    line: InvoiceLine


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What one source settles of an invoice now. `gone` of it went back since, or was lost."""

    source_kind: str
    source_id: str
    amount: Money
    gone: Money


@dataclass(frozen=True, kw_only=True)
class Lowered:
    """What stands between an invoice's total and what is open of it.

    `returned` are visits that do not take place, `gone_by` says how much of its money which refund or dispute
    took, `is_reopened` that it had been settled once.
    """

    applied: tuple[Applied, ...]
    returned: Money
    gone_by: Mapping[str, Money]
    is_reopened: bool


@dataclass(frozen=True, kw_only=True)
class Stop:
    """What stopping a package does, or did: visits called off, what is freed, what the others cost more.

    `cancelled` are the sessions' ids; `freed` is what was paid for them; `difference` are the lines of the
    invoice that charges for the visits that were given, whose id is `invoice_id` once it is issued.
    """

    package_id: str
    cancelled: tuple[str, ...]
    freed: Money
    difference: tuple[InvoiceLine, ...]
    invoice_id: str | None = None

    @property
    def charged(self) -> Money:
        return total(line.net for line in self.difference)

    @property
    def left(self) -> Money:
        """What is the payers' in the end."""
        return max(ZERO, self.freed - self.charged)


@dataclass(frozen=True, kw_only=True)
class AsGiven:
    """A session that was given otherwise than priced: what it was charged at, and what it would cost."""

    charged: Money
    would_cost: Money


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


class PayerKind(StrEnum):
    """Who pays for somebody else. COMPENSATION: workers' compensation; VA: a referral of its health care."""

    RELATIVE = "relative"
    SPONSOR = "sponsor"
    GRANT = "grant"
    EMPLOYER = "employer"
    COMPENSATION = "workers_compensation"
    VA = "va"


TAKES_ALL = frozenset({PayerKind.COMPENSATION, PayerKind.VA})
"""Payers of whole sessions, for which the patient is not billed whatever they pay."""


@dataclass(frozen=True, kw_only=True)
class Payer:
    id: str
    entity_id: str
    site_id: str
    kind: PayerKind
    name: str
    contact: str
    added_at: datetime


@dataclass(frozen=True, kw_only=True)
class ShareOrder:
    """What a payer takes of an invoice: a fixed amount of it, or whole sessions.

    `reference` is the number of the authorization, good from `from_on` until `until_on`.
    """

    payer_id: str
    amount: Money | None = None
    session_ids: tuple[str, ...] = ()
    reference: str | None = None
    from_on: date | None = None
    until_on: date | None = None


class EndReason(StrEnum):
    WITHDRAWN = "withdrawn"
    NOT_AUTHORIZED = "not_authorized"
    MISTAKE = "mistake"
    DENIED = "denied"
    PAID_SHORT = "paid_short"


class Bearer(StrEnum):
    """Who bears what a payer leaves unpaid."""

    PATIENT = "patient"
    CLINIC = "clinic"


@dataclass(frozen=True, kw_only=True)
class PayerShare:
    """A payer's part of an invoice. `open_balance` is owed by the payer, or will be when it is given."""

    id: str
    entity_id: str
    site_id: str
    patient_id: str
    invoice_id: str
    payer_id: str
    kind: PayerKind
    state: ShareState
    agreed: Money
    paid: Money
    open_balance: Money
    reference: str | None
    from_on: date | None
    until_on: date | None
    agreed_on: date
    denied_at: datetime | None
    ending: EndReason | None
    borne_by: Bearer | None
    asked_by_person: str | None
    """Who wants it ended."""

    @property
    def cover(self) -> str:
        """The kind of its cover."""
        return PROMISED if self.reference is None else AUTHORIZED
