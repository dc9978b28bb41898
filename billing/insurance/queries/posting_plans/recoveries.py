"""What a payer takes back beside the claims (WO), and of which earlier payments."""

from __future__ import annotations

from collections.abc import Sequence

from billing.insurance.queries.earlier_answers import answers_named, reimbursements_of
from billing.insurance.queries.posting_plans.budget import Budget, CannotTake, told_taking
from billing.insurance.records import ProviderAdjustment, RemittanceTransaction
from billing.insurance.records.answers import EarlierAnswer, Place, Taking
from billing.insurance.rules.provider_adjustments import sorted_adjustments
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Entry
from billing.payments.queries.takebacks import entry_of_reimbursement, left_to_recoup, patient_of_claim
from billing.platform.data.database import Read


def owners_of_recoveries(
    read: Read, entity_id: str | None, transaction: RemittanceTransaction, actor: Actor
) -> set[str]:
    """The patients of whose earlier payments this one takes something back, beside its own claims'."""
    return {
        patient_of_claim(entry_of_reimbursement(read, answer.id, SYSTEM))
        for each in recoveries_of(transaction)
        for answer in answers_named(read, each.reference, transaction.payer_id, entity_id, actor)
    }


def takings_of_recoveries(
    read: Read, place: Place, transaction: RemittanceTransaction, actor: Actor, budget: Budget
) -> Sequence[Taking]:
    takings = []
    for each in recoveries_of(transaction):
        told = f"The recovery (WO) of {each.amount} at segment {each.segment} under {each.reference}"
        answers = [
            answer
            for answer in answers_named(read, each.reference, transaction.payer_id, place.entity_id, actor)
            if actor.sees(entity_id=place.entity_id, site_id=entry_of_answer(read, answer).site_id)
        ]
        if not answers:
            raise CannotTake(f"{told} is about no payment of this payer that is on file.")
        parts = told_taking(budget, _nearest(read, answers, each.amount, told), each.amount, told)
        takings.append(Taking(demand=each.reference, parts=parts, put_off=ZERO))
    return takings


def _nearest(
    read: Read, answers: Sequence[EarlierAnswer], amount: Money, told: str
) -> Sequence[EarlierAnswer]:
    """Of several sessions, as a trace has, the one that has as much left, or all if they have it together."""
    if len({answer.session_id for answer in answers}) == 1:
        return answers
    left = {answer.id: _left(read, answer) for answer in answers}
    if total(left.values()) == amount:
        return answers
    enough = [answer for answer in answers if left[answer.id] == amount]
    if len(enough) != 1:
        raise CannotTake(f"{told} does not say which of {len(answers)} claims of that payment it is about.")
    return enough


def _left(read: Read, answer: EarlierAnswer) -> Money:
    return total(left_to_recoup(read, each) for each in reimbursements_of(read, answer.id))


def entry_of_answer(read: Read, answer: EarlierAnswer) -> Entry:
    return entry_of_reimbursement(read, answer.id, SYSTEM)


def recoveries_of(transaction: RemittanceTransaction) -> Sequence[ProviderAdjustment]:
    return sorted_adjustments(transaction.provider_adjustments, transaction.claims).recoveries
