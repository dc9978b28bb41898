"""Reads of takebacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import Select, func, select

from billing.care.queries import visit_covered_by
from billing.catalog.queries import site_date
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.queries import entry_of
from billing.ledger.records import Entry
from billing.payments.errors import NoSuchReimbursement, NoSuchTakeback
from billing.payments.models.credits import CreditLotRow, CreditWithdrawalRow
from billing.payments.models.reimbursements import ExcessShareRow, ReimbursementExcessRow
from billing.payments.models.takebacks import TakebackReturnRow, TakebackRow
from billing.payments.queries.credits import credits_of_reimbursement
from billing.payments.queries.payments import REIMBURSEMENT
from billing.payments.queries.reach import seen, visible
from billing.payments.records.credits import CreditLot, CreditSource, Withdrawal
from billing.payments.records.takebacks import PaidAbove, PaidClaim, Takeback
from billing.payments.states.takebacks import TakebackState
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach
from billing.platform.data.selects import batches

LEFT_ABOVE = (
    ReimbursementExcessRow.amount_cents
    - ReimbursementExcessRow.shared_cents
    - ReimbursementExcessRow.demanded_cents
)
"""What of a claim is held for its payer, who did not ask for it yet."""


def find_takeback(read: Read, takeback_id: str, actor: Actor) -> Takeback:
    """Raises: NoSuchTakeback."""
    missing = NoSuchTakeback("There is no such demand.")
    return takeback_of(seen(read.session.get(TakebackRow, takeback_id), actor, missing))


def list_takebacks(
    read: Read,
    actor: Actor,
    *,
    patient_id: str | None = None,
    state: TakebackState | None = None,
    cursor: str | None = None,
    limit: int,
) -> Sequence[Takeback]:
    """Newest first, those before the cursor."""
    query = visible(TakebackRow, actor, cursor, limit)
    if patient_id is not None:
        query = query.where(TakebackRow.patient_id == patient_id)
    if state is not None:
        query = query.where(TakebackRow.state == state)
    return [takeback_of(row) for row in read.session.scalars(query)]


def entry_of_reimbursement(read: Read, reimbursement_id: str, actor: Actor) -> Entry:
    """The entry with which an insurer's money came in. Raises: NoSuchReimbursement."""
    entry = entry_of(read, source_kind=REIMBURSEMENT, source_id=reimbursement_id, purpose="received")
    return seen(entry, actor, NoSuchReimbursement("No insurer's money of that id was received."))  # type: ignore[no-any-return]


def find_claim(read: Read, reimbursement_id: str, actor: Actor) -> PaidClaim:
    """Raises: NoSuchReimbursement."""
    entry = entry_of_reimbursement(read, reimbursement_id, actor)
    above = read.session.scalar(select(LEFT_ABOVE).where(ReimbursementExcessRow.id == reimbursement_id))
    return PaidClaim(
        id=reimbursement_id,
        site_id=entry.site_id,
        patient_id=patient_of_claim(entry),
        paid=_paid_with(entry),
        left=left_to_demand(read, entry),
        above=Money(int(above or 0)),
        received_on=entry.effective_on,
    )


def excess_of_claims(read: Read, reimbursement_ids: Iterable[str]) -> dict[str, Money]:
    """What of each claim exceeded what was the patient's when it came, where anything did."""
    excess = ReimbursementExcessRow
    return {
        row.id: Money(row.amount_cents)
        for batch in batches(reimbursement_ids)
        for row in read.session.execute(select(excess.id, excess.amount_cents).where(excess.id.in_(batch)))
    }


def paid_above(read: Read, patient_id: str, actor: Actor) -> Sequence[PaidAbove]:
    """What insurers paid above what was the patient's, and did not ask for yet, the earlier claims first."""
    query = select(ReimbursementExcessRow.id, LEFT_ABOVE).where(
        ReimbursementExcessRow.patient_id == patient_id,
        LEFT_ABOVE > 0,
        *within_reach(actor, ReimbursementExcessRow),
    )
    return [
        PaidAbove(reimbursement_id=claim, amount=Money(cents))
        for claim, cents in read.session.execute(query.order_by(ReimbursementExcessRow.id))
    ]


def claims_of(read: Read, lots: Iterable[CreditLot]) -> Mapping[str, str]:
    """By credit that an insurer's money became, at once or later, the claim that it was paid for."""
    sources = {lot.id: lot.source_id for lot in lots if lot.source is CreditSource.REIMBURSEMENT}
    query = select(ExcessShareRow.id, ExcessShareRow.excess_id).where(ExcessShareRow.id.in_(sources.values()))
    shared = {str(share): str(claim) for share, claim in read.session.execute(query)}
    return {lot_id: shared.get(source_id, source_id) for lot_id, source_id in sources.items()}


def covered_by_claim(read: Read, reimbursement_id: str) -> Mapping[str, Money]:
    """By claim, what of its demands this one's credit paid, also through a claim that it stands in for."""
    covered: dict[str, Money] = {}
    todo = [reimbursement_id]
    while todo:
        claim_id = todo.pop()
        most = covered.get(claim_id)
        for other, cents in read.session.execute(_paid_demands(read, claim_id)):
            if other not in (reimbursement_id, *covered):
                covered[other] = Money(int(cents)) if most is None else min(most, Money(int(cents)))
                todo.append(other)
    return covered


