"""The way in: the patient locked, then the rows read as they are now."""

from __future__ import annotations

from sqlalchemy import select

from billing.care.queries import find_session
from billing.care.records import Session
from billing.invoices.models import PayerRow
from billing.invoices.queries import find_invoice, patient_of_invoice
from billing.invoices.records import Invoice
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.use_cases import lock_patient
from billing.platform.data.database import Tx


def lock_invoice(tx: Tx, invoice_id: str, actor: Actor) -> Invoice:
    """Lock the invoice's patient, then read the invoice as it is now.

    Raises: NoSuchInvoice.
    """
    lock_patient(tx, patient_of_invoice(tx, invoice_id, actor))
    return find_invoice(tx, invoice_id, actor)


def lock_payer(tx: Tx, payer_id: str) -> None:
    """Whoever else takes money of this payer, for any patient, waits. The patient is locked before."""
    tx.session.scalar(select(PayerRow.id).where(PayerRow.id == payer_id).with_for_update(key_share=True))


def locked_session(tx: Tx, session_id: str) -> Session:
    """Lock the session's patient, then read the session as it is now. Raises: NoSuchSession."""
    lock_patient(tx, find_session(tx, session_id, SYSTEM).patient_id)
    return find_session(tx, session_id, SYSTEM)
