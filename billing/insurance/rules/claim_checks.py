"""What an insurer, or the program before it, would refuse a claim for: told before anything is sent.

Each flaw names the field of the claim as a JSON pointer and says what to do; none repeats what stands there.
Sources: ASC X12N 005010X222A1; CMS-1500 instructions of NUCC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from billing.catalog.records import Address
from billing.catalog.rules.identifiers import is_ein, is_npi
from billing.insurance.records import Edition
from billing.insurance.records.claims import Claim, ClaimDrug, ClaimLine, Frequency, Practitioner
from billing.insurance.rules.claim_text import BASIC, DELIMITERS
from billing.insurance.rules.diagnoses import diagnosis_flaws, excluding_pair, exclusion_told
from billing.insurance.rules.lines import MOST_POINTERS
from billing.kernel.errors import Flaw
from billing.kernel.money import Money, total
from billing.patients.records import Sex
from billing.patients.rules.people import STATES

MOST_LINES = 50
MOST_MODIFIERS = 4
MOST_CENTS = 9_999_999_999
"""Ten digits, as HIPAA limits an amount of a claim."""
MOST_UNITS = 99_999_999
MOST_NAME, MOST_GIVEN, MOST_STREET, MOST_CITY, MOST_GROUP = 60, 35, 55, 30, 50
MOST_ID, MOST_ROUTING_ID, MOST_CONTROL, MOST_REFERENCE, MOST_LINE_CONTROL = 80, 15, 20, 50, 30
MOST_DESCRIPTION = 80
UNITS_OF_DRUGS = frozenset({"F2", "GR", "ME", "ML", "UN"})
UNLISTED = frozenset({"J3490", "J3590", "J9999", "C9399"})
"""Codes that name no one thing, and so need a description (SV101-7)."""
IN_FORCE = {"S0013": (date.min, date(2025, 12, 31)), "J0013": (date(2026, 1, 1), date.max)}
"""First and last day of service of codes that took each other's place. Source: HCPCS, January 2026."""

_CODE = re.compile(r"[0-9]{4}[0-9A-Z]|[A-Z][0-9]{4}")
_MODIFIER = re.compile(r"[0-9A-Z]{2}")
_TAXONOMY = re.compile(r"[0-9A-Z]{9}X")
_CONTROL = re.compile(r"[0-9A-Z]+")
_POST_BOX = re.compile(r"\bP\.? ?O\.? ?BOX\b")


def claim_flaws(claim: Claim, edition: Edition, *, as_of: date, are_unrelated: bool = False) -> list[Flaw]:
    """All that is wrong with a claim that would be sent on that day; nothing when it can be.

    The edition is that of the day of service; `are_unrelated` lets two that exclude each other stand.
    """
    return [
        *_routing_flaws(claim),
        *_provider_flaws(claim),
        *_insurance_flaws(claim),
        *_patient_flaws(claim, as_of),
        *_head_flaws(claim),
        *_amount_flaws(claim),
        *_diagnosis_flaws(claim, edition, are_unrelated=are_unrelated),
        *_lines_flaws(claim, as_of),
    ]


def _routing_flaws(claim: Claim) -> Iterator[Flaw]:
    submitter, receiver = claim.submitter, claim.receiver
    yield from _text("/submitter/name", submitter.name, MOST_NAME)
    yield from _text("/submitter/id", submitter.id, MOST_ROUTING_ID, least=2)
    yield from _text("/submitter/contact", submitter.contact, MOST_NAME)
    if not re.fullmatch(r"[0-9]{10}", submitter.phone):
        yield Flaw("/submitter/phone", "Give a phone number of ten digits, area code first.")
    yield from _text("/receiver/name", receiver.name, MOST_NAME)
    yield from _text("/receiver/id", receiver.id, MOST_ROUTING_ID, least=2)


def _provider_flaws(claim: Claim) -> Iterator[Flaw]:
    billing = claim.billing
    yield from _text("/billing/name", billing.name, MOST_NAME)
    yield from _npi("/billing/npi", billing.npi)
    if not is_ein(f"{billing.tin[:2]}-{billing.tin[2:]}"):
        yield Flaw("/billing/tin", "Give the clinic's employer identification number, nine digits.")
    if not _TAXONOMY.fullmatch(billing.taxonomy):
        yield Flaw("/billing/taxonomy", "Give the clinic's NUCC taxonomy code, ten characters with X last.")
    yield from _address("/billing/address", billing.address, whole_zip=True)
    if _POST_BOX.search(f"{billing.address.line1} {billing.address.line2}"):
        yield Flaw(
            "/billing/address/line1", "Give the clinic's street address; a post office box is refused."
        )
    yield from _practitioner("/rendering", claim.rendering)
    if claim.referring:
        yield from _practitioner("/referring", claim.referring)
    if claim.facility:
        yield from _text("/facility/name", claim.facility.name, MOST_NAME)
        yield from _address("/facility/address", claim.facility.address, whole_zip=True)


