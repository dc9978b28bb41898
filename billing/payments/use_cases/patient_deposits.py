"""A deposit: what a patient pays when they book, before there is an invoice."""

from __future__ import annotations

from datetime import datetime

from billing.catalog.queries import site_date
from billing.kernel.permissions import Actor
from billing.patients.queries import find_patient
from billing.patients.use_cases import lock_patient
from billing.payments.queries.checks import instrument_of, refuse_booked_before
from billing.payments.queries.deposit_requests import depositor_of
from billing.payments.records.credits import CreditSource
from billing.payments.records.payments import Payment, Tender
from billing.payments.records.tenders import Handed
from billing.payments.rules.tenders import refuse_unless_payable
from billing.payments.use_cases.deposit_requests import take_off_requests
from billing.payments.use_cases.receive import book, new_payment, put_in_drawer
from billing.platform.data.database import Tx


def take_deposit(
    tx: Tx, *, patient_id: str, handed: Handed, site_id: str | None, actor: Actor, now: datetime
) -> Payment:
    """Take a deposit in cash or by check at a site, or at the patient's own without one.

    It is deferred revenue until an invoice takes it, as the next one does by itself. What was asked of the
    patient for a deposit is asked for that much less.
    Raises: NoSuchPatient, NoSuchSite, CheckoutStands, CheckPostdated, CheckStale, CheckBookedBefore,
    TenderedTooLittle.
    """
    lock_patient(tx, find_patient(tx, patient_id, actor).id)
    depositor = depositor_of(tx, patient_id, site_id, actor)
    if handed.dated_on is not None:
        refuse_unless_payable(handed.dated_on, site_date(tx, depositor.site_id, now))
    if handed.number and not handed.is_another:
        refuse_booked_before(tx, depositor, handed.number, actor=actor)
    row = new_payment(tx, depositor, handed.tender, handed.amount, now)
    row.instrument = instrument_of(handed.number) if handed.number else None
    row.is_health_account = handed.is_health_account
    if handed.tender is Tender.CASH:
        put_in_drawer(tx, row, handed.tendered, actor)
    payment = book(tx, None, row, held=CreditSource.DEPOSIT, actor=actor, now=now)
    take_off_requests(tx, payment=payment, actor=actor, now=now)
    return payment
