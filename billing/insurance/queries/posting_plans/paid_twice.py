"""What the payer paid to the patient and to the clinic, in this payment or before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from billing.insurance.queries.earlier_answers import answers_to, reimbursements_of
from billing.insurance.queries.posting_plans.budget import Budget
from billing.insurance.records import Match, Outcome, RemittanceTransaction
from billing.insurance.records.answers import Taking
from billing.insurance.rules.answers import outcome, paid_to_patient
from billing.kernel.money import ZERO, total
from billing.platform.data.database import Read


def takings_paid_to_both(
    read: Read,
    transaction: RemittanceTransaction,
    matches: Mapping[int, Match],
    negated: Collection[str],
    budget: Budget,
) -> Sequence[Taking]:
    """The payer tells that it paid the patient, and the clinic had got it before: the clinic's goes back."""
    told = {
        (matches[claim.segment].session_id, claim.charge): paid_to_patient(claim)
        for claim in transaction.claims
        if outcome(claim) is Outcome.PAID_TO_PATIENT
    }
    takings = []
    sessions = {session_id for session_id, _ in told}
    for answer in answers_to(read, sessions, transaction.payer_id, Outcome.REIMBURSED):
        most = told.get((answer.session_id, answer.charge), ZERO)
        amount = min(most, total(budget.left_of(each) for each in reimbursements_of(read, answer.id)))
        if answer.id not in negated and amount > ZERO:
            takings.append(Taking(demand="paid twice", parts=budget.take([answer], amount), put_off=amount))
    return takings


def copies_in(
    read: Read, transaction: RemittanceTransaction, matches: Mapping[int, Match], negated: Collection[str]
) -> frozenset[int]:
    """What is paid to the clinic though the payer told, before or here, that it had paid the patient."""
    visits = {
        claim.segment: (matches[claim.segment].session_id, claim.charge)
        for claim in transaction.claims
        if outcome(claim) in (Outcome.REIMBURSED, Outcome.PAID_TO_PATIENT)
    }
    paid = {claim.segment for claim in transaction.claims if outcome(claim) is Outcome.REIMBURSED}
    sessions = {visits[segment][0] for segment in paid}
    before = answers_to(read, sessions, transaction.payer_id, Outcome.PAID_TO_PATIENT)
    told = {(answer.session_id, answer.charge) for answer in before if answer.id not in negated}
    told |= {visit for segment, visit in visits.items() if segment not in paid}
    return frozenset(segment for segment in paid if visits[segment] in told)
