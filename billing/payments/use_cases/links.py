"""Links by which a patient pays without an account."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import insert

from billing.invoices.queries import find_invoice, find_share
from billing.invoices.queries.arose import arose_on
from billing.invoices.records import Invoice, PayerShare
from billing.invoices.rules import refuse_unless_open, refuse_unless_owed
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.patients.queries import refuse_while_on_hold
from billing.payments.models.checkouts import PayLinkRow
from billing.payments.queries.checkouts import secret_hash
from billing.payments.queries.deposit_requests import find_deposit_request, refuse_unless_asked
from billing.payments.records.checkouts import PayLink
from billing.payments.records.deposit_requests import DepositRequest
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

LINK_LASTS = timedelta(days=30)
SECRET_BYTES = 20


def make_pay_link(tx: Tx, *, invoice_id: str, actor: Actor, now: datetime) -> tuple[PayLink, str]:
    """A link that shows what the patient owes and nothing else, and its secret, kept hashed and told once.

    Raises: NoSuchInvoice, AccountOnHold, InvoiceNotOpen.
    """
    invoice = find_invoice(tx, invoice_id, actor)
    refuse_while_on_hold(tx, invoice.patient_id, arose_on=arose_on(tx, invoice))
    refuse_unless_open(invoice)
    return _make(tx, invoice, {"invoice_id": invoice.id}, actor, now)


def make_payers_link(tx: Tx, *, share_id: str, actor: Actor, now: datetime) -> tuple[PayLink, str]:
    """The same for another payer, of what they owe. Raises: NoSuchShare; MoreThanOwed when it is nothing."""
    share = find_share(tx, share_id, actor)
    refuse_unless_owed(share)
    return _make(tx, share, {"invoice_id": share.invoice_id, "share_id": share.id}, actor, now)


def make_deposit_link(tx: Tx, *, deposit_request_id: str, actor: Actor, now: datetime) -> tuple[PayLink, str]:
    """The same for a deposit that was asked for.

    Raises: NoSuchDepositRequest, AccountOnHold, DepositNotAsked.
    """
    deposit = find_deposit_request(tx, deposit_request_id, actor)
    refuse_while_on_hold(tx, deposit.patient_id)
    refuse_unless_asked(deposit)
    return _make(tx, deposit, {"deposit_request_id": deposit.id}, actor, now)


def _make(
    tx: Tx,
    owed: Invoice | PayerShare | DepositRequest,
    pays: dict[str, str],
    actor: Actor,
    now: datetime,
) -> tuple[PayLink, str]:
    secret, link_id = secrets.token_urlsafe(SECRET_BYTES), new_id("lnk")
    link = PayLink(
        id=link_id,
        invoice_id=pays.get("invoice_id"),
        share_id=pays.get("share_id"),
        deposit_request_id=pays.get("deposit_request_id"),
        entity_id=owed.entity_id,
        amount=owed.open_balance,
        expires_at=now + LINK_LASTS,
    )
    tx.session.execute(
        insert(PayLinkRow).values(
            id=link_id,
            **pays,
            secret_sha256=secret_hash(secret),
            made_by=actor.id,
            expires_at=link.expires_at,
        )
    )
    record_audit(tx, actor=actor, action="pay_link.make", subject_id=link_id, now=now)
    return link, secret
