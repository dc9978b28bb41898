"""Links by which a patient pays without an account."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import insert

from billing.invoices.queries import find_invoice, find_share
from billing.invoices.records import Invoice, PayerShare
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.patients.queries import refuse_while_on_hold
from billing.payments.models.checkouts import PayLinkRow
from billing.payments.queries.checkouts import secret_hash
from billing.payments.records.checkouts import PayLink
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

LINK_LASTS = timedelta(days=30)
SECRET_BYTES = 20


def make_pay_link(tx: Tx, *, invoice_id: str, actor: Actor, now: datetime) -> tuple[PayLink, str]:
    """A link that shows what the patient owes and nothing else, and its secret, kept hashed and told once.

    Raises: NoSuchInvoice, AccountOnHold.
    """
    invoice = find_invoice(tx, invoice_id, actor)
    refuse_while_on_hold(tx, invoice.patient_id)
    return _make(tx, invoice, None, actor, now)


def make_payers_link(tx: Tx, *, share_id: str, actor: Actor, now: datetime) -> tuple[PayLink, str]:
    """The same for another payer, of what they owe. Raises: NoSuchShare."""
    share = find_share(tx, share_id, actor)
    return _make(tx, find_invoice(tx, share.invoice_id, actor), share, actor, now)


def _make(
    tx: Tx, invoice: Invoice, share: PayerShare | None, actor: Actor, now: datetime
) -> tuple[PayLink, str]:
    secret, link_id = secrets.token_urlsafe(SECRET_BYTES), new_id("lnk")
    link = PayLink(
        id=link_id,
        invoice_id=invoice.id,
        share_id=share.id if share else None,
        entity_id=invoice.entity_id,
        amount=(share or invoice).open_balance,
        expires_at=now + LINK_LASTS,
    )
    tx.session.execute(
        insert(PayLinkRow).values(
            id=link_id,
            invoice_id=invoice.id,
            share_id=link.share_id,
            secret_sha256=secret_hash(secret),
            made_by=actor.id,
            expires_at=link.expires_at,
        )
    )
    record_audit(tx, actor=actor, action="pay_link.make", subject_id=link_id, now=now)
    return link, secret
