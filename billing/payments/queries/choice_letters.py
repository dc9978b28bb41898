"""Reads of the letters that ask patients to choose, and of whom to ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256

from sqlalchemy import ColumnElement, select

from billing.catalog.queries import find_entity
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import find_patient, is_on_hold
from billing.payments.errors.choices import NoSuchChoiceLetter
from billing.payments.models.choices import ChoiceLetterRow, LetteredCreditRow
from billing.payments.models.credits import CreditLotRow
from billing.payments.queries.choices import unchosen, visit_day
from billing.payments.queries.credits import lot_of
from billing.payments.queries.reach import seen, visible
from billing.payments.records.choice_letters import (
    ChoiceLetter,
    ChoiceLetterKind,
    PaperLetter,
    ToChoose,
    WaitingLetter,
)
from billing.payments.records.credits import CreditLot
from billing.payments.rules.choice_letters import choice_letter_body
from billing.payments.rules.choices import ANSWERS_WITHIN, REMINDED_BEFORE, goes_back_on
from billing.payments.states.choice_letters import ChoiceLetterState
from billing.platform.data.database import Read
from billing.platform.data.documents import canonical_json, find_document

LINK_PURPOSE = "choice.link"


def patients_to_ask(read: Read, today: date) -> Sequence[str]:
    """Whose insurers' money waits and who got no letter about it yet, as far as a day tells."""
    query = select(CreditLotRow.patient_id).where(
        *unchosen(today - ANSWERS_WITHIN), ~_lettered(ChoiceLetterKind.ASK)
    )
    return read.session.scalars(query.distinct().order_by(CreditLotRow.patient_id)).all()


def patients_to_remind(read: Read, first: date, last: date) -> Sequence[str]:
    """Whose time to choose is nearly over and who was asked, and not reminded.

    It is some day from the first to the last at each site, and theirs tells.
    """
    query = select(CreditLotRow.patient_id).where(
        *unchosen(first - ANSWERS_WITHIN, last - ANSWERS_WITHIN + REMINDED_BEFORE),
        _lettered(ChoiceLetterKind.ASK),
        ~_lettered(ChoiceLetterKind.REMIND),
    )
    return read.session.scalars(query.distinct().order_by(CreditLotRow.patient_id)).all()


def unasked_credits(read: Read, patient_id: str) -> Sequence[CreditLot]:
    """What waits of a patient without any letter about it, oldest first."""
    query = select(CreditLotRow).where(
        CreditLotRow.patient_id == patient_id, *unchosen(), ~_lettered(ChoiceLetterKind.ASK)
    )
    return [
        lot_of(row) for row in read.session.scalars(query.order_by(CreditLotRow.held_on, CreditLotRow.id))
    ]


def asked_credits(read: Read, patient_id: str) -> Mapping[CreditLot, date]:
    """What waits of a patient without a reminder, and the day on which they were asked about it."""
    query = (
        select(CreditLotRow, ChoiceLetterRow.written_on)
        .join(LetteredCreditRow, LetteredCreditRow.lot_id == CreditLotRow.id)
        .join(ChoiceLetterRow, ChoiceLetterRow.id == LetteredCreditRow.letter_id)
        .where(
            CreditLotRow.patient_id == patient_id,
            *unchosen(),
            LetteredCreditRow.kind == ChoiceLetterKind.ASK,
            ~_lettered(ChoiceLetterKind.REMIND),
        )
        .order_by(CreditLotRow.held_on, CreditLotRow.id)
    )
    return {lot_of(row): asked_on for row, asked_on in read.session.execute(query)}


def still_to_choose(read: Read, letter_id: str) -> tuple[ToChoose, ...]:
    """What of a letter's money still waits, oldest first; nothing while its patient's charges are stopped."""
    query = (
        select(CreditLotRow)
        .join(LetteredCreditRow, LetteredCreditRow.lot_id == CreditLotRow.id)
        .where(LetteredCreditRow.letter_id == letter_id, *unchosen())
        .order_by(CreditLotRow.held_on, CreditLotRow.id)
    )
    lots = [lot_of(row) for row in read.session.scalars(query.execution_options(populate_existing=True))]
    if not lots or is_on_hold(read, lots[0].patient_id):
        return ()
    return tuple(
        ToChoose(
            lot_id=lot.id, amount=lot.available, goes_back_on=goes_back_on(lot), session_id=lot.session_id
        )
        for lot in lots
    )


