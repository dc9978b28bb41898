"""Reads of letters that patients sent in; those of other sites or entities do not exist for the actor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import select

from billing.insurance.errors import NoSuchLetter
from billing.insurance.models.remittances import InsurerLetterRow, LetterLinkRow
from billing.insurance.records.letters import InsurerLetter, LetterOutcome
from billing.kernel.permissions import Actor
from billing.people.queries import link_print
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.selects import batches
from billing.platform.data.vault import Vault

LETTER, TOLD = InsurerLetterRow.__tablename__, f"{InsurerLetterRow.__tablename__}.told"
LINK_PURPOSE = "letter.link"


def is_letter_link(read: Read, secret: str) -> bool:
    """Whether there was ever such a link, also one that takes no more letters."""
    query = select(LetterLinkRow.id).where(
        LetterLinkRow.fingerprint == link_print(read.vault, LINK_PURPOSE, secret)
    )
    return read.session.scalar(query) is not None


def find_letter(read: Read, letter_id: str, actor: Actor) -> InsurerLetter:
    """Raises: NoSuchLetter."""
    return letter_of(read.vault, _row(read, letter_id, actor))


def content_of_letter(read: Read, letter_id: str, actor: Actor) -> bytes:
    """Raises: NoSuchLetter."""
    row = _row(read, letter_id, actor)
    return read.vault.open_bytes(LETTER, row.id, row.sealed)


def letters_of(read: Read, patient_id: str, actor: Actor) -> Sequence[InsurerLetter]:
    """Newest first."""
    query = (
        select(InsurerLetterRow)
        .where(InsurerLetterRow.patient_id == patient_id, *within_reach(actor, InsurerLetterRow))
        .order_by(InsurerLetterRow.id.desc())
    )
    return [letter_of(read.vault, row) for row in read.session.scalars(query)]


def letters_among(read: Read, letter_ids: Iterable[str], actor: Actor) -> Sequence[InsurerLetter]:
    """Those of these that the actor may know of."""
    query = select(InsurerLetterRow).where(*within_reach(actor, InsurerLetterRow))
    return [
        letter_of(read.vault, row)
        for batch in batches(letter_ids)
        for row in read.session.scalars(query.where(InsurerLetterRow.id.in_(batch)))
    ]


def letter_of(vault: Vault, row: InsurerLetterRow) -> InsurerLetter:
    return InsurerLetter(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        session_id=row.session_id,
        outcome=LetterOutcome(row.outcome),
        visit_on=date.fromisoformat(vault.open(TOLD, row.id, row.told)["visit_on"]),
        media_type=row.media_type,
        received_at=row.received_at,
    )


def _row(read: Read, letter_id: str, actor: Actor) -> InsurerLetterRow:
    row = read.session.get(InsurerLetterRow, letter_id)
    if row is None or not actor.sees(entity_id=row.entity_id, site_id=row.site_id):
        raise NoSuchLetter("There is no such letter. Look at the patient's page.")
    return row
