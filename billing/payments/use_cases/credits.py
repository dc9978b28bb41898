"""Money held for a patient: received, elected, taken off an invoice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select, update

from billing.catalog.queries import site_date
from billing.invoices.records import Invoice, InvoiceKind
from billing.invoices.rules import settling_lines
from billing.invoices.states import FreedPart, InvoiceState, ItemReturned
from billing.invoices.use_cases.locks import lock_invoice
from billing.invoices.use_cases.settle import settle
from billing.kernel.ids import new_id
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Account, Posting, Source, credit, debit
from billing.ledger.use_cases import post
from billing.patients.queries import refuse_while_on_hold
from billing.patients.use_cases import lock_patient
from billing.payments.errors import MoreThanAvailable, NothingToApply
from billing.payments.models.credits import (
    CreditApplicationRow,
    CreditLotRow,
    CreditReversalRow,
    CreditWithdrawalRow,
)
from billing.payments.models.payments import PaymentRow
from billing.payments.queries.checkouts import refuse_while_standing
from billing.payments.queries.choices import is_forgotten
from billing.payments.queries.credits import (
    application_of,
    credits_to_come_off,
    elected_credits,
    find_credit,
    lot_of,
)
from billing.payments.queries.payments import CREDIT
from billing.payments.queries.refund_checks import refuse_while_paid_twice
from billing.payments.records.credits import (
    AppliedCredits,
    Chooser,
    CreditApplication,
    CreditLot,
    CreditSource,
    Election,
    Withdrawal,
)
from billing.payments.records.payments import Owned
from billing.payments.use_cases.credit_tasks import end_asking_about_held
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_again, end_tasks

CHOICE_DUE = "choice-due"
"""The task of a person who gives an insurer's money back that nobody chose anything for."""


def open_lot(
    tx: Tx,
    of: Owned,
    *,
    source: CreditSource,
    source_id: str,
    amount: Money,
    held_on: date,
    session_id: str | None = None,
    origin_payment_id: str | None = None,
    payer_id: str | None = None,
) -> CreditLot:
    """Hold money for a patient, or for another payer; the caller posts it to the account that it names.

    A reimbursement, and what was gathered for a refund, wait for the patient's choice; other credit goes
    off the next invoice.
    """
    waits = payer_id is not None or source in (CreditSource.REIMBURSEMENT, CreditSource.RELEASED)
    row = CreditLotRow(
        id=new_id("crl"),
        entity_id=of.entity_id,
        site_id=of.site_id,
        patient_id=of.patient_id,
        source=source,
        source_id=source_id,
        session_id=session_id,
        origin_payment_id=origin_payment_id,
        payer_id=payer_id,
        amount_cents=amount.cents,
        available_cents=amount.cents,
        election=None if waits else Election.CREDIT,
        held_on=held_on,
    )
    tx.session.add(row)
    tx.session.flush()
    return lot_of(row)


def elect(
    tx: Tx,
    *,
    lot_id: str,
    election: Election,
    chooser: Chooser = Chooser.STAFF,
    actor: Actor,
    now: datetime,
) -> CreditLot:
    """Record the patient's choice for a credit; it may be changed while some of it is left.

    The audit trail keeps each choice with the site's day, and the register of a period reads it there.
    Raises: NoSuchCredit; NothingToApply when nothing is left of it, or it is another payer's.
    """
    lock_patient(tx, find_credit(tx, lot_id, actor).patient_id)
    row = tx.session.get_one(CreditLotRow, lot_id)
    if row.payer_id is not None:
        raise NothingToApply("This money is another payer's: it goes back to them, and to nobody else.")
    if not row.available_cents:
        raise NothingToApply("Nothing is left of this credit, so there is nothing to choose.")
    row.election, row.elected_at, row.elected_by = election, now, chooser
    tx.session.flush()
    if election is Election.CREDIT:
        end_tasks(tx, kind=CHOICE_DUE, subject_ids=[lot_id], actor=actor, now=now)
    chosen_on = {"on": site_date(tx, row.site_id, now).isoformat()}
    record_audit(
        tx, actor=actor, action=f"credit.elect.{election}", subject_id=lot_id, now=now, detail=chosen_on
    )
    return lot_of(row)


def ask_about_refused(tx: Tx, *, lot_id: str, actor: Actor, now: datetime) -> None:
    """An insurer's money that was to go back, and whose refund was refused, is a person's to give back."""
    if is_forgotten(tx, lot_id):
        ask_again(tx, kind=CHOICE_DUE, about=find_credit(tx, lot_id, SYSTEM), actor=actor, now=now)


