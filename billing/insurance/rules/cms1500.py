"""A claim on the paper form CMS-1500 (02/12): which box takes what, and where on the sheet it stands.

The form has a grid of ten letters and six lines an inch; lines and columns count from 1. A sheet takes six
lines of service and is a claim by itself: its own lines add up to its total.
Sources: NUCC, 1500 Health Insurance Claim Form Reference Instruction Manual, 02/12 (docs/sources.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from billing.catalog.records import Address
from billing.insurance.records.claims import Claim, ClaimDrug, ClaimLine, Frequency, Practitioner
from billing.kernel.errors import Flaw
from billing.kernel.money import Money, total
from billing.patients.records import Relationship, Sex

MOST_OFFSET = 36
"""Points, half an inch: a sheet that lies worse is put in anew."""
LINES_OF_A_SHEET = 6
FIRST_LINE = 43
"""Of the grid: the shaded half of the first line of service. Each takes two lines of the grid."""
DIAGNOSES_IN_A_ROW = 4
LETTERS = "ABCDEFGHIJKL"
ICD_10 = "0"
REFERRING = "DN"
ON_FILE = "SIGNATURE ON FILE"
MARK = "X"
SAMPLE = "SAMPLE DATA - DO NOT SUBMIT"
RELATIONSHIPS = {
    Relationship.SELF: 33,
    Relationship.SPOUSE: 38,
    Relationship.CHILD: 42,
    Relationship.OTHER: 47,
}

ABBREVIATIONS = {
    "APARTMENT": "APT",
    "AVENUE": "AVE",
    "BOULEVARD": "BLVD",
    "BUILDING": "BLDG",
    "CIRCLE": "CIR",
    "COURT": "CT",
    "DRIVE": "DR",
    "EAST": "E",
    "FLOOR": "FL",
    "HIGHWAY": "HWY",
    "LANE": "LN",
    "NORTH": "N",
    "PARKWAY": "PKWY",
    "PLACE": "PL",
    "ROAD": "RD",
    "SOUTH": "S",
    "STREET": "ST",
    "SUITE": "STE",
    "WEST": "W",
    "HYDROCHLORIDE": "HCL",
    "INJECTION": "INJ",
}
"""Sources: USPS Publication 28, appendices C1 and C2; for drugs, the way labels have it."""


@dataclass(frozen=True)
class Entry:
    """What is printed in a box with room for `width` letters; `field` points into the claim."""

    box: str
    line: int
    column: int
    width: int
    text: str
    field: str


Sheet = tuple[Entry, ...]


def paper_flaws(claim: Claim) -> list[Flaw]:
    """What does not fit into its box; nothing is cut off. Several entries of one field are one flaw."""
    too_long = {
        entry.field: Flaw(
            entry.field,
            f"Box {entry.box} of the paper form has room for {entry.width} characters. "
            "Shorten this, or send the claim as X12.",
        )
        for sheet in sheets_of(claim)
        for entry in sheet
        if len(entry.text) > entry.width
    }
    return list(too_long.values())


def sheets_of(claim: Claim) -> tuple[Sheet, ...]:
    """The sheets of a claim that was checked (`claim_checks.py`); what was paid fills one after the other."""
    parts = [
        claim.lines[start : start + LINES_OF_A_SHEET]
        for start in range(0, len(claim.lines), LINES_OF_A_SHEET)
    ]
    sheets, left = [], claim.paid
    for number, lines in enumerate(parts):
        charge = total(line.charge for line in lines)
        paid = min(left, charge)
        left -= paid
        part = replace(claim, lines=tuple(lines), charge=charge, paid=paid)
        sheets.append(tuple(entry for entry in _entries(part, number * LINES_OF_A_SHEET) if entry.text))
    return tuple(sheets)


def _entries(claim: Claim, before: int) -> Iterator[Entry]:
    yield Entry("carrier", 2, 41, 38, claim.payer.name, "/payer/name")
    yield Entry("carrier", 4, 41, 38, SAMPLE if claim.is_sample else "", "/is_sample")
    yield from _patient(claim)
    yield from _insured(claim)
    yield from _signatures(claim)
    if claim.referring:
        yield from _referring(claim.referring)
    yield from _diagnoses(claim)
    for place, line in enumerate(claim.lines):
        yield from _service(claim, line, FIRST_LINE + 2 * place, f"/lines/{before + place}")
    yield from _sums(claim)
    yield from _providers(claim)


# ----------------------------------------------------------------------------------- boxes 1 to 13


def _patient(claim: Claim) -> Iterator[Entry]:
    patient = claim.patient
    name = _name(patient.family_name, patient.given_name)
    yield Entry("2", 10, 1, 28, name, "/patient/family_name")
    if patient.born_on:
        yield from _day("3", 10, (31, 34, 37), patient.born_on, "/patient/born_on")
    yield Entry("3", 10, 42 if patient.sex is Sex.MALE else 47, 1, MARK, "/patient/sex")
    yield from _home("5", claim.patient.address, (1, 26), (28, 24))
    yield Entry("6", 12, RELATIONSHIPS[patient.relationship], 1, MARK, "/patient/relationship")
    for box, line in (("10a", 20), ("10b", 22), ("10c", 24)):
        yield Entry(box, line, 41, 1, MARK, "/patient")


def _insured(claim: Claim) -> Iterator[Entry]:
    """Of a subscriber who is not the patient, a claim knows the name and the numbers of the card."""
    subscriber = claim.subscriber
    yield Entry("1", 8, 45, 1, MARK, "/payer")
    yield Entry("1a", 8, 50, 29, subscriber.member_id, "/subscriber/member_id")
    name = _name(subscriber.family_name, subscriber.given_name)
    yield Entry("4", 10, 50, 29, name, "/subscriber/family_name")
    yield Entry("11", 18, 50, 29, subscriber.group_number, "/subscriber/group_number")
    if claim.patient.relationship is Relationship.SELF:
        yield from _home("7", claim.patient.address, (50, 74), (29, 23))
        if claim.patient.born_on:
            yield from _day("11a", 20, (53, 56, 59), claim.patient.born_on, "/patient/born_on")
        yield Entry("11a", 20, 68 if claim.patient.sex is Sex.MALE else 75, 1, MARK, "/patient/sex")
    yield Entry("11d", 26, 57, 1, MARK, "/subscriber")


def _home(box: str, address: Address, columns: tuple[int, int], widths: tuple[int, int]) -> Iterator[Entry]:
    """The street, the city and the ZIP code below each other, and the state beside the city."""
    left, beside = columns
    street, city = widths
    yield Entry(box, 12, left, street, _street(address, street), "/patient/address/line1")
    yield Entry(box, 14, left, city, address.city, "/patient/address/city")
    yield Entry(box, 14, beside, 2, address.state, "/patient/address/state")
    yield Entry(box, 16, left, 12, _zip(address.postal_code), "/patient/address/postal_code")


def _signatures(claim: Claim) -> Iterator[Entry]:
    if claim.releases_information:
        yield Entry("12", 29, 7, 25, ON_FILE, "/releases_information")
    if claim.assigns_benefits:
        yield Entry("13", 29, 55, 23, ON_FILE, "/assigns_benefits")


# ---------------------------------------------------------------------------------- boxes 17 to 30


def _referring(person: Practitioner) -> Iterator[Entry]:
    """The qualifier stands left of the dotted line; the given name comes first, without a comma."""
    name = f"{person.given_name} {person.family_name}".strip()
    yield Entry("17", 34, 1, 2, REFERRING, "/referring")
    yield Entry("17", 34, 4, 25, name, "/referring/family_name")
    yield Entry("17b", 34, 33, 10, person.npi, "/referring/npi")


def _diagnoses(claim: Claim) -> Iterator[Entry]:
    yield Entry("21", 37, 42, 1, ICD_10, "/diagnoses")
    for place, code in enumerate(claim.diagnoses):
        row, column = divmod(place, DIAGNOSES_IN_A_ROW)
        text = code.replace(".", "")
        yield Entry("21", 38 + row, 3 + 13 * column, 7, text, f"/diagnoses/{place}")
    if claim.frequency is not Frequency.ORIGINAL:
        yield Entry("22", 38, 50, 11, claim.frequency, "/frequency")
        yield Entry("22", 38, 62, 17, claim.original_reference, "/original_reference")


def _service(claim: Claim, line: ClaimLine, shaded: int, field: str) -> Iterator[Entry]:
    supplement = _shortened(_supplement(line), 61)
    yield Entry("24", shaded, 1, 61, supplement, f"{field}/description")
    below = shaded + 1
    for columns in ((1, 4, 7), (10, 13, 16)):
        yield from _day("24A", below, columns, line.served_on, f"{field}/served_on", short=True)
    yield Entry("24B", below, 19, 2, claim.place_of_service, "/place_of_service")
    yield Entry("24D", below, 25, 7, line.code, f"{field}/code")
    for place, modifier in enumerate(line.modifiers):
        yield Entry("24D", below, 33 + 3 * place, 2, modifier, f"{field}/modifiers")
    pointers = "".join(LETTERS[each - 1] for each in line.pointers)
    yield Entry("24E", below, 45, 4, pointers, f"{field}/pointers")
    yield Entry("24F", below, 50, 8, _amount(line.charge), f"{field}/charge")
    yield Entry("24G", below, 59, 3, str(line.units), f"{field}/units")
    yield Entry("24J", below, 68, 10, claim.rendering.npi, "/rendering/npi")


def _supplement(line: ClaimLine) -> str:
    """The drug behind N4, then behind ZZ what a code that names no one thing stands for.

    Behind a semicolon stands a remark of ours, which the form has no room for.
    """
    described = f"ZZ{line.description.partition(';')[0]}" if line.description else ""
    return "   ".join(filter(None, (_drug(line.drug) if line.drug else "", described)))


def _drug(drug: ClaimDrug) -> str:
    quantity = f"{drug.quantity:f}"
    return f"N4{drug.ndc} {drug.unit}{quantity.rstrip('0').rstrip('.') if '.' in quantity else quantity}"


def _sums(claim: Claim) -> Iterator[Entry]:
    yield Entry("25", 56, 1, 15, claim.billing.tin, "/billing/tin")
    yield Entry("25", 56, 19, 1, MARK, "/billing/tin")
    yield Entry("26", 56, 23, 14, claim.control_number, "/control_number")
    yield Entry("27", 56, 38 if claim.accepts_assignment else 43, 1, MARK, "/accepts_assignment")
    yield Entry("28", 56, 52, 8, _amount(claim.charge), "/charge")
    yield Entry("29", 56, 62, 8, _amount(claim.paid), "/paid")


# ---------------------------------------------------------------------------------- boxes 32 and 33


def _providers(claim: Claim) -> Iterator[Entry]:
    """Box 31 is left to the provider's pen. A place is called as patients know it."""
    billing, facility = claim.billing, claim.facility
    if facility:
        yield _called("32", 23, 26, facility.name, "/facility/name")
        yield from _place("32", 23, 26, facility.address, "/facility/address")
    else:
        yield _called("32", 23, 26, claim.submitter.contact, "/submitter/contact")
        yield from _place("32", 23, 26, billing.address, "/billing/address")
        yield Entry("32a", 61, 23, 10, billing.npi, "/billing/npi")
    yield _called("33", 50, 29, billing.name, "/billing/name")
    yield from _place("33", 50, 29, billing.address, "/billing/address")
    yield Entry("33", 57, 66, 3, claim.submitter.phone[:3], "/submitter/phone")
    yield Entry("33", 57, 70, 7, claim.submitter.phone[3:], "/submitter/phone")
    yield Entry("33a", 61, 50, 10, billing.npi, "/billing/npi")


