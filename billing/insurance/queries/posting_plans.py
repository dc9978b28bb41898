"""What posting a payment will do, or why it waits: decided under the locks, before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from billing.catalog.queries import sites
from billing.insurance.queries.earlier_answers import (
    adjusted_so_far,
    answers_named,
    answers_to,
    reimbursements_of,
    reversed_answer,
)
from billing.insurance.records import (
    Match,
    Outcome,
    ProviderAdjustment,
    RemittanceClaim,
    RemittanceTransaction,
)
from billing.insurance.records.answers import Doubt, EarlierAnswer, Part, Place, PostingPlan, Taking
from billing.insurance.rules.answers import REVERSAL, outcome, paid_to_patient
from billing.insurance.rules.provider_adjustments import (
    FORWARD_BALANCE,
    INTEREST,
    RECOVERY,
    sorted_adjustments,
)
from billing.insurance.rules.set_apart import without
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Entry
from billing.payments.queries.takebacks import entry_of_reimbursement, left_to_recoup, patient_of_claim
from billing.platform.data.database import Read

NOWHERE = Place(entity_id="", site_id="")
"""Of a payment without money that concerns no session of ours: it has no entries."""


class CannotTake(Exception):
    """What the payer takes back is not there; the reason in words."""


@dataclass
class Budget:
    """What can still be taken back of each earlier payment, less what this one takes already."""

    read: Read
    left: dict[str, Money] = field(default_factory=dict)

    def take(
        self, answers: Sequence[EarlierAnswer], amount: Money, *, returned_by: Money = ZERO
    ) -> tuple[Part, ...]:
        """Of these payments, the first first; of the amount the payer may have got as much before.

        Raises: CannotTake when they have less than that left.
        """
        parts, wanted = [], amount
        for reimbursement_id in (
            each for answer in answers for each in reimbursements_of(self.read, answer.id)
        ):
            left = self.left_of(reimbursement_id)
            if part := min(left, wanted):
                parts.append(Part(reimbursement_id=reimbursement_id, amount=part))
                self.left[reimbursement_id] = left - part
                wanted = wanted - part
        if wanted > returned_by:
            raise CannotTake(f"only {amount - wanted} of {amount} is left to take back: the rest was before")
        return tuple(parts)

    def left_of(self, reimbursement_id: str) -> Money:
        if reimbursement_id not in self.left:
            self.left[reimbursement_id] = left_to_recoup(self.read, reimbursement_id)
        return self.left[reimbursement_id]


def owners_of_recoveries(
    read: Read, entity_id: str | None, transaction: RemittanceTransaction, actor: Actor
) -> set[str]:
    """The patients of whose earlier payments this one takes something back, beside its own claims'."""
    return {
        patient_of_claim(entry_of_reimbursement(read, answer.id, SYSTEM))
        for each in _recoveries(transaction)
        for answer in answers_named(read, each.reference, transaction.payer_id, entity_id, actor)
    }


def plan_posting(
    read: Read,
    entity_id: str | None,
    transaction: RemittanceTransaction,
    matches: Mapping[int, Match],
    actor: Actor,
    booked_on: date,
    apart: frozenset[int],
) -> PostingPlan | Doubt:
    """The patients are locked, and the payment by itself raises no doubt."""
    whole, transaction = transaction, without(transaction, apart)
    place = _place(read, entity_id, transaction, matches, actor) or NOWHERE
    if place is NOWHERE and (whole.amount or whole.provider_adjustments):
        return Doubt(reason="The payment is for no session of ours.")
    try:
        _refuse_missing_balances(read, place.entity_id, transaction)
        answers, here = _reversed(read, transaction, matches)
        negated = {answer.id for answer in answers.values() if answer}
        budget = Budget(read)
        takings = [
            *_reversals(transaction, answers, budget),
            *_recovered(read, place, transaction, actor, budget),
            *_paid_to_both(read, transaction, matches, negated, budget),
        ]
        _refuse_known_by_now(read, place, whole, apart, actor, budget)
    except CannotTake as error:
        return Doubt(reason=str(error), waits=True)
    return PostingPlan(
        transaction=whole,
        set_apart=apart,
        matches=matches,
        place=place,
        reversed_answers={segment: answer.id if answer else None for segment, answer in answers.items()},
        reversed_here=here,
        put_off=_put_off(transaction),
        takings=tuple(takings),
        booked_on=booked_on,
        copies=_copies(read, transaction, matches, negated),
    )


