"""What was signed of a visit stands on its superbill and claim, and sums to what was charged."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from billing.adapters.claim_837p import render_837p
from billing.care.queries import find_session
from billing.care.records import ChartEntry, DrugEntry, Evaluation, EvaluationKind, Order, Way
from billing.care.use_cases import keep_chart
from billing.insurance.errors import ClaimFlawed, ClaimNotPossible, SuperbillNotPossible
from billing.insurance.queries.coding import coded_session
from billing.insurance.rules.code_sets import shipped_codes
from billing.insurance.rules.coding import code_visit
from billing.insurance.rules.coding.visit import Visit
from billing.insurance.use_cases.overrides import LineAsked, override_lines
from billing.kernel.permissions import SYSTEM
from billing.platform.data.documents import find_document
from tests.factories.care import let_in
from tests.factories.charts import KETAMINE, amended, entry, signed
from tests.factories.claim_files import claims_by_x12sdk, faults_by_pyx12, named
from tests.factories.insurance import a_course, claim, superbill

ONDANSETRON = DrugEntry(drug="ondansetron", dose_mg=Decimal(4), way=Way.PUSH, order=Order.SEQUENTIAL)

EVALUATED = Evaluation(kind=EvaluationKind.OFFICE, minutes=30)


def body_of(database, issued):
    with database.reading() as read:
        return find_document(read, issued.document_id).body


def lines_of(body):
    return [
        (each["code"], " ".join(each["modifiers"]), each["units"], each["time"], each["charge_cents"])
        for each in body["lines"]
    ]


@pytest.fixture
def course(database):
    return a_course(database, add_ons={"anti_nausea": 1})


@pytest.fixture
def visit(course):
    return course.session_ids[0]


@pytest.fixture
def told():
    return entry(
        KETAMINE,
        ONDANSETRON,
        minutes=100,
        evaluation=Evaluation(kind=EvaluationKind.OFFICE, minutes=30),
        psychotherapy_minutes=40,
    )


def test_all_that_was_done_is_on_the_superbill_and_sums_to_the_net_charge(database, visit, told):
    signed(database, visit, told)
    issued = superbill(database, visit)
    body = body_of(database, issued)
    ran = "07:20-09:00"
    assert lines_of(body) == [
        ("96365", "", 1, ran, 7_650),
        ("96366", "", 1, ran, 7_650),
        ("96375", "", 1, "", 7_650),
        ("99203", "25", 1, "", 7_650),
        ("90836", "", 1, "", 7_650),
        ("J2405", "", 4, "", 1_275),
        ("J3490", "", 1, ran, 0),
    ]
    assert sum(each["charge_cents"] for each in body["lines"]) == body["totals"]["net_cents"] == 39_525
    ndc = {each["code"]: each["ndc"] for each in body["lines"] if each["ndc"]}
    assert ndc["J2405"] == {"code": "99999-0052-02", "quantity": "2", "unit": "ML"}


def test_the_claim_has_the_same_lines_and_passes_both_validators(database, visit, told):
    signed(database, visit, told)
    issued = superbill(database, visit)
    content = render_837p(body_of(database, claim(database, visit)))
    assert faults_by_pyx12(content) == ""
    assert claims_by_x12sdk(content) == 1
    services = [each[0].split(":") for each in named(content, "SV1")]
    assert [(each[1], each[2:3]) for each in services][3:5] == [("99203", ["25"]), ("90836", [])]
    assert [each[1] for each in services] == [each["code"] for each in body_of(database, issued)["lines"]]


def test_an_amendment_makes_the_next_version_and_leaves_the_charge(database, visit, told):
    signed(database, visit, told)
    first = superbill(database, visit)
    amended(database, visit, replace(told, psychotherapy_minutes=None))
    second = superbill(database, visit)
    assert (second.version, second.supersedes_id, second.charge) == (2, first.id, first.charge)
    assert "90836" not in [each["code"] for each in body_of(database, second)["lines"]]


def test_a_visit_that_waits_for_its_stop_has_neither_superbill_nor_claim(database, visit, told, now):
    let_in(database, visit)
    waits = replace(told, stopped_at=None)
    database.in_transaction(lambda tx: keep_chart(tx, session_id=visit, entry=waits, actor=SYSTEM, now=now))
    with pytest.raises(SuperbillNotPossible, match="It waits for them"):
        superbill(database, visit)
    with pytest.raises(ClaimNotPossible, match="It waits for them"):
        claim(database, visit)


def test_who_was_here_within_three_years_is_no_first_visit(database, course, told, now):
    signed(database, course.session_ids[0], entry())
    later = now + timedelta(days=3)
    moved = replace(told, started_at=later - timedelta(minutes=100), stopped_at=later)
    signed(database, course.session_ids[1], moved, now=later)
    codes = [
        each["code"]
        for each in body_of(database, superbill(database, course.session_ids[1], now=later))["lines"]
    ]
    assert "99214" in codes
    assert "99203" not in codes


def test_the_second_evaluation_of_a_day_is_none_of_a_first_visit(database, course, now):
    morning, noon = (
        replace(entry(now=then), evaluation=EVALUATED) for then in (now, now + timedelta(hours=3))
    )
    signed(database, course.session_ids[1], noon, now=now + timedelta(hours=3))
    signed(database, course.session_ids[0], morning, now=now + timedelta(hours=3))
    first, second = (body_of(database, superbill(database, each)) for each in course.session_ids[:2])
    assert "99203" in [each["code"] for each in first["lines"]]
    assert "99214" in [each["code"] for each in second["lines"]]


def test_the_minutes_of_psychotherapy_are_none_of_the_evaluation_s(database, now):
    visit = Visit(
        entry=ChartEntry(psychotherapy_minutes=20),
        drugs=(),
        zone=ZoneInfo("America/Chicago"),
        times=(now - timedelta(minutes=45), now),
        seen_before=False,
        is_evaluation=True,
    )
    codes = [each.code for each in code_visit(visit, shipped_codes(now.date())).services]
    assert codes == ["99202", "90833"], "25 and 20 minutes"


# ------------------------------------------------------------------------------------- changed by staff


def change(database, visit, now, *lines, reason="as the plan asked"):
    return database.in_transaction(
        lambda tx: override_lines(tx, session_id=visit, lines=lines, reason=reason, actor=SYSTEM, now=now)
    )


def test_superbill_and_claim_show_what_was_billed_and_the_charge_stays(database, visit, told, now):
    signed(database, visit, told)
    first = superbill(database, visit, diagnoses=["F32.1", "F41.1"])
    before = body_of(database, first)
    change(
        database, visit, now,
        LineAsked(place=4, code="99204", modifiers=["25", "GA"], pointers="B"),
        LineAsked(place=6, units=2),
    )  # fmt: skip
    second = superbill(database, visit)
    body = body_of(database, second)
    assert (second.version, second.charge) == (2, first.charge)
    assert [each["charge_cents"] for each in body["lines"]] == [
        each["charge_cents"] for each in before["lines"]
    ]
    evaluation, medicine = body["lines"][3], body["lines"][5]
    assert (evaluation["code"], evaluation["modifiers"], evaluation["pointers"]) == (
        "99204",
        ["25", "GA"],
        "B",
    )
    assert (medicine["code"], medicine["units"]) == ("J2405", 2)
    content = render_837p(body_of(database, claim(database, visit)))
    assert (faults_by_pyx12(content), claims_by_x12sdk(content)) == ("", 1)
    assert "HC:99204:25:GA" in [each[0] for each in named(content, "SV1")]


def test_a_line_points_to_no_diagnosis_that_is_not_there(database, visit, told, now):
    signed(database, visit, told)
    change(database, visit, now, LineAsked(place=1, pointers="C"))
    with pytest.raises(SuperbillNotPossible, match="points to diagnosis C, and there are 1"):
        superbill(database, visit)
    with pytest.raises(ClaimFlawed):
        claim(database, visit)


def test_changed_lines_that_are_coded_otherwise_by_now_wait_for_a_person(database, visit, told, now):
    signed(database, visit, told)
    change(database, visit, now, LineAsked(place=5, units=2))
    amended(database, visit, replace(told, psychotherapy_minutes=None))
    with pytest.raises(SuperbillNotPossible, match="Look at how it is coded"):
        superbill(database, visit)
    change(database, visit, now, reason="no talk that day")
    assert len(body_of(database, superbill(database, visit))["lines"]) == 6


def test_what_is_asked_for_as_it_is_coded_is_no_change(database, visit, told, now):
    signed(database, visit, told)
    present = superbill(database, visit)
    assert change(database, visit, now, LineAsked(place=1, code="96365", units=1)).override is None
    assert superbill(database, visit).id == present.id


# -------------------------------------------------------------------------------- add-ons and the chart


def coding_of(database, visit):
    with database.reading() as read:
        return coded_session(read, find_session(read, visit, SYSTEM), SuperbillNotPossible)


def test_a_drug_that_was_sold_and_not_given_is_no_line(database):
    visit = a_course(database, add_ons={"anti_nausea": 3, "midazolam": 1}).session_ids[0]
    signed(database, visit, entry(KETAMINE))
    body = body_of(database, superbill(database, visit))
    assert [(each["code"], each["charge_cents"]) for each in body["lines"]] == [
        ("96365", body["totals"]["net_cents"]),
        ("J3490", 0),
    ]
    assert [step.text.partition(":")[0] for step in coding_of(database, visit).not_coded] == [
        "Anti-nausea medicine x 3, J2405",
        "Midazolam x 1, J2250",
    ]


def test_a_drug_that_was_sold_three_times_has_the_units_of_its_dose(database):
    visit = a_course(database, add_ons={"anti_nausea": 3}).session_ids[0]
    signed(database, visit, entry(KETAMINE, ONDANSETRON))
    lines = body_of(database, superbill(database, visit))["lines"]
    (sold,) = (each for each in lines if each["code"] == "J2405")
    assert (sold["units"], sold["charge_cents"], sold["ndc"]["quantity"]) == (4, 3_825, "2")


def test_a_drug_of_which_nothing_was_given_is_on_neither_paper(database, visit):
    nothing = replace(ONDANSETRON, dose_mg=Decimal(0))
    signed(database, visit, entry(KETAMINE, nothing))
    body = body_of(database, superbill(database, visit))
    codes = [each["code"] for each in body["lines"]]
    assert codes == ["96365", "J3490"], "no push of nothing, either"
    assert sum(each["charge_cents"] for each in body["lines"]) == body["totals"]["net_cents"]
    content = render_837p(body_of(database, claim(database, visit)))
    assert (faults_by_pyx12(content), claims_by_x12sdk(content)) == ("", 1)
