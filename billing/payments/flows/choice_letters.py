"""Letters that ask patients to choose: written soon after the money, mailed around the call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from billing.kernel.permissions import SYSTEM
from billing.payments.flows.choices import each_for_itself
from billing.payments.flows.mail import NAMELESS, Mailroom
from billing.payments.flows.room import log
from billing.payments.ports import MailRefused
from billing.payments.queries.choice_letters import (
    letters_to_post,
    letters_unmailed,
    patients_to_ask,
    patients_to_remind,
    waiting_letter,
)
from billing.payments.records.choice_letters import ChoiceLetterKind, ToChoose, WaitingLetter
from billing.payments.records.mail import Letter
from billing.payments.use_cases.choice_letters import (
    ask_to_choose,
    drop_if_over,
    keep_letter_sent,
    post_instead,
    remind_of_choice,
)

A_DAY = timedelta(days=1)
"""Places are not of one day; each patient is looked at by their own."""
MAILED_WITHIN = timedelta(hours=12)
"""Much longer than a job is tried again."""
SUBJECTS = {
    ChoiceLetterKind.ASK: "Please choose: money that we hold for you",
    ChoiceLetterKind.REMIND: "A reminder: please choose about money that we hold for you",
}
TEXT = """\
{sender} holds money that is yours and asks what to do with it:

{amounts}

You can have it taken off your next invoice, or have it sent back to you. Please choose here:

{link}

You will be asked for your date of birth, and for nothing else: no password, and no number of a card or of a
bank account. You can change your mind until the money has moved.

Without a word from you it is sent back on the day that is named above: to the card that you paid with, where
that takes it, or else by check.

To be sure that this mail is ours, call the number that you know us by, or {phone}; you can choose by phone
as well. Nobody reads answers to this address.
"""


def write_choice_letters(room: Mailroom) -> None:
    """Ask who was not asked, remind who was, and let go of what is still to be posted and over.

    What mail did not carry for half a day is posted: its job may have ended, and the time to choose runs.
    Each patient and each letter is a transaction of its own.
    """
    now, sends_mail = room.clock(), room.mailer is not None
    with room.database.reading() as read:
        to_post = letters_to_post(read)
        unmailed = letters_unmailed(read, now - MAILED_WITHIN)
        to_ask = patients_to_ask(read, now.date() - A_DAY)
        to_remind = patients_to_remind(read, now.date() - A_DAY, now.date() + A_DAY)

    def drop(letter_id: str) -> None:
        room.database.in_transaction(partial(drop_if_over, letter_id=letter_id, actor=SYSTEM, now=now))

    def have_posted(letter_id: str) -> None:
        room.database.in_transaction(partial(post_instead, letter_id=letter_id, actor=SYSTEM, now=now))

    def ask(patient_id: str) -> None:
        room.database.in_transaction(
            partial(ask_to_choose, patient_id=patient_id, sends_mail=sends_mail, actor=SYSTEM, now=now)
        )

    def remind(patient_id: str) -> None:
        room.database.in_transaction(
            partial(remind_of_choice, patient_id=patient_id, sends_mail=sends_mail, actor=SYSTEM, now=now)
        )

    deeds = [
        *(partial(drop, each) for each in to_post),
        *(partial(have_posted, each) for each in unmailed),
        *(partial(ask, each) for each in to_ask),
        *(partial(remind, each) for each in to_remind),
    ]
    each_for_itself(deeds, lambda deed: deed())


def send_choice_letter(room: Mailroom, *, letter_id: str) -> None:
    """Hand a waiting letter to the mail server, with what is true now, then keep that it took it.

    A process that dies in between sends it again: at least once, under one Message-ID.
    Raises: MailUnavailable, so that the job is tried again later.
    """
    with room.database.reading() as read:
        waiting = waiting_letter(read, letter_id)
    if waiting is None:
        return
    deed = drop_if_over
    if waiting.credits:
        deed = keep_letter_sent if _is_taken(room, waiting, letter_id) else post_instead
    room.database.in_transaction(partial(deed, letter_id=letter_id, actor=SYSTEM, now=room.clock()))


def _is_taken(room: Mailroom, waiting: WaitingLetter, letter_id: str) -> bool:
    """Whether a server took it; not where there is none, or it never will. Raises: MailUnavailable."""
    if room.mailer is None:
        return False
    named = waiting.sender.mail_name
    text = TEXT.format(
        sender=named or NAMELESS,
        amounts=_amounts(waiting.credits),
        link=f"{room.public_url}/pay/{waiting.secret}/choice",
        phone=waiting.sender.phone,
    )
    letter = Letter(id=letter_id, sender=named, to=waiting.to, subject=SUBJECTS[waiting.kind], text=text)
    try:
        room.mailer.send(letter)
    except MailRefused:
        log.warning("mail_refused", mail=letter_id)
        return False
    return True


def _amounts(credits: Sequence[ToChoose]) -> str:
    return "\n".join(
        f"    {each.amount}, sent back on {each.goes_back_on:%B} {each.goes_back_on.day}, "
        f"{each.goes_back_on.year} unless you choose before"
        for each in credits
    )
