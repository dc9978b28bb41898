"""A claim out of the facts that a superbill is made of. No clock, no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from billing.catalog.records import Address, Entity, Provider, Site
from billing.insurance.records import SuperbillLine
from billing.insurance.records.claims import (
    BillingProvider,
    Claim,
    ClaimDrug,
    ClaimLine,
    ClaimPatient,
    ClaimPayer,
    Facility,
    Frequency,
    IssuedClaim,
    Practitioner,
    Receiver,
    Submitter,
    Subscriber,
)
from billing.insurance.records.superbills import NOBODY, ReferringProvider, Wishes
from billing.insurance.rules.claim_checks import UNLISTED
from billing.insurance.rules.claim_text import basic, digits
from billing.insurance.rules.coding import OFFICE
from billing.insurance.rules.figures import figures_of
from billing.insurance.rules.lines import POINTERS, control_number, pointers
from billing.insurance.rules.superbill import Encounter, Parties
from billing.insurance.states import ClaimState
from billing.patients.records import Address as PatientAddress
from billing.patients.records import Patient, Policy, Relationship

CREDENTIALS = frozenset({
    "APRN", "CNS", "CRNA", "DC", "DO", "DPM", "FNP", "FNP-C", "LCSW", "MD", "NP", "NP-C", "PA", "PA-C", "PhD",
    "PMHNP", "PsyD", "RN",
})  # fmt: skip
"""As they stand behind a name without a comma. Capitals tell them from names: DO, not Do."""
LONGEST_SENT_REASON = 500
"""Characters in which a person says why a claim went out though it was to stay here."""
PARTICLES = frozenset({
    "AF", "AL", "AV", "BIN", "BINT", "DA", "DAL", "DE", "DEL", "DELLA", "DEN", "DER", "DES", "DI", "DO",
    "DOS", "DU", "EL", "IBN", "LA", "LAS", "LE", "LOS", "SAINT", "ST", "TEN", "TER", "VAN", "VOM",
    "VON", "ZU", "ZUM", "ZUR",
})  # fmt: skip
"""Words before a family name that belong to it."""


@dataclass(frozen=True, kw_only=True)
class Filing:
    """Which claim it is to the insurer."""

    frequency: Frequency = Frequency.ORIGINAL
    original_reference: str = ""


MARKS = {
    ClaimState.REPLACED: "REPLACED - do not submit",
    ClaimState.VOIDED: "VOID - do not submit",
}


def claim_of(parties: Parties, policy: Policy, encounter: Encounter, filing: Filing) -> Claim:
    """The claim of one session: the codes, charges and payments of its superbill, in an insurer's letters.

    The insurer is asked to pay the patient, with no assignment accepted and no benefits assigned, unless the
    patient assigned the plan's payment to the clinic.
    """
    number, said = control_number(encounter.session_id), figures_of(encounter.charged.net, encounter.payments)
    pays_clinic = bool(encounter.wishes.pays_clinic)
    return Claim(
        submitter=_submitter(parties.entity),
        receiver=_receiver(parties.entity, policy),
        billing=_billing(parties.entity),
        rendering=_rendering(parties.provider),
        facility=_facility(parties.entity, parties.site),
        payer=ClaimPayer(name=basic(policy.payer_name), id=basic(policy.payer_id)),
        subscriber=_subscriber(parties.patient, policy),
        patient=_patient(parties.patient, policy.relationship),
        control_number=number,
        frequency=filing.frequency,
        original_reference=basic(filing.original_reference),
        place_of_service=OFFICE,
        diagnoses=encounter.diagnoses,
        lines=_lines(encounter, number),
        charge=said.charge,
        paid=said.paid,
        accepts_assignment=pays_clinic,
        assigns_benefits=pays_clinic,
        releases_information=True,
        is_sample=encounter.is_sample,
        referring=_referring(encounter.wishes.referring_provider or NOBODY),
    )


def wishes_of_claim(claim: Claim) -> Wishes:
    """As a claim says them; what diagnoses mean is never in one."""
    person = claim.referring
    return Wishes(
        referring_provider=ReferringProvider(name=_full(person), npi=person.npi) if person else NOBODY,
        pays_clinic=claim.assigns_benefits,
    )


def same_claim(one: Claim, other: Claim) -> bool:
    """Whether two claims say the same, whether they are sent for the first time or not."""
    filed_alike = replace(one, frequency=other.frequency, original_reference=other.original_reference)
    return filed_alike == other


def tells_of_visit(claim: Claim, provider: Provider, encounter: Encounter) -> bool:
    """Whether a claim says what was done, and by whom, as it stands; whatever else became of it."""
    number = claim.control_number
    present = _rendering(provider)
    is_same_person = (claim.rendering.npi, _full(claim.rendering)) == (present.npi, _full(present))
    return is_same_person and claim.lines == _lines(encounter, number)


def day_of_service(claim: Claim) -> date:
    """The first one of its lines."""
    return min(line.served_on for line in claim.lines)


def mark_of_copy(claim: IssuedClaim) -> str:
    """What a copy has to say at its top, so that nobody sends to an insurer what holds no more."""
    return MARKS.get(claim.state, "")


def file_by(served_on: date, policy: Policy | None) -> date | None:
    """The last day on which the plan takes a claim, as its card or contract says; None when not known."""
    if policy is None or policy.filing_days is None:
        return None
    return served_on + timedelta(days=policy.filing_days)


def _submitter(entity: Entity) -> Submitter:
    """A clinic without a number of its own at the clearinghouse is known by its tax number."""
    name = basic(entity.name)
    return Submitter(
        name=name,
        id=basic(entity.submitter_id or digits(entity.tin)),
        contact=basic(entity.trade_name),
        phone=_ten_digits(entity.phone),
    )


def _receiver(entity: Entity, policy: Policy) -> Receiver:
    """The clearinghouse of the clinic; without one, the payer itself."""
    if entity.clearinghouse_id and entity.clearinghouse_name:
        return Receiver(name=basic(entity.clearinghouse_name), id=basic(entity.clearinghouse_id))
    return Receiver(name=basic(policy.payer_name), id=basic(policy.payer_id))


def _billing(entity: Entity) -> BillingProvider:
    return BillingProvider(
        name=basic(entity.name),
        npi=entity.npi,
        tin=digits(entity.tin),
        taxonomy=entity.taxonomy,
        address=_address(entity.address),
    )


def _rendering(provider: Provider) -> Practitioner:
    return _practitioner(provider.name, provider.npi)


def _referring(provider: ReferringProvider) -> Practitioner | None:
    """Without titles: no insurer takes them, and people write them down all the same."""
    words = provider.name.partition(",")[0].split()
    if len(words) > 1 and words[0].rstrip(".").upper() == "DR":
        words = words[1:]
    if len(words) > 2 and words[-1].replace(".", "") in CREDENTIALS:
        words = words[:-1]
    return _practitioner(" ".join(words), provider.npi) if provider.name else None


def _practitioner(name: str, npi: str) -> Practitioner:
    given, family = parts_of_name(basic(name).split())
    return Practitioner(family_name=family, given_name=given, npi=npi)


def _full(person: Practitioner) -> str:
    """The name however it was parted."""
    return f"{person.given_name} {person.family_name}".strip()


def parts_of_name(words: Sequence[str]) -> tuple[str, str]:
    """Given and family name: the last word, with the particles that it has before it.

    The first of several words is a given name whatever it is. Insurers match people by their NPI.
    """
    first = max(len(words) - 1, 0)
    while first > 1 and words[first - 1].rstrip(".").upper() in PARTICLES:
        first -= 1
    return " ".join(words[:first]), " ".join(words[first:])


def _facility(entity: Entity, site: Site) -> Facility | None:
    if site.address == entity.address:
        return None
    return Facility(name=basic(site.name), address=_address(site.address))


def _subscriber(patient: Patient, policy: Policy) -> Subscriber:
    is_self = policy.relationship is Relationship.SELF
    return Subscriber(
        family_name=basic(patient.family_name if is_self else policy.subscriber_family_name or ""),
        given_name=basic(patient.given_name if is_self else policy.subscriber_given_name or ""),
        member_id=basic(policy.member_id),
        group_number=basic(policy.group_number or ""),
    )


def _patient(patient: Patient, relationship: Relationship) -> ClaimPatient:
    return ClaimPatient(
        family_name=basic(patient.family_name),
        given_name=basic(patient.given_name),
        born_on=patient.born_on,
        sex=patient.sex,
        address=_address(patient.address),
        relationship=relationship,
    )


def _lines(encounter: Encounter, number: str) -> tuple[ClaimLine, ...]:
    return tuple(
        _line(line, encounter, f"{number}{place:02d}") for place, line in enumerate(encounter.lines, 1)
    )


def _line(line: SuperbillLine, encounter: Encounter, number: str) -> ClaimLine:
    drug = line.drug
    return ClaimLine(
        code=line.code,
        modifiers=line.modifiers,
        units=line.units,
        charge=line.charge,
        pointers=tuple(
            POINTERS.index(letter) + 1 for letter in line.pointers or pointers(len(encounter.diagnoses))
        ),
        served_on=encounter.started.date(),
        description=basic(line.description) if line.code in UNLISTED else "",
        drug=ClaimDrug(ndc=digits(drug.ndc), quantity=Decimal(drug.quantity), unit=drug.unit)
        if drug
        else None,
        control_number=number,
    )


def _address(address: Address | PatientAddress) -> Address:
    return Address(
        line1=basic(address.line1),
        line2=basic(address.line2),
        city=basic(address.city),
        state=address.state,
        postal_code=digits(address.postal_code),
    )


def _ten_digits(phone: str) -> str:
    return digits(phone).removeprefix("1") if len(digits(phone)) == 11 else digits(phone)
