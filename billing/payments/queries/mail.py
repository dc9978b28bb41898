"""Reads of mails and of the links that they carry."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from billing.catalog.queries import find_entity
from billing.catalog.records import Entity
from billing.patients.queries import has_died
from billing.payments.models.mail import MailRow, ReceiptLinkRow
from billing.payments.models.receipts import ReceiptRow
from billing.payments.queries.receipts import receipt_of
from billing.payments.records.mail import Mail
from billing.payments.states.mail import MailState
from billing.platform.data.database import Read
from billing.platform.data.vault import Vault

LINK_PURPOSE = "receipt.link"


def recipient_print(vault: Vault, address: str) -> str:
    return vault.fingerprint("mail.recipient", address.lower())


def standing_mail(read: Read, receipt_id: str, address: str, now: datetime) -> Mail | None:
    """The newest mail of a receipt to an address, as long as its link opens."""
    row = read.session.scalar(
        select(MailRow)
        .where(MailRow.receipt_id == receipt_id, MailRow.recipient == recipient_print(read.vault, address))
        .order_by(MailRow.turn.desc())
        .limit(1)
    )
    if row is None or row.state == MailState.REFUSED:
        return None
    link = read.session.get_one(ReceiptLinkRow, row.link_id)
    return mail_of(row) if link.tries_left > 0 and link.expires_at > now else None


def turns_of(read: Read, receipt_id: str, recipient: str) -> int:
    """How many mails of a receipt there are to an address."""
    query = select(func.count()).where(MailRow.receipt_id == receipt_id, MailRow.recipient == recipient)
    return read.session.scalar(query) or 0


def waiting_mail(read: Read, mail_id: str) -> tuple[str, str] | None:
    """Whom a mail goes to and its link's secret, while it was not sent and the patient lives."""
    row = read.session.get_one(MailRow, mail_id)
    receipt = read.session.get_one(ReceiptRow, row.receipt_id)
    if row.state != MailState.QUEUED or not receipt_of(read, receipt).stands:
        return None
    if has_died(read, receipt.patient_id):
        return None
    inside = read.vault.open(MailRow.__tablename__, row.id, row.sealed)
    return inside["to"], inside["secret"]


def sender_of(read: Read, mail_id: str) -> Entity:
    """Whose receipt a mail carries."""
    row = read.session.get_one(MailRow, mail_id)
    return find_entity(read, read.session.get_one(ReceiptRow, row.receipt_id).entity_id)


def receipt_of_link(read: Read, link_id: str) -> str:
    """The receipt that a link opens."""
    return read.session.get_one(ReceiptLinkRow, link_id).receipt_id


def mail_of(row: MailRow) -> Mail:
    return Mail(
        id=row.id,
        receipt_id=row.receipt_id,
        state=MailState(row.state),
        queued_at=row.queued_at,
        sent_at=row.sent_at,
    )
