"""The paper form: every figure in its box, nothing over anything else, each sheet adding up by itself."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.records import Address
from billing.insurance.records.claims import Frequency
from billing.insurance.rules.cms1500 import paper_flaws, sheets_of
from billing.kernel.money import Money, total
from billing.patients.records import Relationship, Sex
from tests.factories.claims import A_FACILITY, A_REFERRER, a_claim, a_dependant, a_drug_line, a_line

CONTROL = "ABCDEFGHJKMN23"
TWELVE = (
    "F33.2", "F43.10", "G89.4", "M79.7", "G90.511", "F41.1",
    "R45.851", "E11.42", "B02.29", "G43.719", "M54.16", "M96.1",
)  # fmt: skip


def on_paper(**changes):
    return a_claim(**{"control_number": CONTROL, **changes})


def boxes(claim, sheet=0):
    """What stands in each box, from left to right and from top to bottom."""
    found = {}
    for entry in sorted(sheets_of(claim)[sheet], key=lambda each: (each.line, each.column)):
        found.setdefault(entry.box, []).append(entry.text.strip())
    return {box: " ".join(texts) for box, texts in found.items()}


def columns(claim, box):
    return {entry.column for sheet in sheets_of(claim) for entry in sheet if entry.box == box}


def test_each_box_of_a_claim_of_the_patient_for_themselves():
    told = boxes(on_paper())
    assert {box: told[box] for box in ("carrier", "1a", "2", "3", "4", "5", "6", "7", "11")} == {
        "carrier": "SAMPLE HEALTH PLAN SAMPLE DATA - DO NOT SUBMIT",
        "1a": "W123456",
        "2": "SAMPLE, MARIA",
        "3": "05 17 1980 X",
        "4": "SAMPLE, MARIA",
        "5": "12 ELM STREET AUSTIN TX 78702",
        "6": "X",
        "7": "12 ELM STREET AUSTIN TX 78702",
        "11": "G-7",
    }
    assert (told["12"], told["11a"]) == ("SIGNATURE ON FILE", "05 17 1980 X")
    assert {"13", "22", "31"}.isdisjoint(told)
    assert (told["21"], told["24D"]) == ("0 F332", "96365 J3490")
    assert told["24A"] == "11 03 26 11 03 26 11 03 26 11 03 26"
    assert told["24"] == "N400409205105 ML0.8   ZZKETAMINE HCL 50 MG/ML, 40 MG GIVEN"
    assert (told["24F"], told["28"], told["29"]) == ("382 50 0 00", "382 50", "382 50")
    assert (told["25"], told["26"], told["24J"]) == ("123456789 X", CONTROL, "2000000028 2000000028")
    assert told["33"] == "512 5550100 SAMPLE CLINIC B, PLLC 100 SAMPLE STREET SUITE 200 AUSTIN TX 78701-1234"
    assert told["32"] == "SAMPLE CLINIC B 100 SAMPLE ST STE 200 AUSTIN TX 78701-1234"
    assert (told["32a"], told["33a"]) == ("2000000010", "2000000010")


def test_no_assignment_is_accepted_and_the_patient_is_paid():
    assert columns(on_paper(), "27") == {43}
    assigned = on_paper(accepts_assignment=True, assigns_benefits=True)
    assert columns(assigned, "27") == {38}
    assert boxes(assigned)["13"] == "SIGNATURE ON FILE"


def test_who_referred_stands_in_box_17_with_a_qualifier_and_their_number():
    told = boxes(on_paper(referring=A_REFERRER))
    assert (told["17"], told["17b"]) == ("DN DANA SENDER", "1245319599")
    assert {"17", "17b"}.isdisjoint(boxes(on_paper()))
    alone = replace(A_REFERRER, given_name="")
    assert boxes(on_paper(referring=alone))["17"] == "DN SENDER"


@pytest.mark.parametrize(
    ("relationship", "column"),
    [
        (Relationship.SELF, 33),
        (Relationship.SPOUSE, 38),
        (Relationship.CHILD, 42),
        (Relationship.OTHER, 47),
    ],
)
def test_the_relationship_is_marked(relationship, column):
    claim = on_paper()
    assert columns(replace(claim, patient=replace(claim.patient, relationship=relationship)), "6") == {column}


def test_of_a_dependants_subscriber_only_what_the_card_says():
    told = boxes(a_dependant(control_number=CONTROL))
    assert (told["2"], told["4"], told["1a"]) == ("SAMPLE, KIM", "SAMPLE, MARIA", "W123456")
    assert {"7", "11a"}.isdisjoint(told)


@pytest.mark.parametrize(("sex", "column"), [(Sex.MALE, 42), (Sex.FEMALE, 47)])
def test_the_sex_is_marked(sex, column):
    claim = on_paper()
    assert column in columns(replace(claim, patient=replace(claim.patient, sex=sex)), "3")


def test_what_replaces_a_claim_names_it():
    told = boxes(on_paper(frequency=Frequency.REPLACEMENT, original_reference="ABC123"))
    assert told["22"] == "7 ABC123"


def test_a_place_that_is_not_the_billing_providers_has_no_number_of_theirs():
    told = boxes(on_paper(facility=A_FACILITY))
    assert told["32"] == "SAMPLE CLINIC B WEST 200 SAMPLE AVE STE 200 AUSTIN TX 78701-1234"
    assert "32a" not in told


def test_seven_lines_are_two_claims_that_add_up():
    lines = (*(a_line(number) for number in range(1, 7)), a_drug_line(7), a_line(8, charge=Money(100)))
    claim = on_paper(lines=lines, paid=Money(6 * 38_250 + 50))
    first, second = boxes(claim), boxes(claim, 1)
    assert (first["28"], first["29"]) == ("2295 00", "2295 00")
    assert (second["28"], second["29"]) == ("1 00", "0 50")
    assert (second["2"], second["26"], second["24D"]) == ("SAMPLE, MARIA", CONTROL, "J3490 96365")


def numbered(number, modifiers, charge):
    return a_line(number, modifiers=("59", "XE", "XS", "25")[:modifiers], charge=Money(charge))


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1_600_000)), min_size=1, max_size=50),
    st.integers(1, 12),
    st.integers(0, 80_000_000),
)
def test_no_entry_stands_on_another_and_all_sums_are_the_claims(lines, diagnoses, paid):
    listed = tuple(numbered(place, *each) for place, each in enumerate(lines, 1))
    claim = on_paper(
        lines=listed,
        diagnoses=TWELVE[:diagnoses],
        referring=A_REFERRER,
        accepts_assignment=True,
        assigns_benefits=True,
        frequency=Frequency.REPLACEMENT,
        original_reference="R" * 17,
    )
    claim = replace(claim, paid=min(Money(paid), claim.charge))
    assert [flaw.pointer for flaw in paper_flaws(claim)] == []
    charges, payments = [], []
    for sheet in sheets_of(claim):
        taken = Counter(
            (entry.line, entry.column + at)
            for entry in sheet
            for at in range(max(entry.width, len(entry.text)))
        )
        assert not {at: count for at, count in taken.items() if count > 1}
        assert all(1 <= entry.line <= 61 and entry.column + entry.width <= 80 for entry in sheet)
        charges += [money(entry) for entry in sheet if entry.box == "24F"]
        payments += [money(entry) for entry in sheet if entry.box == "29"]
        here = total(money(entry) for entry in sheet if entry.box == "24F")
        assert [money(entry) for entry in sheet if entry.box == "28"] == [here]
    assert (total(charges), total(payments)) == (claim.charge, claim.paid)


def money(entry):
    dollars, cents = entry.text.split()
    return Money(int(dollars) * 100 + int(cents))


LONG = Address(line1="1" * 40, line2="", city="AUSTIN", state="TX", postal_code="78702")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"control_number": "A" * 15}, "/control_number"),
        ({"subscriber": {"member_id": "W" * 30}}, "/subscriber/member_id"),
        ({"subscriber": {"group_number": "G" * 30}}, "/subscriber/group_number"),
        ({"patient": {"family_name": "S" * 29}}, "/patient/family_name"),
        ({"patient": {"address": LONG}}, "/patient/address/line1"),
        ({"payer": {"name": "P" * 39}}, "/payer/name"),
        ({"billing": {"address": LONG}}, "/billing/address/line1"),
        ({"referring": replace(A_REFERRER, family_name="S" * 29)}, "/referring/family_name"),
        ({"lines": (a_line(units=1000),)}, "/lines/0/units"),
        ({"lines": (a_line(charge=Money(10_000_000)),), "paid": Money(0)}, "/lines/0/charge"),
        ({"lines": (*(a_line(number) for number in range(1, 8)), a_line(8, units=1000))}, "/lines/7/units"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_field_and_never_cut(changes, field):
    claim = on_paper()
    for name, change in changes.items():
        value = replace(getattr(claim, name), **change) if isinstance(change, dict) else change
        claim = replace(claim, **{name: value})
    flaws = paper_flaws(claim)
    assert field in [flaw.pointer for flaw in flaws]
    assert len({flaw.pointer for flaw in flaws}) == len(flaws)
    assert not any("S" * 29 in flaw.message or "W" * 30 in flaw.message for flaw in flaws)


def test_a_drugs_words_are_shortened_as_its_label_has_them_where_they_would_not_fit():
    line = a_drug_line(1)
    line = replace(line, description="KETAMINE HYDROCHLORIDE 50 MG/ML, 40 MG GIVEN; INCLUDED IN THE INFUSION")
    told = boxes(on_paper(lines=(line, a_line(2))))
    assert told["24"] == "N400409205105 ML0.8   ZZKETAMINE HCL 50 MG/ML, 40 MG GIVEN"


def test_a_clinics_name_loses_its_commas_before_it_is_refused():
    billing = replace(on_paper().billing, name="SAMPLE INFUSION CLINIC B, PLLC")
    assert "SAMPLE INFUSION CLINIC B PLLC 100" in boxes(on_paper(billing=billing))["33"]
