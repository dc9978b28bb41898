"""The life of an invoice, and the facts that this room announces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from billing.kernel.money import Money
from billing.kernel.permissions import Actor


class InvoiceState(StrEnum):
    """PAID: the patient owes nothing of it any more; another payer still may."""

    OPEN = "open"
    PAID = "paid"
    VOID = "void"


class InvoiceEvent(StrEnum):
    SETTLE = "settle"
    VOID = "void"
    REOPEN = "reopen"


MOVES: dict[tuple[InvoiceState, InvoiceEvent], InvoiceState] = {
    (InvoiceState.OPEN, InvoiceEvent.SETTLE): InvoiceState.PAID,
    (InvoiceState.OPEN, InvoiceEvent.VOID): InvoiceState.VOID,
    (InvoiceState.PAID, InvoiceEvent.REOPEN): InvoiceState.OPEN,
}


class ShareState(StrEnum):
    """ENDING: somebody wants it ended, and a second person has to agree."""

    AGREED = "agreed"
    ENDING = "ending"
    ENDED = "ended"


class ShareEvent(StrEnum):
    ASK = "ask"
    KEEP = "keep"
    END = "end"


SHARE_MOVES: dict[tuple[ShareState, ShareEvent], ShareState] = {
    (ShareState.AGREED, ShareEvent.ASK): ShareState.ENDING,
    (ShareState.ENDING, ShareEvent.KEEP): ShareState.AGREED,
    (ShareState.ENDING, ShareEvent.END): ShareState.ENDED,
}


@dataclass(frozen=True, kw_only=True)
class InvoiceIssued:
    invoice_id: str
    patient_id: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, kw_only=True)
class InvoiceVoided:
    """A subscriber that knows of money under way refuses, and the invoice stays."""

    invoice_id: str


@dataclass(frozen=True, kw_only=True)
class NothingOwed:
    """The patient owes nothing of an invoice any more, or another payer nothing of their share of it.

    It was paid, forgiven, called off or void.
    """

    invoice_id: str
    share_id: str | None
    site_id: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, kw_only=True)
class ShareAgreed:
    """Another payer takes a part, so that the patient owes less; a subscriber refuses as for a void one."""

    invoice_id: str
    session_ids: tuple[str, ...]
    actor: Actor
    now: datetime


@dataclass(frozen=True, kw_only=True)
class CostsMore:
    """Visits cost their patient more than before.

    Another payer does not pay their part of them, or they were given of a package that was stopped.
    """

    session_ids: tuple[str, ...]
    actor: Actor
    now: datetime


@dataclass(frozen=True, kw_only=True)
class FreedPart:
    """What one source had covered of an item that was returned."""

    id: str
    source_kind: str
    source_id: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class ItemReturned:
    """A session was taken off its invoice; `freed` is what had been paid for it, in `parts` by its source."""

    return_id: str
    invoice_id: str
    session_id: str
    patient_id: str
    freed: Money
    parts: tuple[FreedPart, ...]
    actor: Actor
    now: datetime
