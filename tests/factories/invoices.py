"""Invoices as they come about: a patient, a plan, its quote, the bill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from billing.catalog.queries import sites
from billing.invoices.queries import find_invoice
from billing.invoices.records import Invoice
from billing.invoices.use_cases.issue import issue_invoice
from billing.kernel.permissions import SYSTEM
from billing.patients.records import Patient
from billing.platform.data.database import Database
from billing.quotes.use_cases import quote_plan
from tests.conftest import NOW
from tests.factories.care import SAMPLE_PARTICULARS, new_plan
from tests.factories.catalog import seed_sample
from tests.factories.patients import new_patient, verified_veteran


@dataclass(frozen=True)
class Billed:
    """A patient with an invoice, and the sessions on it in their order."""

    patient: Patient
    invoice: Invoice
    session_ids: tuple[str, ...]


def a_patient(database: Database, *, is_veteran: bool = False, now: datetime = NOW) -> Patient:
    """Of the sample clinic B, which is loaded on the way."""
    entity = seed_sample(database, now)
    with database.reading() as read:
        site = sites(read, entity.id)[0]
    patient = new_patient(database, entity_id=entity.id, site_id=site.id, now=now)
    if is_veteran:
        verified_veteran(database, patient.id, now=now)
    return patient


def billed(
    database: Database,
    patient: Patient,
    *,
    only_first: int | None = None,
    protocol: str = "series_of_six",
    site_id: str | None = None,
    now: datetime = NOW,
) -> Billed:
    """A plan, quoted and invoiced: the whole package, or the first sessions singly on one invoice."""
    particulars = replace(SAMPLE_PARTICULARS, site_id=site_id)
    plan = new_plan(database, patient.id, protocol=protocol, particulars=particulars, now=now)
    quote = database.in_transaction(lambda tx: quote_plan(tx, plan_id=plan.id, actor=SYSTEM, now=now))
    session_ids = tuple(session.id for session in plan.sessions)
    chosen: Sequence[str] | None = None if only_first is None else session_ids[:only_first]
    issued = database.in_transaction(
        lambda tx: issue_invoice(tx, quote_id=quote.id, session_ids=chosen, actor=SYSTEM, now=now)
    )
    with database.reading() as read:
        invoice = find_invoice(read, issued.id, SYSTEM)
    return Billed(patient=patient, invoice=invoice, session_ids=session_ids[: len(invoice.lines)])