def _insurance_flaws(claim: Claim) -> Iterator[Flaw]:
    subscriber = claim.subscriber
    yield from _text("/payer/name", claim.payer.name, MOST_NAME)
    yield from _text("/payer/id", claim.payer.id, MOST_ID, least=2)
    yield from _text("/subscriber/family_name", subscriber.family_name, MOST_NAME)
    yield from _text("/subscriber/given_name", subscriber.given_name, MOST_GIVEN)
    yield from _text("/subscriber/member_id", subscriber.member_id, MOST_ID, least=2)
    yield from _text("/subscriber/group_number", subscriber.group_number, MOST_GROUP, least=0)


def _patient_flaws(claim: Claim, as_of: date) -> Iterator[Flaw]:
    patient = claim.patient
    yield from _text("/patient/family_name", patient.family_name, MOST_NAME)
    yield from _text("/patient/given_name", patient.given_name, MOST_GIVEN)
    yield from _address("/patient/address", patient.address)
    if patient.born_on is None:
        yield Flaw("/patient/born_on", "Enter the patient's date of birth.")
    elif patient.born_on > as_of:
        yield Flaw("/patient/born_on", "A birth date cannot lie in the future.")
    if patient.sex is Sex.UNKNOWN:
        yield Flaw("/patient/sex", "Enter the patient's sex as their insurer has it: female or male.")


def _head_flaws(claim: Claim) -> Iterator[Flaw]:
    if not _CONTROL.fullmatch(claim.control_number) or len(claim.control_number) > MOST_CONTROL:
        yield Flaw("/control_number", f"Use 1 to {MOST_CONTROL} capitals and digits.")
    if not re.fullmatch(r"[0-9]{2}", claim.place_of_service):
        yield Flaw("/place_of_service", "Give the place of service by its two digits, such as 11.")
    if claim.frequency is Frequency.ORIGINAL:
        if claim.original_reference:
            yield Flaw("/original_reference", "Leave this out of a claim that is sent for the first time.")
    else:
        yield from _text("/original_reference", claim.original_reference, MOST_REFERENCE)


def _amount_flaws(claim: Claim) -> Iterator[Flaw]:
    yield from _amount("/charge", claim.charge)
    yield from _amount("/paid", claim.paid)
    if claim.charge != total(line.charge for line in claim.lines):
        yield Flaw("/charge", "The charges of the lines do not add up to the claim's. Issue it again.")


def _diagnosis_flaws(claim: Claim, edition: Edition, *, are_unrelated: bool) -> Iterator[Flaw]:
    """A claim that takes one back repeats its diagnoses, whatever the codes have become meanwhile."""
    if claim.frequency is Frequency.VOID:
        return
    yield from diagnosis_flaws(edition, claim.diagnoses)
    excluding = None if are_unrelated else excluding_pair(edition, claim.diagnoses)
    if excluding:
        yield Flaw(f"/diagnoses/{claim.diagnoses.index(excluding[1])}", exclusion_told(excluding))


def _lines_flaws(claim: Claim, as_of: date) -> Iterator[Flaw]:
    if not 1 <= len(claim.lines) <= MOST_LINES:
        yield Flaw("/lines", f"A claim has 1 to {MOST_LINES} lines.")
    numbers = [line.control_number for line in claim.lines]
    for place, line in enumerate(claim.lines):
        at = f"/lines/{place}"
        yield from _service_flaws(at, line)
        yield from _pointer_flaws(f"{at}/pointers", line.pointers, len(claim.diagnoses))
        if line.served_on > as_of:
            yield Flaw(f"{at}/served_on", "A day of service cannot lie in the future.")
        elif claim.patient.born_on and line.served_on < claim.patient.born_on:
            yield Flaw(f"{at}/served_on", "Nobody is treated before they are born: check the dates.")
        yield from _text(f"{at}/control_number", line.control_number, MOST_LINE_CONTROL)
        if line.control_number in numbers[:place]:
            yield Flaw(f"{at}/control_number", "Another line has this number. Give each its own.")
        if line.drug:
            yield from _drug_flaws(f"{at}/drug", line.drug)


