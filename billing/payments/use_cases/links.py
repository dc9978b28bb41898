"""Links by which a patient pays without an account."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import insert

from billing.invoices.queries import find_invoice
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.payments.models.checkouts import PayLinkRow
from billing.payments.queries.checkouts import secret_hash
from billing.payments.records.checkouts import PayLink
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

LINK_LASTS = timedelta(days=30)
SECRET_BYTES = 20


def make_pay_link(tx: Tx, *, invoice_id: str, actor: Actor, now: datetime) -> tuple[PayLink, str]:
    """A link that shows an amount only, and its secret, which is kept hashed and told once.

    Raises: NoSuchInvoice.
    """
    invoice = find_invoice(tx, invoice_id, actor)
    secret, link_id = secrets.token_urlsafe(SECRET_BYTES), new_id("lnk")
    link = PayLink(
        id=link_id,
        invoice_id=invoice.id,
        entity_id=invoice.entity_id,
        amount=invoice.open_balance,
        expires_at=now + LINK_LASTS,
    )
    tx.session.execute(
        insert(PayLinkRow).values(
            id=link_id,
            invoice_id=invoice.id,
            secret_sha256=secret_hash(secret),
            made_by=actor.id,
            expires_at=link.expires_at,
        )
    )
    record_audit(tx, actor=actor, action="pay_link.make", subject_id=link_id, now=now)
    return link, secret
