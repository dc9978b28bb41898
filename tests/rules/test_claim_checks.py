"""What would be refused at the insurer is refused here, and named."""

from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.catalog.records import Address
from billing.insurance.records.claims import Frequency
from billing.insurance.rules.claim_checks import claim_flaws
from billing.insurance.rules.claim_text import basic, digits
from billing.kernel.money import Money
from billing.patients.records import Sex
from tests.factories.claims import (
    A_FACILITY,
    A_REFERRER,
    EDITION,
    SENT_ON,
    a_claim,
    a_dependant,
    a_drug_line,
    a_line,
)

REPLACED = {"frequency": Frequency.REPLACEMENT, "original_reference": "PAYER0001"}


def flaws_of(claim):
    return {flaw.pointer: flaw.message for flaw in claim_flaws(claim, EDITION, as_of=SENT_ON)}


def with_line(**changes):
    return a_claim(lines=(a_line(**changes),))


def with_drug(**changes):
    line = a_drug_line()
    return a_claim(lines=(a_line(), replace(line, drug=replace(line.drug, **changes))))


def within(part, **changes):
    """The claim with changes inside one of its parties."""
    claim = a_claim(facility=A_FACILITY, referring=A_REFERRER)
    return replace(claim, **{part: replace(getattr(claim, part), **changes)})


def at(part, **changes):
    """The claim with changes to a party's address."""
    claim = a_claim(facility=A_FACILITY)
    address = replace(getattr(claim, part).address, **changes)
    return within(part, address=address)


GOOD = {
    "an infusion": a_claim(),
    "a dependant": a_dependant(),
    "elsewhere": a_claim(facility=A_FACILITY),
    "replaced": a_claim(**REPLACED),
    "referred": a_claim(referring=A_REFERRER),
    "referred by one name": within("referring", given_name=""),
    "assigned to the clinic": a_claim(accepts_assignment=True, assigns_benefits=True),
    "nothing paid": a_claim(paid=Money(0)),
    "no group": within("subscriber", group_number=""),
    "the longest name": within("patient", family_name="N" * 60, given_name="G" * 35),
    "twelve diagnoses": a_claim(
        diagnoses=(
            "F33.2", "F41.1", "F43.12", "G89.4", "M79.7", "G54.6", "B02.29", "G62.9", "E11.42", "R10.20",
            "M54.50", "R45.851",
        ),
        lines=(a_line(pointers=(12, 1, 7, 3)),),
    ),
    "fifty lines": a_claim(lines=tuple(a_line(number) for number in range(1, 51))),
    "all that fits": replace(
        a_claim(
            lines=(
                a_line(
                    charge=Money(9_999_999_999), units=99_999_999, description="D" * 80, served_on=SENT_ON
                ),
            ),
            control_number="C" * 20,
            facility=replace(A_FACILITY, name="N" * 60),
            paid=Money(9_999_999_999),
        ),
        **{
            part: replace(getattr(a_claim(), part), **dict.fromkeys(names, "N" * 60))
            for part, names in {
                "submitter": ("name", "contact"),
                "receiver": ("name",),
                "billing": ("name",),
                "payer": ("name",),
                "subscriber": ("family_name",),
            }.items()
        },
        rendering=replace(a_claim().rendering, family_name="N" * 60, given_name=""),
    ),
    "born and treated on the day it is sent": replace(
        within("patient", born_on=SENT_ON), lines=(a_line(served_on=SENT_ON),), facility=None
    ),
    "the new code": with_line(code="J0013", served_on=date(2026, 1, 1)),
    "all modifiers": with_line(modifiers=("25", "XE", "59", "JZ")),
}  # fmt: skip

