"""Which posted answers of a payer stand: those that no later one reversed."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import aliased

from billing.insurance.models.remittances import RemittanceClaimRow, RemittanceRow
from billing.insurance.states import RemittanceState

IS_POSTED = RemittanceRow.state == RemittanceState.POSTED


def answers_of_payer(payer_id: str) -> Select[RemittanceClaimRow]:
    return (
        select(RemittanceClaimRow)
        .join(RemittanceRow, RemittanceRow.id == RemittanceClaimRow.remittance_id)
        .where(RemittanceRow.payer_id == payer_id, IS_POSTED)
    )


def is_reversed() -> ColumnElement[bool]:
    reversal, its = aliased(RemittanceClaimRow), aliased(RemittanceRow)
    return exists().where(
        reversal.reverses_id == RemittanceClaimRow.id,
        its.id == reversal.remittance_id,
        its.state == RemittanceState.POSTED,
    )
