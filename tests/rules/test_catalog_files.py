"""A clinic's file is loaded whole or refused whole, each flaw with its line and its reason."""

import contextlib
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.errors import ClinicFileRefused
from billing.catalog.queries import SAMPLES, sample_clinic
from billing.catalog.records import AddOn, Discount, DoseBand, Rate, Tier
from billing.catalog.rules.clinic_file import read_clinic
from billing.catalog.rules.identifiers import is_npi
from billing.catalog.rules.schedule_body import body_of, schedule_of
from tests.factories.catalog import sample

B = (SAMPLES / "b.yaml").read_text()


def refused(text):
    """The lines and reasons of a refusal."""
    with pytest.raises(ClinicFileRefused) as refusal:
        read_clinic(text)
    lines = [flaw.pointer for flaw in refusal.value.flaws]
    assert lines == sorted(lines, key=lambda line: int(line.removeprefix("line ")))
    return {flaw.pointer: flaw.message for flaw in reversed(refusal.value.flaws)}


def line_of(part, text=B):
    """`line 12`, of the first line that holds a part of the text."""
    return f"line {next(number for number, line in enumerate(text.splitlines(), 1) if part in line)}"


def refused_when(old, new):
    """The only flaw's line and reason, after one change to the sample of clinic B."""
    assert old in B
    flaws = refused(B.replace(old, new, 1))
    assert len(flaws) == 1, flaws
    return next(iter(flaws.items()))


# --- the samples ---------------------------------------------------------------------------------------


def test_clinic_b_charges_what_its_schedule_says():
    schedule = sample().fee_schedule
    assert (schedule.code, schedule.effective_from, schedule.is_sample) == (
        "b-2026-01",
        date(2026, 1, 1),
        True,
    )
    assert schedule.rates_by_kind["infusion", "chronic_pain"] == Rate(
        service="infusion", category="chronic_pain", name="Infusion", cents=45_000, minutes=60,
        step_minutes=60, step_cents=25_000,
    )  # fmt: skip
    assert schedule.dose_bands == (DoseBand(above=Decimal(80), cents=15_000),)
    assert schedule.weight_bands == (DoseBand(above=Decimal("1.0"), cents=15_000),)
    assert AddOn(code="laboratory", name="Laboratory work", cents=8_500) in schedule.add_ons
    assert schedule.tiers[1] == Tier(
        sessions=5, service="infusion", category="chronic_pain", least_minutes=240, cents=114_000, minutes=240
    )
    assert schedule.discounts[0] == Discount(code="veteran", name="Veteran", basis_points=1_500)


def test_clinic_b_treats_every_condition_that_scripts_may_name():
    assert {condition.slug for condition in sample().conditions} == {
        "depression", "treatment_resistant_depression", "bipolar_depression", "anxiety", "ptsd", "ocd",
        "suicidality", "crps", "rsd", "fibromyalgia", "neuropathic_pain", "diabetic_neuropathy",
        "phantom_limb", "post_herpetic_neuralgia", "neuralgia", "pelvic_pain", "cancer_pain", "spinal_pain",
        "migraine", "chronic_pain",
    }  # fmt: skip


@pytest.mark.parametrize("slug", "abcde")
def test_every_sample_is_marked_and_grants_15_percent(slug):
    clinic = sample(slug)
    assert clinic.is_sample
    assert clinic.fee_schedule.code == f"{slug}-2026-01"
    assert {discount.code: discount.basis_points for discount in clinic.fee_schedule.discounts} == {
        "veteran": 1_500,
        "first_responder": 1_500,
    }
    assert all(is_npi(provider.npi) for provider in clinic.providers)
    assert clinic.drugs[0].hcpcs == "J3490"


def test_there_is_no_other_sample():
    assert sample_clinic("z") is None
    assert sample_clinic("../samples/b") is None


def test_a_series_of_six_takes_two_to_three_weeks():
    protocol = next(each for each in sample().protocols if each.code == "series_of_six")
    days = [session.day_offset for session in protocol.sessions]
    assert len(days) == 6
    assert 14 <= days[-1] < 21


def test_pain_is_treated_on_consecutive_days_and_can_be_repeated_the_next_week():
    days = {each.code: [session.day_offset for session in each.sessions] for each in sample().protocols}
    assert days["pain_3_days"] == [0, 1, 2]
    assert days["pain_5_days_repeated"] == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]


def test_the_same_clinic_can_be_written_as_json():
    document = yaml.safe_load(B)
    as_json = json.dumps(document, default=str, indent="\t")
    for text in (as_json, "\ufeff" + json.dumps(document, default=str)):
        clinic = read_clinic(text)
        assert body_of(clinic.fee_schedule) == body_of(sample().fee_schedule)
        assert replace(clinic, fee_schedule=sample().fee_schedule) == sample()