FLAWED = {
    # who sends, and to whom
    "/submitter/name": [within("submitter", name="")],
    "/submitter/id": [within("submitter", id="1" * 16), within("submitter", id="1")],
    "/submitter/contact": [within("submitter", contact="C" * 61)],
    "/submitter/phone": [within("submitter", phone="5550100"), within("submitter", phone="٥١٢٥٥٥٠١٠٠")],
    "/receiver/name": [within("receiver", name="")],
    "/receiver/id": [within("receiver", id=""), within("receiver", id="R"), within("receiver", id="R" * 16)],
    # who is paid
    "/billing/name": [within("billing", name="CLINIC*B"), within("billing", name="B" * 61)],
    "/billing/npi": [within("billing", npi=npi) for npi in ("2000000011", "200000001", "3000000018", "")],
    "/billing/tin": [within("billing", tin="12345678"), within("billing", tin="003456789")],
    "/billing/taxonomy": [within("billing", taxonomy="261QI0500"), within("billing", taxonomy="261qi0500X")],
    "/billing/address/line1": [at("billing", line1="P.O. BOX 12"), at("billing", line1="")],
    "/billing/address/postal_code": [at("billing", postal_code="78701"), at("billing", postal_code="")],
    # who treated, and where
    "/rendering/family_name": [within("rendering", family_name="")],
    "/rendering/given_name": [within("rendering", given_name="G" * 36)],
    "/rendering/npi": [within("rendering", npi="2000000020")],
    "/facility/name": [within("facility", name="")],
    "/facility/address/postal_code": [at("facility", postal_code="78701")],
    # who sent the patient
    "/referring/family_name": [
        within("referring", family_name=name) for name in ("", "SENDER*NM1", "李", "N" * 61)
    ],
    "/referring/given_name": [within("referring", given_name=name) for name in ("G" * 36, "DANA~")],
    "/referring/npi": [
        within("referring", npi=npi) for npi in ("", "1245319598", "124531959", "3000000018", "12453195990")
    ],
    # who insures whom
    "/payer/name": [within("payer", name=""), within("payer", name="PLAN~B")],
    "/payer/id": [within("payer", id=""), within("payer", id="P"), within("payer", id="P" * 81)],
    "/subscriber/family_name": [within("subscriber", family_name="李")],
    "/subscriber/given_name": [
        within("subscriber", given_name=""),
        within("subscriber", given_name="G" * 36),
    ],
    "/subscriber/member_id": [
        within("subscriber", member_id="W"),
        within("subscriber", member_id=""), within("subscriber", member_id="W\n1")],
    "/subscriber/group_number": [within("subscriber", group_number="G:7")],
    # the patient
    "/patient/family_name": [
        within("patient", family_name=name) for name in ("Sample", "ZOË", "A\x00B", " X")
    ],
    "/patient/given_name": [within("patient", given_name="G" * 36), within("patient", given_name="A^B")],
    "/patient/address/line1": [at("patient", line1=""), at("patient", line1="1" * 56)],
    "/patient/address/line2": [at("patient", line2="APT #5"), at("patient", line2="2" * 56)],
    "/patient/address/city": [at("patient", city="X"), at("patient", city="C" * 31)],
    "/patient/address/state": [at("patient", state="TEXAS"), at("patient", state="ZZ")],
    "/patient/address/postal_code": [
        at("patient", postal_code=code) for code in ("7870", "78702-1", "٧٨٧٠٢")
    ],
    "/patient/born_on": [
        within("patient", born_on=None),
        within("patient", born_on=SENT_ON + timedelta(days=1)),
    ],
    "/patient/sex": [within("patient", sex=Sex.UNKNOWN)],
    # the claim
    "/control_number": [a_claim(control_number=number) for number in ("", "C" * 21, "abc", "A-1")],
    "/original_reference": [
        a_claim(original_reference="PAYER0001"),
        a_claim(frequency=Frequency.REPLACEMENT),
        a_claim(frequency=Frequency.VOID, original_reference="R" * 51),
    ],
    "/place_of_service": [a_claim(place_of_service="1"), a_claim(place_of_service="")],
    "/charge": [
        a_claim(charge=Money(38_251)),
        a_claim(charge=Money(-1)),
        a_claim(lines=tuple(a_line(number, charge=Money(9_999_999_999)) for number in (1, 2))),
    ],
    "/paid": [a_claim(paid=Money(-1)), a_claim(paid=Money(10_000_000_000))],
    "/diagnoses": [a_claim(diagnoses=()), a_claim(diagnoses=("F33.2",) * 13)],
    "/diagnoses/0": [a_claim(diagnoses=(code,)) for code in ("F42", "F33", "Z99.999", "F332")],
    "/diagnoses/1": [
        a_claim(diagnoses=("F33.2", "F33.2")),
        a_claim(diagnoses=("F33.2", "F32.1")),
        a_claim(diagnoses=("R52", "G89.4")),
        a_claim(diagnoses=("G62.9", "M79.2", "F33.2")),
    ],
    # its lines
    "/lines": [a_claim(lines=()), a_claim(lines=tuple(a_line(number) for number in range(1, 52)))],
    "/lines/0/code": [
        *(with_line(code=code) for code in ("9636", "963655", "j3490", "")),
        with_line(code="S0013", served_on=date(2026, 1, 1)),
        with_line(code="J0013", served_on=date(2025, 12, 31)),
    ],
    "/lines/0/modifiers": [with_line(modifiers=("5",)), with_line(modifiers=("59",) * 5)],
    "/lines/0/units": [with_line(units=0), with_line(units=-1), with_line(units=100_000_000)],
    "/lines/0/charge": [with_line(charge=Money(-1)), with_line(charge=Money(10_000_000_000))],
    "/lines/0/pointers": [with_line(pointers=pointers) for pointers in ((), (0,), (2,), (1, 1), (1,) * 5)],
    "/lines/0/served_on": [
        with_line(served_on=SENT_ON + timedelta(days=1)),
        with_line(served_on=date(1980, 5, 16)),
    ],
    "/lines/0/description": [with_line(code="J3490"), with_line(description="D" * 81)],
    "/lines/1/control_number": [a_claim(lines=(a_line(), a_line())), a_claim(lines=(a_line(), a_line(
        2, control_number="N" * 31)))],
    "/lines/1/drug/ndc": [with_drug(ndc="0040920510"), with_drug(ndc="00409-2051-05"), with_drug(ndc="")],
    "/lines/1/drug/quantity": [
        with_drug(quantity=Decimal(text)) for text in ("0", "-1", "0.0001", "NaN", "Infinity", "1E+9")
    ],
    "/lines/1/drug/unit": [with_drug(unit="MG"), with_drug(unit="")],
}  # fmt: skip


