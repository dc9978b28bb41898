"""Receipts by mail: a link is made, its mail waits, and the link opens for who knows the birth date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import update

from billing.kernel.ids import new_id
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import find_patient, has_died
from billing.patients.use_cases import lock_patient
from billing.payments.errors import MailAddressMissing, MailNotSetUp, NoSuchPayLink, ReceiptDoesNotStand
from billing.payments.models.mail import MailRow, ReceiptLinkRow
from billing.payments.models.receipts import ReceiptRow
from billing.payments.queries.checkouts import find_pay_link
from billing.payments.queries.mail import LINK_PURPOSE, mail_of, recipient_print, standing_mail, turns_of
from billing.payments.queries.paid_links import receipt_paid_by
from billing.payments.queries.receipts import find_receipt
from billing.payments.records.mail import Mail
from billing.payments.records.receipts import Receipt
from billing.payments.states.mail import MAIL_MOVES, MailEvent, MailState
from billing.people.queries import link_print
from billing.people.records import LinkOwner
from billing.people.rules import LINK_TRIES
from billing.people.use_cases import new_link, open_by_birth_date
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.jobs import enqueue
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_a_person

SEND_MAIL = "send-mail"
"""The job that hands a mail to the server; its key is the mail's id."""
MAIL_REFUSED = "mail-refused"
LINK_LASTS = timedelta(days=30)


def mail_if_set_up(
    tx: Tx, *, receipt_id: str, again: bool, sends_mail: bool, actor: Actor, now: datetime
) -> Mail:
    """Mail a receipt, or mail it again, where the installation sends mail at all.

    Raises: MailNotSetUp, and what `mail_receipt` raises.
    """
    find_receipt(tx, receipt_id, actor)
    if not sends_mail:
        raise MailNotSetUp("This installation sends no mail: set MAIL_URL, or hand out the PDF.")
    deed = mail_receipt_again if again else mail_receipt
    return deed(tx, receipt_id=receipt_id, actor=actor, now=now)


def mail_receipt(tx: Tx, *, receipt_id: str, actor: Actor, now: datetime) -> Mail:
    """Queue the mail that carries a link to a receipt.

    One whose link still opens, to the same address, is the mail that is there; it is not sent again.
    Raises: NoSuchReceipt, ReceiptDoesNotStand, MailAddressMissing.
    """
    receipt, to = _mailable(tx, receipt_id, actor)
    return standing_mail(tx, receipt_id, to, now) or _queue(tx, receipt, to, actor, now)


def mail_receipt_again(tx: Tx, *, receipt_id: str, actor: Actor, now: datetime) -> Mail:
    """Queue another mail with a link of its own, because somebody wants it so.

    One that waits to be sent is that mail already. Raises: as `mail_receipt`.
    """
    receipt, to = _mailable(tx, receipt_id, actor)
    standing = standing_mail(tx, receipt_id, to, now)
    if standing is not None and standing.state is MailState.QUEUED:
        return standing
    return _queue(tx, receipt, to, actor, now)


def mail_receipt_by_itself(tx: Tx, *, receipt_id: str, actor: Actor, now: datetime) -> Mail | None:
    """Mail a new receipt, unless it stands no more or the patient has no address, wants none or has died."""
    receipt = find_receipt(tx, receipt_id, actor)
    patient = find_patient(tx, receipt.patient_id, actor)
    is_patients = receipt.body["patient"] is not None
    if not (receipt.stands and is_patients) or patient.email is None or patient.declines_mail:
        return None
    if has_died(tx, patient.id):
        return None
    return mail_receipt(tx, receipt_id=receipt_id, actor=actor, now=now)


def keep_mail_sent(tx: Tx, *, mail_id: str, actor: Actor, now: datetime) -> Mail:
    """The server took it. Told again, it changes nothing."""
    row = tx.session.get_one(MailRow, mail_id, with_for_update=True, populate_existing=True)
    if row.state == MailState.QUEUED:
        advance(tx, row, MAIL_MOVES, MailEvent.SEND, actor=actor, now=now)
        row.sent_at = now
        record_audit(tx, actor=actor, action="mail.send", subject_id=mail_id, now=now)
    return mail_of(row)


