"""Mails, and the links that they carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from billing.payments.states.mail import MailState


@dataclass(frozen=True, kw_only=True)
class Mail:
    """`is_new` tells whoever asked for it whether it was there before."""

    id: str
    receipt_id: str
    state: MailState
    queued_at: datetime
    sent_at: datetime | None
    is_new: bool = False


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What a mail server is given. The id stays the same however often it is given.

    `sender` is who it is from, in words; without, it is from the bare address.
    """

    id: str
    sender: str | None
    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
