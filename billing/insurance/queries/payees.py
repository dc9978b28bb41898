"""Whom a payment names as its payee: the clinic, one of its providers, or somebody else."""

from __future__ import annotations

from sqlalchemy import select

from billing.catalog.queries import entities, providers
from billing.insurance.models.remittances import RemittanceDecisionRow
from billing.insurance.queries.remittances import DECISION, decided_for
from billing.insurance.records import RemittanceTransaction
from billing.insurance.records.remittances import DecisionKind
from billing.platform.data.database import Read


def payee_doubt(read: Read, entity_id: str | None, transaction: RemittanceTransaction) -> str | None:
    """Why a payment may be meant for somebody else, or None; the taxpayer number itself is not told."""
    if is_payee_ours(read, transaction) or _was_said(read, entity_id, payee_of(transaction)):
        return None
    npi = transaction.payee_npi
    named = f"the NPI {npi}, which is" if npi else "a taxpayer number that is"
    return f"{FOR_ANOTHER} by {named} none of ours. It may be meant for somebody else."


FOR_ANOTHER = "The payment names its payee"
"""How this reason begins."""


def payee_of(transaction: RemittanceTransaction) -> str:
    """The number that names the payee, or nothing."""
    return transaction.payee_npi or _digits(transaction.payee_tin)


def is_payee_ours(read: Read, transaction: RemittanceTransaction) -> bool:
    """Whether it names nobody by a number, a clinic of ours, or one of their providers."""
    payee, clinics = payee_of(transaction), entities(read)
    if not payee or payee in {each.npi for each in clinics}:
        return True
    if not transaction.payee_npi:
        return payee in {_digits(each.tin) for each in clinics}
    return any(payee == each.npi for clinic in clinics for each in providers(read, clinic.id))


def _was_said(read: Read, entity_id: str | None, payee: str) -> bool:
    """Whether somebody said of this or an earlier payment that this payee is the clinic, too."""
    query = select(RemittanceDecisionRow).where(
        RemittanceDecisionRow.kind == DecisionKind.OURS, *decided_for(entity_id)
    )
    return any(
        read.vault.open(DECISION, row.id, row.sealed).get("payee") == payee
        for row in read.session.scalars(query)
    )


def _digits(number: str) -> str:
    return "".join(each for each in number if each.isdigit())
