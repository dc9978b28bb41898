"""Letters that ask patients what becomes of an insurer's money: by mail with a link, else on paper."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete

from billing.catalog.queries import site_date
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.patients.queries import is_on_hold
from billing.patients.records import Patient
from billing.patients.use_cases import lock_patient
from billing.payments.errors.choices import LetterChanged
from billing.payments.models.choices import ChoiceLetterRow, LetteredCreditRow
from billing.payments.queries.choice_letters import (
    LINK_PURPOSE,
    asked_credits,
    choice_letter_of,
    find_choice_letter,
    letter_on_paper,
    still_to_choose,
    unasked_credits,
)
from billing.payments.records.choice_letters import ChoiceLetter, ChoiceLetterKind
from billing.payments.records.credits import CreditLot
from billing.payments.rules.choices import is_to_be_asked, is_to_be_reminded
from billing.payments.states.choice_letters import (
    CHOICE_LETTER_MOVES,
    ChoiceLetterEvent,
    ChoiceLetterState,
)
from billing.people.rules import LINK_TRIES
from billing.people.use_cases import new_link
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.documents import freeze
from billing.platform.data.jobs import enqueue
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_a_person, end_tasks

SEND_CHOICE_LETTER = "send-choice-letter"
"""The job that hands a letter to the mail server; its key is the letter's id."""
LETTER_TO_POST = "choice-letter"
"""The task of a person who prints a letter and posts it."""
CHOICE_LETTER = "choice_letter"
"""The kind of the document of a letter that was posted."""
NOT_TRUE = "What it says changed since it was printed. Print it again, and post that one."
OVER = "Nothing that it asks about waits for a choice any more. Do not post it."
UNSENT = (ChoiceLetterState.QUEUED, ChoiceLetterState.TO_POST)
LINK_LASTS = timedelta(days=45)
"""Longer than there is time to choose, so that who comes late is told what became of it."""


def ask_to_choose(
    tx: Tx, *, patient_id: str, sends_mail: bool, actor: Actor, now: datetime
) -> ChoiceLetter | None:
    """One letter about all of a patient's insurers' money that waits and none was about, if there is any.

    Nobody is asked while charges are stopped: a person finds out first who acts for the patient.
    """
    patient = lock_patient(tx, patient_id)
    today = site_date(tx, patient.site_id, now)
    lots = [lot for lot in unasked_credits(tx, patient_id) if is_to_be_asked(lot, today)]
    if not lots or is_on_hold(tx, patient_id):
        return None
    row = _write(tx, patient, ChoiceLetterKind.ASK, lots, now)
    if sends_mail and patient.email and not patient.declines_mail:
        _queue(tx, row, patient.email, actor, now)
    else:
        _have_posted(tx, row, actor, now)
    return choice_letter_of(row)


def remind_of_choice(
    tx: Tx, *, patient_id: str, sends_mail: bool, actor: Actor, now: datetime
) -> ChoiceLetter | None:
    """One mail about what still waits though the time is nearly over; the post would come too late."""
    patient = lock_patient(tx, patient_id)
    today = site_date(tx, patient.site_id, now)
    lots = [
        lot
        for lot, asked_on in asked_credits(tx, patient_id).items()
        if is_to_be_reminded(lot, asked_on=asked_on, today=today)
    ]
    by_mail = sends_mail and patient.email and not patient.declines_mail
    if not lots or not by_mail or is_on_hold(tx, patient_id):
        return None
    row = _write(tx, patient, ChoiceLetterKind.REMIND, lots, now)
    _queue(tx, row, str(patient.email), actor, now)
    return choice_letter_of(row)


def keep_letter_sent(tx: Tx, *, letter_id: str, actor: Actor, now: datetime) -> None:
    """The server took it: nobody has to post it. Told again, it changes nothing."""
    row = _locked(tx, letter_id)
    if row.state in UNSENT:
        _move(tx, row, ChoiceLetterEvent.SEND, actor, now)
        row.sent_at = now
        _leave_out_what_is_over(tx, letter_id)
        end_tasks(tx, kind=LETTER_TO_POST, subject_ids=[letter_id], actor=actor, now=now)
        record_audit(tx, actor=actor, action="choice_letter.send", subject_id=letter_id, now=now)


def post_instead(tx: Tx, *, letter_id: str, actor: Actor, now: datetime) -> None:
    """No mail can carry it, or did for long: a person posts it, unless nothing waits any more."""
    row = _locked(tx, letter_id)
    if row.state == ChoiceLetterState.QUEUED and still_to_choose(tx, letter_id):
        _have_posted(tx, row, actor, now)
    else:
        drop_if_over(tx, letter_id=letter_id, actor=actor, now=now)


