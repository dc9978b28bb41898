"""How the facts of a superbill become a claim."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from billing.catalog.records import Address, Entity, Provider, Site
from billing.insurance.records import DrugGiven, SuperbillLine
from billing.insurance.records.claims import Frequency
from billing.insurance.records.superbills import NOBODY, ReferringProvider, Wishes
from billing.insurance.rules.claim_checks import claim_flaws
from billing.insurance.rules.claims import Filing, claim_of, same_claim, wishes_of_claim
from billing.insurance.rules.superbill import Encounter, Parties
from billing.invoices.records import InvoiceLine
from billing.kernel.money import Money
from billing.patients.records import Address as Home
from billing.patients.records import Patient, Policy, Relationship, Sex
from billing.payments.records.payments import Paid, Tender
from tests.factories.claims import EDITION

STREET = Address(line1="100 Sample Street", line2="", city="Austin", state="TX", postal_code="78701-1234")
ENTITY = Entity(
    id="ent_1", slug="b", name="Sample Clínic, PLLC", trade_name="Sample Clinic", statement_descriptor=None,
    mail_name=None, tin="12-3456789", npi="2000000010", taxonomy="261QI0500X", timezone="America/Chicago",
    address=STREET, phone="+1 (512) 555-0100",
)  # fmt: skip
SITE = Site(
    id="site_1", entity_id="ent_1", code="central", name="Central", address=STREET, phone="512-555-0100",
    timezone="America/Chicago",
)  # fmt: skip
PROVIDER = Provider(
    id="prov_1", entity_id="ent_1", name="Mary Ann Sample", credentials="MD", npi="2000000028",
    license_number="1", license_state="TX",
)  # fmt: skip
PATIENT = Patient(
    id="pat_1", entity_id="ent_1", site_id="site_1", number=1, version=1, given_name="Zoë",
    family_name="Núñez", born_on=date(1980, 5, 17), sex=Sex.FEMALE, added_at=datetime(2026, 1, 1, tzinfo=UTC),
    address=Home(line1="12 Elm St #4", city="Austin", state="TX", postal_code="78702"),
)  # fmt: skip
POLICY = Policy(
    id="pol_1", patient_id="pat_1", payer_name="Sample Health Plan", payer_id="SHP01", member_id="w-1",
    effective_from=date(2026, 1, 1), ends_on=None,
)  # fmt: skip
DRUG = DrugGiven(
    code="J3490", description="Ketamine 50 mg/mL, 40 mg given", ndc="00409-2051-05", quantity="0.8", unit="ML"
)
ENCOUNTER = Encounter(
    session_id="ses_0123456789abcdefghjkmnpqrs",
    started=datetime(2026, 11, 3, 9, 0, tzinfo=UTC),
    stopped=datetime(2026, 11, 3, 9, 45, tzinfo=UTC),
    diagnoses=("F33.2", "F41.1", "F43.12", "G89.4", "M79.7"),
    lines=(
        SuperbillLine(code="96365", units=1, charge=Money(38_250), description="Infusion session"),
        SuperbillLine(code="J3490", units=1, charge=Money(0), description=DRUG.description, drug=DRUG),
    ),
    charged=InvoiceLine(
        session_id="ses_0123456789abcdefghjkmnpqrs",
        service_on=date(2026, 11, 3),
        id="il_1",
        service="infusion",
        charge=Money(45_000),
        discount=Money(6_750),
        net=Money(38_250),
    ),
    payments=(),
    is_sample=False,
)


def made(*, policy=POLICY, encounter=ENCOUNTER, filing=Filing(), **parties):  # noqa: B008
    told = {"entity": ENTITY, "site": SITE, "provider": PROVIDER, "patient": PATIENT, "policy": policy}
    return claim_of(Parties(**{**told, **parties}), policy, encounter, filing)


def test_the_facts_of_a_clinic_and_its_patient_are_written_so_that_they_pass_the_checks():
    claim = made()
    assert claim_flaws(claim, EDITION, as_of=date(2026, 11, 4)) == []
    assert (claim.billing.name, claim.billing.tin) == ("SAMPLE CLINIC, PLLC", "123456789")
    assert claim.submitter.phone == "5125550100"
    assert (claim.patient.family_name, claim.patient.address.line1) == ("NUNEZ", "12 ELM ST 4")
    assert (claim.subscriber.family_name, claim.subscriber.member_id) == ("NUNEZ", "W-1")
    assert claim.control_number == "CDEFGHJKMNPQRS"


def test_each_line_points_to_the_first_four_diagnoses_and_has_a_number_of_its_own():
    first, second = made().lines
    assert first.pointers == second.pointers == (1, 2, 3, 4)
    assert (first.description, second.description) == ("", "KETAMINE 50 MG/ML, 40 MG GIVEN")
    assert second.drug.ndc == "00409205105"
    assert first.control_number.endswith("01")
    assert second.control_number.endswith("02")


def test_a_code_that_names_no_one_thing_is_described_and_no_other():
    added = SuperbillLine(code="J3490", units=1, charge=Money(500), description="Vitamin #2")
    of_its_own = replace(ENCOUNTER.lines[1], code="J0013")
    lines = (ENCOUNTER.lines[0], added, of_its_own)
    told = [line.description for line in made(encounter=replace(ENCOUNTER, lines=lines)).lines]
    assert told == ["", "VITAMIN 2", ""]


@pytest.mark.parametrize(
    ("name", "family", "given"),
    [("Mary Ann Sample", "SAMPLE", "MARY ANN"), ("Sample", "SAMPLE", ""), (" ", "", "")],
)
def test_the_last_word_of_a_providers_name_is_the_family_name(name, family, given):
    rendering = made(provider=replace(PROVIDER, name=name)).rendering
    assert (rendering.family_name, rendering.given_name) == (family, given)


def wished(**wishes):
    return made(encounter=replace(ENCOUNTER, wishes=Wishes(**wishes)))


def test_the_patient_is_paid_unless_they_assigned_it_to_the_clinic():
    for claim, is_assigned in (
        (made(), False),
        (wished(pays_clinic=False), False),
        (wished(pays_clinic=True), True),
    ):
        assert (claim.accepts_assignment, claim.assigns_benefits) == (is_assigned, is_assigned)


@pytest.mark.parametrize(
    ("name", "family", "given"),
    [
        ("Dana Sender", "SENDER", "DANA"),
        ("Dana Ann Sender, M.D., PhD", "SENDER", "DANA ANN"),
        ("Dr. Dana Séndèr MD", "SENDER", "DANA"),
        ("DR Dana Sender NP-C", "SENDER", "DANA"),
        ("Sender", "SENDER", ""),
        ("Dr. Do", "DO", ""),
        ("李 Sender", "SENDER", "李"),
    ],
)
def test_who_referred_is_named_without_titles(name, family, given):
    referring = wished(referring_provider=ReferringProvider(name=name, npi="1245319599")).referring
    assert (referring.family_name, referring.given_name, referring.npi) == (family, given, "1245319599")


@pytest.mark.parametrize(("name", "family", "given"), [
    ("Dr. Erika van der Berg", "VAN DER BERG", "ERIKA"),
    ("Ana María de la Cruz, MD", "DE LA CRUZ", "ANA MARIA"),
    ("Karl von Sample", "VON SAMPLE", "KARL"),
    ("Yusuf Bin Rashid", "BIN RASHID", "YUSUF"),
    ("Omar al Rashid", "AL RASHID", "OMAR"),
    ("Mary St. John", "ST. JOHN", "MARY"),
    ("Van Sample", "SAMPLE", "VAN"),
    ("Al de Sample", "DE SAMPLE", "AL"),
    ("Mary Ann Sample", "SAMPLE", "MARY ANN"),
])  # fmt: skip
def test_the_particles_of_a_family_name_belong_to_it(name, family, given):
    referring = wished(referring_provider=ReferringProvider(name=name, npi="1245319599")).referring
    assert (referring.family_name, referring.given_name) == (family, given)


def test_nobody_referred_unless_somebody_is_named():
    assert made().referring is None
    assert wished(referring_provider=NOBODY).referring is None


def test_what_was_wished_of_a_claim_is_read_back_out_of_it():
    told = wished(
        referring_provider=ReferringProvider(name="Dana Sender, MD", npi="1245319599"), pays_clinic=True
    )
    again = made(encounter=replace(ENCOUNTER, wishes=wishes_of_claim(told)))
    assert again == told
    assert wishes_of_claim(made()) == Wishes(referring_provider=NOBODY, pays_clinic=False)


def test_a_site_elsewhere_is_named_as_the_facility():
    assert made().facility is None
    west = replace(SITE, name="West", address=replace(STREET, line1="200 Sample Avenue"))
    facility = made(site=west).facility
    assert (facility.name, facility.address.line1) == ("WEST", "200 SAMPLE AVENUE")


def test_the_clearinghouse_is_the_receiver_or_else_the_payer():
    assert (made().receiver.id, made().submitter.id) == ("SHP01", "123456789")
    with_one = replace(ENTITY, clearinghouse_name="House", clearinghouse_id="CH1", submitter_id="US1")
    claim = made(entity=with_one)
    assert (claim.receiver.name, claim.receiver.id, claim.submitter.id) == ("HOUSE", "CH1", "US1")


def test_what_an_insurer_paid_is_not_told_as_the_patients():
    day = date(2026, 11, 3)
    payments = tuple(
        Paid(amount=Money(cents), payer_id=None, paid_on=day, tender=tender)
        for cents, tender in ((100, Tender.CASH), (20, Tender.CREDIT), (3, Tender.INSURER))
    )
    assert made(encounter=replace(ENCOUNTER, payments=payments)).paid == Money(120)


def test_a_spouse_is_a_subscriber_of_their_own():
    policy = replace(
        POLICY,
        relationship=Relationship.SPOUSE,
        subscriber_given_name="José",
        subscriber_family_name="Ruiz",
        group_number="g 7",
    )
    claim = made(policy=policy)
    assert (claim.subscriber.family_name, claim.subscriber.given_name) == ("RUIZ", "JOSE")
    assert claim.subscriber.group_number == "G 7"
    assert claim.patient.relationship is Relationship.SPOUSE


def test_claims_are_the_same_whatever_they_are_to_the_insurer():
    again = made(filing=Filing(frequency=Frequency.REPLACEMENT, original_reference="p 1"))
    assert again.original_reference == "P 1"
    assert same_claim(again, made())
    assert not same_claim(again, made(patient=replace(PATIENT, family_name="Ruiz")))