def take_back_choice(tx: Tx, *, lot_id: str, actor: Actor, now: datetime) -> CreditLot:
    """An insurer's money waits for a choice again, from today on; the patient is locked.

    Raises: NothingToApply when nothing is left of it.
    """
    row = tx.session.get_one(CreditLotRow, lot_id)
    if not row.available_cents:
        raise NothingToApply("Nothing is left of this credit, so there is nothing to choose.")
    row.election = row.elected_at = row.elected_by = None
    row.reopened_on = site_date(tx, row.site_id, now)
    tx.session.flush()
    end_tasks(tx, kind=CHOICE_DUE, subject_ids=[lot_id], actor=actor, now=now)
    on = {"on": row.reopened_on.isoformat()}
    record_audit(tx, actor=actor, action="credit.elect.ask", subject_id=lot_id, now=now, detail=on)
    return lot_of(row)


def apply_credits(
    tx: Tx,
    *,
    invoice_id: str,
    at_most: Money | None = None,
    checkout_id: str | None = None,
    actor: Actor,
    now: datetime,
) -> AppliedCredits:
    """Take as much of the patient's elected credits off an invoice as both allow, oldest first.

    A fee for a missed visit takes deposits before all else, since they are paid for that.

    `at_most` bounds it further; `checkout_id` is the attempt to pay by card for which it is done. An invoice
    that is not open, or without credit, takes nothing.
    Raises: NoSuchInvoice; AccountOnHold when there is credit to take.
    """
    invoice = lock_invoice(tx, invoice_id, actor)
    owed, applications = invoice.open_balance, []
    if at_most is not None:
        owed = min(owed, at_most)
    for lot in _in_order(invoice, elected_credits(tx, invoice.patient_id)):
        amount = min(lot.available, owed)
        if amount and invoice.state is InvoiceState.OPEN:
            applications.append(apply_lot(tx, lot, invoice_id, amount, actor, now, checkout_id))
            owed = owed - amount
    taken = total(each.amount for each in applications)
    return AppliedCredits(invoice_id=invoice_id, amount=taken, applications=tuple(applications))


def _in_order(invoice: Invoice, lots: Sequence[CreditLot]) -> Sequence[CreditLot]:
    if invoice.kind is not InvoiceKind.FEE:
        return lots
    return sorted(lots, key=lambda lot: lot.source is not CreditSource.DEPOSIT)


def apply_credits_now(tx: Tx, *, invoice_id: str, actor: Actor, now: datetime) -> AppliedCredits:
    """`apply_credits` on somebody's wish, who is told when there was nothing to apply.

    Raises: NoSuchInvoice, CheckoutStands, AccountOnHold, VoidedCheckPaid, NothingToApply.
    """
    invoice = lock_invoice(tx, invoice_id, actor)
    refuse_while_standing(tx, invoice_id)
    applied = apply_credits(tx, invoice_id=invoice_id, actor=actor, now=now)
    if not applied.applications:
        if invoice.state is InvoiceState.OPEN:
            for lot in credits_to_come_off(tx, invoice.patient_id):
                refuse_while_paid_twice(tx, lot.id)
        raise NothingToApply("The invoice is settled, or the patient has no credit that was elected for it.")
    return applied


def spend(tx: Tx, *, lot_id: str, amount: Money) -> Money:
    """Take from a credit and return what is left; the database has the last word on that.

    Raises: MoreThanAvailable.
    """
    left = tx.session.scalar(
        update(CreditLotRow)
        .where(CreditLotRow.id == lot_id, CreditLotRow.available_cents >= amount.cents)
        .values(available_cents=CreditLotRow.available_cents - amount.cents)
        .returning(CreditLotRow.available_cents)
    )
    if left is None:
        available = tx.session.scalar(select(CreditLotRow.available_cents).where(CreditLotRow.id == lot_id))
        raise MoreThanAvailable("Less than that is left of this credit.", available_cents=available)
    return Money(left)


