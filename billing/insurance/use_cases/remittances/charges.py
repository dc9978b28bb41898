"""A posted answer has another charge than was billed: a person looks, unless it is a part of that."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from billing.insurance.models.remittances import RemittanceRow
from billing.insurance.queries.billed_charges import billed_otherwise, remittances_about_the_same
from billing.insurance.use_cases.parked_remittances import Parked
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read, Tx
from billing.platform.data.tasks import ask_a_person, ask_again, end_tasks, open_subjects

CHARGE_DIFFERS = "charge-differs"


def ask_about_charges(tx: Tx, row: RemittanceRow, actor: Actor, now: datetime) -> None:
    """Also end what was asked about earlier payments: this one may have the other part, or correct them."""
    if _is_unexplained(tx, row.id):
        about = Parked(row.id, str(row.entity_id))
        ask_a_person(tx, kind=CHARGE_DIFFERS, about=about, actor=actor, now=now)
    asked = open_subjects(tx, kind=CHARGE_DIFFERS, entity_id=row.entity_id)
    before = set(asked) & set(remittances_about_the_same(tx, row.id)) if asked else set()
    explained = [each for each in sorted(before) if not _is_unexplained(tx, each)]
    end_tasks(tx, kind=CHARGE_DIFFERS, subject_ids=explained, actor=actor, now=now)


def explained_now(read: Read, remittance_id: str) -> list[str]:
    """Other payments about the same visits whose charges say nothing: this one may be why."""
    return [
        each for each in remittances_about_the_same(read, remittance_id) if not _is_unexplained(read, each)
    ]


def ask_about_charges_again(tx: Tx, remittance_ids: Iterable[str], actor: Actor, now: datetime) -> None:
    """Of those that were explained, what explained them is gone: a person looks, also one who did before."""
    for each in sorted(remittance_ids):
        if _is_unexplained(tx, each):
            row = tx.session.get_one(RemittanceRow, each)
            about = Parked(row.id, str(row.entity_id))
            ask_again(tx, kind=CHARGE_DIFFERS, about=about, actor=actor, now=now)


def _is_unexplained(read: Read, remittance_id: str) -> bool:
    return any(not each.is_part for each in billed_otherwise(read, remittance_id).values())
