"""A deposit: what a patient pays when they book, before there is an invoice."""

from __future__ import annotations

from datetime import datetime

from billing.catalog.errors import NoSuchSite
from billing.catalog.queries import find_site, site_date
from billing.kernel.permissions import Actor
from billing.patients.queries import find_patient
from billing.patients.use_cases import lock_patient
from billing.payments.queries.checks import instrument_of, refuse_booked_before
from billing.payments.records.credits import CreditSource
from billing.payments.records.payments import Depositor, Payment, Tender
from billing.payments.records.tenders import Handed
from billing.payments.rules import refuse_unless_payable
from billing.payments.use_cases.receive import book, new_payment, put_in_drawer
from billing.platform.data.database import Tx


def take_deposit(
    tx: Tx, *, patient_id: str, handed: Handed, site_id: str | None, actor: Actor, now: datetime
) -> Payment:
    """Take a deposit in cash or by check at a site, or at the patient's own without one.

    It is deferred revenue until an invoice takes it, as the next one does by itself.
    Raises: NoSuchPatient, NoSuchSite, CheckPostdated, CheckStale, CheckBookedBefore, TenderedTooLittle.
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
    return book(tx, None, row, held=CreditSource.DEPOSIT, actor=actor, now=now)


def depositor_of(tx: Tx, patient_id: str, site_id: str | None, actor: Actor) -> Depositor:
    """Who pays ahead, and where. Raises: NoSuchSite, also for one of another legal entity or out of reach."""
    patient = find_patient(tx, patient_id, actor)
    site = find_site(tx, site_id or patient.site_id)
    if site.entity_id != patient.entity_id or not actor.sees(entity_id=site.entity_id, site_id=site.id):
        raise NoSuchSite(f"There is no site {site.id}.")
    return Depositor(entity_id=patient.entity_id, site_id=site.id, patient_id=patient.id)
