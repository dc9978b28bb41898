"""Reads of the links by which patients open their statements."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from billing.accounting.models import StatementLinkRow
from billing.platform.data.database import Read
from billing.platform.data.vault import Vault

LINK_PURPOSE = "statement.link"


def statement_link_print(vault: Vault, secret: str) -> str:
    """What a link is found by; the secret itself is told once."""
    return vault.fingerprint(LINK_PURPOSE, secret.encode(errors="replace").decode())


def patient_of_statement_link(read: Read, link_id: str, now: datetime) -> str | None:
    """Whose statement it opens, as long as it does."""
    return read.session.scalar(
        select(StatementLinkRow.patient_id).where(
            StatementLinkRow.id == link_id, StatementLinkRow.expires_at > now
        )
    )
