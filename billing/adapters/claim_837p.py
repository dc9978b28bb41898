"""Writes professional claims as X12 837 files, 005010X222A1.

One interchange is one functional group; a transaction takes at most 5,000 claims. Claims of one billing
provider stand below it, each with its own subscriber, and with the patient below that when it is another.
What is written was checked before (`billing.insurance.rules.claim_checks`); a delimiter in it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from billing.catalog.records import Address
from billing.insurance.records.claims import (
    BillingProvider,
    Claim,
    ClaimDrug,
    ClaimLine,
    ClaimPatient,
    Facility,
    Frequency,
    Interchange,
    Practitioner,
    Receiver,
    Submitter,
)
from billing.insurance.rules.claim_file import MOST_CLAIMS, interchange_from
from billing.insurance.rules.claim_text import BASIC
from billing.kernel.money import Money
from billing.patients.records import Relationship, Sex

VERSION = "005010X222A1"
ELEMENT, COMPONENT, REPETITION, END = "*", ":", "^", "~"
RELATIONSHIPS = {Relationship.SPOUSE: "01", Relationship.CHILD: "19", Relationship.OTHER: "G8"}
SEXES = {Sex.FEMALE: "F", Sex.MALE: "M"}
COMMERCIAL = "CI"
"""SBR09: what the plan is to the insurer is not on the patient's card."""

Segment = tuple[str, ...]


def render_837p(body: Mapping[str, Any]) -> bytes:
    """The file of a frozen body; the same body gives the same bytes."""
    return emit_837p(interchange_from(body))


def emit_837p(interchange: Interchange) -> bytes:
    """Raises: ValueError for no claims, or claims that cannot share a file."""
    head = {(claim.submitter, claim.receiver, claim.is_sample) for claim in interchange.claims}
    if len(head) != 1:
        raise ValueError("the claims of a file have one submitter, one receiver and one kind")
    ((submitter, receiver, is_sample),) = head
    control, at = interchange.control_number, interchange.made_at
    parts = [
        interchange.claims[start : start + MOST_CLAIMS]
        for start in range(0, len(interchange.claims), MOST_CLAIMS)
    ]
    segments = [
        _isa(interchange, submitter, receiver, "T" if is_sample else "P"),
        ("GS", "HC", submitter.id, receiver.id, f"{at:%Y%m%d}", f"{at:%H%M}", str(control), "X", VERSION),
    ]
    for number, claims in enumerate(parts, 1):
        segments += _transaction(interchange, claims, f"{number:04d}")
    segments += [("GE", str(len(parts)), str(control)), ("IEA", "1", f"{control:09d}")]
    return "".join(f"{_joined(segment)}{END}\n" for segment in segments).encode("ascii")


def _joined(segment: Segment) -> str:
    """Elements that are empty at the end are left out."""
    joined = ELEMENT.join(segment)
    return joined if segment[0] == "ISA" else joined.rstrip(ELEMENT)


def _isa(interchange: Interchange, submitter: Submitter, receiver: Receiver, usage: str) -> Segment:
    at = interchange.made_at
    return (
        "ISA", "00", " " * 10, "00", " " * 10, "ZZ", _safe(submitter.id).ljust(15),
        "ZZ", _safe(receiver.id).ljust(15), f"{at:%y%m%d}", f"{at:%H%M}", REPETITION, "00501",
        f"{interchange.control_number:09d}", "0", usage, COMPONENT,
    )  # fmt: skip


def _transaction(interchange: Interchange, claims: Sequence[Claim], number: str) -> list[Segment]:
    at, submitter, receiver = interchange.made_at, claims[0].submitter, claims[0].receiver
    reference = f"{interchange.control_number:09d}{number}"
    inside: list[Segment] = [
        ("ST", "837", number, VERSION),
        ("BHT", "0019", "00", reference, f"{at:%Y%m%d}", f"{at:%H%M}", "CH"),
        _organisation("41", submitter.name, "46", submitter.id),
        ("PER", "IC", _contact(submitter), "TE", submitter.phone),
        _organisation("40", receiver.name, "46", receiver.id),
        *_levels(claims),
    ]
    return [*inside, ("SE", str(len(inside) + 1), number)]


def _contact(submitter: Submitter) -> str:
    """Left out where it says the submitter's name again."""
    return "" if submitter.contact == submitter.name else _safe(submitter.contact)


def _levels(claims: Sequence[Claim]) -> Iterator[Segment]:
    """Billing providers, their subscribers, and patients who are somebody else, numbered as they come."""
    level = 0
    for billing, theirs in _by_billing_provider(claims):
        level += 1
        provider = level
        yield from _billing_level(billing, provider)
        for claim in theirs:
            level += 1
            subscriber, is_self = level, claim.patient.relationship is Relationship.SELF
            yield from _subscriber_level(claim, subscriber, provider, is_self=is_self)
            if not is_self:
                level += 1
                yield ("HL", str(level), str(subscriber), "23", "0")
                yield ("PAT", RELATIONSHIPS[claim.patient.relationship])
                yield _person("QC", claim.patient.family_name, claim.patient.given_name)
                yield from _demographics(claim.patient)
            yield from _claim(claim)