def _place(
    read: Read,
    entity_id: str | None,
    transaction: RemittanceTransaction,
    matches: Mapping[int, Match],
    actor: Actor,
) -> Place | None:
    """The site of the first claim, else of the first payment that is taken back, else the entity's first."""
    for match in matches.values():
        return Place(entity_id=match.entity_id, site_id=match.site_id)
    for each in _recoveries(transaction):
        for answer in answers_named(read, each.reference, transaction.payer_id, entity_id, actor):
            entry = _entry(read, answer)
            return Place(entity_id=entry.entity_id, site_id=entry.site_id)
    known = sites(read, entity_id) if entity_id else ()
    return Place(entity_id=str(entity_id), site_id=known[0].id) if known else None


def _refuse_missing_balances(read: Read, entity_id: str, transaction: RemittanceTransaction) -> None:
    """The payer takes what it left open, or gave as interest, before; no more of it. Raises: CannotTake."""
    told, payer_id = (
        sorted_adjustments(transaction.provider_adjustments, transaction.claims),
        transaction.payer_id,
    )
    carried = told.carried - adjusted_so_far(read, entity_id, payer_id, FORWARD_BALANCE)
    if told.consumed > carried:
        raise CannotTake(
            f"The payer takes {told.consumed} that earlier payments left open (FB), "
            f"but what is on file left {carried} open."
        )
    held = -adjusted_so_far(read, entity_id, payer_id, INTEREST)
    if told.interest > ZERO and told.interest > held:
        raise CannotTake(
            f"The payer takes back interest of {told.interest}, but {held} of its interest is on file."
        )


def _reversed(
    read: Read, transaction: RemittanceTransaction, matches: Mapping[int, Match]
) -> tuple[dict[int, EarlierAnswer | None], dict[int, int]]:
    """By reversal the answer that was posted before, or else a claim of this very payment.

    Raises: CannotTake.
    """
    answers: dict[int, EarlierAnswer | None] = {}
    here: dict[int, int] = {}
    for claim in transaction.claims:
        if claim.status != REVERSAL:
            continue
        taken = [answer.id for answer in answers.values() if answer]
        match = matches[claim.segment]
        found = reversed_answer(read, claim, match, transaction.payer_id, taken=taken)
        same = None if found else _same_payment(transaction, claim, matches, here)
        if same is not None:
            here[claim.segment] = same
        elif found or not claim.paid:
            answers[claim.segment] = found
        else:
            raise CannotTake(
                f"The claim {claim.control_number} at segment {claim.segment} reverses a payment of "
                f"{-claim.paid} for a charge of {-claim.charge}, which was not posted or was reversed before."
            )
    return answers, here


def _same_payment(
    transaction: RemittanceTransaction,
    reversal: RemittanceClaim,
    matches: Mapping[int, Match],
    here: Mapping[int, int],
) -> int | None:
    for claim in transaction.claims:
        is_opposite = (claim.charge, claim.paid) == (-reversal.charge, -reversal.paid)
        if (
            is_opposite
            and claim.paid
            and claim.segment not in here.values()
            and matches.get(claim.segment) == matches[reversal.segment]
        ):
            return claim.segment
    return None


def _put_off(transaction: RemittanceTransaction) -> dict[int, Money]:
    """By reversal, what the payer does not take of it yet."""
    put_off: dict[int, Money] = {}
    for each in sorted_adjustments(transaction.provider_adjustments, transaction.claims).deferrals:
        put_off[each.reversal] = put_off.get(each.reversal, ZERO) + each.amount
    return put_off


