"""Reads of what insurers' money is shared by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.care.queries import covered_by
from billing.care.records import REFUNDED, Session
from billing.invoices.queries import find_invoice, standing_lines
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import applications_of_credit, reimbursed_for_session
from billing.payments.queries.differences import refunded_unbooked
from billing.payments.queries.disputes import credits_brought_by
from billing.payments.queries.payments import find_payment, paid_by_patient
from billing.payments.queries.refunds import WHENEVER
from billing.payments.queries.takebacks import owed_on_demands
from billing.payments.records.disputes import Dispute
from billing.payments.records.payments import Payment
from billing.platform.data.database import Read


def sessions_of_payment(read: Read, payment: Payment) -> Sequence[str]:
    """The visits that a payment may cover, itself or by the credit that it became."""
    used = [
        use.invoice_id
        for lot_id in credits_brought_by(read, payment.id)
        for use in applications_of_credit(read, lot_id)
    ]
    own = [payment.invoice_id] if payment.invoice_id is not None else []
    invoices = [find_invoice(read, each, SYSTEM) for each in dict.fromkeys([*own, *used])]
    return [line.session_id for invoice in invoices for line in standing_lines(read, invoice)]


def paid_and_not_missing(read: Read, of: Session, until: datetime) -> Money:
    """What the patient paid of a visit, or nothing yet while money of it is gone that the books do not know.

    Once that is booked or back, what an insurer paid meanwhile is shared (`excess.share_what_came_back`).
    """
    return ZERO if is_missing_money(read, of) else paid_by_patient(read, of.id, until)


def is_missing_money(read: Read, of: Session) -> bool:
    """Whether money of a visit is gone that the books do not know."""
    return any(
        of.id in sessions_of_payment(read, find_payment(read, payment_id, SYSTEM))
        for payment_id in refunded_unbooked(read, of.patient_id)
    )


def reimbursed_beside(read: Read, lost: Dispute) -> Money:
    """What insurers gave the patient for visits that a lost dispute took, above what is still paid."""
    given = ZERO
    for session_id in sessions_of_payment(read, find_payment(read, lost.payment_id, SYSTEM)):
        if covered_by(read, session_id, REFUNDED, lost.id):
            above = kept_of_insurers(read, session_id) - paid_by_patient(read, session_id, WHENEVER)
            given = given + max(ZERO, above)
    return given


def kept_of_insurers(read: Read, session_id: str) -> Money:
    """What the patient was given of insurers' money for a visit, less what payers took out of it or want."""
    return reimbursed_for_session(read, session_id) - owed_on_demands(read, session_id)