@pytest.mark.parametrize("slug", "abcde")
def test_a_schedule_comes_back_from_what_is_frozen(slug):
    schedule = sample(slug).fee_schedule
    assert body_of(schedule_of(json.loads(json.dumps(body_of(schedule))), "")) == body_of(schedule)


# --- flaws ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("npi: \"2000000028\"", "npi: \"2000000029\"", "check digit"),
        ("tin: \"12-3456789\"", "tin: \"123456789\"", "12-3456789"),
        ("timezone: America/Chicago", "timezone: Middle/Earth", "time zone"),
        ("license_state: TX", "license_state: ZZ", "two letters"),
        ("icd10: [M79.7]", "icd10: [fibro]", "ICD-10-CM"),
        ("icd10: [M79.7]", "icd10: M79.7", "a list"),
        ("slug: fibromyalgia", "slug: Fibro Myalgia", "lower case"),
        ("slug: rsd", "slug: crps", "there already"),
        ("category: chronic_pain, icd10: [M79.7]", "category: acute_pain, icd10: [M79.7]", "no rate"),
        ("effective_from: 2026-01-01", "effective_from: 2026-02-30", "a date"),
        ("effective_from: 2026-01-01", "effective_from: soon", "a date"),
        ("name: Evaluation, price: 250", "name: Evaluation, price: 250.005", "whole cents"),
        ("name: Evaluation, price: 250", "name: Evaluation, price: 2.5e2", "whole cents"),
        ("name: Evaluation, price: 250", "name: Evaluation, price: -250", "whole cents"),
        ("name: Evaluation, price: 250", "name: Evaluation, price: $250", "whole cents"),
        ("name: Evaluation, price: 250", "name: Evaluation, price: 0250", "whole cents"),
        ("name: Evaluation, price: 250", "name: Evaluation, price: true", "whole cents"),
        ("name: Evaluation, price: 250", "name: Evaluation, price: 99999999", "whole cents"),
        ("name: Evaluation, price: 250", "name: Evaluation, price: [250]", "whole cents"),
        ("name: Evaluation, price: 250", "name: Evaluation", "`price` is missing"),
        ("name: Evaluation, price", "name: yes, price", "a text"),
        ("name: Evaluation, price", "name: ~, price", "a text"),
        ("name: Evaluation, price", 'name: "a\\0b", price', "a text"),
        ("name: Evaluation, price", "name: Evaluation, colour: red, price", "`colour` is not known"),
        ("name: Evaluation, price", "name: Evaluation, name: Again, price", "given twice"),
        ("service: evaluation", "service: surgery", "one of"),
        ("above_mg: 80,", "above_mg: many,", "decimals"),
        ("code: midazolam", "code: infusion", "no service"),
        ("from: 6", "from: 1", "from 2 to"),
        ("from: 6, service: infusion", "from: 6, service: booster", "one of infusion"),
        ("category: mental_health, price: 425", "category: acute_pain, price: 425", "no rate"),
        ("code: veteran", "code: package", "rule"),
        ("percent: 15", "percent: 101", "percentage"),
        ("percent: 15", "percent: 0", "percentage"),
        ("stack_discounts: false", "stack_discounts: maybe", "true or false"),
        ("ndc: 99999-0050-10", "ndc: 99999005010", "hyphens"),
        ("unit: ML", "unit: litre", "one of"),
        ("{day: 3, service: infusion, minutes: 45}", "{day: 0.5, service: infusion, minutes: 45}", "whole"),
    ],
)  # fmt: skip
def test_a_flaw_is_named_with_its_line_and_reason(old, new, word):
    where, reason = refused_when(old, new)
    assert where == line_of(old)
    assert word in reason


def test_all_flaws_are_named_at_once_in_the_order_of_the_lines():
    text = B.replace("percent: 15", "percent: a lot").replace('npi: "2000000010"', "npi: unknown")
    assert list(reversed(refused(text))) == [
        line_of('npi: "2000000010"'),
        line_of("code: veteran"),
        line_of("code: first_responder"),
    ]


def test_a_higher_dose_must_not_cost_less():
    where, reason = refused_when(
        "{above_mg: 80, price: 150}", "{above_mg: 80, price: 150}\n    - {above_mg: 90, price: 140}"
    )
    assert "must not fall" in reason
    assert where == f"line {int(line_of('above_mg: 80').split()[1]) + 1}"


