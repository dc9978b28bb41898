"""From the clock to the codes, minute by minute, and from the codes to lines that sum to the charge."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.care.records import (
    ChartEntry,
    DrugEntry,
    Evaluation,
    EvaluationKind,
    Hydration,
    HydrationPurpose,
    Order,
    Way,
)
from billing.care.rules.charts import entered_drug
from billing.catalog.records import AddOn, Drug
from billing.insurance.records import CodedService
from billing.insurance.records.coding import CodeRule
from billing.insurance.rules.add_ons import with_add_ons
from billing.insurance.rules.code_sets import shipped_codes
from billing.insurance.rules.coding import code_visit
from billing.insurance.rules.coding.visit import Visit, known_since
from billing.insurance.rules.lines import charge_lines, control_number, drug_given, padded_ndc, pointers
from billing.kernel.money import Money, total

ZONE = ZoneInfo("America/Chicago")
START = datetime(2026, 11, 3, 9, 0, tzinfo=ZONE)
CODES = shipped_codes(START.date())


def listed(code: str, hcpcs: str = "J3490") -> Drug:
    return Drug(
        code=code,
        name=code.capitalize(),
        strength="50 mg/mL",
        ndc="0409-2051-05",
        unit="ML",
        mg_per_unit=Decimal(50),
        hcpcs=hcpcs,
    )


KETAMINE = Drug(
    code="ketamine",
    name="Ketamine HCl",
    strength="50 mg/mL",
    ndc="0409-2051-05",
    unit="ML",
    mg_per_unit=Decimal(50),
    hcpcs="J3490",
)
HCPCS = {"midazolam": "J2250", "ondansetron": "J2405", "esketamine": "S0013"}


def dose(
    drug: str = "ketamine",
    *,
    mg: str = "40",
    way: Way = Way.INFUSION,
    order: Order = Order.FIRST,
    ran: tuple[int, int] | None = None,
    is_at_second_site: bool = False,
):
    """A drug; `ran` are minutes after the visit's start."""
    own = {"started_at": after(ran[0]), "stopped_at": after(ran[1])} if ran else {}
    entry = DrugEntry(
        drug=drug, dose_mg=Decimal(mg), way=way, order=order, is_at_second_site=is_at_second_site, **own
    )
    return entered_drug(entry, KETAMINE if drug == "ketamine" else listed(drug, HCPCS.get(drug, "J3490")))