def withdraw(
    tx: Tx,
    *,
    lot_id: str,
    reason: Withdrawal,
    subject_id: str,
    amount: Money,
    withdrawn_on: date,
    now: datetime,
) -> str:
    """Take from a credit for another reason than an invoice or a refund; the caller posts it on that day.

    Nobody is asked any longer about a credit of which nothing is left. Returns the id of the fact.
    Raises: MoreThanAvailable.
    """
    if not spend(tx, lot_id=lot_id, amount=amount):
        end_tasks(tx, kind=CHOICE_DUE, subject_ids=[lot_id], actor=SYSTEM, now=now)
    row = CreditWithdrawalRow(
        id=new_id("cwd"),
        lot_id=lot_id,
        reason=reason,
        subject_id=subject_id,
        amount_cents=amount.cents,
        withdrawn_on=withdrawn_on,
        withdrawn_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    return row.id


def give_back(tx: Tx, *, lot_id: str, amount: Money) -> None:
    """Put back what was taken from a credit and did not leave after all."""
    tx.session.execute(
        update(CreditLotRow)
        .where(CreditLotRow.id == lot_id)
        .values(available_cents=CreditLotRow.available_cents + amount.cents)
    )


def hold_returned(tx: Tx, *, fact: ItemReturned, actor: Actor, now: datetime) -> None:
    """Hold what had been paid for a session that was called off, each part for whom it came from.

    A payment's part becomes a credit that knows its payment; a credit's part is that credit again.
    """
    invoice = lock_invoice(tx, fact.invoice_id, SYSTEM)
    held_on = site_date(tx, invoice.site_id, now)
    held = []
    for part in fact.parts:
        if part.source_kind == CREDIT:
            hold_again(tx, part.source_id, part.amount, held_on, now)
            lot = _lot_of_application(tx, part.source_id)
        else:
            lot = _hold_part(tx, invoice, fact, part, held_on)
        held.append(credit(lot.account, part.amount, fact.patient_id))
    lines = (debit(Account.DEFERRED_REVENUE, fact.freed, fact.patient_id), *held)
    source = Source("return", fact.return_id, "held")
    post(tx, Posting.of(invoice, source, held_on, lines), actor=actor, now=now)


def _lot_of_application(tx: Tx, application_id: str) -> CreditLot:
    application = tx.session.get_one(CreditApplicationRow, application_id)
    return lot_of(tx.session.get_one(CreditLotRow, application.lot_id))


def _hold_part(tx: Tx, invoice: Owned, fact: ItemReturned, part: FreedPart, held_on: date) -> CreditLot:
    """An insurer's money has no payment here: it is the patient's credit without one."""
    payment = tx.session.get(PaymentRow, part.source_id)
    return open_lot(
        tx,
        payment or invoice,
        source=CreditSource.RETURN,
        source_id=part.id,
        amount=part.amount,
        held_on=held_on,
        session_id=fact.session_id,
        origin_payment_id=payment.id if payment else None,
        payer_id=payment.payer_id if payment else None,
    )


def hold_again(tx: Tx, application_id: str, amount: Money, on: date, now: datetime) -> str:
    """The credit that an invoice had taken is held once more; the id of the fact, for its entry."""
    application = tx.session.get_one(CreditApplicationRow, application_id)
    row = CreditReversalRow(
        id=new_id("crv"),
        application_id=application_id,
        amount_cents=amount.cents,
        reversed_on=on,
        reversed_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    give_back(tx, lot_id=application.lot_id, amount=amount)
    return row.id


def apply_lot(
    tx: Tx,
    lot: CreditLot,
    invoice_id: str,
    amount: Money,
    actor: Actor,
    now: datetime,
    checkout_id: str | None = None,
    only_session_id: str | None = None,
) -> CreditApplication:
    """Take an amount of one credit off an invoice, or off one session of it; the patient is locked.

    While charges are stopped it does not: who is bankrupt is owed the credit, and owes the invoice, as two
    things (11 U.S.C. 362(a)(7)), and what the dead owe is paid by their estate.
    Raises: AccountOnHold.
    """
    refuse_while_on_hold(tx, lot.patient_id)
    spend(tx, lot_id=lot.id, amount=amount)
    row = CreditApplicationRow(
        id=new_id("cap"),
        lot_id=lot.id,
        invoice_id=invoice_id,
        amount_cents=amount.cents,
        checkout_id=checkout_id,
        applied_on=site_date(tx, lot.site_id, now),
        applied_at=now,
    )
    tx.session.add(row)
    tx.session.flush()
    settlement = settle(
        tx,
        invoice_id=invoice_id,
        source_kind=CREDIT,
        source_id=row.id,
        amount=amount,
        only_session_id=only_session_id,
        actor=actor,
        now=now,
    )
    lines = (
        debit(lot.account, amount, lot.patient_id),
        *settling_lines(settlement.parts, lot.patient_id),
    )
    source = Source(CREDIT, row.id, "applied")
    post(tx, Posting.of(lot, source, row.applied_on, lines), actor=actor, now=now)
    end_asking_about_held(tx, lot, actor=actor, now=now)
    record_audit(
        tx, actor=actor, action="credit.apply", subject_id=row.id, now=now, detail={"cents": amount.cents}
    )
    return application_of(row)