def waiting_letter(read: Read, letter_id: str) -> WaitingLetter | None:
    """A mail that was not sent; `credits` is empty when nothing of it waits any more."""
    row = read.session.get_one(ChoiceLetterRow, letter_id)
    if row.state != ChoiceLetterState.QUEUED or row.sealed is None:
        return None
    inside = read.vault.open(ChoiceLetterRow.__tablename__, row.id, row.sealed)
    return WaitingLetter(
        to=inside["to"],
        secret=inside["secret"],
        kind=ChoiceLetterKind(row.kind),
        sender=find_entity(read, row.entity_id),
        credits=still_to_choose(read, letter_id),
    )


def letter_on_paper(read: Read, letter_id: str, actor: Actor) -> PaperLetter:
    """As it was posted; or what is to be printed now, of which nothing is left when nothing waits any more.

    Raises: NoSuchChoiceLetter.
    """
    letter = find_choice_letter(read, letter_id, actor)
    if letter.document_id is not None:
        document = find_document(read, letter.document_id)
        return PaperLetter(letter=letter, body=document.body, sha256=document.sha256)
    credits = still_to_choose(read, letter_id)
    days = {each.lot_id: visit_day(read, str(each.session_id)) for each in credits}
    patient = find_patient(read, letter.patient_id, SYSTEM)
    body = choice_letter_body(letter, find_entity(read, letter.entity_id), patient, credits, days)
    return PaperLetter(letter=letter, body=body, sha256=sha256(canonical_json(body)).hexdigest())


def letters_to_post(read: Read) -> Sequence[str]:
    """All that wait to be printed and posted, at whatever site."""
    query = select(ChoiceLetterRow.id).where(ChoiceLetterRow.state == ChoiceLetterState.TO_POST)
    return read.session.scalars(query.order_by(ChoiceLetterRow.id)).all()


def letters_unmailed(read: Read, written_until: datetime) -> Sequence[str]:
    """All that wait to be mailed since that moment or before, at whatever site."""
    query = select(ChoiceLetterRow.id).where(
        ChoiceLetterRow.state == ChoiceLetterState.QUEUED, ChoiceLetterRow.written_at <= written_until
    )
    return read.session.scalars(query.order_by(ChoiceLetterRow.id)).all()


def find_choice_letter(read: Read, letter_id: str, actor: Actor) -> ChoiceLetter:
    """Raises: NoSuchChoiceLetter."""
    row = read.session.get(ChoiceLetterRow, letter_id)
    return choice_letter_of(seen(row, actor, NoSuchChoiceLetter("There is no such letter.")))


def choice_letters_of(
    read: Read, patient_id: str, actor: Actor, *, cursor: str | None = None, limit: int
) -> Sequence[ChoiceLetter]:
    """Newest first, those before the cursor."""
    query = visible(ChoiceLetterRow, actor, cursor, limit).where(ChoiceLetterRow.patient_id == patient_id)
    return [choice_letter_of(row) for row in read.session.scalars(query)]


def asked_about_credits(read: Read, lots: Iterable[CreditLot]) -> Mapping[str, ChoiceLetter]:
    """By credit that waits for a choice, the letter that asked about it first."""
    waiting = [lot.id for lot in lots if lot.waits]
    if not waiting:
        return {}
    query = (
        select(LetteredCreditRow.lot_id, ChoiceLetterRow)
        .join(ChoiceLetterRow, ChoiceLetterRow.id == LetteredCreditRow.letter_id)
        .where(LetteredCreditRow.lot_id.in_(waiting), LetteredCreditRow.kind == ChoiceLetterKind.ASK)
    )
    return {lot_id: choice_letter_of(row) for lot_id, row in read.session.execute(query)}


def choice_letter_of(row: ChoiceLetterRow) -> ChoiceLetter:
    return ChoiceLetter(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        kind=ChoiceLetterKind(row.kind),
        state=ChoiceLetterState(row.state),
        written_on=row.written_on,
        sent_at=row.sent_at,
        document_id=row.document_id,
    )


def _lettered(kind: ChoiceLetterKind) -> ColumnElement[bool]:
    return (
        select(LetteredCreditRow.lot_id)
        .where(LetteredCreditRow.lot_id == CreditLotRow.id, LetteredCreditRow.kind == kind)
        .correlate(CreditLotRow)
        .exists()
    )
