"""A transaction that waits for a person: kept whole, and asked about until it was posted or set aside."""

from __future__ import annotations

from datetime import datetime

from billing.insurance.models.remittances import RemittanceContentRow, RemittanceCopyRow, RemittanceRow
from billing.insurance.queries.remittances import CONTENT
from billing.insurance.records.remittances import KeptContent
from billing.insurance.rules.kept import values_of
from billing.kernel.ids import new_id
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_again, end_tasks

REMITTANCE_PARKED = "remittance-parked"
NO_SITE = "-"
"""In the place of a site: what waits is for those who see the whole entity."""


class Parked:
    """What a task is opened about: a remittance of an entity, of no site."""

    site_id = NO_SITE

    def __init__(self, remittance_id: str, entity_id: str) -> None:
        self.id = remittance_id
        self.entity_id = entity_id


def wait_for_a_person(
    tx: Tx, row: RemittanceRow, *, content: KeptContent, actor: Actor, now: datetime
) -> None:
    """Keep what it said, in place of what an earlier look kept, and ask a person; again, when it came again.

    Nobody is asked about one that belongs to no clinic here: the list of those who see all has it.
    """
    sessions = {str(segment): session_id for segment, session_id in content.sessions.items()}
    kept = {"transaction": values_of(content.transaction), "sessions": sessions}
    tx.session.merge(RemittanceContentRow(remittance_id=row.id, sealed=tx.vault.seal(CONTENT, row.id, kept)))
    if row.entity_id is not None:
        ask_again(tx, kind=REMITTANCE_PARKED, about=Parked(row.id, row.entity_id), actor=actor, now=now)


def end_waiting(tx: Tx, row: RemittanceRow, *, actor: Actor, now: datetime) -> None:
    """Nothing is left to decide."""
    end_tasks(tx, kind=REMITTANCE_PARKED, subject_ids=[row.id], actor=actor, now=now)


def note_copy(tx: Tx, row: RemittanceRow, *, actor: Actor, now: datetime) -> None:
    """It came once more, and nothing was done: so that who wonders where a file went can see it."""
    copy = {"id": new_id("rcy"), "remittance_id": row.id, "received_at": now, "received_by": actor.id}
    tx.insert(RemittanceCopyRow, [copy])
    record_audit(tx, actor=actor, action="remittance.duplicate", subject_id=row.id, now=now)