def refuse_mail(tx: Tx, *, mail_id: str, actor: Actor, now: datetime) -> Mail:
    """The server will never take it: a person looks at the address."""
    row = tx.session.get_one(MailRow, mail_id, with_for_update=True, populate_existing=True)
    if row.state == MailState.QUEUED:
        advance(tx, row, MAIL_MOVES, MailEvent.REFUSE, actor=actor, now=now)
        of = tx.session.get_one(ReceiptRow, row.receipt_id)
        ask_a_person(tx, kind=MAIL_REFUSED, about=of, actor=actor, now=now)
    return mail_of(row)


def open_link(tx: Tx, *, secret: str, born_on: date, actor: Actor, now: datetime) -> str | None:
    """The id of the link when the birth date is the patient's; None for all else, whatever it is.

    A pay link that the patient has paid by opens the receipt of that as a mailed link does.
    """
    print_ = link_print(tx.vault, LINK_PURPOSE, secret)
    _admit_pay_link(tx, secret, print_, now)
    opened = open_by_birth_date(
        tx,
        links=ReceiptLinkRow,
        fingerprint=print_,
        born_on=born_on,
        owner_of=lambda link_id: _owner(tx, link_id),
        trail="receipt",
        actor=actor,
        now=now,
    )
    return opened.id if opened else None


def _admit_pay_link(tx: Tx, secret: str, print_: str, now: datetime) -> None:
    """Of another payer's link there is nobody's birth date to ask for."""
    try:
        paid_by = find_pay_link(tx, secret, now)
    except NoSuchPayLink:
        return
    receipt = receipt_paid_by(tx, paid_by) if paid_by.share_id is None else None
    if receipt is None:
        return
    values = {
        "id": new_id("rlk"),
        "receipt_id": receipt.id,
        "fingerprint": print_,
        "tries_left": LINK_TRIES,
        "expires_at": paid_by.expires_at,
    }
    insert_unless_there(tx, ReceiptLinkRow, values, ["fingerprint"])
    tx.session.execute(
        update(ReceiptLinkRow).where(ReceiptLinkRow.fingerprint == print_).values(receipt_id=receipt.id)
    )


def _owner(tx: Tx, link_id: str) -> LinkOwner:
    receipt = tx.session.get_one(ReceiptRow, tx.session.get_one(ReceiptLinkRow, link_id).receipt_id)
    born_on = find_patient(tx, receipt.patient_id, SYSTEM).born_on
    return LinkOwner(entity_id=receipt.entity_id, born_on=born_on, subject_id=receipt.id)


def _mailable(tx: Tx, receipt_id: str, actor: Actor) -> tuple[Receipt, str]:
    """A receipt that can be mailed and the address, its patient locked.

    Raises: NoSuchReceipt, ReceiptDoesNotStand, MailAddressMissing.
    """
    patient = lock_patient(tx, find_receipt(tx, receipt_id, actor).patient_id)
    receipt = find_receipt(tx, receipt_id, actor)
    if not receipt.stands:
        raise ReceiptDoesNotStand("The money of this receipt was booked otherwise since. Mail the newer one.")
    if receipt.body["patient"] is None:
        raise MailAddressMissing("This receipt is another payer's. Hand out the PDF, or send it to them.")
    if has_died(tx, patient.id):
        raise MailAddressMissing("Nobody may open this mail. Hand the PDF to who acts for the patient.")
    if patient.email is None:
        raise MailAddressMissing("The patient has no e-mail address. Enter it, or hand out the PDF.")
    return receipt, patient.email


def _queue(tx: Tx, receipt: Receipt, to: str, actor: Actor, now: datetime) -> Mail:
    recipient = recipient_print(tx.vault, to)
    turn = turns_of(tx, receipt.id, recipient) + 1
    (secret, kept), mail_id = new_link(tx, LINK_PURPOSE), new_id("mail")
    link = ReceiptLinkRow(
        id=new_id("rlk"),
        receipt_id=receipt.id,
        expires_at=now + LINK_LASTS,
        **kept,
    )
    row = MailRow(
        id=mail_id,
        receipt_id=receipt.id,
        link_id=link.id,
        recipient=recipient,
        turn=turn,
        state=MailState.QUEUED,
        sealed=tx.vault.seal(MailRow.__tablename__, mail_id, {"to": to, "secret": secret}),
        queued_at=now,
    )
    tx.session.add(link)
    tx.session.flush()
    tx.session.add(row)
    tx.session.flush()
    enqueue(tx, kind=SEND_MAIL, key=mail_id, due_at=now)
    record_audit(tx, actor=actor, action="receipt.mail", subject_id=receipt.id, now=now)
    return replace(mail_of(row), is_new=True)
