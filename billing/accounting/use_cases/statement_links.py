"""A link to a statement, for the patient: made by staff, opened with the birth date."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from billing.accounting.models import StatementLinkRow
from billing.accounting.queries.statement_links import LINK_PURPOSE, holder_of_statement_link
from billing.accounting.records.statement_links import StatementLink
from billing.kernel.ids import new_id
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import find_patient
from billing.people.errors import LinkEnded
from billing.people.queries import link_print
from billing.people.records import LinkOwner
from billing.people.use_cases import new_link, open_by_birth_date
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

LINK_LASTS = timedelta(days=30)
ENDED = "This link is no longer valid. Ask the clinic for a new one."


def make_statement_link(tx: Tx, *, patient_id: str, actor: Actor, now: datetime) -> tuple[StatementLink, str]:
    """A link, and its secret, which is kept hashed and told once. Raises: NoSuchPatient."""
    patient = find_patient(tx, patient_id, actor)
    (secret, kept), link_id = new_link(tx, LINK_PURPOSE), new_id("slk")
    link = StatementLink(id=link_id, patient_id=patient.id, expires_at=now + LINK_LASTS)
    values = {
        "id": link_id,
        "patient_id": patient.id,
        **kept,
        "expires_at": link.expires_at,
        "made_by": actor.id,
    }
    tx.insert(StatementLinkRow, [values])
    record_audit(tx, actor=actor, action="statement_link.make", subject_id=link_id, now=now)
    return link, secret


def open_statement_link(tx: Tx, *, secret: str, born_on: date, actor: Actor, now: datetime) -> str | None:
    """The id of the link when the birth date is the patient's; None for all else, whatever it is.

    Raises: LinkEnded, whatever the date, once its maker may not see the statement themselves.
    """

    def owner_of(link_id: str) -> LinkOwner:
        holder = holder_of_statement_link(tx, link_id, now)
        if holder is None:
            raise LinkEnded(ENDED)
        patient = find_patient(tx, holder.patient_id, SYSTEM)
        return LinkOwner(entity_id=patient.entity_id, born_on=patient.born_on, subject_id=patient.id)

    opened = open_by_birth_date(
        tx,
        links=StatementLinkRow,
        fingerprint=link_print(tx.vault, LINK_PURPOSE, secret),
        born_on=born_on,
        owner_of=owner_of,
        trail="statement",
        actor=actor,
        now=now,
    )
    return opened.id if opened else None
