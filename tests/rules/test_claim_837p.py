"""The file that is sent: its envelopes and loops, and what two independent validators say of it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.adapters.claim_837p import emit_837p, render_837p
from billing.insurance.records.claims import ClaimDrug, Frequency
from billing.insurance.rules.claim_checks import claim_flaws
from billing.insurance.rules.claim_file import interchange_body, interchange_from
from billing.kernel.money import Money
from billing.patients.records import Relationship, Sex
from billing.platform.data.documents import canonical_json
from tests.factories.claim_files import claims_by_x12sdk, faults_by_pyx12, named, segments, sent
from tests.factories.claims import (
    A_FACILITY,
    A_REFERRER,
    EDITION,
    HOME,
    SENT_ON,
    SERVED_ON,
    a_claim,
    a_dependant,
    a_drug_line,
    a_file,
    a_line,
)

TWELVE = (
    "F33.2", "F41.1", "F43.12", "G89.4", "M79.7", "G54.6", "B02.29", "G62.9", "E11.42", "R10.20", "M54.50",
    "R45.851",
)  # fmt: skip
REPLACED = {"frequency": Frequency.REPLACEMENT, "original_reference": "PAYER0001"}
VOIDED = {"frequency": Frequency.VOID, "original_reference": "PAYER0001"}
VARIETY = {
    "self": [a_claim()],
    "dependant": [a_dependant()],
    "spouse elsewhere": [
        a_dependant(patient=replace(a_dependant().patient, relationship=Relationship.SPOUSE)),
        a_dependant(
            patient=replace(a_dependant().patient, relationship=Relationship.OTHER), facility=A_FACILITY
        ),
    ],
    "add-ons": [a_claim(lines=(a_line(), a_line(2, code="J2405"), a_line(3, code="J2250"), a_drug_line(4)))],
    "four hours": [a_claim(lines=(a_line(), a_line(2, code="96366", units=3), a_drug_line(3)))],
    "evaluation": [a_claim(lines=(a_line(code="99204"),), paid=Money(0))],
    "modifiers": [a_claim(lines=(a_line(code="99213", modifiers=("25", "95", "GT", "XE")), a_drug_line()))],
    "twelve diagnoses": [a_claim(diagnoses=TWELVE, lines=(a_line(pointers=(12, 1, 7, 3)),))],
    "long names": [
        a_claim(
            patient=replace(a_claim().patient, family_name="N" * 60, given_name="G" * 35),
            payer=replace(a_claim().payer, name="P" * 60, id="I" * 80),
            subscriber=replace(a_claim().subscriber, member_id="M" * 80, group_number="G" * 50),
        )
    ],
    "replaced": [a_claim(**REPLACED)],
    "referred": [a_claim(referring=A_REFERRER), a_dependant(referring=A_REFERRER, facility=A_FACILITY)],
    "referred by one name": [a_claim(referring=replace(A_REFERRER, given_name=""))],
    "assigned to the clinic": [a_claim(accepts_assignment=True, assigns_benefits=True), a_claim()],
    "voided": [a_claim(**VOIDED), a_dependant(**VOIDED)],
    "fifty lines": [a_claim(lines=tuple(a_line(number) for number in range(1, 51)))],
    "a batch": [a_claim(), a_dependant(), a_claim(**REPLACED), a_dependant(facility=A_FACILITY), a_claim()],
    "a contact of the same name": [
        a_claim(submitter=replace(a_claim().submitter, contact=a_claim().submitter.name))
    ],
    "two billing providers": [
        a_claim(),
        a_dependant(billing=replace(a_claim().billing, npi="2000000036")),
        a_claim(**VOIDED),
    ],
}


@pytest.mark.parametrize("claims", VARIETY.values(), ids=VARIETY)
def test_two_validators_find_nothing_in_what_was_checked(claims):
    assert [claim_flaws(claim, EDITION, as_of=SENT_ON) for claim in claims] == [[] for _ in claims]
    content = sent(*claims)
    assert faults_by_pyx12(content) == ""
    assert claims_by_x12sdk(content) == len(claims)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("NM1*85*2*", "NM1*8*2*"),
        ("SE*33*", "SE*34*"),
        ("SV1*HC:96365*", "SV1**"),
        ("HL*2*1*22", "HL*2*7*22"),
        ("DTP*472*D8*20261103", "DTP*472*D8*20261313"),
    ],
)
def test_the_validators_see_what_is_wrong(right, wrong):
    broken = sent(a_claim()).replace(right.encode(), wrong.encode())
    assert broken != sent(a_claim())
    try:
        refused = claims_by_x12sdk(broken) != 1
    except ValueError:
        refused = True
    assert refused or faults_by_pyx12(broken)


WORDS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 '-.,&/()", min_size=2, max_size=35).map(
    lambda text: f"A{' '.join(text.split())}Z"
)
NAMES = WORDS.map(lambda text: text[:34].strip())


@st.composite
def any_claim(draw):
    """What passes the checks, of any shape."""
    claim = draw(st.sampled_from([a_claim(), a_dependant()]))
    diagnoses = tuple(draw(st.lists(st.sampled_from(TWELVE), min_size=1, max_size=12, unique=True)))
    pointers = st.lists(st.integers(1, len(diagnoses)), min_size=1, max_size=4, unique=True).map(tuple)
    lines = tuple(
        a_line(
            number,
            code=draw(st.sampled_from(["96365", "96366", "96374", "99204", "J2405", "G2083"])),
            units=draw(st.integers(1, 99)),
            charge=Money(draw(st.integers(0, 9_999_999))),
            pointers=draw(pointers),
            modifiers=tuple(
                draw(st.lists(st.sampled_from(["25", "59", "XE", "JZ"]), max_size=4, unique=True))
            ),
            served_on=SERVED_ON - timedelta(days=draw(st.integers(0, 20))),
            description=draw(st.just("") | WORDS),
            drug=draw(st.none() | drugs()),
        )
        for number in range(1, draw(st.integers(1, 6)) + 1)
    )
    patient = replace(
        claim.patient,
        family_name=draw(NAMES),
        given_name=draw(NAMES),
        sex=draw(st.sampled_from([Sex.FEMALE, Sex.MALE])),
        address=replace(HOME, line1=draw(WORDS), line2=draw(st.just("") | WORDS)),
    )
    filing = draw(st.sampled_from([{}, REPLACED, VOIDED]))
    facility = draw(st.sampled_from([None, A_FACILITY]))
    referring = draw(st.none() | referrers())
    is_assigned = draw(st.booleans())
    made = {"diagnoses": diagnoses, "lines": lines, "patient": patient, "facility": facility, **filing}
    made |= {"referring": referring, "accepts_assignment": is_assigned, "assigns_benefits": is_assigned}
    return a_claim(**{**made, "paid": Money(draw(st.integers(0, 9_999_999)))})


@st.composite
def referrers(draw):
    return replace(A_REFERRER, family_name=draw(NAMES), given_name=draw(st.just("") | NAMES))


@st.composite
def drugs(draw):
    quantity = Decimal(draw(st.integers(1, 999_999))) / 1000
    return ClaimDrug(
        ndc=draw(st.text("0123456789", min_size=11, max_size=11)),
        quantity=quantity,
        unit=draw(st.sampled_from(["F2", "GR", "ME", "ML", "UN"])),
    )


@settings(max_examples=15)
@given(st.lists(any_claim(), min_size=1, max_size=6))
def test_whatever_passes_the_checks_passes_both_validators(claims):
    assert [claim_flaws(claim, EDITION, as_of=SENT_ON) for claim in claims] == [[] for _ in claims]
    content = sent(*claims)
    assert faults_by_pyx12(content) == ""
    assert claims_by_x12sdk(content) == len(claims)
    assert sum(len(claim.lines) for claim in claims) == len(named(content, "SV1"))


def test_a_file_from_before_referrers_is_read_as_one_without():
    body = orjson.loads(canonical_json(interchange_body(a_file(a_claim()))))
    del body["claims"][0]["referring"]
    assert interchange_from(body) == a_file(a_claim())


@settings(max_examples=50)
@given(any_claim())
def test_a_frozen_file_is_read_back_as_it_was(claim):
    interchange = a_file(claim)
    body = orjson.loads(canonical_json(interchange_body(interchange)))
    assert interchange_from(body) == interchange
    assert render_837p(body) == emit_837p(interchange)


def test_the_envelopes_fit_each_other():
    content = emit_837p(a_file(a_claim(), a_dependant(), number=123_456_789))
    told = segments(content)
    isa, gs, st_ = told[:3]
    assert content.decode().splitlines()[0] == (
        "ISA*00*          *00*          *ZZ*123456789      *ZZ*SAMPLECH       *261104*0930*^*00501*123456789"
        "*0*T*:~"
    )
    assert gs == ["GS", "HC", "123456789", "SAMPLECH", "20261104", "0930", "123456789", "X", "005010X222A1"]
    assert st_ == ["ST", "837", "0001", "005010X222A1"]
    se, ge, iea = told[-3:]
    assert se == ["SE", str(len(told) - 4), "0001"]
    assert (ge, iea) == (["GE", "1", "123456789"], ["IEA", "1", "123456789"])
    assert isa[15] == "T"


def test_a_contact_is_named_where_it_is_not_the_sender_itself():
    assert named(sent(a_claim()), "PER") == [["IC", "SAMPLE CLINIC B", "TE", "5125550100"]]
    same = replace(a_claim().submitter, contact=a_claim().submitter.name)
    assert named(sent(a_claim(submitter=same)), "PER") == [["IC", "", "TE", "5125550100"]]


def test_real_claims_are_marked_as_such():
    assert segments(sent(a_claim(is_sample=False)))[0][15] == "P"


def test_levels_hang_below_each_other():
    content = sent(a_claim(), a_dependant(), a_claim())
    assert named(content, "HL") == [
        ["1", "", "20", "1"],
        ["2", "1", "22", "0"],
        ["3", "1", "22", "1"],
        ["4", "3", "23", "0"],
        ["5", "1", "22", "0"],
    ]
    assert named(content, "SBR")[:2] == [
        ["P", "18", "G-7", "", "", "", "", "", "CI"],
        ["P", "", "G-7", "", "", "", "", "", "CI"],
    ]
    assert named(content, "PAT") == [["19"]]


def test_the_payer_is_asked_to_pay_the_patient():
    (claim,) = named(sent(a_claim()), "CLM")
    assert claim == ["ABCDEFGHJKMN2345", "382.5", "", "", "11:B:1", "Y", "C", "N", "Y"]
    (assigned,) = named(sent(a_claim(accepts_assignment=True, assigns_benefits=True)), "CLM")
    assert assigned[6:] == ["A", "Y", "Y"]
    assert named(sent(a_claim()), "AMT") == [["F5", "382.5"]]
    assert named(sent(a_claim(paid=Money(0))), "AMT") == []


@pytest.mark.parametrize(("filing", "frequency"), [(REPLACED, "7"), (VOIDED, "8")])
def test_a_replacement_or_void_names_the_payers_number(filing, frequency):
    content = sent(a_claim(**filing))
    assert named(content, "CLM")[0][4] == f"11:B:{frequency}"
    assert ["F8", "PAYER0001"] in named(content, "REF")
    assert "F8" not in [reference[0] for reference in named(sent(a_claim()), "REF")]


def test_who_referred_stands_before_who_treated_with_their_number():
    told = segments(sent(a_claim(referring=A_REFERRER, facility=A_FACILITY)))
    people = [rest for head, *rest in told if head == "NM1"][5:]
    assert people == [
        ["DN", "1", "SENDER", "DANA", "", "", "", "XX", "1245319599"],
        ["82", "1", "SAMPLE", "AVERY", "", "", "", "XX", "2000000028"],
        ["77", "2", "SAMPLE CLINIC B WEST"],
    ]
    assert "DN" not in [rest[0] for rest in named(sent(a_claim()), "NM1")]


def test_diagnoses_go_without_dots_and_lines_point_to_them_by_number():
    content = sent(a_claim(diagnoses=("F33.2", "R45.851"), lines=(a_line(pointers=(2, 1)),)))
    assert named(content, "HI") == [["ABK:F332", "ABF:R45851"]]
    assert named(content, "SV1") == [["HC:96365", "382.5", "UN", "1", "", "", "2:1"]]


def test_a_drug_has_its_ndc_and_quantity():
    content = sent(a_claim())
    assert named(content, "LIN") == [["", "N4", "00409205105"]]
    assert named(content, "CTP") == [["", "", "", "0.8", "ML"]]
    whole = replace(a_drug_line(), drug=ClaimDrug(ndc="00409205105", quantity=Decimal("20"), unit="ML"))
    assert named(sent(a_claim(lines=(a_line(), whole))), "CTP") == [["", "", "", "20", "ML"]]


def test_amounts_lose_no_cent_and_have_no_zeros_to_spare():
    lines = [
        a_line(number, charge=Money(cents)) for number, cents in enumerate((100, 5, 1_050, 9_999_999_999), 1)
    ]
    told = [line[1] for line in named(sent(a_claim(lines=tuple(lines))), "SV1")]
    assert told == ["1", "0.05", "10.5", "99999999.99"]


def test_a_file_of_many_claims_has_several_transactions():
    content = sent(*[a_claim(lines=(a_line(),))] * 5_001)
    first, second = (each[1] for each in named(content, "ST"))
    assert (first, second) == ("0001", "0002")
    assert [each[2] for each in named(content, "BHT")] == ["0000000010001", "0000000010002"]
    assert named(content, "GE") == [["2", "1"]]
    assert [level for level in named(content, "HL") if level[2] == "20"] == [["1", "", "20", "1"]] * 2
    assert sum(int(count) for count, _ in named(content, "SE")) == len(segments(content)) - 4


def test_claims_that_do_not_go_together_make_no_file():
    other = a_claim(receiver=replace(a_claim().receiver, id="OTHER"))
    with pytest.raises(ValueError, match="one receiver"):
        sent(a_claim(), other)
    with pytest.raises(ValueError, match="one kind"):
        sent(a_claim(), a_claim(is_sample=False))
    with pytest.raises(ValueError, match="one submitter"):
        sent()


@pytest.mark.parametrize("sign", "*:~^\n\x00aÉ李")
def test_what_was_not_checked_cannot_break_out_of_its_element(sign):
    name = f"SAMPLE{sign}CLM"
    unchecked = [
        a_dependant(patient=replace(a_dependant().patient, given_name=name)),
        a_claim(payer=replace(a_claim().payer, name=name)),
        a_claim(subscriber=replace(a_claim().subscriber, member_id=name)),
        a_claim(lines=(a_line(description=name),)),
        a_claim(control_number=name),
        a_claim(**{**REPLACED, "original_reference": name}),
    ]
    for claim in unchecked:
        with pytest.raises(ValueError, match="not checked"):
            sent(claim)


def test_all_text_is_of_the_basic_character_set():
    content = sent(a_claim(), a_dependant(**REPLACED)).decode()
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !\"&'()+,-./;?=") | set("*:~^\n")
    assert set(content) <= allowed
