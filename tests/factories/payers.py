"""Other payers as they come about."""

from __future__ import annotations

from datetime import date, datetime

from billing.invoices.records import Payer, PayerKind, ShareOrder
from billing.invoices.use_cases.payers import add_payer
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Database
from tests.conftest import NOW
from tests.factories.invoices import Billed

SPONSORS_NAME = "Quillfeather Foundation"


def a_payer(
    database: Database, site_id: str, kind: PayerKind = PayerKind.SPONSOR, *, now: datetime = NOW
) -> Payer:
    return database.in_transaction(
        lambda tx: add_payer(
            tx,
            site_id=site_id,
            kind=kind,
            name=SPONSORS_NAME,
            contact="512-555-0177",
            actor=SYSTEM,
            now=now,
        )
    )


def a_fixed_part(payer: Payer, cents: int) -> ShareOrder:
    """As a relative agrees to it in words, and everybody else in a letter with a number."""
    reference = None if payer.kind is PayerKind.RELATIVE else "L-2026-17"
    return ShareOrder(payer_id=payer.id, amount=Money(cents), reference=reference)


def whole_sessions(payer: Payer, bill: Billed) -> ShareOrder:
    """An authorization of the year for every session of a bill."""
    return ShareOrder(
        payer_id=payer.id,
        session_ids=bill.session_ids,
        reference="WC-88-123",
        from_on=date(2026, 1, 1),
        until_on=date(2026, 12, 31),
    )
