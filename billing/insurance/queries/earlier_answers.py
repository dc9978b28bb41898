"""What remittances are decided by: earlier answers of the same payer, and what it still has to take."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import aliased

from billing.care.queries import find_session
from billing.catalog.queries import site_date
from billing.insurance.models.remittances import (
    RemittanceAdjustmentRow,
    RemittanceClaimRow,
    RemittanceRow,
    RemittanceTakingRow,
    RestoredClaimRow,
)
from billing.insurance.queries import sessions_by_control_number, sessions_by_payer_claim
from billing.insurance.queries.standing_answers import IS_POSTED, answers_of_payer, is_reversed
from billing.insurance.records import Match, Outcome, RemittanceClaim, RemittanceTransaction
from billing.insurance.records.answers import EarlierAnswer
from billing.insurance.rules.answers import concerns_us, our_number, tells_another_visit
from billing.insurance.rules.provider_adjustments import named_numbers
from billing.insurance.states import RemittanceState
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.queries import policies_of
from billing.platform.data.database import Read
from billing.platform.data.selects import batches

IS_PAYMENT = RemittanceClaimRow.outcome == Outcome.REIMBURSED


def matches_of(read: Read, transaction: RemittanceTransaction, actor: Actor) -> dict[int, Match]:
    """By our control number, then by the payer's own number of an earlier answer, then by the lines'.

    The payer's number proves nothing for a claim that names another day or another member than the visit's.
    """
    claims = [claim for claim in transaction.claims if concerns_us(claim)]
    numbers = {our_number(number) for claim in claims for number in _numbers(claim)}
    ours = sessions_by_control_number(read, numbers, actor)
    theirs = sessions_by_payer_claim(
        read, transaction.payer_id, (claim.payer_claim_number for claim in claims), actor
    )
    found = {}
    for claim in claims:
        direct, *by_line = (ours.get(our_number(number)) for number in _numbers(claim))
        earlier = theirs.get((claim.payer_claim_number, abs(claim.charge.cents)))
        if not direct and earlier and _is_another_visit(read, claim, earlier):
            earlier = None
        match = direct or earlier or next(filter(None, by_line), None)
        if match:
            found[claim.segment] = match
    return found


def _is_another_visit(read: Read, claim: RemittanceClaim, match: Match) -> bool:
    visit = find_session(read, match.session_id, SYSTEM)
    began = visit.started_at
    served_on = site_date(read, visit.site_id, began) if began else visit.planned_on
    policies = policies_of(read, match.patient_id)
    return tells_another_visit(claim, served_on, [policy.member_id for policy in policies])


def _numbers(claim: RemittanceClaim) -> list[str]:
    return [claim.control_number, *(line.control_number for line in claim.lines)]


def reversed_answer(
    read: Read, claim: RemittanceClaim, match: Match, payer_id: str, *, taken: Collection[str]
) -> EarlierAnswer | None:
    """What a reversal negates: an answer for the same session, of the opposite charge and payment.

    One under the payer's same number comes first, then the earliest. `taken` are out of the question.
    """
    query = answers_of_payer(payer_id).where(
        RemittanceClaimRow.session_id == match.session_id,
        RemittanceClaimRow.charge_cents == -claim.charge.cents,
        RemittanceClaimRow.paid_cents == -claim.paid.cents,
        RemittanceClaimRow.outcome != Outcome.REVERSAL,
        ~is_reversed(),
        RemittanceClaimRow.id.not_in(taken),
    )
    rows = read.session.scalars(query.order_by(RemittanceClaimRow.id)).all()
    chosen = sorted(rows, key=lambda row: row.payer_claim_number != claim.payer_claim_number)
    return _earlier(chosen[0]) if chosen else None


def answers_to(
    read: Read, session_ids: Iterable[str], payer_id: str, outcome: Outcome
) -> Sequence[EarlierAnswer]:
    """The posted ones of this meaning that no reversal negated, the earliest first."""
    rows = [
        row
        for batch in batches(session_ids)
        for row in read.session.scalars(
            answers_of_payer(payer_id).where(
                RemittanceClaimRow.session_id.in_(batch),
                RemittanceClaimRow.outcome == outcome,
                ~is_reversed(),
            )
        )
    ]
    return [_earlier(row) for row in sorted(rows, key=lambda row: row.id)]


def answers_named(
    read: Read, reference: str, payer_id: str, entity_id: str | None, actor: Actor
) -> Sequence[EarlierAnswer]:
    """The payments of this payer that a recovery is about: by our number, the payer's, or the trace.

    A number that stands for several sessions stands for none of them, unless it is the trace of a payment.
    """
    named = named_numbers(reference)
    found = sessions_by_control_number(read, [our_number(number) for number in named], actor)
    sessions = {match.session_id for match in found.values() if match.entity_id == entity_id}
    is_theirs = (RemittanceRow.entity_id == entity_id, IS_PAYMENT)

    def payments(condition: ColumnElement[bool]) -> Sequence[EarlierAnswer]:
        query = answers_of_payer(payer_id).where(*is_theirs, condition).order_by(RemittanceClaimRow.id)
        return [_earlier(row) for row in read.session.scalars(query)]

    own = payments(RemittanceClaimRow.session_id.in_(sessions)) if sessions else []
    numbered = own or payments(RemittanceClaimRow.payer_claim_number.in_(named))
    if numbered:
        return numbered if len({answer.session_id for answer in numbered}) == 1 else []
    return payments(RemittanceRow.trace.in_(named))


def reimbursements_of(read: Read, claim_id: str) -> Sequence[str]:
    """Under what ids a claim's money was taken in: its own, and where it was restored after an undo."""
    restored = select(RestoredClaimRow.id).where(RestoredClaimRow.claim_id == claim_id)
    return [claim_id, *read.session.scalars(restored.order_by(RestoredClaimRow.id))]