def drop_if_over(tx: Tx, *, letter_id: str, actor: Actor, now: datetime) -> None:
    """Nothing that it asks about waits any more: it does not leave."""
    row = _locked(tx, letter_id)
    if row.state in UNSENT and not still_to_choose(tx, letter_id):
        _move(tx, row, ChoiceLetterEvent.DROP, actor, now)
        _leave_out_what_is_over(tx, letter_id)
        end_tasks(tx, kind=LETTER_TO_POST, subject_ids=[letter_id], actor=actor, now=now)


def keep_letter_posted(tx: Tx, *, letter_id: str, shown: str, actor: Actor, now: datetime) -> ChoiceLetter:
    """A person posted it; what it said is frozen. `shown` is the sha256 of what was printed.

    Raises: NoSuchChoiceLetter, LetterChanged, IllegalMove.
    """
    lock_patient(tx, find_choice_letter(tx, letter_id, actor).patient_id)
    row = _locked(tx, letter_id)
    paper = letter_on_paper(tx, letter_id, actor)
    if row.state == ChoiceLetterState.TO_POST and (paper.sha256 != shown or not paper.can_be_posted):
        raise LetterChanged(NOT_TRUE if paper.can_be_posted else OVER)
    _move(tx, row, ChoiceLetterEvent.POST, actor, now)
    document = freeze(tx, kind=CHOICE_LETTER, subject_id=letter_id, version=1, body=paper.body, now=now)
    row.document_id, row.sha256, row.sent_at = document.id, document.sha256, now
    tx.session.flush()
    _leave_out_what_is_over(tx, letter_id)
    end_tasks(tx, kind=LETTER_TO_POST, subject_ids=[letter_id], actor=actor, now=now)
    record_audit(tx, actor=actor, action="choice_letter.post", subject_id=letter_id, now=now)
    return choice_letter_of(row)


def _have_posted(tx: Tx, row: ChoiceLetterRow, actor: Actor, now: datetime) -> None:
    _move(tx, row, ChoiceLetterEvent.PRINT, actor, now)
    ask_a_person(tx, kind=LETTER_TO_POST, about=row, actor=actor, now=now)


def _move(tx: Tx, row: ChoiceLetterRow, event: ChoiceLetterEvent, actor: Actor, now: datetime) -> None:
    """Nothing is mailed after it: the secret of the link stands in the patient's mail alone from then on."""
    advance(tx, row, CHOICE_LETTER_MOVES, event, actor=actor, now=now)
    row.sealed = None


def _write(
    tx: Tx, patient: Patient, kind: ChoiceLetterKind, lots: Iterable[CreditLot], now: datetime
) -> ChoiceLetterRow:
    row = ChoiceLetterRow(
        id=new_id("clt"),
        entity_id=patient.entity_id,
        site_id=patient.site_id,
        patient_id=patient.id,
        kind=kind,
        state=ChoiceLetterState.QUEUED,
        tries_left=LINK_TRIES,
        written_on=site_date(tx, patient.site_id, now),
        written_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    tx.insert(LetteredCreditRow, [{"lot_id": lot.id, "kind": kind, "letter_id": row.id} for lot in lots])
    return row


def _queue(tx: Tx, row: ChoiceLetterRow, to: str, actor: Actor, now: datetime) -> None:
    secret, kept = new_link(tx, LINK_PURPOSE)
    row.fingerprint = kept["fingerprint"]
    row.expires_at = now + LINK_LASTS
    row.sealed = tx.vault.seal(ChoiceLetterRow.__tablename__, row.id, {"to": to, "secret": secret})
    tx.session.flush()
    enqueue(tx, kind=SEND_CHOICE_LETTER, key=row.id, due_at=now)
    record_audit(tx, actor=actor, action="choice_letter.mail", subject_id=row.id, now=now)


def _leave_out_what_is_over(tx: Tx, letter_id: str) -> None:
    """What was chosen before the letter left was not asked about: if it waits again, another letter asks."""
    told = [each.lot_id for each in still_to_choose(tx, letter_id)]
    over = LetteredCreditRow.letter_id == letter_id, LetteredCreditRow.lot_id.not_in(told)
    tx.session.execute(delete(LetteredCreditRow).where(*over))


def _locked(tx: Tx, letter_id: str) -> ChoiceLetterRow:
    """The row, its patient locked."""
    row = tx.session.get_one(ChoiceLetterRow, letter_id)
    lock_patient(tx, row.patient_id)
    return tx.session.get_one(ChoiceLetterRow, letter_id, populate_existing=True)
