"""Patients choose for themselves, by the link of a letter and their birth date."""

from __future__ import annotations

from datetime import date, datetime

from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import find_patient, is_on_hold
from billing.patients.use_cases import lock_patient
from billing.payments.errors import AskAPersonFirst, NoSuchCredit
from billing.payments.errors.choices import ChoiceChanged
from billing.payments.models.choices import ChoiceLetterRow
from billing.payments.models.credits import CreditLotRow
from billing.payments.queries.choice_letters import LINK_PURPOSE
from billing.payments.queries.choices import goes_back_by_itself
from billing.payments.queries.credits import lot_of
from billing.payments.records.credits import Chooser, CreditLot, CreditSource, Election
from billing.payments.rules.choices import shown_as
from billing.payments.use_cases.choices import choose_always
from billing.payments.use_cases.credits import elect, take_back_choice
from billing.people.queries import link_print
from billing.people.records import LinkOwner
from billing.people.use_cases import open_by_birth_date
from billing.platform.data.database import Tx

CHANGED = "It is not as this page showed it any more. See below how it stands now."
STOPPED = "Nothing can be chosen here now. Please call us."


def open_choice_link(tx: Tx, *, secret: str, born_on: date, actor: Actor, now: datetime) -> str | None:
    """The id of the letter when the birth date is its patient's; None for all else, whatever it is."""

    def owner_of(letter_id: str) -> LinkOwner:
        patient = find_patient(tx, tx.session.get_one(ChoiceLetterRow, letter_id).patient_id, SYSTEM)
        return LinkOwner(entity_id=patient.entity_id, born_on=patient.born_on, subject_id=letter_id)

    opened = open_by_birth_date(
        tx,
        links=ChoiceLetterRow,
        fingerprint=link_print(tx.vault, LINK_PURPOSE, secret),
        born_on=born_on,
        owner_of=owner_of,
        trail="choice_letter",
        actor=actor,
        now=now,
    )
    return opened.id if opened else None


def choose_once(
    tx: Tx, *, letter_id: str, lot_id: str, election: Election, shown: str, actor: Actor, now: datetime
) -> CreditLot:
    """The patient's choice for one credit, as it was shown; made before, it changes nothing.

    Wanted back before, and no refund of it is under way nor comes by itself, it is wanted back anew.

    Raises: NoSuchCredit, ChoiceChanged, AskAPersonFirst.
    """
    lot = _own(tx, letter_id, lot_id)
    is_forgotten = election is Election.REFUND and not goes_back_by_itself(tx, lot_id)
    if lot.election is election and lot.available and not is_forgotten:
        return lot
    _refuse_unless_shown(lot, shown)
    return elect(tx, lot_id=lot.id, election=election, chooser=Chooser.PATIENT, actor=actor, now=now)


def choose_from_now_on(
    tx: Tx, *, letter_id: str, lot_id: str, election: Election, shown: str, actor: Actor, now: datetime
) -> CreditLot:
    """The same for this credit, for all else that waits and for whatever insurers pay.

    Raises: NoSuchCredit, ChoiceChanged, AskAPersonFirst.
    """
    lot = choose_once(
        tx, letter_id=letter_id, lot_id=lot_id, election=election, shown=shown, actor=actor, now=now
    )
    choose_always(tx, patient_id=lot.patient_id, election=election, actor=actor, now=now)
    return lot


def take_back_own_choice(
    tx: Tx, *, letter_id: str, lot_id: str, shown: str, actor: Actor, now: datetime
) -> CreditLot:
    """The credit waits again, as long as its money has not moved; taken back before, it changes nothing.

    Raises: NoSuchCredit, ChoiceChanged, AskAPersonFirst.
    """
    lot = _own(tx, letter_id, lot_id)
    if lot.waits:
        return lot
    _refuse_unless_shown(lot, shown)
    return take_back_choice(tx, lot_id=lot.id, actor=actor, now=now)


def ask_each_time(tx: Tx, *, letter_id: str, actor: Actor, now: datetime) -> None:
    """The patient wants to be asked again from now on. Raises: AskAPersonFirst."""
    letter = _letter(tx, letter_id)
    choose_always(tx, patient_id=letter.patient_id, election=None, actor=actor, now=now)


def _letter(tx: Tx, letter_id: str) -> ChoiceLetterRow:
    """The letter, its patient locked. Raises: AskAPersonFirst."""
    letter = tx.session.get_one(ChoiceLetterRow, letter_id)
    lock_patient(tx, letter.patient_id)
    if is_on_hold(tx, letter.patient_id):
        raise AskAPersonFirst(STOPPED)
    return letter


def _own(tx: Tx, letter_id: str, lot_id: str) -> CreditLot:
    """An insurer's money of the letter's patient. Raises: NoSuchCredit, AskAPersonFirst."""
    letter = _letter(tx, letter_id)
    row = tx.session.get(CreditLotRow, lot_id, populate_existing=True)
    is_of_insurer = row is not None and row.source == CreditSource.REIMBURSEMENT and row.payer_id is None
    if row is None or not is_of_insurer or row.patient_id != letter.patient_id:
        raise NoSuchCredit("There is no such credit.")
    return lot_of(row)


def _refuse_unless_shown(lot: CreditLot, shown: str) -> None:
    """Raises: ChoiceChanged."""
    if not lot.available or shown_as(lot) != shown:
        raise ChoiceChanged(CHANGED)
