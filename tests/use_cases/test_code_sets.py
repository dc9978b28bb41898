"""The codes that a clinic bills by: shipped, loaded whole from its own file, or refused line by line."""

import re
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing.care.records import Evaluation, EvaluationKind
from billing.insurance.errors import OtherCodesThere, SuperbillNotPossible, UnreadableCodes
from billing.insurance.queries.coding import codes_on
from billing.insurance.records.coding import CodeRule
from billing.insurance.rules.code_sets import SHIPPED, read_codes, shipped_codes, written_codes
from billing.insurance.use_cases.code_sets import load_codes
from billing.kernel.permissions import SYSTEM
from billing.platform.data.documents import find_document
from tests.factories.catalog import seed_sample
from tests.factories.charts import entry, signed
from tests.factories.insurance import a_course, superbill

YEAR = date(2026, 7, 1)
SET = written_codes(shipped_codes(YEAR))
OWN = SET.replace("Infusion of a further drug, after the first", "Our second drug")
ROWS = SET.splitlines()
LAST = len(ROWS)


def at(beginning):
    """The line of the first row that begins so."""
    return next(place for place, row in enumerate(ROWS, 1) if row.startswith(beginning))


def load(database, entity_id, now, content=SET, *, starts_on=YEAR, replaces=False):
    return database.in_transaction(
        lambda tx: load_codes(
            tx,
            entity_id=entity_id,
            content=content.encode() if isinstance(content, str) else content,
            starts_on=starts_on,
            replaces=replaces,
            actor=SYSTEM,
            now=now,
        )
    )


@pytest.mark.parametrize("on", SHIPPED)
def test_the_shipped_sets_are_files_that_can_be_loaded_again(on):
    codes = shipped_codes(on)
    assert read_codes(written_codes(codes).encode(), on) == codes
    assert read_codes(written_codes(codes).replace("\n", "\r\n").encode("utf-8-sig"), on) == codes


def test_no_wording_of_the_american_medical_association_is_shipped():
    official = re.compile(
        r"intravenous|therapeutic|prophylaxis|diagnostic|specify|initial, up to|office or other outpatient",
        re.IGNORECASE,
    )
    assert [row.words for on in SHIPPED for row in shipped_codes(on).rows if official.search(row.words)] == []


def test_the_oldest_shipped_set_serves_the_days_before(database, now):
    clinic = seed_sample(database, now)
    with database.reading() as read:
        found = [codes_on(read, clinic.id, on).starts_on for on in (date(2019, 1, 1), *SHIPPED)]
    assert found == [SHIPPED[0], *SHIPPED]


def test_a_clinic_bills_by_its_own_file_from_its_day_on(database, now):
    clinic, other = seed_sample(database, now), seed_sample(database, now, "a")
    loaded = load(database, clinic.id, now, OWN)
    assert (loaded.clinic, loaded.status, loaded.rows) == ("b", "loaded", len(SET.splitlines()) - 1)
    with database.reading() as read:
        assert (
            codes_on(read, clinic.id, YEAR)
            .of(CodeRule.INFUSION_SEQUENTIAL)
            .words.startswith("Our second drug")
        )
        assert codes_on(read, clinic.id, date(2026, 6, 30)) == shipped_codes(YEAR)
        assert codes_on(read, other.id, YEAR) == shipped_codes(YEAR)


def test_the_same_again_changes_nothing_and_others_of_that_day_must_be_meant(database, now):
    clinic = seed_sample(database, now)
    load(database, clinic.id, now)
    assert load(database, clinic.id, now).status == "unchanged"
    with pytest.raises(OtherCodesThere, match="--replace"):
        load(database, clinic.id, now, OWN)
    assert load(database, clinic.id, now, OWN, replaces=True).status == "replaced"
    with pytest.raises(DBAPIError, match="keeps what it holds"):
        database.in_transaction(lambda tx: tx.session.execute(text("DELETE FROM code_set")))


