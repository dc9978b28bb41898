"""Claims made by hand, as an insurer takes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from billing.catalog.records import Address
from billing.insurance.records.claims import (
    BillingProvider,
    Claim,
    ClaimDrug,
    ClaimLine,
    ClaimPatient,
    ClaimPayer,
    Facility,
    Frequency,
    Interchange,
    IssuedClaim,
    Practitioner,
    Receiver,
    Submitter,
    Subscriber,
)
from billing.insurance.rules.editions import shipped_on
from billing.insurance.states import ClaimState
from billing.kernel.money import Money, total
from billing.patients.records import Relationship, Sex

SENT_AT = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
SENT_ON = SENT_AT.date()
SERVED_ON = date(2026, 11, 3)
EDITION = shipped_on(SERVED_ON)
STREET = Address(
    line1="100 SAMPLE STREET", line2="SUITE 200", city="AUSTIN", state="TX", postal_code="787011234"
)
HOME = Address(line1="12 ELM STREET", line2="", city="AUSTIN", state="TX", postal_code="78702")


def a_line(number: int = 1, **changes: Any) -> ClaimLine:
    line = ClaimLine(
        code="96365",
        modifiers=(),
        units=1,
        charge=Money(38_250),
        pointers=(1,),
        served_on=SERVED_ON,
        description="",
        drug=None,
        control_number=f"ABCDEFGHJKMN2345{number:02d}",
    )
    return replace(line, **changes)


def a_drug_line(number: int = 2, **changes: Any) -> ClaimLine:
    drug = ClaimDrug(ndc="00409205105", quantity=Decimal("0.8"), unit="ML")
    return a_line(
        number,
        code="J3490",
        charge=Money(0),
        description="KETAMINE HCL 50 MG/ML, 40 MG GIVEN; INCLUDED IN THE INFUSION",
        drug=drug,
        **changes,
    )


def a_claim(**changes: Any) -> Claim:
    """An infusion of 45 minutes at 15% off, paid by the patient; its charge is what its lines sum to."""
    lines = changes.pop("lines", (a_line(), a_drug_line()))
    claim = Claim(
        submitter=Submitter(
            name="SAMPLE CLINIC B, PLLC", id="123456789", contact="SAMPLE CLINIC B", phone="5125550100"
        ),
        receiver=Receiver(name="SAMPLE CLEARINGHOUSE", id="SAMPLECH"),
        billing=BillingProvider(
            name="SAMPLE CLINIC B, PLLC",
            npi="2000000010",
            tin="123456789",
            taxonomy="261QI0500X",
            address=STREET,
        ),
        rendering=Practitioner(family_name="SAMPLE", given_name="AVERY", npi="2000000028"),
        facility=None,
        payer=ClaimPayer(name="SAMPLE HEALTH PLAN", id="SHP01"),
        subscriber=Subscriber(
            family_name="SAMPLE", given_name="MARIA", member_id="W123456", group_number="G-7"
        ),
        patient=ClaimPatient(
            family_name="SAMPLE",
            given_name="MARIA",
            born_on=date(1980, 5, 17),
            sex=Sex.FEMALE,
            address=HOME,
            relationship=Relationship.SELF,
        ),
        control_number="ABCDEFGHJKMN2345",
        frequency=Frequency.ORIGINAL,
        original_reference="",
        place_of_service="11",
        diagnoses=("F33.2",),
        lines=lines,
        charge=total(line.charge for line in lines),
        paid=Money(38_250),
        accepts_assignment=False,
        assigns_benefits=False,
        releases_information=True,
        is_sample=True,
    )
    return replace(claim, **changes)


def a_dependant(**changes: Any) -> Claim:
    """A child whose mother holds the insurance."""
    patient = ClaimPatient(
        family_name="SAMPLE",
        given_name="KIM",
        born_on=date(2004, 2, 29),
        sex=Sex.MALE,
        address=HOME,
        relationship=Relationship.CHILD,
    )
    return a_claim(**{"patient": patient, "control_number": "KMKMKMKMKMKM2345", **changes})


A_REFERRER = Practitioner(family_name="SENDER", given_name="DANA", npi="1245319599")
A_FACILITY = Facility(name="SAMPLE CLINIC B WEST", address=replace(STREET, line1="200 SAMPLE AVENUE"))


def a_file(*claims: Claim, number: int = 1) -> Interchange:
    return Interchange(control_number=number, made_at=SENT_AT, claims=claims)


def an_issued_claim(facts: Claim) -> IssuedClaim:
    """The first version of a claim of these facts, as it is kept once it was filed."""
    return IssuedClaim(
        id="clm_1",
        entity_id="ent_1",
        site_id="site_1",
        patient_id="pat_1",
        session_id="ses_1",
        number="CLM-000001",
        version=1,
        supersedes_id=None,
        control_number=facts.control_number,
        document_id="doc_1",
        sha256="",
        service_on=SERVED_ON,
        charge=facts.charge,
        paid=facts.paid,
        issued_at=SENT_AT,
        state=ClaimState.FILED,
        frequency=facts.frequency,
        original_reference=None,
        file_by=None,
        filed_at=SENT_AT,
        file_id=None,
    )
