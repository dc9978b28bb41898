"""Reads of what other payers take of invoices."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select

from billing.invoices.models import PayerRow, PayerShareRow
from billing.invoices.queries import payer_of, share_of
from billing.invoices.records import Payer, PayerShare
from billing.kernel.permissions import Actor
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach


def shares_of_patient(read: Read, patient_id: str, actor: Actor) -> Sequence[PayerShare]:
    """What other payers took of a patient's invoices, at the actor's sites, oldest first."""
    query = select(PayerShareRow).where(
        PayerShareRow.patient_id == patient_id, *within_reach(actor, PayerShareRow)
    )
    return [share_of(read, row) for row in read.session.scalars(query.order_by(PayerShareRow.id))]


def shares_with_payers(
    read: Read, share_ids: Collection[str], actor: Actor
) -> Mapping[str, tuple[PayerShare, Payer]]:
    """By id, these parts with who takes them, as far as the actor may know both; in two statements."""
    theirs = select(PayerShareRow).where(PayerShareRow.id.in_(share_ids), *within_reach(actor, PayerShareRow))
    rows = read.session.scalars(theirs).all()
    named = {row.payer_id for row in rows}
    payers = {row.id: row for row in read.session.scalars(select(PayerRow).where(PayerRow.id.in_(named)))}
    return {
        row.id: (share_of(read, row), payer_of(read, payers[row.payer_id]))
        for row in rows
        if actor.sees(entity_id=payers[row.payer_id].entity_id, site_id=payers[row.payer_id].site_id)
    }