def _paid_demands(read: Read, reimbursement_id: str) -> Select[str, int]:
    lots = [lot.id for lot in credits_of_reimbursement(read, reimbursement_id)]
    return (
        select(TakebackRow.reimbursement_id, func.sum(CreditWithdrawalRow.amount_cents))
        .join(TakebackRow, TakebackRow.id == CreditWithdrawalRow.subject_id)
        .where(
            CreditWithdrawalRow.lot_id.in_(lots),
            CreditWithdrawalRow.reason.in_((Withdrawal.COVERED, Withdrawal.TAKEBACK)),
        )
        .group_by(TakebackRow.reimbursement_id)
        .order_by(TakebackRow.reimbursement_id)
    )


def patient_of_claim(entry: Entry) -> str:
    return next(line.patient_id for line in entry.lines if line.cents < 0 and line.patient_id)


def forgiven_lately(read: Read, person: str, since: datetime) -> Money:
    """What a person forgave since then of demands that they had recorded themselves, whenever that was."""
    forgiven = select(func.coalesce(func.sum(TakebackRow.forgiven_cents), 0)).where(
        TakebackRow.demanded_by_person == person,
        TakebackRow.forgiven_by_person == person,
        TakebackRow.forgiven_at > since,
    )
    return Money(int(read.session.scalar(forgiven) or 0))


def first_day_to_demand(read: Read, entry: Entry) -> date:
    """The day on which all that a demand can take of this claim had come in, and was shared last."""
    came_on = min(entry.effective_on, site_date(read, entry.site_id, entry.posted_at))
    return max(came_on, last_shared_on(read, entry.source_id) or came_on)


def demands_to_return(read: Read, reimbursement_id: str) -> Sequence[Takeback]:
    """What its payer demanded of a claim and has not got yet, the earlier first."""
    query = select(TakebackRow).where(
        TakebackRow.reimbursement_id == reimbursement_id,
        TakebackRow.returned_cents < TakebackRow.amount_cents,
    )
    return [takeback_of(row) for row in read.session.scalars(query.order_by(TakebackRow.id))]


def left_to_recoup(read: Read, reimbursement_id: str) -> Money:
    """What its payer can still take of a claim: what it demanded and has not got, and what it can demand."""
    demanded = total(each.amount - each.returned for each in demands_to_return(read, reimbursement_id))
    return demanded + left_to_demand(read, entry_of_reimbursement(read, reimbursement_id, SYSTEM))


def last_shared_on(read: Read, reimbursement_id: str) -> date | None:
    """When something of it became the patient's last, after it had been held for the payer."""
    return read.session.scalar(
        select(func.max(ExcessShareRow.shared_on)).where(ExcessShareRow.excess_id == reimbursement_id)
    )


def left_to_demand(read: Read, entry: Entry) -> Money:
    """What an insurer paid for a claim, less what was demanded back before."""
    demanded = read.session.scalar(
        select(func.sum(TakebackRow.amount_cents)).where(TakebackRow.reimbursement_id == entry.source_id)
    )
    return _paid_with(entry) - Money(int(demanded or 0))


def _paid_with(entry: Entry) -> Money:
    return Money(sum(-line.cents for line in entry.lines if line.cents < 0))


def repaid_lately(read: Read, person: str, since: datetime) -> Money:
    """What a person sent back to payers since then on demands that they had recorded themselves."""
    repaid = (
        select(func.coalesce(func.sum(TakebackReturnRow.amount_cents), 0))
        .join(TakebackRow, TakebackRow.id == TakebackReturnRow.takeback_id)
        .where(
            TakebackRow.demanded_by_person == person,
            TakebackReturnRow.returned_by_person == person,
            TakebackReturnRow.source_id.is_(None),
            TakebackReturnRow.returned_at > since,
        )
    )
    return Money(int(read.session.scalar(repaid) or 0))


def visit_of_claim(read: Read, reimbursement_id: str) -> str:
    """The visit that an insurer paid for: its credit, what was above it, or what it settled says which."""
    held = select(CreditLotRow.session_id).where(
        CreditLotRow.source == CreditSource.REIMBURSEMENT, CreditLotRow.source_id == reimbursement_id
    )
    above = select(ReimbursementExcessRow.session_id).where(ReimbursementExcessRow.id == reimbursement_id)
    found = read.session.scalar(held) or read.session.scalar(above)
    return found or visit_covered_by(read, REIMBURSEMENT, reimbursement_id)


def owed_on_demands(read: Read, session_id: str) -> Money:
    """What payers demanded back of a visit that is on no invoice, and nobody forgave."""
    demands = read.session.scalars(select(TakebackRow).where(TakebackRow.session_id == session_id))
    return total(takeback_of(row).owed for row in demands)


def takeback_of(row: TakebackRow) -> Takeback:
    return Takeback(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        session_id=row.session_id,
        reimbursement_id=row.reimbursement_id,
        demand=row.demand,
        amount=Money(row.amount_cents),
        excess=Money(row.excess_cents),
        unspent=Money(row.unspent_cents),
        covered=Money(row.covered_cents),
        billed=Money(row.billed_cents),
        forgiven=Money(row.forgiven_cents),
        returned=Money(row.returned_cents),
        state=TakebackState(row.state),
        demanded_on=row.demanded_on,
        demanded_at=row.demanded_at,
    )