def test_a_protocol_names_only_what_the_schedule_prices_for_its_category():
    rate = next(line for line in B.splitlines() if "service: booster, category: mental_health" in line)
    without = B.replace(rate + "\n", "")
    assert line_of("{day: 0, service: booster, minutes: 45}", without) in refused(without)


def test_sessions_of_a_protocol_stand_in_order():
    _, reason = refused_when("{day: 10, service", "{day: 1, service")
    assert "order" in reason


@pytest.mark.parametrize("part", ["fee_schedule", "entity", "sites", "providers"])
def test_a_clinic_lacks_none_of_its_parts(part):
    document = yaml.safe_load(B)
    del document[part]
    assert any(part in reason for reason in refused(yaml.safe_dump(document)).values())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("# only a comment", "empty"),
        ("just words", "`key: value`"),
        ("- a list", "`key: value`"),
        ("clinic: b\n  bad: indent", "not YAML"),
        ("clinic: [b", "not YAML"),
        ("clinic: \x07", "not YAML"),
        ("{\"clinic\": }", "not JSON"),
        ("[" * 100_000, "not"),
        ("a: " + "[" * 5_000, "not YAML"),
        ("x: &x [1]\ny: *x", "aliases"),
        ("!!python/object/apply:os.system [ls]", "`key: value`"),
        ("x" * 1_000_001, "longer"),
    ],
)  # fmt: skip
def test_what_is_no_clinic_file_is_refused_with_a_line(text, word):
    flaws = refused(text)
    assert all(where.startswith("line ") for where in flaws)
    assert any(word in reason for reason in flaws.values())


def test_a_json_flaw_is_named_by_its_line_too():
    text = json.dumps(yaml.safe_load(B), default=str, indent=1).replace(
        '"name": "Veteran",', '"name": "Veteran",,'
    )
    where, reason = next(iter(refused(text).items()))
    assert where == line_of('"name": "Veteran"', text)
    assert "JSON" in reason


@given(st.data())
def test_a_line_that_is_lost_or_doubled_never_breaks_the_reader(data):
    lines = B.splitlines()
    place = data.draw(st.integers(0, len(lines) - 1))
    times = data.draw(st.sampled_from([0, 2]))
    lines = [*lines[:place], *[lines[place]] * times, *lines[place + 1 :]]
    with contextlib.suppress(ClinicFileRefused):
        assert read_clinic("\n".join(lines)).entity.slug == "b"


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    with pytest.raises(ClinicFileRefused):
        read_clinic(text)


def test_what_a_card_statement_cannot_say_is_refused_with_its_reason():
    line, reason = refused_when("CLINIC B AUSTIN #", "CLINIC*B #")
    assert line == line_of("statement_descriptor")
    assert "without < >" in reason


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("id: SAMPLECH", "id: sample", "2 to 15 capitals"),
        ("id: SAMPLECH", f"id: {'A' * 16}", "2 to 15 capitals"),
        ("submitter_id: SAMPLEB", 'submitter_id: "S*B"', "2 to 15 capitals"),
        ("name: Sample Clearinghouse", f"name: {'N' * 61}", "at most 60"),
        ("name: Sample Clearinghouse, ", "", "`name` is missing"),
        ("submitter_id: SAMPLEB", "submitter: SAMPLEB", "not known here"),
    ],
)
def test_a_clearinghouse_that_no_claim_could_name_is_refused_with_its_reason(right, wrong, reason):
    line, told = refused_when(right, wrong)
    assert line == line_of("clearinghouse")
    assert reason in told


def test_a_clinic_need_not_name_a_clearinghouse():
    named = read_clinic(B).entity
    assert (named.clearinghouse_id, named.submitter_id) == ("SAMPLECH", "SAMPLEB")
    unnamed = read_clinic(B.replace(", submitter_id: SAMPLEB", "", 1)).entity
    assert (unnamed.clearinghouse_name, unnamed.submitter_id) == ("Sample Clearinghouse", None)
    without = read_clinic(B.replace("  clearinghouse:", "  #", 1)).entity
    assert (without.clearinghouse_id, without.clearinghouse_name, without.submitter_id) == (None,) * 3


def test_a_clinic_need_not_say_what_card_statements_show():
    without = B.replace("  statement_descriptor: CLINIC B AUSTIN", "  #", 1)
    assert read_clinic(without).entity.statement_descriptor is None
    assert read_clinic(B).entity.statement_descriptor == "CLINIC B AUSTIN"


def test_a_name_that_no_paper_can_print_is_refused_with_its_line():
    line, reason = refused_when("name: Avery Sample", "name: 陳大文")
    assert line == line_of("name: Avery Sample")
    assert reason.startswith("`name`: Our papers cannot print")