@pytest.mark.parametrize(
    ("wrong", "line", "why"),
    [
        (b"", 1, "columns"),
        (SET.replace("least,most", "most,least"), 1, "columns"),
        (SET.replace("96365", "9636"), 3, "five"),
        (SET.replace("evaluation_modifier,,,25", "evaluation_modifier,,,250"), at("evaluation_mod"), "two"),
        (SET.replace("infusion_initial,16,90", "infusion_initial,16,"), 3, "most is needed"),
        (SET.replace("infusion_initial,16,90", "infusion_initial,90,16"), 3, "least is more"),
        (SET.replace("infusion_initial,16,90", "infusion_initial,16,1e2"), 3, "whole numbers"),
        (SET.replace("infusion_push", "infusion_pull"), 2, "no rule infusion_pull"),
        (SET.replace("Infusion session", "x" * 61), 3, "at most 60"),
        (SET.replace(",Fluid\n", "\n"), at("hydration_initial"), "6 cells, and this one 5"),
        (
            SET.replace("psychotherapy,38,52", "psychotherapy,37,52"),
            at("psychotherapy,38"),
            "line 19 says this already",
        ),
        (SET + "infusion_push,,20,96374,,\n", LAST + 1, "line 2 says this already"),
        (SET.replace("1,,J2250", "0,,J2250"), at("drug_unit,1,,J2250"), "least is needed"),
        (SET.replace("J0013,S0013", "J0013,"), at("drug_code"), "instead_of is needed"),
        ("\n".join(SET.splitlines()[:2]), 2, "no row is for infusion_initial"),
        (SET.replace("Drug given", '"Drug given'), 4, "expected after"),
        (SET.encode() + b"\xff", LAST + 1, "not UTF-8"),
        (SET.encode("utf-16"), 1, "not UTF-8"),
        ("x" * 100_001, 1, "more than"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_whole_and_its_line_named(database, now, wrong, line, why):
    clinic = seed_sample(database, now)
    with pytest.raises(UnreadableCodes) as caught:
        load(database, clinic.id, now, wrong)
    assert f"line {line}" in [flaw.pointer for flaw in caught.value.flaws]
    assert why in " ".join(flaw.message for flaw in caught.value.flaws)
    with database.reading() as read:
        assert codes_on(read, clinic.id, YEAR) == shipped_codes(YEAR)


def test_what_a_set_leaves_out_is_not_billed(database, now):
    course = a_course(database)
    with_talk = entry(evaluation=Evaluation(kind=EvaluationKind.OFFICE, minutes=30))
    signed(database, course.session_ids[0], with_talk)
    without = "\n".join(row for row in SET.splitlines() if not row.startswith("evaluation_"))
    load(database, course.patient.entity_id, now, without)
    issued = superbill(database, course.session_ids[0])
    with database.reading() as read:
        lines = find_document(read, issued.document_id).body["lines"]
    assert [each["code"] for each in lines] == ["96365", "J3490"]


def test_the_minutes_of_a_clinic_s_own_set_decide(database, now):
    course = a_course(database)
    signed(database, course.session_ids[0], entry(minutes=45))
    load(database, course.patient.entity_id, now, SET.replace("infusion_push,,15", "infusion_push,,300"))
    issued = superbill(database, course.session_ids[0])
    with database.reading() as read:
        lines = find_document(read, issued.document_id).body["lines"]
    assert [each["code"] for each in lines] == ["96374", "J3490"]


def test_the_commands_load_and_show_a_clinic_s_codes(app, database, now, tmp_path):
    seed_sample(database, now)
    runner, path = app.test_cli_runner(), tmp_path / "codes.csv"
    shown = runner.invoke(args=["codes", "show", "--clinic", "b", "--on", "2026-07-01"])
    assert (shown.exit_code, shown.output) == (0, SET)
    path.write_text(shown.output.replace("96365", "9636"))
    load_it = ["codes", "load", str(path), "--clinic", "b", "--from", "2026-07-01"]
    refused = runner.invoke(args=load_it)
    assert refused.exit_code == 1
    assert "line 3: a code has five capitals or digits" in refused.output
    path.write_text(OWN)
    for extra, status in ((["--dry-run"], "loaded"), ([], "loaded"), (["--json"], "unchanged")):
        done = runner.invoke(args=[*load_it, *extra])
        assert done.exit_code == 0, done.output
        assert status in done.output
    assert runner.invoke(args=["codes", "load", str(tmp_path / "no.csv"), *load_it[3:]]).exit_code == 1
    assert runner.invoke(args=[*load_it[:4], "z", *load_it[5:]]).exit_code == 1


def test_a_visit_that_waits_for_the_clinician_has_no_superbill(database, now):
    course = a_course(database)
    with pytest.raises(SuperbillNotPossible, match="is planned"):
        superbill(database, course.session_ids[0])
