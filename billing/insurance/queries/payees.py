"""Whom a payment names as its payee: the clinic, one of its providers, or somebody else."""

from __future__ import annotations

from sqlalchemy import select

from billing.catalog.queries import entities, providers
from billing.insurance.models.remittances import RemittanceDecisionRow, RemittanceRow
from billing.insurance.queries.remittances import DECISION, content_of, decided_for
from billing.insurance.records import RemittanceTransaction
from billing.insurance.records.remittances import DecisionKind
from billing.insurance.states import RemittanceState
from billing.platform.data.database import Read


def payee_doubt(read: Read, entity_id: str | None, transaction: RemittanceTransaction) -> str | None:
    """Why a payment may be meant for somebody else, or None; the taxpayer number itself is not told."""
    if is_payee_ours(read, entity_id, transaction) or _was_said(read, entity_id, payee_of(transaction)):
        return None
    npi = transaction.payee_npi
    named = f"the NPI {npi}, which is" if npi else "a taxpayer number that is"
    return f"{FOR_ANOTHER} by {named} none of ours. It may be meant for somebody else."


FOR_ANOTHER = "The payment names its payee"
"""How this reason begins."""


def payee_of(transaction: RemittanceTransaction) -> str:
    """The number that names the payee, or nothing."""
    return transaction.payee_npi or _digits(transaction.payee_tin)


def clinics_of_payee(read: Read, transaction: RemittanceTransaction) -> list[str]:
    """The clinics whose own number names the payee."""
    payee = payee_of(transaction)
    return [each.id for each in entities(read) if payee and payee in (each.npi, _digits(each.tin))]


def is_payee_ours(read: Read, entity_id: str | None, transaction: RemittanceTransaction) -> bool:
    """Whether it names nobody by a number, the clinic that it is for, or one of its providers.

    Of a payment that is no clinic's yet: any of ours.
    """
    payee = payee_of(transaction)
    clinics = [each for each in entities(read) if entity_id in (None, each.id)]
    if not payee or payee in {each.npi for each in clinics}:
        return True
    if not transaction.payee_npi:
        return payee in {_digits(each.tin) for each in clinics}
    return any(payee == each.npi for clinic in clinics for each in providers(read, clinic.id))


def called_ours_with(read: Read, remittance_id: str) -> list[str]:
    """Parked ones of its clinic that wait for a payee which was said of this one to be ours, oldest first."""
    said = read.session.scalars(
        select(RemittanceDecisionRow).where(
            RemittanceDecisionRow.remittance_id == remittance_id,
            RemittanceDecisionRow.kind == DecisionKind.OURS,
        )
    ).all()
    payees = {read.vault.open(DECISION, row.id, row.sealed).get("payee") for row in said}
    waiting = select(RemittanceRow.id).where(
        RemittanceRow.id != remittance_id,
        RemittanceRow.state == RemittanceState.PARKED,
        RemittanceRow.entity_id.in_({row.entity_id for row in said}),
        RemittanceRow.reason.startswith(FOR_ANOTHER),
    )
    kept = {each: content_of(read, each) for each in read.session.scalars(waiting.order_by(RemittanceRow.id))}
    return [each for each, content in kept.items() if content and payee_of(content.transaction) in payees]


def _was_said(read: Read, entity_id: str | None, payee: str) -> bool:
    """Whether somebody said of this or an earlier payment that this payee is the clinic, too.

    Who set that payment aside afterwards said the contrary.
    """
    query = (
        select(RemittanceDecisionRow)
        .join(RemittanceRow, RemittanceRow.id == RemittanceDecisionRow.remittance_id)
        .where(
            RemittanceDecisionRow.kind == DecisionKind.OURS,
            RemittanceRow.state != RemittanceState.PUT_ASIDE,
            *decided_for(entity_id),
        )
    )
    return any(
        read.vault.open(DECISION, row.id, row.sealed).get("payee") == payee
        for row in read.session.scalars(query)
    )


def _digits(number: str) -> str:
    return "".join(each for each in number if each.isdigit())
