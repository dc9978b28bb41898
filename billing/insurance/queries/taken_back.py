"""Which payments told of demands, to be found again in the insurer's papers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select

from billing.insurance.models.remittances import RemittanceRow, RemittanceTakingRow
from billing.insurance.records.remittances import TookBack
from billing.platform.data.database import Read


def took_back(read: Read, takeback_ids: Collection[str]) -> Mapping[str, TookBack]:
    """By demand that the caller may see, the payment that told of it first; one of a letter is left out."""
    query = (
        select(RemittanceTakingRow.takeback_id, RemittanceRow)
        .join(RemittanceRow, RemittanceRow.id == RemittanceTakingRow.remittance_id)
        .where(RemittanceTakingRow.takeback_id.in_(takeback_ids), RemittanceTakingRow.demanded_cents > 0)
        .order_by(RemittanceTakingRow.id.desc())
    )
    return {
        takeback_id: TookBack(payer_name=row.payer_name, trace=row.trace, paid_on=row.paid_on)
        for takeback_id, row in read.session.execute(query)
    }