def _by_billing_provider(claims: Iterable[Claim]) -> Iterable[tuple[BillingProvider, list[Claim]]]:
    grouped: dict[BillingProvider, list[Claim]] = {}
    for claim in claims:
        grouped.setdefault(claim.billing, []).append(claim)
    return grouped.items()


def _billing_level(billing: BillingProvider, level: int) -> Iterator[Segment]:
    yield ("HL", str(level), "", "20", "1")
    yield ("PRV", "BI", "PXC", billing.taxonomy)
    yield _organisation("85", billing.name, "XX", billing.npi)
    yield from _address(billing.address)
    yield ("REF", "EI", billing.tin)


def _subscriber_level(claim: Claim, level: int, parent: int, *, is_self: bool) -> Iterator[Segment]:
    """Address, birth date and sex are the subscriber's only when the subscriber is the patient."""
    subscriber = claim.subscriber
    yield ("HL", str(level), str(parent), "22", "0" if is_self else "1")
    yield (
        "SBR", "P", "18" if is_self else "", _safe(subscriber.group_number), "", "", "", "", "", COMMERCIAL,
    )  # fmt: skip
    yield _person("IL", subscriber.family_name, subscriber.given_name, "MI", subscriber.member_id)
    if is_self:
        yield from _demographics(claim.patient)
    yield _organisation("PR", claim.payer.name, "PI", claim.payer.id)


def _demographics(patient: ClaimPatient) -> Iterator[Segment]:
    if patient.born_on is None or patient.sex not in SEXES:
        raise ValueError("a patient without a birth date or sex was not checked")
    yield from _address(patient.address)
    yield ("DMG", "D8", f"{patient.born_on:%Y%m%d}", SEXES[patient.sex])


def _claim(claim: Claim) -> Iterator[Segment]:
    place = COMPONENT.join([claim.place_of_service, "B", claim.frequency])
    assignment = "A" if claim.accepts_assignment else "C"
    yield (
        "CLM", _safe(claim.control_number), _dollars(claim.charge), "", "", place, "Y", assignment,
        "Y" if claim.assigns_benefits else "N", "Y" if claim.releases_information else "I",
    )  # fmt: skip
    if claim.paid:
        yield ("AMT", "F5", _dollars(claim.paid))
    if claim.frequency is not Frequency.ORIGINAL:
        yield ("REF", "F8", _safe(claim.original_reference))
    yield ("HI", *_diagnoses(claim.diagnoses))
    if claim.referring:
        yield _practitioner("DN", claim.referring)
    yield _practitioner("82", claim.rendering)
    if claim.facility:
        yield from _facility(claim.facility)
    for number, line in enumerate(claim.lines, 1):
        yield from _line(line, number)


def _diagnoses(codes: Sequence[str]) -> Iterator[str]:
    """The first is the principal one."""
    for place, code in enumerate(codes):
        yield COMPONENT.join(["ABF" if place else "ABK", _safe(code.replace(".", ""))])


def _facility(facility: Facility) -> Iterator[Segment]:
    yield ("NM1", "77", "2", _safe(facility.name))
    yield from _address(facility.address)


def _line(line: ClaimLine, number: int) -> Iterator[Segment]:
    described = [line.code, *line.modifiers]
    if line.description:
        described = [*described, *[""] * (5 - len(described)), line.description]
    procedure = COMPONENT.join(["HC", *map(_safe, described)])
    pointers = COMPONENT.join(map(str, line.pointers))
    yield ("LX", str(number))
    yield ("SV1", procedure, _dollars(line.charge), "UN", str(line.units), "", "", pointers)
    yield ("DTP", "472", "D8", f"{line.served_on:%Y%m%d}")
    yield ("REF", "6R", _safe(line.control_number))
    if line.drug:
        yield from _drug(line.drug)


def _drug(drug: ClaimDrug) -> Iterator[Segment]:
    yield ("LIN", "", "N4", drug.ndc)
    yield ("CTP", "", "", "", _plain(f"{drug.quantity:f}"), drug.unit)


def _organisation(role: str, name: str, qualifier: str, number: str) -> Segment:
    return ("NM1", role, "2", _safe(name), "", "", "", "", qualifier, _safe(number))


def _person(role: str, family: str, given: str, qualifier: str = "", number: str = "") -> Segment:
    return ("NM1", role, "1", _safe(family), _safe(given), "", "", "", qualifier, _safe(number))


def _practitioner(role: str, person: Practitioner) -> Segment:
    return _person(role, person.family_name, person.given_name, "XX", person.npi)


def _address(address: Address) -> Iterator[Segment]:
    yield ("N3", _safe(address.line1), _safe(address.line2))
    yield ("N4", _safe(address.city), address.state, address.postal_code)


def _dollars(amount: Money) -> str:
    """Without zeros at the end: 382.5, 400, 0. Raises: ValueError for a negative amount."""
    if amount.cents < 0:
        raise ValueError("a claim has no negative amounts")
    return _plain(f"{amount.cents // 100}.{amount.cents % 100:02d}")


def _plain(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _safe(text: str) -> str:
    """Raises: ValueError for what would end an element, or is no basic character."""
    if not BASIC.fullmatch(text):
        raise ValueError("a claim that was not checked holds characters that X12 does not take")
    return text