@pytest.mark.parametrize("claim", GOOD.values(), ids=GOOD)
def test_what_an_insurer_takes_has_no_flaw(claim):
    assert flaws_of(claim) == {}


@pytest.mark.parametrize(
    ("pointer", "claim"), [(pointer, claim) for pointer, claims in FLAWED.items() for claim in claims]
)
def test_each_flaw_is_refused_and_its_field_is_named(pointer, claim):
    flaws = flaws_of(claim)
    assert pointer in flaws
    assert flaws[pointer].endswith(".")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "Fill this in."),
        ("A\nB", "on one line"),
        ("A~B", "Leave out * : ~ ^"),
        ("ŻB", "Latin letters"),
        (" B", "spaces at either end"),
        ("B" * 61, "at most 60 characters"),
    ],
)
def test_a_text_is_refused_for_what_is_wrong_with_it(name, words):
    assert words in flaws_of(within("payer", name=name))["/payer/name"]


def texts_of(record, at=""):
    """Each text in a claim that is no code of ours, by its pointer, with the way to change it."""
    for field in fields(record):
        value, pointer = getattr(record, field.name), f"{at}/{field.name}"
        if is_dataclass(value):
            for deeper, put in texts_of(value, pointer):
                yield deeper, lambda text, put=put, name=field.name: replace(record, **{name: put(text)})
        elif type(value) is str:
            yield pointer, lambda text, name=field.name: replace(record, **{name: text})


TEXTS = dict(texts_of(a_claim(facility=A_FACILITY, referring=A_REFERRER, **REPLACED)))
SMUGGLED = ("*", "~", ":", "^", "\x00", "\n", "\r", "\x1d", "\x85", "\u200b", "\u202e", "é", "\ud800")


@pytest.mark.parametrize("sign", SMUGGLED, ids=ascii)
@pytest.mark.parametrize("pointer", TEXTS)
def test_no_text_of_a_claim_carries_a_delimiter_or_a_control_character(pointer, sign):
    """At its beginning, inside and at its end: each would end an element, or hide in one."""
    put = TEXTS[pointer]
    for text in (f"{sign}AB", f"A{sign}B", f"AB{sign}"):
        assert pointer in flaws_of(put(text))


def test_the_texts_of_a_claim_are_those_that_are_sent():
    assert {"/patient/family_name", "/billing/address/line2", "/payer/id", "/original_reference"} < set(TEXTS)


def test_unrelated_diagnoses_may_exclude_each_other_and_have_to_be_billable_all_the_same():
    claim = a_claim(diagnoses=("R52", "G89.4", "F42"))
    assert list(flaws_of(claim)) == ["/diagnoses/2", "/diagnoses/1"]
    assert [flaw.pointer for flaw in claim_flaws(claim, EDITION, as_of=SENT_ON, are_unrelated=True)] == [
        "/diagnoses/2"
    ]


def test_a_claim_that_takes_one_back_repeats_its_diagnoses():
    """The codes of its day may be others by then."""
    void = {"frequency": Frequency.VOID, "original_reference": "PAYER0001"}
    assert flaws_of(a_claim(diagnoses=("R52", "G89.4", "F42"), **void)) == {}


def test_all_flaws_are_told_at_once():
    claim = replace(within("billing", npi="1"), paid=Money(-1), diagnoses=("F33.2", "F42", "F32.1"))
    assert list(flaws_of(claim)) == ["/billing/npi", "/paid", "/diagnoses/1", "/diagnoses/2"]


def test_no_flaw_repeats_what_stands_in_the_claim():
    told = flaws_of(within("patient", family_name="Müller-Secret", given_name="Sécret"))
    assert not any("ecret" in message for message in told.values())


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Zoë Núñez-Żółkiewski", "ZOE NUNEZ-ZOLKIEWSKI"),
        ("Straße  12", "STRASSE 12"),
        ("Ærø Þór", "AERO THOR"),
        ("O’Brien", "O'BRIEN"),
        ("Kealiʻi", "KEALI'I"),
        ("Apt #5", "APT 5"),
        ("0.9% saline", "0.9 PCT SALINE"),
        ("Ｆｕｌｌ", "FULL"),
        ("two\nlines", "TWO LINES"),
        ("李", "李"),
        ("a*b", "A*B"),
    ],
)
def test_names_are_spelled_in_the_letters_that_a_claim_takes(written, sent):
    assert basic(written) == sent
    assert basic(sent) == sent


def test_numbers_are_taken_out_of_how_people_write_them():
    assert digits("(512) 555-0100") == "5125550100"


def test_an_address_of_the_patient_may_be_a_post_box():
    box = Address(line1="PO BOX 12", line2="", city="AUSTIN", state="TX", postal_code="78702")
    assert flaws_of(within("patient", address=box)) == {}
