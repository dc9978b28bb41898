"""Insurer's money that had paid invoices, taken off them for a takeback."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import chain

from billing.catalog.queries import site_date
from billing.invoices.queries import settled_by, still_applied
from billing.invoices.records import SettledPart
from billing.invoices.rules import owing_again_lines
from billing.invoices.use_cases.take_back import take_back
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Line, debit
from billing.payments.queries.checkouts import refuse_while_standing
from billing.payments.queries.credits import (
    applications_of_credit,
    credits_of_reimbursement,
    find_credit,
    reimbursements_to_use,
)
from billing.payments.queries.payments import CREDIT, REIMBURSEMENT
from billing.payments.queries.takebacks import covered_by_claim
from billing.payments.records.credits import CreditLot, Withdrawal
from billing.payments.records.takebacks import Takeback
from billing.payments.use_cases.credits import withdraw
from billing.payments.use_cases.unapply import undo_application
from billing.platform.data.database import Tx


def put_on_invoices(
    tx: Tx, takeback: Takeback, actor: Actor, now: datetime
) -> tuple[Money, tuple[Line, ...]]:
    """How much of a demand invoices owe again or the credit has again, and the debits of that.

    After its own claim's money that of the claims whose demands its claim had covered: it stands in for them.
    Of what other claims paid for the visit only what is left and may be used: nobody wants that back.
    """
    owed, own = takeback.owed, credits_of_reimbursement(tx, takeback.reimbursement_id)
    covered = covered_by_claim(tx, takeback.reimbursement_id)
    theirs = {claim_id: credits_of_reimbursement(tx, claim_id) for claim_id in covered}
    named = {lot.id for lot in chain(own, *theirs.values())}
    others = [lot for lot in reimbursements_to_use(tx, takeback.session_id) if lot.id not in named]
    credited = _out_of_the_credit(tx, takeback, own, owed, actor, now)
    credited += _withdraw(tx, takeback, others, owed - credited, now)
    parts = _off_the_session(tx, takeback.reimbursement_id, owed - credited, actor, now)
    for claim_id, most in covered.items():
        wanted = min(most, owed - credited - _sum(parts))
        again = _out_of_the_credit(tx, takeback, theirs[claim_id], wanted, actor, now)
        parts += _off_the_session(tx, claim_id, wanted - again, actor, now)
        credited += again
    lines = owing_again_lines(parts, takeback.patient_id) if parts else ()
    return credited + _sum(parts), (debit(Account.PATIENT_CREDITS, credited, takeback.patient_id), *lines)


def _sum(parts: Sequence[SettledPart]) -> Money:
    return total(part.amount for part in parts)


def _out_of_the_credit(
    tx: Tx, takeback: Takeback, lots: Sequence[CreditLot], wanted: Money, actor: Actor, now: datetime
) -> Money:
    """Take credit off invoices, the latest first, until there is enough of it, and withdraw that."""
    left = wanted
    for lot in lots:
        _undo_until(tx, lot, left, actor, now)
        left = left - _withdraw(tx, takeback, [lot], left, now)
    return wanted - left


def _withdraw(tx: Tx, takeback: Takeback, lots: Sequence[CreditLot], wanted: Money, now: datetime) -> Money:
    """How much of what is left of the credits was withdrawn."""
    left = wanted
    for lot in lots:
        amount = min(left, find_credit(tx, lot.id, SYSTEM).available)
        if amount:
            withdraw(
                tx,
                lot_id=lot.id,
                reason=Withdrawal.BILLED,
                subject_id=takeback.id,
                amount=amount,
                withdrawn_on=site_date(tx, takeback.site_id, now),
                now=now,
            )
            left = left - amount
    return wanted - left


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
    tx: Tx, claim_id: str, wanted: Money, actor: Actor, now: datetime
) -> tuple[SettledPart, ...]:
    """What the claim's money had settled of its own session at once, on each of its invoices."""
    parts: list[SettledPart] = []
    left = wanted
    for invoice_id, settled in settled_by(tx, REIMBURSEMENT, claim_id):
        covered = still_applied(tx, invoice_id, REIMBURSEMENT, claim_id)
        if amount := min(left, settled, covered):
            parts.extend(_off_invoice(tx, claim_id, invoice_id, amount, actor, now))
            left = left - amount
    return tuple(parts)


def _off_invoice(
    tx: Tx, claim_id: str, invoice_id: str, amount: Money, actor: Actor, now: datetime
) -> tuple[SettledPart, ...]:
    refuse_while_standing(tx, invoice_id)
    return take_back(
        tx,
        invoice_id=invoice_id,
        source_kind=REIMBURSEMENT,
        source_id=claim_id,
        amount=amount,
        actor=actor,
        now=now,
    ).parts
