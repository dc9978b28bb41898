"""Insurer's money that had paid invoices, taken off them for a takeback."""

from __future__ import annotations

from datetime import datetime

from billing.catalog.queries import site_date
from billing.invoices.queries import settled_by, still_applied
from billing.invoices.records import SettledPart
from billing.invoices.rules import owing_again_lines
from billing.invoices.use_cases.take_back import take_back
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Line, debit
from billing.payments.queries.checkouts import refuse_while_standing
from billing.payments.queries.credits import applications_of_credit, credit_of_reimbursement, find_credit
from billing.payments.queries.payments import CREDIT, REIMBURSEMENT
from billing.payments.records.credits import CreditLot, Withdrawal
from billing.payments.records.takebacks import Takeback
from billing.payments.use_cases.credits import withdraw
from billing.payments.use_cases.unapply import undo_application
from billing.platform.data.database import Tx


def put_on_invoices(
    tx: Tx, takeback: Takeback, actor: Actor, now: datetime
) -> tuple[Money, tuple[Line, ...]]:
    """How much of a demand invoices owe again or the credit has again, and the debits of that."""
    from_credit = _out_of_the_credit(tx, takeback, actor, now)
    from_session, lines = _off_the_session(tx, takeback, takeback.owed - from_credit, actor, now)
    credited = debit(Account.PATIENT_CREDITS, from_credit, takeback.patient_id)
    return from_credit + from_session, (credited, *lines)


def _out_of_the_credit(tx: Tx, takeback: Takeback, actor: Actor, now: datetime) -> Money:
    """Take the credit off invoices, the latest first, until there is enough of it, and withdraw that."""
    lot = credit_of_reimbursement(tx, takeback.reimbursement_id)
    if lot is None:
        return ZERO
    _undo_until(tx, lot, takeback.owed, actor, now)
    amount = min(takeback.owed, find_credit(tx, lot.id, SYSTEM).available)
    if amount:
        reason = Withdrawal.BILLED
        on = site_date(tx, takeback.site_id, now)
        withdraw(
            tx,
            lot_id=lot.id,
            reason=reason,
            subject_id=takeback.id,
            amount=amount,
            withdrawn_on=on,
            now=now,
        )
    return amount


def _undo_until(tx: Tx, lot: CreditLot, wanted: Money, actor: Actor, now: datetime) -> None:
    missing = wanted - min(wanted, lot.available)
    for application in reversed(applications_of_credit(tx, lot.id)):
        standing = still_applied(tx, application.invoice_id, CREDIT, application.id)
        part = min(missing, standing)
        if part:
            refuse_while_standing(tx, application.invoice_id)
            undo_application(tx, application, part, actor, now)
            missing = missing - part


def _off_the_session(
    tx: Tx, takeback: Takeback, wanted: Money, actor: Actor, now: datetime
) -> tuple[Money, tuple[Line, ...]]:
    """What the insurer's money had settled of its own session at once, on each of its invoices."""
    parts: list[SettledPart] = []
    left = wanted
    for invoice_id, settled in settled_by(tx, REIMBURSEMENT, takeback.reimbursement_id):
        covered = still_applied(tx, invoice_id, REIMBURSEMENT, takeback.reimbursement_id)
        if amount := min(left, settled, covered):
            parts.extend(_off_invoice(tx, takeback, invoice_id, amount, actor, now))
            left = left - amount
    return wanted - left, owing_again_lines(parts, takeback.patient_id) if parts else ()


def _off_invoice(
    tx: Tx, takeback: Takeback, invoice_id: str, amount: Money, actor: Actor, now: datetime
) -> tuple[SettledPart, ...]:
    refuse_while_standing(tx, invoice_id)
    return take_back(
        tx,
        invoice_id=invoice_id,
        source_kind=REIMBURSEMENT,
        source_id=takeback.reimbursement_id,
        amount=amount,
        actor=actor,
        now=now,
    ).parts
