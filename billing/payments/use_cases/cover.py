"""What a claim brings for a visit pays first what payers want back of that visit and the patient spent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from billing.catalog.queries import site_date
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.payments.models.takebacks import TakebackRow
from billing.payments.queries.credits import find_credit
from billing.payments.queries.takebacks import takeback_of
from billing.payments.records.credits import Withdrawal
from billing.payments.states.takebacks import TAKEBACK_MOVES, TakebackEvent, TakebackState
from billing.payments.use_cases.credits import withdraw
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance
from billing.platform.data.tasks import end_tasks

TAKEBACK_COVER = "takeback-cover"
TAKEBACK_REVIEW = "takeback-review"


def cover_demands(tx: Tx, *, session_id: str, lot_ids: Iterable[str], actor: Actor, now: datetime) -> None:
    """New credits of a visit cover what is owed on its demands, the earlier first, whoever decided of them.

    Else the clinic could forgive what an insurer paid meanwhile, and the patient would have it twice. Also
    while charges are stopped: it came for this visit, and settles it as it would had nobody paid. The patient
    is locked, and the credits are in the books.
    """
    demands = tx.session.scalars(
        select(TakebackRow).where(TakebackRow.session_id == session_id).order_by(TakebackRow.id)
    ).all()
    for lot_id in lot_ids:
        for row in demands:
            amount = min(find_credit(tx, lot_id, SYSTEM).available, takeback_of(row).owed)
            if amount:
                _cover(tx, row, lot_id, amount, actor, now)


def _cover(tx: Tx, row: TakebackRow, lot_id: str, amount: Money, actor: Actor, now: datetime) -> None:
    on = site_date(tx, row.site_id, now)
    cover_id = withdraw(
        tx,
        lot_id=lot_id,
        reason=Withdrawal.COVERED,
        subject_id=row.id,
        amount=amount,
        withdrawn_on=on,
        now=now,
    )
    row.covered_cents += amount.cents
    lines = (
        debit(Account.PATIENT_CREDITS, amount, row.patient_id),
        credit(Account.PATIENT_RECEIVABLE, amount, row.patient_id),
    )
    post(tx, Posting.of(row, Source(TAKEBACK_COVER, cover_id, "covered"), on, lines), actor=actor, now=now)
    detail = {"cents": amount.cents}
    record_audit(tx, actor=actor, action="takeback.cover", subject_id=row.id, now=now, detail=detail)
    if not takeback_of(row).owed:
        _end(tx, row, actor, now)


def _end(tx: Tx, row: TakebackRow, actor: Actor, now: datetime) -> None:
    """Nothing is left of it to decide."""
    if row.state == TakebackState.DEMANDED:
        advance(tx, row, TAKEBACK_MOVES, TakebackEvent.COVER, actor=actor, now=now)
    tx.session.flush()
    end_tasks(tx, kind=TAKEBACK_REVIEW, subject_ids=[row.id], actor=actor, now=now)
