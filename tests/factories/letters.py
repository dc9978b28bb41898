"""Letters of insurers that patients send in."""

from __future__ import annotations

from datetime import datetime

from billing.insurance.records.letters import InsurerLetter, LetterOutcome, SentLetter
from billing.insurance.use_cases.letters import make_letter_link, take_letter
from billing.kernel.permissions import SYSTEM
from billing.patients.records import Patient
from billing.platform.data.database import Database

PICTURE = b"\x89PNG\r\n\x1a\n a letter"


def a_letter_link(database: Database, patient: Patient, *, now: datetime) -> str:
    """The secret of a link."""
    _, secret = database.in_transaction(
        lambda tx: make_letter_link(tx, patient_id=patient.id, actor=SYSTEM, now=now)
    )
    return secret


def a_letter(database: Database, patient: Patient, *, now: datetime) -> InsurerLetter:
    """A denial of a visit on the same day."""
    secret = a_letter_link(database, patient, now=now)
    letter = SentLetter(
        born_on=patient.born_on,
        visit_on=now.date(),
        outcome=LetterOutcome.DENIED,
        media_type="image/png",
        content=PICTURE,
    )
    taken = database.in_transaction(
        lambda tx: take_letter(tx, secret=secret, letter=letter, actor=SYSTEM, now=now)
    )
    assert taken is not None
    return taken
