"""The tables that exports read, by the names of their columns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Date, String, TableClause, column, table
from sqlalchemy.types import TypeEngine

from billing.platform.data.base import Instant


def _columns(name: str, texts: str, cents: str = "", days: str = "", moments: str = "") -> TableClause:
    """A table by the names of its columns, which keeps this room free of other rooms' models."""
    typed: list[tuple[str, TypeEngine[Any]]] = [
        (texts, String()),
        (cents, BigInteger()),
        (days, Date()),
        (moments, Instant()),
    ]
    return table(name, *(column(each, kind) for names, kind in typed for each in names.split()))


ENTRY = _columns(
    "ledger_entry",
    "id entity_id site_id period source_kind source_id purpose reverses_id",
    days="effective_on",
    moments="posted_at",
)
LINE = _columns("ledger_line", "entry_id account patient_id", cents="cents place")
PAYMENT = _columns(
    "payment",
    "id entity_id site_id patient_id invoice_id tender state corrects_id charge_reference payer_id",
    cents="amount_cents fee_cents",
    days="received_on",
    moments="received_at",
)
REFUND = _columns(
    "refund",
    "id entity_id site_id patient_id lot_id payment_id payer_id method state reference"
    " requested_by approved_by",
    cents="amount_cents",
    days="refunded_on",
    moments="requested_at approved_at",
)
DISPUTE = _columns("dispute", "id payment_id")
DISPUTE_MOVEMENT = _columns("dispute_movement", "id dispute_id", cents="amount_cents")
CREDIT = _columns(
    "credit_lot",
    "id entity_id site_id patient_id source source_id payer_id",
    cents="amount_cents",
    days="held_on",
)
APPLICATION = _columns("credit_application", "id lot_id", cents="amount_cents", days="applied_on")
REVERSAL = _columns("credit_reversal", "application_id", cents="amount_cents", days="reversed_on")
WITHDRAWAL = _columns(
    "credit_withdrawal", "lot_id reason", cents="amount_cents", days="withdrawn_on", moments="withdrawn_at"
)
DORMANT = _columns("dormant_credit", "lot_id refund_id", cents="amount_cents", days="claimed_on")
SUPERBILL = _columns(
    "superbill",
    "id entity_id site_id patient_id session_id number state supersedes_id sha256",
    cents="version charge_cents paid_cents",
    days="service_on",
    moments="issued_at",
)
