"""/staff/patients/<id>/money: what a patient paid, what went back, and what is held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from werkzeug import Response

from billing.invoices.queries import list_invoices
from billing.invoices.records import Invoice
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import find_patient, is_on_hold
from billing.patients.records import Patient
from billing.payments.queries.credits import credit_balance
from billing.payments.queries.disputes import disputed_payments, held_by_banks
from billing.payments.queries.dormant import list_dormant
from billing.payments.queries.payments import find_payment, list_payments
from billing.payments.queries.receipts import receipts_by_payment, receipts_by_refund
from billing.payments.queries.refunds import list_refunds
from billing.payments.queries.takebacks import list_takebacks
from billing.payments.records.credits import CreditApplication, CreditBalance, CreditLot
from billing.payments.records.dormant import DormantCredit
from billing.payments.records.payments import Payment
from billing.payments.records.refunds import Refund
from billing.payments.records.takebacks import Takeback
from billing.payments.states.dormant import DormantState
from billing.payments.states.payments import PaymentState
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import words

MOST_OF_EACH = 100
ON_ITS_WAY = frozenset({RefundState.REQUESTED, RefundState.APPROVED})


@dataclass(frozen=True, kw_only=True)
class Paid:
    """A payment, how much of it went back or is about to, and why no more can."""

    payment: Payment
    waiting: Money
    disputed: Money
    """What a bank holds until it has decided."""
    why_not: str | None

    @property
    def gone_back(self) -> Money:
        return self.payment.refunded - self.waiting

    @property
    def left(self) -> Money:
        """What the clinic has of it; nothing of what bounced or was booked for somebody else."""
        if self.payment.state is not PaymentState.RECEIVED:
            return ZERO
        return self.payment.amount - self.payment.refunded - self.payment.lost - self.disputed

    @property
    def marks(self) -> Sequence[str]:
        """What a bank holds or keeps; that all of it is gone is told by `why_not`."""
        return words.parts_gone(self.payment, self.disputed)


@dataclass(frozen=True, kw_only=True)
class Account:
    patient: Patient
    invoices: Mapping[str, Invoice]
    paid: Sequence[Paid]
    refunds: Sequence[Refund]
    credits: CreditBalance | None
    takebacks: Sequence[Takeback]
    unclaimed: Sequence[DormantCredit]
    """What was listed as unclaimed property."""
    receipts: Mapping[str, str]
    """The receipt's id by payment and by refund."""
    is_disputed: bool
    is_on_hold: bool
    """Whether charges are stopped. Why is told to those who may read about patients, on their page."""
    is_cut: bool
    """Whether there are more payments or refunds than are shown."""

    @property
    def owed(self) -> Money:
        return total(invoice.open_balance for invoice in self.invoices.values())

    @property
    def waiting(self) -> Money:
        return total(refund.amount for refund in self.refunds if refund.state in ON_ITS_WAY)

    @property
    def lots(self) -> Sequence[CreditLot]:
        """The credits, but for what was gathered for a refund and went out with it."""
        held = self.credits.items if self.credits else ()
        return [lot for lot in held if lot.is_shown]

    @property
    def uses(self) -> Sequence[CreditApplication]:
        return self.credits.applications if self.credits else ()

    def set_aside_of(self, lot: CreditLot) -> Sequence[DormantCredit]:
        """What of a credit is the state's, by now or soon."""
        is_lots = (each for each in self.unclaimed if each.subject_id == lot.id)
        return [each for each in is_lots if each.state in (DormantState.SET_ASIDE, DormantState.REMITTED)]

    def others(self, use: CreditApplication) -> Sequence[Invoice]:
        """The invoices that the credit of one could be moved to."""
        return [each for each in self.invoices.values() if each.open_balance and each.id != use.invoice_id]


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_account", __name__)

    @routes.get("/staff/patients/<patient_id>/money")
    @guard(Permission.PAYMENTS_READ)
    def account(patient_id: str) -> str:
        actor = current_actor()
        found = edge.audited_read(
            lambda read: _account(read, patient_id, actor),
            actor=actor,
            action="page.account",
            subject_id=patient_id,
        )
        return render_template(
            "staff/account.html", account=found, may=actor.may, Permission=Permission, words=words
        )

    @routes.get("/staff/payments/<payment_id>")
    @guard(Permission.PAYMENTS_READ)
    def payment(payment_id: str) -> Response:
        """Where a payment is seen beside all else of its patient."""
        found = edge.read(lambda read: find_payment(read, payment_id, current_actor()))
        return redirect(url_for("staff_account.account", patient_id=found.patient_id), 303)

    return routes


def _account(read: Read, patient_id: str, actor: Actor) -> Account:
    """Each part for those who may read it. A statement for each kind of thing, however many there are."""
    may = actor.may
    limits: dict[str, Any] = {"patient_id": patient_id, "limit": MOST_OF_EACH}
    patient = find_patient(read, patient_id, actor)
    payments = list_payments(read, actor, **limits)
    refunds = list_refunds(read, actor, **limits) if may(Permission.REFUNDS_READ) else ()
    invoices = list_invoices(read, actor, **limits) if may(Permission.INVOICES_READ) else ()
    disputed = disputed_payments(read, patient_id)
    held = held_by_banks(read, [each.id for each in payments])
    return Account(
        patient=patient,
        invoices={invoice.id: invoice for invoice in invoices},
        paid=[_paid(each, refunds, disputed, held.get(each.id, ZERO)) for each in payments],
        refunds=refunds,
        credits=credit_balance(read, patient_id, actor) if may(Permission.CREDITS_READ) else None,
        takebacks=list_takebacks(read, actor, **limits) if may(Permission.CREDITS_READ) else (),
        unclaimed=list_dormant(read, actor, **limits) if may(Permission.CREDITS_READ) else (),
        receipts=dict(_receipts(read, payments, refunds)) if may(Permission.RECEIPTS_READ) else {},
        is_disputed=bool(disputed),
        is_on_hold=is_on_hold(read, patient_id),
        is_cut=MOST_OF_EACH in (len(payments), len(refunds)),
    )


def _paid(payment: Payment, refunds: Sequence[Refund], disputed: frozenset[str], held: Money) -> Paid:
    waiting = total(
        refund.amount for refund in refunds if refund.payment_id == payment.id and refund.state in ON_ITS_WAY
    )
    return Paid(payment=payment, waiting=waiting, disputed=held, why_not=why_not(payment, disputed))


def why_not(payment: Payment, disputed: frozenset[str]) -> str | None:
    """Why nothing can go back of a payment, as far as the payment alone tells."""
    if payment.state in words.NO_MONEY:
        return words.NO_MONEY[payment.state]
    if payment.id in disputed:
        return "A bank disputes it"
    if disputed:
        return "Waits for a dispute"
    if payment.amount - payment.refunded - payment.lost == ZERO:
        return "All of it went back, or waits to" if not payment.lost else "Went back or was lost"
    return None


def _receipts(
    read: Read, payments: Sequence[Payment], refunds: Sequence[Refund]
) -> Iterator[tuple[str, str]]:
    yield from receipts_by_payment(read, [payment.id for payment in payments]).items()
    yield from receipts_by_refund(read, [refund.id for refund in refunds]).items()
