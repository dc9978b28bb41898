"""Whose money an insurer pays, and whose money is held."""

from __future__ import annotations

from billing.kernel.money import ZERO, Money
from billing.ledger.records import Account


def share_reimbursement(
    amount: Money, *, owed: Money, paid: Money, reimbursed: Money
) -> tuple[Money, Money, Money]:
    """Split what an insurer paid for one session: settles what is owed, is the patient's, goes back.

    `paid` is what the patient paid for the session, `reimbursed` what came back for it before. The patient
    never gets more than was paid; the rest belongs to the payer. What they got, not having paid, they owe.
    """
    settled = max(ZERO, min(amount, owed, owed + paid - reimbursed))
    left = amount - settled
    patients = max(ZERO, min(left, paid - reimbursed))
    return settled, patients, left - patients


def held_as(payer_id: str | None) -> Account:
    """Money that waits is the patient's credit, or another payer's, to be returned to nobody else."""
    return Account.PATIENT_CREDITS if payer_id is None else Account.PAYER_MONEY_TO_RETURN