def _called(box: str, column: int, width: int, name: str, field: str) -> Entry:
    return Entry(box, 58, column, width, _shortened(name, width), field)


def _place(box: str, column: int, width: int, address: Address, field: str) -> Iterator[Entry]:
    city = _shortened(f"{address.city} {address.state} {_zip(address.postal_code)}", width)
    yield Entry(box, 59, column, width, _street(address, width), f"{field}/line1")
    yield Entry(box, 60, column, width, city, f"{field}/city")


# -------------------------------------------------------------------------------------- the form's ways


def _name(family: str, given: str) -> str:
    return ", ".join(filter(None, (family, given)))


def _street(address: Address, width: int) -> str:
    return _shortened(f"{address.line1} {address.line2}".strip(), width)


def _shortened(text: str, width: int) -> str:
    """Where it would not fit, with the usual abbreviations, then also without commas and full stops."""
    words = text.split(" ")
    shorter = " ".join(ABBREVIATIONS.get(word, word) for word in words)
    shortest = " ".join(map(_bare, words))
    return next((each for each in (text, shorter, shortest) if len(each) <= width), text)


def _bare(word: str) -> str:
    bare = word.rstrip(",.")
    return ABBREVIATIONS.get(bare, bare)


def _zip(digits: str) -> str:
    return f"{digits[:5]}-{digits[5:]}" if len(digits) > 5 else digits


def _day(
    box: str, line: int, columns: Sequence[int], day: date, field: str, *, short: bool = False
) -> Iterator[Entry]:
    """Month, day and year in a place each; a day of service has two digits of its year."""
    for column, text in zip(
        columns, (f"{day:%m}", f"{day:%d}", f"{day:%y}" if short else f"{day:%Y}"), strict=True
    ):
        yield Entry(box, line, column, len(text), text, field)


def _amount(amount: Money) -> str:
    """Dollars, a space in place of the point, and cents, at the right of the box."""
    return f"{amount.cents // 100:>5} {amount.cents % 100:02d}"
