"""A payer takes its money back by itself, out of what it pays for others: as its remittance says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from billing.care.queries import find_session
from billing.catalog.queries import site_date
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Line, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.use_cases import lock_patient
from billing.payments.models.takebacks import TakebackRow
from billing.payments.queries.payments import REIMBURSEMENT
from billing.payments.queries.takebacks import (
    demands_to_return,
    entry_of_reimbursement,
    find_takeback,
    first_day_to_demand,
)
from billing.payments.records.takebacks import Recouped
from billing.payments.use_cases.excess import keep_excess
from billing.payments.use_cases.returns import return_to_payer
from billing.payments.use_cases.takebacks import demand_takeback
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx


def copy_demand(reimbursement_id: str) -> str:
    """Under what number a payer's own copy of what it paid the patient is demanded."""
    return f"paid twice {reimbursement_id}"


def recoup(
    tx: Tx,
    *,
    reimbursement_id: str,
    amount: Money,
    demand: str,
    told_on: date,
    spoken_for: Mapping[str, Money],
    actor: Actor,
    now: datetime,
) -> Sequence[Recouped]:
    """What a payer takes back of one claim: what it demanded before goes first, the rest is a demand now.

    `demand` names that one. `spoken_for` is, by demand, what the same payment takes already. A day on which
    nothing could be demanded yet, or that is to come, gives way to the next on which it can, or to today.
    Raises: NoSuchReimbursement, TakebackKnown, MoreThanAvailable.
    """
    recouped, left = [], amount
    for standing in demands_to_return(tx, reimbursement_id):
        open_part = standing.amount - standing.returned - spoken_for.get(standing.id, ZERO)
        if part := min(left, open_part):
            recouped.append(Recouped(takeback_id=standing.id, amount=part, demanded=ZERO))
            left = left - part
    if left:
        entry = entry_of_reimbursement(tx, reimbursement_id, SYSTEM)
        on = min(max(told_on, first_day_to_demand(tx, entry)), site_date(tx, entry.site_id, now))
        made = demand_takeback(
            tx,
            reimbursement_id=reimbursement_id,
            demand=demand,
            amount=left,
            demanded_on=on,
            actor=actor,
            now=now,
        )
        recouped.append(Recouped(takeback_id=made.id, amount=left, demanded=left))
    return recouped


def withhold(
    tx: Tx, *, takeback_id: str, amount: Money, source_id: str, withheld_on: date, actor: Actor, now: datetime
) -> Line:
    """The payer kept what it demanded out of the payment `source_id`; the caller posts the debit.

    Raises: NoSuchTakeback, MoreThanAvailable.
    """
    patient_id = find_takeback(tx, takeback_id, SYSTEM).patient_id
    lock_patient(tx, patient_id)
    row = tx.session.get_one(TakebackRow, takeback_id)
    return_to_payer(tx, row, amount, withheld_on, source_id, actor, now)
    detail = {"cents": amount.cents}
    record_audit(tx, actor=actor, action="takeback.withhold", subject_id=takeback_id, now=now, detail=detail)
    return debit(Account.PAYER_MONEY_TO_RETURN, amount, patient_id)


def hold_for_payer(
    tx: Tx,
    *,
    session_id: str,
    amount: Money,
    source_id: str,
    received_on: date,
    withheld: tuple[Line, ...],
    actor: Actor,
    now: datetime,
) -> None:
    """Take in what an insurer paid the clinic though it had paid the patient: all of it goes back.

    It is nobody else's from then on, whatever the visit comes to cost.
    Raises: NoSuchSession, AlreadyPosted.
    """
    session = find_session(tx, session_id, SYSTEM)
    lock_patient(tx, session.patient_id)
    keep_excess(tx, session, reimbursement_id=source_id, amount=amount)
    lines = (
        debit(Account.BANK, amount - total(line.amount for line in withheld), session.patient_id),
        *withheld,
        credit(Account.PAYER_MONEY_TO_RETURN, amount, session.patient_id),
    )
    source = Source(REIMBURSEMENT, source_id, "received")
    post(tx, Posting.of(session, source, received_on, lines), actor=actor, now=now)
    detail = {"cents": amount.cents}
    record_audit(tx, actor=actor, action="reimbursement.hold", subject_id=source_id, now=now, detail=detail)
    recoup(
        tx,
        reimbursement_id=source_id,
        amount=amount,
        demand=copy_demand(source_id),
        told_on=received_on,
        spoken_for={},
        actor=actor,
        now=now,
    )
