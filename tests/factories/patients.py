"""Patients as a front desk would take them in; invented people, all of them."""

from dataclasses import replace
from datetime import UTC, date, datetime

from billing.kernel.permissions import SYSTEM
from billing.patients.records import (
    Address,
    Category,
    Eligibility,
    Evidence,
    Patient,
    Person,
    Policy,
    PolicyTerms,
    Proof,
    Sex,
)
from billing.patients.use_cases import add_patient, add_policy, verify_eligibility
from billing.platform.data.database import Database

NOW = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)

SAMPLE_PERSON = Person(
    given_name="Maria",
    family_name="Sample",
    born_on=date(1980, 5, 17),
    sex=Sex.FEMALE,
    address=Address(line1="12 Elm Street", city="Austin", state="TX", postal_code="78701"),
    phone="512-555-0123",
    email="maria@example.com",
)
SAMPLE_CARD = PolicyTerms(
    payer_name="Sample Health Plan", payer_id="SHP01", member_id="W123456", group_number="G-7"
)


def new_patient(
    database: Database, *, entity_id: str, site_id: str, now: datetime = NOW, **changes: object
) -> Patient:
    """Maria Sample, or with `changes` to the fields of records.Person somebody else."""
    person = replace(SAMPLE_PERSON, **changes)
    return database.in_transaction(
        lambda tx: add_patient(tx, entity_id=entity_id, site_id=site_id, person=person, actor=SYSTEM, now=now)
    )


def new_policy(
    database: Database,
    patient_id: str,
    *,
    effective_from: date = date(2026, 1, 1),
    ends_on: date | None = None,
    now: datetime = NOW,
    **changes: object,
) -> Policy:
    terms = replace(SAMPLE_CARD, **changes)
    return database.in_transaction(
        lambda tx: add_policy(
            tx,
            patient_id=patient_id,
            terms=terms,
            effective_from=effective_from,
            ends_on=ends_on,
            actor=SYSTEM,
            now=now,
        )
    )


def verified_veteran(
    database: Database, patient_id: str, *, verified_on: date = date(2026, 11, 2), now: datetime = NOW
) -> Eligibility:
    evidence = Evidence(category=Category.VETERAN, proof=Proof.DD_214, seen_by="front desk")
    return database.in_transaction(
        lambda tx: verify_eligibility(
            tx, patient_id=patient_id, evidence=evidence, verified_on=verified_on, actor=SYSTEM, now=now
        )
    )
