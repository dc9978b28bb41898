"""/staff/patients/<id>/money: what a patient paid, what went back, and what is held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from werkzeug import Response

from billing.insurance.queries.taken_back import took_back
from billing.insurance.records.remittances import TookBack
from billing.invoices.queries import list_invoices
from billing.invoices.queries.lowered import lowered
from billing.invoices.records import Invoice
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import find_patient, is_on_hold
from billing.patients.records import Patient
from billing.payments.queries.credits import credit_balance
from billing.payments.queries.deposits import never_banked
from billing.payments.queries.disputes import disputed_payments, held_by_banks
from billing.payments.queries.dormant import list_dormant
from billing.payments.queries.gone import after_failure, went_back
from billing.payments.queries.payments import REIMBURSEMENT, find_payment, list_payments
from billing.payments.queries.receipts import receipts_by_payment, receipts_by_refund
from billing.payments.queries.refunds import list_refunds
from billing.payments.queries.takebacks import claims_of, list_takebacks, paid_above
from billing.payments.records.credits import CreditApplication, CreditBalance, CreditLot
from billing.payments.records.dormant import DormantCredit
from billing.payments.records.payments import Payment
from billing.payments.records.refunds import Gone, Refund, WentBack
from billing.payments.records.takebacks import PaidAbove, Takeback
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
    back: WentBack
    disputed: Money
    """What a bank holds until it has decided."""
    why_not: str | None

    @property
    def left(self) -> Money:
        """What the clinic has of it; nothing of what bounced or was booked for somebody else."""
        if self.payment.state is not PaymentState.RECEIVED:
            return ZERO
        return max(ZERO, self.payment.amount - self.back.amount - self.payment.lost - self.disputed)

    @property
    def marks(self) -> Sequence[str]:
        """What a bank holds or keeps; that all of it is gone is told by `why_not`."""
        return words.parts_gone(self.payment, self.disputed)


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What an insurer's payment settles of an invoice, by the claim that it was paid for."""

    reimbursement_id: str
    amount: Money
    invoice: Invoice


@dataclass(frozen=True, kw_only=True)
class Account:
    patient: Patient
    invoices: Mapping[str, Invoice]
    paid: Sequence[Paid]
    refunds: Sequence[Refund]
    after: Mapping[str, Gone]
    """By refund that failed, what became of its money."""
    credits: CreditBalance | None
    claims: Mapping[str, str]
    """By credit that an insurer's money became, the claim that it was paid for."""
    takebacks: Sequence[Takeback]
    took_back: Mapping[str, TookBack]
    """By demand, the insurer's payment that told of it."""
    settled: Sequence[Settled]
    above: Sequence[PaidAbove]
    """What is held for insurers, who did not ask for it yet."""
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
        unsent = (each for each in self.refunds if each.state in ON_ITS_WAY and not each.has_left_unbooked)
        return total(refund.amount for refund in unsent)

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
    ids = [each.id for each in payments]
    held, unbanked = held_by_banks(read, ids), never_banked(read, payments)
    back = defaultdict(WentBack, went_back(read, ids))
    credits = credit_balance(read, patient_id, actor) if may(Permission.CREDITS_READ) else None
    takebacks = list_takebacks(read, actor, **limits) if may(Permission.CREDITS_READ) else ()
    return Account(
        patient=patient,
        invoices={invoice.id: invoice for invoice in invoices},
        paid=[
            Paid(
                payment=each,
                back=back[each.id],
                disputed=held.get(each.id, ZERO),
                why_not=why_not(
                    # What went back of the credit that it became can be given back no second time either.
                    replace(each, refunded=back[each.id].amount),
                    disputed,
                    was_banked=each.id not in unbanked,
                ),
            )
            for each in payments
        ],
        refunds=refunds,
        after=after_failure(read, refunds),
        credits=credits,
        claims=claims_of(read, credits.items) if credits else {},
        takebacks=takebacks,
        took_back=took_back(read, [each.id for each in takebacks]) if takebacks else {},
        settled=_settled(read, invoices),
        above=paid_above(read, patient_id, actor) if may(Permission.CREDITS_READ) else (),
        unclaimed=list_dormant(read, actor, **limits) if may(Permission.CREDITS_READ) else (),
        receipts=dict(_receipts(read, payments, refunds)) if may(Permission.RECEIPTS_READ) else {},
        is_disputed=bool(disputed),
        is_on_hold=is_on_hold(read, patient_id),
        is_cut=MOST_OF_EACH in (len(payments), len(refunds)),
    )


def _settled(read: Read, invoices: Sequence[Invoice]) -> Sequence[Settled]:
    by_invoice = lowered(read, [invoice.id for invoice in invoices])
    return [
        Settled(reimbursement_id=part.source_id, amount=part.amount, invoice=invoice)
        for invoice in invoices
        for part in by_invoice[invoice.id].applied
        if part.source_kind == REIMBURSEMENT
    ]


def why_not(payment: Payment, disputed: frozenset[str], *, was_banked: bool = True) -> str | None:
    """Why nothing can go back of a payment, as far as the payment alone tells."""
    if no_money := words.no_money(payment, was_banked=was_banked):
        return no_money
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