def after(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def coded(
    *drugs, minutes: int = 60, seen_before: bool = False, is_evaluation: bool = False, codes=CODES, **more
):
    """What a visit of so many minutes has as lines."""
    entry = ChartEntry(started_at=START, stopped_at=after(minutes), **more)
    visit = Visit(
        entry=entry,
        drugs=tuple(drugs),
        zone=ZONE,
        times=(START, after(minutes)),
        seen_before=seen_before,
        is_evaluation=is_evaluation,
    )
    return code_visit(visit, codes)


def told(found) -> list[tuple[str, int, tuple[str, ...]]]:
    return [(each.code, each.units, each.modifiers) for each in found.services]


def units(found) -> dict[str, int]:
    return {each.code: each.units for each in found.services}


def expected(minutes: int) -> dict[str, int]:
    """The table of the clinic's coding guide, row by row."""
    if minutes <= 15:
        return {"96374": 1}
    if minutes <= 90:
        return {"96365": 1}
    rows = {150: 1, 210: 2, 270: 3, 330: 4, 390: 5, 450: 6, 510: 7, 570: 8, 630: 9, 690: 10, 750: 11}
    return {"96365": 1, "96366": next(units for last, units in rows.items() if minutes <= last)}


def office(minutes: int | None) -> Evaluation:
    return Evaluation(kind=EvaluationKind.OFFICE, minutes=minutes)


def fluid(started: int, stopped: int, purpose: HydrationPurpose = HydrationPurpose.DEHYDRATION) -> Hydration:
    return Hydration(started_at=after(started), stopped_at=after(stopped), purpose=purpose)


# ------------------------------------------------------------------------------------------- into a vein


def test_every_minute_of_twelve_hours_has_the_codes_of_the_table():
    for minutes in range(1, 721):
        assert units(coded(dose(), minutes=minutes)) == expected(minutes), minutes


def test_a_longer_infusion_never_has_less():
    def count(minutes):
        return sum(each.units for each in coded(dose(), minutes=minutes).services)

    counts = [count(minutes) for minutes in range(1, 601)]
    assert counts == sorted(counts)


def test_a_second_drug_after_the_first_one_beside_it_and_one_by_push():
    found = coded(
        dose(ran=(0, 60)),
        dose("magnesium", order=Order.SEQUENTIAL, ran=(60, 160)),
        dose("lidocaine", order=Order.CONCURRENT, ran=(0, 60)),
        dose("vitamin", order=Order.CONCURRENT, ran=(0, 45)),
        dose("ondansetron", way=Way.PUSH, mg="4"),
        minutes=160,
    )
    assert told(found) == [
        ("96365", 1, ()),
        ("96367", 1, ()),
        ("96366", 1, ()),
        ("96368", 1, ()),
        ("96375", 1, ()),
    ]
    assert [step.rule for step in found.not_coded] == ["infusion_concurrent"], "beside counts once a visit"


def test_there_is_one_initial_code_unless_a_second_line_says_so():
    again = coded(dose(ran=(0, 30)), dose(order=Order.SEQUENTIAL, ran=(40, 140)), minutes=140)
    assert units(again) == {"96365": 1, "96366": 1}, "the same drug again adds its minutes: 130"
    second = coded(dose(ran=(0, 60)), dose("magnesium", ran=(0, 100), is_at_second_site=True), minutes=100)
    assert told(second) == [("96365", 1, ()), ("96365", 1, ("59",)), ("96366", 1, ())]
    assert second.services[1].steps[-1].rule == "second_site_modifier"


def test_pushes_alone_have_one_initial_code_and_each_new_drug_one_more():
    found = coded(
        dose(way=Way.PUSH),
        dose("midazolam", way=Way.PUSH, mg="2"),
        dose("midazolam", way=Way.PUSH, mg="1"),
        minutes=20,
    )
    assert told(found) == [("96374", 1, ()), ("96375", 1, ())]
    assert [each.text for each in found.not_coded] == ["Midazolam, given by push: the same drug counts once."]


def test_a_short_first_infusion_gives_the_initial_code_to_the_longer_one_after_it():
    found = coded(dose(ran=(0, 15)), dose("magnesium", order=Order.SEQUENTIAL, ran=(15, 75)), minutes=75)
    assert told(found) == [("96365", 1, ()), ("96375", 1, ())]


# ------------------------------------------------------------------------------------------------ fluid


@pytest.mark.parametrize(
    ("minutes", "codes"),
    [(30, {}), (31, {"96360": 1}), (90, {"96360": 1}), (91, {"96360": 1, "96361": 1}),
     (150, {"96360": 1, "96361": 1}), (151, {"96360": 1, "96361": 2})],
)  # fmt: skip
def test_fluid_alone_has_codes_from_31_minutes(minutes, codes):
    assert units(coded(minutes=200, hydration=fluid(0, minutes))) == codes


@pytest.mark.parametrize(("minutes", "count"), [(30, 0), (31, 1), (90, 1), (91, 2), (151, 3)])
def test_fluid_after_an_infusion_has_the_further_code_alone(minutes, count):
    found = units(coded(dose(ran=(0, 60)), minutes=60, hydration=fluid(60, 60 + minutes)))
    assert found.get("96361", 0) == count
    assert "96360" not in found


def test_fluid_while_a_drug_runs_or_that_carries_it_has_no_code():
    assert units(coded(dose(), minutes=120, hydration=fluid(0, 120))) == {"96365": 1, "96366": 1}
    carrier = coded(dose(), minutes=60, hydration=fluid(60, 160, HydrationPurpose.CARRIER))
    assert units(carrier) == {"96365": 1}
    assert [each.text for each in carrier.not_coded] == ["Fluid that carries a drug belongs to its infusion."]
    half = coded(dose(ran=(30, 90)), minutes=90, hydration=fluid(0, 130))
    assert units(half) == {"96365": 1, "96361": 1}, "70 of its minutes ran without the drug"


# ------------------------------------------------------------------------------------------------ talks


@pytest.mark.parametrize(
    ("minutes", "first", "later"),
    [
        (9, None, None), (10, None, "99212"), (15, "99202", "99212"), (20, "99202", "99213"),
        (29, "99202", "99213"), (30, "99203", "99214"), (40, "99203", "99215"), (45, "99204", "99215"),
        (59, "99204", "99215"), (60, "99205", "99215"), (200, "99205", "99215"),
    ],
)  # fmt: skip
def test_an_evaluation_is_coded_by_its_minutes_and_by_whether_the_patient_is_known(minutes, first, later):
    def code(*, seen_before):
        found = coded(minutes=minutes, seen_before=seen_before, is_evaluation=True)
        return found.services[0].code if found.services else None

    assert (code(seen_before=False), code(seen_before=True)) == (first, later)


@pytest.mark.parametrize("minutes", range(1, 601))
def test_psychotherapy_has_its_code_by_its_minutes_beside_an_evaluation(minutes):
    code = None if minutes < 16 else "90833" if minutes < 38 else "90836" if minutes < 53 else "90838"
    found = told(coded(dose(), evaluation=office(30), psychotherapy_minutes=minutes, seen_before=True))
    talks = [("99214", 1, ("25",)), *([(code, 1, ())] if code else [])]
    assert found == [("96365", 1, ()), *talks]


def test_psychotherapy_alone_or_beside_a_psychiatric_evaluation_has_no_code():
    alone = coded(dose(), psychotherapy_minutes=45)
    beside = coded(
        dose(),
        psychotherapy_minutes=45,
        evaluation=Evaluation(kind=EvaluationKind.PSYCHIATRIC, minutes=60),
    )
    short = coded(dose(), psychotherapy_minutes=45, evaluation=office(5))
    assert units(alone) == {"96365": 1}
    assert told(beside) == [("96365", 1, ()), ("90792", 1, ())], "no evaluation by minutes, no 25"
    assert units(short) == {"96365": 1}
    assert [each.rule for each in alone.not_coded] == ["psychotherapy"]
    assert [each.rule for each in short.not_coded] == ["evaluation_first", "psychotherapy"]


@given(
    minutes=st.integers(1, 600),
    evaluation=st.none() | st.integers(1, 600).map(office),
    talk=st.none() | st.integers(1, 600),
    pushed=st.booleans(),
    seen_before=st.booleans(),
)
def test_no_visit_breaks_the_rules_of_codes(minutes, evaluation, talk, pushed, seen_before):
    drugs = [dose(), *([dose("midazolam", way=Way.PUSH, mg="2")] if pushed else [])]
    found = told(
        coded(
            *drugs,
            minutes=minutes,
            evaluation=evaluation,
            psychotherapy_minutes=talk,
            seen_before=seen_before,
        )
    )
    codes = [code for code, _, _ in found]
    assert "99211" not in codes
    assert sum(code in ("96360", "96365", "96374") for code in codes) == 1, "one initial code a visit"
    assert all(count >= 1 for _, count, _ in found)
    assert all(("25" in modifiers) == code.startswith("992") for code, _, modifiers in found)
    assert any(code.startswith("992") for code in codes) or not any(code.startswith("9083") for code in codes)


def test_each_line_says_by_which_rule_it_came_about():
    found = coded(
        dose(ran=(0, 130)), minutes=130, evaluation=office(31), psychotherapy_minutes=40, seen_before=True
    )
    long = "Ketamine HCl, 09:00 to 11:10, 130 minutes:"
    steps = {each.code: [(step.rule, step.text) for step in each.steps] for each in found.services}
    assert steps == {
        "96365": [("infusion_initial", f"{long} up to 90 minutes are 96365.")],
        "96366": [
            (
                "infusion_additional",
                f"{long} each started hour after 90 minutes is one unit of 96366.",
            )
        ],
        "99214": [
            (
                "evaluation_later",
                "Evaluation, 31 minutes, of a patient who was seen within three years: 99214.",
            ),
            ("evaluation_modifier", "An evaluation of its own on the day of an infusion: modifier 25."),
        ],
        "90836": [("psychotherapy", "Psychotherapy, 40 minutes, beside the evaluation: 90836.")],
    }
    assert all(drug.steps for drug in found.drugs)


def test_the_night_on_which_the_clock_is_set_back_breaks_nothing():
    entry = ChartEntry()
    first = datetime(2026, 11, 1, 1, 50, tzinfo=ZONE)
    visit = Visit(
        entry=entry,
        drugs=(dose(),),
        zone=ZONE,
        times=(first, first.replace(minute=10, fold=1)),
        seen_before=False,
    )
    assert units(code_visit(visit, CODES)) == {"96365": 1}, "20 minutes passed"


# ------------------------------------------------------------------------------------------------ drugs


@pytest.mark.parametrize(
    ("mg", "code"), [("28", "G2082"), ("56", "G2082"), ("56.001", "G2083"), ("57", "G2083"), ("84", "G2083")]
)
def test_a_nasal_spray_has_one_code_for_drug_visit_and_watching(mg, code):
    found = coded(dose("esketamine", way=Way.NASAL, mg=mg), minutes=130, evaluation=office(30))
    assert told(found) == [(code, 1, ())]
    assert found.drugs == ()
    assert [each.text for each in found.not_coded] == [
        "The evaluation is part of the code of the nasal spray."
    ]


@pytest.mark.parametrize(("on", "code"), [(date(2025, 12, 31), "S0013"), (date(2026, 1, 1), "J0013")])
def test_where_the_spray_is_billed_by_itself_its_code_is_that_of_the_day(on, code):
    shipped = shipped_codes(on)
    codes = replace(shipped, rows=tuple(row for row in shipped.rows if row.rule != "nasal_bundle"))
    for old in ("S0013", "J0013"):
        spray = dose("esketamine", way=Way.NASAL, mg="56")
        spray = replace(spray, listed=replace(spray.listed, hcpcs=old))
        found = coded(spray, minutes=130, evaluation=office(30), codes=codes)
        assert [(each.code, each.units) for each in found.drugs] == [(code, 56)]
        assert units(found) == {"99203": 1}


def test_a_drug_without_a_code_of_its_own_is_named_with_strength_and_dose():
    [drug] = coded(dose(mg="40.5")).drugs
    assert (drug.code, drug.units, drug.modifiers, drug.weight) == ("J3490", 1, (), 0), "no JW, no JZ"
    assert drug.description == "Ketamine HCl 50 mg/mL, 40.5 mg given; included in the infusion"
    assert (drug.drug.ndc, drug.drug.quantity, drug.drug.unit) == ("00409-2051-05", "0.81", "ML")


def test_units_of_a_drug_are_started_units_of_its_code():
    found = coded(dose(), dose("midazolam", way=Way.PUSH, mg="2.5"), dose("midazolam", way=Way.PUSH, mg="1"))
    assert [(each.code, each.units) for each in found.drugs] == [("J3490", 1), ("J2250", 4)]
    assert found.drugs[1].steps[-1].text == "3.5 mg at 1 mg a unit of J2250."


def test_a_drug_of_which_nothing_was_given_is_no_line_and_is_told():
    found = coded(dose(mg="0"), dose("midazolam", way=Way.PUSH, mg="2"))
    assert [each.code for each in found.drugs] == ["J2250"]
    assert [step.text for step in found.not_coded] == ["Ketamine HCl: 0 mg were given; no line."]


def test_doses_of_a_drug_count_together_before_none_was_given():
    found = coded(dose(mg="0"), dose(mg="10"))
    assert [each.drug.quantity for each in found.drugs] == ["0.2"]


@pytest.mark.parametrize(
    ("on", "since"),
    [
        ("2026-11-30", "2023-11-30"),
        ("2026-12-31", "2023-12-31"),
        ("2028-02-29", "2025-02-28"),
        ("2026-02-28", "2023-02-28"),
        ("2027-03-01", "2024-03-01"),
    ],
)
def test_a_patient_is_known_for_three_years_to_the_day(on, since):
    assert known_since(date.fromisoformat(on)) == date.fromisoformat(since)


# ------------------------------------------------------------------------------------------------ lines

MIDAZOLAM = CodedService(code="J2250", units=1, description="Midazolam", list_charge=Money(2_000))


def lines_of(found, *added, list_charge: int, net: int):
    services = [*found.services, *added, *found.drugs]
    return charge_lines(services, list_charge=Money(list_charge), net=Money(net))


@given(
    st.integers(1, 720),
    st.integers(0, 10**8),
    st.integers(0, 10**8),
    st.lists(st.integers(0, 10**6), max_size=4),
)
def test_the_lines_sum_to_the_net_charge_to_the_cent(minutes, charge, net, added):
    priced = [CodedService(code="J2250", units=1, description="x", list_charge=Money(each)) for each in added]
    lines = lines_of(coded(dose(), minutes=minutes), *priced, list_charge=charge, net=net)
    assert total(line.charge for line in lines) == Money(net)
    assert all(line.units >= 1 and line.charge >= Money(0) for line in lines)


def test_a_long_infusion_is_charged_by_its_units_and_the_drug_comes_with_it():
    lines = lines_of(coded(dose(), minutes=240), list_charge=120_000, net=114_000)
    assert [(line.code, line.units, line.charge.cents) for line in lines] == [
        ("96365", 1, 28_500),
        ("96366", 3, 85_500),
        ("J3490", 1, 0),
    ]


def test_a_coded_add_on_takes_its_share_of_the_discount():
    lines = lines_of(coded(dose(), minutes=45), MIDAZOLAM, list_charge=47_000, net=39_950)
    assert [(line.code, line.charge.cents) for line in lines] == [
        ("96365", 38_250),
        ("J2250", 1_700),
        ("J3490", 0),
    ]


def sold_with(found, *sold, charge=59_000):
    """Lines of the visit with these add-ons, and what was sold and has none."""
    services, without = with_add_ons(found, [(each, 1) for each in sold])
    lines = charge_lines(services, list_charge=Money(charge), net=Money(charge))
    assert total(line.charge for line in lines) == Money(charge)
    return [(line.code, line.description.partition(" ")[0], line.charge.cents) for line in lines], without


GLUTATHIONE = AddOn(code="glutathione", name="Glutathione", cents=5_000, hcpcs="J3490")
NAD = AddOn(code="nad", name="NAD", cents=9_000, hcpcs="J3490")


def test_a_code_of_many_drugs_gives_no_drug_the_price_of_another():
    lines, without = sold_with(coded(dose(), minutes=45), GLUTATHIONE, NAD)
    assert lines == [("96365", "Infusion", 59_000), ("J3490", "Ketamine", 0)]
    assert [step.text.partition(",")[0] for step in without] == ["Glutathione x 1", "NAD x 1"]


def test_drugs_with_one_code_have_each_its_own_line_and_price():
    given = dose(), dose("glutathione", way=Way.PUSH), dose("nad", way=Way.PUSH)
    lines, without = sold_with(coded(*given, minutes=45), GLUTATHIONE, NAD)
    assert [each for each in lines if each[0] == "J3490"] == [
        ("J3490", "Glutathione", 5_000),
        ("J3490", "Nad", 9_000),
        ("J3490", "Ketamine", 0),
    ]
    assert without == ()


def test_two_add_ons_of_one_drug_stand_on_its_one_line():
    one, other = (AddOn(code=each, name=each, cents=1_500, hcpcs="J2250") for each in ("calm", "calmer"))
    lines, _ = sold_with(coded(dose(), dose("midazolam", way=Way.PUSH, mg="2"), minutes=45), one, other)
    assert [each for each in lines if each[0] == "J2250"] == [("J2250", "Midazolam", 3_000)]


def test_two_add_ons_with_one_code_of_a_service_are_two_lines():
    one, other = (AddOn(code=each, name=each, cents=1_500, hcpcs="96372") for each in ("b12", "d3"))
    lines, _ = sold_with(coded(dose(), minutes=45), one, other)
    assert [each for each in lines if each[0] == "96372"] == [("96372", "b12", 1_500), ("96372", "d3", 1_500)]


def test_a_spray_that_is_all_of_a_visit_carries_its_whole_charge():
    bare = replace(CODES, rows=tuple(row for row in CODES.rows if row.rule is not CodeRule.NASAL_BUNDLE))
    found = coded(dose("esketamine", way=Way.NASAL, mg="56"), codes=bare)
    spray = AddOn(code="esketamine", name="Esketamine", cents=5_000, hcpcs="S0013")
    lines, _ = sold_with(replace(found, services=()), spray)
    assert [cents for *_, cents in lines] == [59_000]


def test_a_whole_dose_is_written_without_decimals():
    assert "100 mg given" in drug_given(KETAMINE, Decimal("100.000")).description


def test_a_line_points_to_four_diagnoses_at_most():
    assert [pointers(count) for count in (1, 3, 4, 12)] == ["A", "ABC", "ABCD", "ABCD"]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("0409-2051-05", "00409-2051-05"),
        ("12345-678-90", "12345-0678-90"),
        ("12345-6789-0", "12345-6789-00"),
        ("12345-6789-01", "12345-6789-01"),
        ("12345678901", "12345-6789-01"),
    ],
)
def test_an_ndc_is_padded_to_five_four_two(written, sent):
    assert padded_ndc(written) == sent


@pytest.mark.parametrize(
    "written", ["", "1234567890", "123-4567-89", "1234-56a8-90", "12345-6789-01-2", "abcde"]
)
def test_what_is_no_ndc_is_refused(written):
    with pytest.raises(ValueError, match="NDC"):
        padded_ndc(written)


def test_a_control_number_fits_the_form_and_stays_the_same():
    number = control_number("ses_01k9abcdefghjkmnpqrstvwxyz")
    assert number == control_number("ses_01k9abcdefghjkmnpqrstvwxyz")
    assert len(number) == 14
    assert number.isalnum()
    assert number == number.upper()
