"""Credit taken off an invoice again, and moved to another one of the same patient."""

from __future__ import annotations

from datetime import date, datetime

from billing.catalog.queries import site_date
from billing.invoices.queries import find_invoice, still_applied
from billing.invoices.rules import owing_again_lines
from billing.invoices.use_cases.locks import lock_invoice
from billing.invoices.use_cases.take_back import take_back
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor
from billing.ledger.records import Posting, Source, credit
from billing.ledger.use_cases import post
from billing.patients.queries import is_on_hold
from billing.payments.errors import AnotherPatient, NothingToApply, NothingToUndo
from billing.payments.queries.checkouts import (
    at_site,
    find_checkout,
    refuse_while_standing,
    standing_checkout,
)
from billing.payments.queries.credits import credit_lent_to, find_application, find_credit
from billing.payments.queries.payments import CREDIT, CREDIT_REVERSAL
from billing.payments.queries.refund_checks import refuse_while_paid_twice
from billing.payments.records.credits import CreditApplication
from billing.payments.use_cases.credits import apply_credits, apply_lot, hold_again
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_a_person

CREDIT_KEPT_OFF = "credit-kept-off"
"""The task of a person who decides between credit and another page of the same invoice."""


def unapply(
    tx: Tx, *, application_id: str, undone: Money | None = None, actor: Actor, now: datetime
) -> CreditApplication:
    """Take off an invoice what it still holds of a credit: the invoice owes it again, the credit has it.

    `undone` is what had come off when somebody looked.
    Raises: NoSuchApplication, CheckoutStands, NothingToUndo.
    """
    application, standing = _locked(tx, application_id, undone, actor)
    undo_application(tx, application, standing, actor, now)
    return find_application(tx, application_id, actor)


def move_credit(
    tx: Tx,
    *,
    application_id: str,
    invoice_id: str,
    undone: Money | None = None,
    actor: Actor,
    now: datetime,
) -> CreditApplication:
    """Take credit off one invoice for another, as much as the other still owes; the rest stays.

    `undone` is what had come off the one when somebody looked.
    Raises: NoSuchApplication, NoSuchInvoice, AnotherPatient, CheckoutStands, AccountOnHold, NothingToUndo,
    NothingToApply, VoidedCheckPaid.
    """
    find_invoice(tx, invoice_id, actor)
    application, standing = _locked(tx, application_id, undone, actor)
    to, lot = find_invoice(tx, invoice_id, actor), find_credit(tx, application.lot_id, actor)
    if to.patient_id != lot.patient_id:
        raise AnotherPatient("Credit moves between the invoices of one patient only.")
    refuse_while_standing(tx, to.id)
    refuse_while_paid_twice(tx, lot.id)
    amount = min(standing, to.open_balance)
    if to.id == application.invoice_id or not amount:
        raise NothingToApply("That invoice owes nothing that this credit does not pay already.")
    undo_application(tx, application, amount, actor, now)
    return apply_lot(tx, lot, to.id, amount, actor, now)


def return_lent_credit(tx: Tx, *, checkout_id: str, actor: Actor, now: datetime) -> None:
    """An attempt took nothing: the credit that came off for it is held as before. The patient is locked.

    When the rest was paid in another way meanwhile, the credit has paid its part, and stays.
    """
    for application in credit_lent_to(tx, checkout_id):
        if not find_invoice(tx, application.invoice_id, SYSTEM).open_balance:
            return
        standing = still_applied(tx, application.invoice_id, CREDIT, application.id)
        if standing:
            undo_application(tx, application, standing, actor, now)


def lend_again(tx: Tx, *, checkout_id: str, actor: Actor, now: datetime) -> None:
    """An attempt took its money after all: the credit that had come back from it pays its part once more.

    As much as the invoice still owes, after the charge; none while charges of the patient are stopped. While
    somebody may pay the invoice on another page a person decides between the two. The patient is locked.
    """
    lent = credit_lent_to(tx, checkout_id)
    if came_back := total(application.undone for application in lent):
        invoice = lock_invoice(tx, lent[0].invoice_id, SYSTEM)
        if is_on_hold(tx, invoice.patient_id) or not invoice.open_balance:
            return
        if standing_checkout(tx, invoice.id):
            about = at_site(find_checkout(tx, checkout_id, SYSTEM), invoice)
            ask_a_person(tx, kind=CREDIT_KEPT_OFF, about=about, actor=actor, now=now)
        else:
            apply_credits(
                tx,
                invoice_id=invoice.id,
                at_most=came_back,
                checkout_id=checkout_id,
                actor=actor,
                now=now,
            )


def _locked(
    tx: Tx, application_id: str, undone: Money | None, actor: Actor
) -> tuple[CreditApplication, Money]:
    """The patient is locked: the use of the credit, and how much its invoice still holds of it.

    Of two who saw the same, only one acts on it.
    """
    invoice = lock_invoice(tx, find_application(tx, application_id, actor).invoice_id, actor)
    refuse_while_standing(tx, invoice.id)
    application = find_application(tx, application_id, actor)
    if undone not in (None, application.undone):
        raise NothingToUndo("This credit changed meanwhile. Look at it again, then repeat what you wanted.")
    standing = still_applied(tx, invoice.id, CREDIT, application_id)
    if not standing:
        raise NothingToUndo("The invoice holds nothing of this credit any more.")
    return application, standing


def undo_application(
    tx: Tx,
    application: CreditApplication,
    amount: Money,
    actor: Actor,
    now: datetime,
    since: date | None = None,
) -> None:
    """Take some of a credit off its invoice, today or as of `since`; the patient is locked."""
    lot = find_credit(tx, application.lot_id, SYSTEM)  # it may be of a site that the actor does not see
    parts = take_back(
        tx,
        invoice_id=application.invoice_id,
        source_kind=CREDIT,
        source_id=application.id,
        amount=amount,
        actor=actor,
        now=now,
    ).parts
    applied_on = site_date(tx, lot.site_id, application.applied_at)
    on = max(since, applied_on) if since else site_date(tx, lot.site_id, now)
    reversal_id = hold_again(tx, application.id, amount, on, now)
    lines = (
        *owing_again_lines(parts, lot.patient_id),
        credit(lot.account, amount, lot.patient_id),
    )
    source = Source(CREDIT_REVERSAL, reversal_id, "unapplied")
    post(tx, Posting.of(lot, source, on, lines), actor=actor, now=now)
    detail = {"cents": amount.cents}
    record_audit(tx, actor=actor, action="credit.unapply", subject_id=application.id, now=now, detail=detail)
