"""A link to a statement, for the patient: made by staff, opened with the birth date."""

from __future__ import annotations

import hmac
import secrets
from datetime import date, datetime, timedelta

from sqlalchemy import update

from billing.accounting.models import StatementLinkRow
from billing.accounting.queries.statement_links import holder_of_statement_link, statement_link_print
from billing.accounting.records.statement_links import StatementLink
from billing.kernel.ids import new_id
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import find_patient
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx

LINK_LASTS = timedelta(days=30)
SECRET_BYTES = 20
TRIES = 5
"""How often a birth date may be wrong."""
NOBODY = date.min


def make_statement_link(tx: Tx, *, patient_id: str, actor: Actor, now: datetime) -> tuple[StatementLink, str]:
    """A link, and its secret, which is kept hashed and told once. Raises: NoSuchPatient."""
    patient = find_patient(tx, patient_id, actor)
    secret, link_id = secrets.token_urlsafe(SECRET_BYTES), new_id("slk")
    link = StatementLink(id=link_id, patient_id=patient.id, expires_at=now + LINK_LASTS)
    values = {
        "id": link_id,
        "patient_id": patient.id,
        "fingerprint": statement_link_print(tx.vault, secret),
        "tries_left": TRIES,
        "expires_at": link.expires_at,
        "made_by": actor.id,
    }
    tx.insert(StatementLinkRow, [values])
    record_audit(tx, actor=actor, action="statement_link.make", subject_id=link_id, now=now)
    return link, secret


def open_statement_link(
    tx: Tx, *, secret: str, born_on: date, actor: Actor, now: datetime
) -> StatementLink | None:
    """The link when the birth date is the patient's; None for all else, whatever it is.

    Each try is counted before anything is compared, so that no number of tries at once exceeds TRIES.
    """
    tried = tx.session.execute(
        update(StatementLinkRow)
        .where(
            StatementLinkRow.fingerprint == statement_link_print(tx.vault, secret),
            StatementLinkRow.tries_left > 0,
            StatementLinkRow.expires_at > now,
        )
        .values(tries_left=StatementLinkRow.tries_left - 1)
        .returning(StatementLinkRow.id, StatementLinkRow.patient_id, StatementLinkRow.expires_at)
    ).first()
    patient = find_patient(tx, tried.patient_id, SYSTEM) if tried else None
    right = patient.born_on if patient else NOBODY
    is_right = hmac.compare_digest(right.isoformat(), born_on.isoformat())
    if tried is None or patient is None or holder_of_statement_link(tx, tried.id, now) is None:
        return None
    holder = Actor(id=tried.id, entity_id=patient.entity_id, permissions=frozenset())
    action = "statement.open" if is_right else "statement.open.refuse"
    record_audit(tx, actor=holder, action=action, subject_id=patient.id, now=now)
    if not is_right:
        return None
    tx.session.execute(
        update(StatementLinkRow).where(StatementLinkRow.id == tried.id).values(tries_left=TRIES)
    )
    return StatementLink(id=tried.id, patient_id=patient.id, expires_at=tried.expires_at)
