"""An insurer's letter that a patient sends in by a link: sealed, its outcome recorded, nothing posted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import update

from billing.care.queries import plans_of
from billing.care.states import SessionState
from billing.catalog.queries import find_site
from billing.insurance.models.remittances import InsurerLetterRow, LetterLinkRow
from billing.insurance.queries.letters import LETTER, LINK_PURPOSE, TOLD, letter_of
from billing.insurance.records.letters import InsurerLetter, LetterLink, SentLetter
from billing.kernel.clock import local_date
from billing.kernel.ids import new_id
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import find_patient
from billing.people.queries import link_print
from billing.people.records import LinkOwner
from billing.people.use_cases import new_link, open_by_birth_date
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Read, Tx
from billing.platform.data.tasks import ask_a_person

INSURER_LETTER = "insurer-letter"
LINK_LASTS = timedelta(days=30)
LETTERS = 10
"""How many letters one link takes."""


def make_letter_link(tx: Tx, *, patient_id: str, actor: Actor, now: datetime) -> tuple[LetterLink, str]:
    """A link by which a patient sends letters in, and its secret, kept hashed and told once.

    Raises: NoSuchPatient.
    """
    patient = find_patient(tx, patient_id, actor)
    (secret, kept), link_id = new_link(tx, LINK_PURPOSE), new_id("llk")
    link = LetterLink(id=link_id, patient_id=patient.id, expires_at=now + LINK_LASTS)
    values = {
        "id": link_id,
        "patient_id": patient.id,
        **kept,
        "letters_left": LETTERS,
        "expires_at": link.expires_at,
        "made_by": actor.id,
    }
    tx.insert(LetterLinkRow, [values])
    record_audit(tx, actor=actor, action="letter_link.make", subject_id=link_id, now=now)
    return link, secret


def take_letter(
    tx: Tx, *, secret: str, letter: SentLetter, actor: Actor, now: datetime
) -> InsurerLetter | None:
    """Keep a letter and ask a person to look; None for a wrong link or birth date, whichever it is."""

    def owner_of(link_id: str) -> LinkOwner:
        patient = find_patient(tx, tx.session.get_one(LetterLinkRow, link_id).patient_id, SYSTEM)
        return LinkOwner(entity_id=patient.entity_id, born_on=patient.born_on, subject_id=link_id)

    opened = open_by_birth_date(
        tx,
        links=LetterLinkRow,
        fingerprint=link_print(tx.vault, LINK_PURPOSE, secret),
        born_on=letter.born_on,
        owner_of=owner_of,
        trail="letter_link",
        only=LetterLinkRow.letters_left > 0,
        actor=actor,
        now=now,
    )
    if opened is None:
        return None
    one_less = {"letters_left": LetterLinkRow.letters_left - 1}
    link = tx.session.get_one(LetterLinkRow, opened.id)
    tx.session.execute(update(LetterLinkRow).where(LetterLinkRow.id == opened.id).values(one_less))
    row = _kept(tx, letter, opened.id, link.patient_id, now)
    record_audit(tx, actor=opened.holder, action="letter.take", subject_id=row.id, now=now)
    ask_a_person(tx, kind=INSURER_LETTER, about=row, actor=opened.holder, now=now)
    return letter_of(tx.vault, row)


def _kept(tx: Tx, letter: SentLetter, link_id: str, patient_id: str, now: datetime) -> InsurerLetterRow:
    patient, letter_id = find_patient(tx, patient_id, SYSTEM), new_id("ltr")
    row = InsurerLetterRow(
        id=letter_id,
        entity_id=patient.entity_id,
        site_id=patient.site_id,
        patient_id=patient.id,
        session_id=_visit_of(tx, patient.id, letter.visit_on),
        link_id=link_id,
        outcome=letter.outcome,
        media_type=letter.media_type,
        told=tx.vault.seal(TOLD, letter_id, {"visit_on": letter.visit_on}),
        sealed=tx.vault.seal_bytes(LETTER, letter_id, letter.content),
        received_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    return row


def _visit_of(read: Read, patient_id: str, on: date) -> str | None:
    """The one visit that was given on that day at its site."""
    given = [
        session
        for plan in plans_of(read, patient_id)
        for session in plan.sessions
        if session.state is SessionState.GIVEN and session.started_at
    ]
    zones = {
        site_id: ZoneInfo(find_site(read, site_id).timezone) for site_id in {each.site_id for each in given}
    }
    of_day = [
        each.id
        for each in given
        if each.started_at and local_date(each.started_at, zones[each.site_id]) == on
    ]
    return of_day[0] if len(of_day) == 1 else None
