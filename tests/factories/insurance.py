"""Sessions that were invoiced, paid and given, and what insurers answer to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from billing.adapters.remittance_835 import Edi835Reader
from billing.care.queries import find_session
from billing.care.records import Particulars
from billing.catalog.queries import conditions, find_condition, protocols, providers, sites
from billing.insurance.flows.remittances import import_remittance
from billing.insurance.queries.diagnoses import standing_diagnoses
from billing.insurance.records import ImportedFile, Superbill
from billing.insurance.records.claims import ClaimFile, IssuedClaim
from billing.insurance.use_cases.claim_files import file_claims
from billing.insurance.use_cases.claims import issue_claim
from billing.insurance.use_cases.superbills import issue_superbill
from billing.invoices.use_cases.issue import issue_invoice
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.records import Patient
from billing.payments.use_cases.receive import take_cash
from billing.platform.data.database import Database
from billing.quotes.use_cases import quote_plan
from tests.conftest import NOW
from tests.factories.care import give, new_plan
from tests.factories.catalog import seed_sample
from tests.factories.invoices import a_patient
from tests.factories.patients import new_patient, new_policy


@dataclass(frozen=True)
class Course:
    """A patient of clinic B, insured, whose first sessions are invoiced and paid in cash."""

    patient: Patient
    invoice_id: str
    session_ids: tuple[str, ...]


def a_course(
    database: Database,
    *,
    sessions: int | None = 2,
    paid: Money | None = None,
    is_veteran: bool = True,
    protocol: str = "series_of_six",
    condition: str = "depression",
    add_ons: dict[str, int] | None = None,
    now: datetime = NOW,
) -> Course:
    """Quoted at 382.50 a session (450, 15% off); `paid` is all of it unless told otherwise.

    Without a number of `sessions` all of them are one package.
    """
    patient = a_patient(database, is_veteran=is_veteran, now=now)
    new_policy(database, patient.id, now=now)
    with database.reading() as read:
        provider = providers(read, patient.entity_id)[0]
    particulars = Particulars(
        provider_id=provider.id, dose_mg=Decimal(40), weight_kg=Decimal(80), add_ons=add_ons or {}
    )
    plan = new_plan(
        database, patient.id, condition=condition, protocol=protocol, particulars=particulars, now=now
    )
    quote = database.in_transaction(lambda tx: quote_plan(tx, plan_id=plan.id, actor=SYSTEM, now=now))
    session_ids = tuple(session.id for session in plan.sessions)[:sessions]
    chosen = None if sessions is None else session_ids
    invoice = database.in_transaction(
        lambda tx: issue_invoice(tx, quote_id=quote.id, session_ids=chosen, actor=SYSTEM, now=now)
    )
    amount = invoice.total if paid is None else paid
    if amount:
        database.in_transaction(
            lambda tx: take_cash(tx, invoice_id=invoice.id, amount=amount, actor=SYSTEM, now=now)
        )
    return Course(patient=patient, invoice_id=invoice.id, session_ids=session_ids)


def a_visit_elsewhere(database: Database, slug: str = "d", *, now: datetime = NOW) -> str:
    """A visit at another clinic of the same installation, invoiced, paid and given."""
    entity = seed_sample(database, now, slug)
    with database.reading() as read:
        site = sites(read, entity.id)[0]
    return a_visit_at(database, entity.id, site.id, now=now)


def a_visit_at(database: Database, entity_id: str, site_id: str, *, now: datetime = NOW) -> str:
    """A visit of another patient at a site, invoiced, paid and given."""
    with database.reading() as read:
        provider = providers(read, entity_id)[0]
        condition, protocol = conditions(read, entity_id)[0].slug, protocols(read, entity_id)[0].code
    patient = new_patient(database, entity_id=entity_id, site_id=site_id, now=now)
    new_policy(database, patient.id, now=now)
    particulars = Particulars(provider_id=provider.id, dose_mg=Decimal(40), weight_kg=Decimal(80), add_ons={})
    plan = new_plan(
        database, patient.id, condition=condition, protocol=protocol, particulars=particulars, now=now
    )
    session_id = plan.sessions[0].id
    quote = database.in_transaction(lambda tx: quote_plan(tx, plan_id=plan.id, actor=SYSTEM, now=now))
    invoice = database.in_transaction(
        lambda tx: issue_invoice(tx, quote_id=quote.id, session_ids=(session_id,), actor=SYSTEM, now=now)
    )
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=invoice.id, amount=invoice.total, actor=SYSTEM, now=now)
    )
    give(database, session_id, now=now)
    return session_id


def handed_out(database: Database, session_id: str, *, minutes: int = 45, now: datetime = NOW) -> Superbill:
    """The session given, and its superbill."""
    give(database, session_id, minutes=minutes, now=now)
    return superbill(database, session_id, now=now)


def superbill(
    database: Database, session_id: str, *, actor: Actor = SYSTEM, now: datetime = NOW, **more: object
) -> Superbill:
    """Without diagnoses, where none stands, the first that is usual is chosen."""
    told = chosen_for(database, session_id) | more
    return database.in_transaction(
        lambda tx: issue_superbill(tx, session_id=session_id, **told, actor=actor, now=now)
    )


def chosen_for(database: Database, session_id: str) -> dict[str, Sequence[str]]:
    """What a clinician would choose for a visit, where nobody chose anything yet."""
    with database.reading() as read:
        session = find_session(read, session_id, SYSTEM)
        if standing_diagnoses(read, session):
            return {}
        return {"diagnoses": find_condition(read, session.entity_id, session.condition).icd10[:1]}


def imported(
    database: Database, content: bytes, *, actor: Actor = SYSTEM, now: datetime = NOW
) -> ImportedFile:
    return import_remittance(
        database.in_transaction,
        Edi835Reader(),
        name="sample.835",
        content=content,
        actor=actor,
        clock=lambda: now,
    )


def claim(
    database: Database, session_id: str, *, actor: Actor = SYSTEM, now: datetime = NOW, **more: object
) -> IssuedClaim:
    """As `superbill`."""
    told = chosen_for(database, session_id) | more
    return database.in_transaction(
        lambda tx: issue_claim(tx, session_id=session_id, **told, actor=actor, now=now)
    )


def claimed(database: Database, session_id: str, *, minutes: int = 45, now: datetime = NOW) -> IssuedClaim:
    """The session given, and its claim."""
    give(database, session_id, minutes=minutes, now=now)
    return claim(database, session_id, now=now)


def filed(
    database: Database, on: date | None = None, *, until: date | None = None, now: datetime = NOW
) -> tuple[ClaimFile, ...]:
    """The files of what was issued for those days; for the usual day when none is told."""
    on = on or NOW.date()
    return database.in_transaction(
        lambda tx: file_claims(tx, starts_on=on, ends_on=until or on, actor=SYSTEM, now=now)
    )