def _reversals(
    transaction: RemittanceTransaction, answers: Mapping[int, EarlierAnswer | None], budget: Budget
) -> Sequence[Taking]:
    """What is put off may have been recovered before, by a file that came first or by a check of ours."""
    put_off = _put_off(transaction)
    takings = []
    for claim in transaction.claims:
        answer = answers.get(claim.segment)
        if answer and claim.paid:
            later = put_off.get(claim.segment, ZERO)
            told = f"The reversal of {claim.control_number}"
            parts = _told(budget, [answer], -claim.paid, told, returned_by=later)
            returned = -claim.paid - total(part.amount for part in parts)
            number = claim.payer_claim_number or claim.control_number
            takings.append(Taking(demand=number, parts=parts, put_off=later - returned))
    return takings


def _recovered(
    read: Read, place: Place, transaction: RemittanceTransaction, actor: Actor, budget: Budget
) -> Sequence[Taking]:
    takings = []
    for each in _recoveries(transaction):
        told = f"The recovery (WO) of {each.amount} at segment {each.segment} under {each.reference}"
        answers = [
            answer
            for answer in answers_named(read, each.reference, transaction.payer_id, place.entity_id, actor)
            if actor.sees(entity_id=place.entity_id, site_id=_entry(read, answer).site_id)
        ]
        if not answers:
            raise CannotTake(f"{told} is about no payment of this payer that is on file.")
        parts = _told(budget, _nearest(read, answers, each.amount, told), each.amount, told)
        takings.append(Taking(demand=each.reference, parts=parts, put_off=ZERO))
    return takings


def _refuse_known_by_now(
    read: Read,
    place: Place,
    whole: RemittanceTransaction,
    apart: Collection[int],
    actor: Actor,
    budget: Budget,
) -> None:
    """What was set apart as unknown may be on file by now, beside all that this payment takes.

    Raises: CannotTake.
    """
    for number, each in enumerate(whole.provider_adjustments, 1):
        if number not in apart:
            continue
        alone = replace(whole, provider_adjustments=(each,))
        if each.code == RECOVERY:
            is_known = _is_recovered(read, place, alone, actor, budget)
        else:
            beside = without(whole, {*apart} - {number})
            is_known = each.code in (FORWARD_BALANCE, INTEREST) and _is_balance(read, place, beside)
        if is_known:
            raise CannotTake(
                f"The {each.code} of {each.amount} at segment {each.segment} was set apart, and can be booked "
                "by now: what it is about is on file. Set apart the others alone, or none."
            )


def _is_recovered(
    read: Read, place: Place, alone: RemittanceTransaction, actor: Actor, budget: Budget
) -> bool:
    try:
        return bool(_recovered(read, place, alone, actor, budget))
    except CannotTake:
        return False


def _is_balance(read: Read, place: Place, beside: RemittanceTransaction) -> bool:
    try:
        _refuse_missing_balances(read, place.entity_id, beside)
    except CannotTake:
        return False
    return True


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


def _paid_to_both(
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


def _copies(
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


def _told(
    budget: Budget,
    answers: Sequence[EarlierAnswer],
    amount: Money,
    told: str,
    *,
    returned_by: Money = ZERO,
) -> tuple[Part, ...]:
    try:
        return budget.take(answers, amount, returned_by=returned_by)
    except CannotTake as error:
        raise CannotTake(f"{told} cannot be posted: {error}.") from None


def _left(read: Read, answer: EarlierAnswer) -> Money:
    return total(left_to_recoup(read, each) for each in reimbursements_of(read, answer.id))


def _entry(read: Read, answer: EarlierAnswer) -> Entry:
    return entry_of_reimbursement(read, answer.id, SYSTEM)


def _recoveries(transaction: RemittanceTransaction) -> Sequence[ProviderAdjustment]:
    return sorted_adjustments(transaction.provider_adjustments, transaction.claims).recoveries