def first_claim_of(read: Read, reimbursement_id: str) -> str:
    """The answer that had paid this money first, also when it was restored since."""
    restored = read.session.get(RestoredClaimRow, reimbursement_id)
    return restored.claim_id if restored else reimbursement_id


def taken_since(read: Read, remittance_id: str) -> str | None:
    """The trace of another posted payment that reverses or takes back something of this one."""
    own, reversal, taking = aliased(RemittanceClaimRow), RemittanceClaimRow, RemittanceTakingRow
    theirs = select(own.id).where(own.remittance_id == remittance_id)
    restored = select(RestoredClaimRow.id).where(RestoredClaimRow.claim_id.in_(theirs))
    later = exists().where(reversal.remittance_id == RemittanceRow.id, reversal.reverses_id.in_(theirs))
    took = exists().where(
        taking.remittance_id == RemittanceRow.id,
        or_(taking.reimbursement_id.in_(theirs), taking.reimbursement_id.in_(restored)),
    )
    query = select(RemittanceRow.trace).where(IS_POSTED, RemittanceRow.id != remittance_id, or_(later, took))
    return read.session.scalar(query.limit(1))


def adjusted_so_far(read: Read, entity_id: str, payer_id: str, code: str) -> Money:
    """The sum of one provider adjustment of this payer in all that is posted; below zero it gave more.

    What was set apart is of the time before these books, or nobody knows what it is.
    """
    query = (
        select(func.coalesce(func.sum(RemittanceAdjustmentRow.amount_cents), 0))
        .join(RemittanceRow, RemittanceRow.id == RemittanceAdjustmentRow.remittance_id)
        .where(
            IS_POSTED,
            RemittanceRow.entity_id == entity_id,
            RemittanceRow.payer_id == payer_id,
            RemittanceAdjustmentRow.code == code,
            RemittanceAdjustmentRow.is_set_apart.is_(False),
        )
    )
    return Money(int(read.session.scalar(query) or 0))


def takings_of(read: Read, remittance_id: str) -> Sequence[RemittanceTakingRow]:
    query = select(RemittanceTakingRow).where(RemittanceTakingRow.remittance_id == remittance_id)
    return read.session.scalars(query.order_by(RemittanceTakingRow.id)).all()


def waiting_remittances(read: Read, payer_ids: Iterable[str]) -> list[str]:
    """Parked ones of these payers whose reason may be gone once something else is posted, oldest first."""
    return sorted(
        remittance_id
        for batch in batches(set(payer_ids))
        for remittance_id in read.session.scalars(
            select(RemittanceRow.id).where(
                RemittanceRow.payer_id.in_(batch),
                RemittanceRow.state == RemittanceState.PARKED,
                RemittanceRow.waits.is_(True),
            )
        )
    )


def _earlier(row: RemittanceClaimRow) -> EarlierAnswer:
    return EarlierAnswer(
        id=row.id,
        session_id=str(row.session_id),
        control_number=row.control_number,
        charge=Money(row.charge_cents),
        paid=Money(row.paid_cents),
    )