def _service_flaws(at: str, line: ClaimLine) -> Iterator[Flaw]:
    if not _CODE.fullmatch(line.code):
        yield Flaw(f"{at}/code", "Give a CPT or HCPCS code of five characters, such as 96365.")
    since, until = IN_FORCE.get(line.code, (date.min, date.max))
    if not since <= line.served_on <= until:
        yield Flaw(f"{at}/code", "This code is not in force on the day of service.")
    if len(line.modifiers) > MOST_MODIFIERS or not all(map(_MODIFIER.fullmatch, line.modifiers)):
        yield Flaw(f"{at}/modifiers", f"Use at most {MOST_MODIFIERS} modifiers of two characters.")
    if not 1 <= line.units <= MOST_UNITS:
        yield Flaw(f"{at}/units", "Give a whole number of units, 1 or more.")
    yield from _amount(f"{at}/charge", line.charge)
    needed = 1 if line.code in UNLISTED else 0
    yield from _text(f"{at}/description", line.description, MOST_DESCRIPTION, least=needed)


def _pointer_flaws(at: str, pointers: tuple[int, ...], diagnoses: int) -> Iterator[Flaw]:
    if not 1 <= len(pointers) <= MOST_POINTERS:
        yield Flaw(at, f"Point to 1 to {MOST_POINTERS} diagnoses.")
    if len(set(pointers)) != len(pointers) or not all(1 <= each <= diagnoses for each in pointers):
        yield Flaw(at, "Point to diagnoses of this claim, each once.")


def _drug_flaws(at: str, drug: ClaimDrug) -> Iterator[Flaw]:
    if not re.fullmatch(r"[0-9]{11}", drug.ndc):
        yield Flaw(f"{at}/ndc", "Give the NDC with eleven digits, 5-4-2.")
    quantity = drug.quantity
    if not quantity.is_finite() or not 0 < quantity < 10**8 or quantity != round(quantity, 3):
        yield Flaw(f"{at}/quantity", "Give the quantity above 0, with at most three decimals.")
    if drug.unit not in UNITS_OF_DRUGS:
        yield Flaw(f"{at}/unit", f"Give the NDC's unit: {', '.join(sorted(UNITS_OF_DRUGS))}.")


def _practitioner(at: str, person: Practitioner) -> Iterator[Flaw]:
    yield from _text(f"{at}/family_name", person.family_name, MOST_NAME)
    yield from _text(f"{at}/given_name", person.given_name, MOST_GIVEN, least=0)
    yield from _npi(f"{at}/npi", person.npi)


def _npi(at: str, npi: str) -> Iterator[Flaw]:
    if not is_npi(npi):
        yield Flaw(at, "Give a National Provider Identifier: ten digits with a right check digit.")


def _address(at: str, address: Address, *, whole_zip: bool = False) -> Iterator[Flaw]:
    yield from _text(f"{at}/line1", address.line1, MOST_STREET)
    yield from _text(f"{at}/line2", address.line2, MOST_STREET, least=0)
    yield from _text(f"{at}/city", address.city, MOST_CITY, least=2)
    if address.state not in STATES:
        yield Flaw(f"{at}/state", "Give a state by its two letters, such as TX.")
    if whole_zip and not _is_zip(address.postal_code, (9,)):
        yield Flaw(f"{at}/postal_code", "Give the whole ZIP code of nine digits, such as 78701-1234.")
    elif not _is_zip(address.postal_code, (5, 9)):
        yield Flaw(f"{at}/postal_code", "Give a ZIP code, such as 78701 or 78701-1234.")


def _is_zip(text: str, lengths: Iterable[int]) -> bool:
    return len(text) in lengths and bool(re.fullmatch(r"[0-9]+", text))


def _amount(at: str, amount: Money) -> Iterator[Flaw]:
    if not 0 <= amount.cents <= MOST_CENTS:
        yield Flaw(at, "An amount is 0 or more, and has at most ten digits.")


def _text(at: str, text: str, most: int, *, least: int = 1) -> Iterator[Flaw]:
    """One flaw at most, the first that holds."""
    if len(text) < least:
        yield Flaw(at, "Fill this in." if not text else f"Give at least {least} characters.")
    elif not text.isprintable():
        yield Flaw(at, "Write this on one line, without control characters.")
    elif any(sign in text for sign in DELIMITERS):
        yield Flaw(at, f"Leave out {' '.join(DELIMITERS)}: they separate the parts of a claim.")
    elif not BASIC.fullmatch(text):
        yield Flaw(at, "Write this in Latin letters, digits and plain punctuation: a claim takes no others.")
    elif text != text.strip():
        yield Flaw(at, "Leave out the spaces at either end.")
    elif len(text) > most:
        yield Flaw(at, f"Use at most {most} characters: a claim has no room for more.")
