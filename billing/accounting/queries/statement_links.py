"""Reads of the links by which patients open their statements."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from billing.accounting.models import StatementLinkRow
from billing.accounting.records.statement_links import StatementHolder
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.patients.queries import find_patient
from billing.people.queries import actor_for_user
from billing.platform.data.database import Read

LINK_PURPOSE = "statement.link"


def holder_of_statement_link(read: Read, link_id: str, now: datetime) -> StatementHolder | None:
    """Whose statement it opens, and who looks, as long as it does.

    Whoever made a link has seen it, and the birth date too. So it shows no more than they may see themselves
    at that moment, and nothing once they may not: also when they have left.
    """
    found = read.session.execute(
        select(StatementLinkRow.patient_id, StatementLinkRow.made_by).where(
            StatementLinkRow.id == link_id, StatementLinkRow.expires_at > now
        )
    ).first()
    maker = _maker(read, found.made_by) if found else None
    if found is None or maker is None or not maker.may(Permission.STATEMENTS_READ):
        return None
    patient = find_patient(read, found.patient_id, SYSTEM)
    if not maker.sees(entity_id=patient.entity_id, site_id=patient.site_id):
        return None
    return StatementHolder(
        patient_id=patient.id,
        actor=Actor(
            id=link_id, entity_id=patient.entity_id, permissions=frozenset(), site_ids=maker.site_ids
        ),
    )


def _maker(read: Read, made_by: str) -> Actor | None:
    return SYSTEM if made_by == SYSTEM.id else actor_for_user(read, made_by)
