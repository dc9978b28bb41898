"""Mail around the call to the server."""

from __future__ import annotations

from dataclasses import dataclass

from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM
from billing.payments.flows.room import log
from billing.payments.ports import Mailer, MailRefused
from billing.payments.queries.mail import sender_of, waiting_mail
from billing.payments.records.mail import Letter
from billing.payments.use_cases.mail import keep_mail_sent, mail_receipt_by_itself, refuse_mail
from billing.platform.data.database import Database

SUBJECT = "A receipt is ready for you"
TEXT = """\
{sender} has a receipt for you. For the next 30 days you can read and print it here:

{link}

You will be asked for your date of birth, and for nothing else: no password, and no number of a card.
To be sure that this mail is ours, call the number that you know us by, or {phone}; you can have the receipt
read to you or sent on paper. If you did not expect this mail, you need not do anything.
Nobody reads answers to this address.
"""
NAMELESS = "Our billing office"
"""What stands for a clinic whose file gives it no name for mail."""


@dataclass(frozen=True)
class Mailroom:
    """What mail goes out by; without a mailer none does."""

    database: Database
    clock: Clock
    mailer: Mailer | None
    public_url: str


def mail_new_receipt(room: Mailroom, *, receipt_id: str) -> None:
    if room.mailer is not None:
        room.database.in_transaction(
            lambda tx: mail_receipt_by_itself(tx, receipt_id=receipt_id, actor=SYSTEM, now=room.clock())
        )


def send_mail(room: Mailroom, *, mail_id: str) -> None:
    """Hand a waiting mail to the server, then keep that it took it.

    A process that dies in between sends it again: at least once, under one Message-ID.
    Raises: MailUnavailable, so that the job is tried again later.
    """
    with room.database.reading() as read:
        waiting = waiting_mail(read, mail_id)
        sender = sender_of(read, mail_id)
    if waiting is None or room.mailer is None:
        return
    to, secret = waiting
    link, named = f"{room.public_url}/pay/{secret}/receipt", sender.mail_name
    text = TEXT.format(sender=named or NAMELESS, phone=sender.phone, link=link)
    try:
        room.mailer.send(Letter(id=mail_id, sender=named, to=to, subject=SUBJECT, text=text))
    except MailRefused:
        log.warning("mail_refused", mail=mail_id)
        room.database.in_transaction(
            lambda tx: refuse_mail(tx, mail_id=mail_id, actor=SYSTEM, now=room.clock())
        )
        return
    room.database.in_transaction(
        lambda tx: keep_mail_sent(tx, mail_id=mail_id, actor=SYSTEM, now=room.clock())
    )
