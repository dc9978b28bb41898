"""`seed` and `quote` as people and scripts type them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from billing.catalog.cli import make_commands as catalog_commands
from billing.catalog.queries import SAMPLES, find_entity_by_slug
from billing.insurance.queries import edition_on
from billing.insurance.rules.diagnoses import is_billable
from billing.platform.http.edge import Edge
from billing.quotes.cli import make_commands as quote_commands
from tests.factories.catalog import seed_sample

PLAN = {
    "clinic": "b",
    "condition": "depression",
    "quoted_on": "2026-11-02",
    "eligibilities": ["veteran"],
    "sessions": [
        {
            "service": "infusion",
            "minutes": 45,
            "dose_mg": 40,
            "weight_kg": 80,
            "on": "2026-11-03",
            "add_ons": {"anti_nausea": 1},
        }
    ],
}


class NoDatabase:
    """Fails the test that looks at the database."""

    def __getattr__(self, name):
        raise AssertionError("a sample is priced without any database")


def run(commands, *arguments, input=None):
    (command,) = commands
    return CliRunner().invoke(command, [str(each) for each in arguments], input=input)


def edge_of(database, now):
    return Edge(database=database, clock=lambda: now, public_url="http://localhost")


def seeding(database, now):
    return catalog_commands(
        edge_of(database, now), lambda read, code: is_billable(edition_on(read, now.date()), code)
    )


def quote(plan, *options, database=None, now=None):
    edge = edge_of(database or NoDatabase(), now)
    text = plan if isinstance(plan, (str, bytes)) else json.dumps(plan)
    return run(quote_commands(edge), "-", *options, input=text)


def refusal(plan, **more):
    """The problem that a script reads."""
    done = quote(plan, "--json", **more)
    assert done.exit_code == 1, done.output
    return json.loads(done.stdout)


def pointers(plan, **more):
    return {flaw["pointer"] for flaw in refusal(plan, **more)["errors"]}


def test_the_answer_has_the_shape_that_scripts_read():
    done = quote(PLAN, "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    session = answer.pop("sessions")[0]
    assert answer == {
        "schedule": "b-2026-01",
        "clinic": "b",
        "sample": True,
        "list_cents": 46_500,
        "package_cents": 0,
        "discount_cents": 6_975,
        "total_cents": 39_525,
    }
    assert (session["on"], session["list_cents"], session["net_cents"]) == ("2026-11-03", 46_500, 39_525)
    assert session["explanation"] == [
        {"rule": "base", "text": "Infusion, mental health, up to 60 minutes", "cents": 45_000},
        {"rule": "add_on", "text": "anti_nausea x 1", "cents": 1_500},
        {"rule": "veteran", "text": "15% of $465.00", "cents": -6_975},
    ]


def test_people_read_the_reasons_and_that_it_is_a_sample():
    shown = quote(PLAN).stdout
    for part in ("SAMPLE DATA", "Infusion, mental health, up to 60 minutes", "-$69.75", "$395.25"):
        assert part in shown


def test_a_plan_is_read_from_a_file(tmp_path: Path):
    file = tmp_path / "plan.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(PLAN).encode())
    done = run(quote_commands(edge_of(NoDatabase(), None)), file, "--json")
    assert json.loads(done.stdout)["total_cents"] == 39_525


@pytest.mark.parametrize("slug", "abcde")
def test_every_sample_has_a_price_without_a_database(slug):
    plan = {**PLAN, "clinic": slug, "condition": "depression" if slug in "abe" else "crps"}
    assert json.loads(quote(plan, "--json").stdout)["schedule"] == f"{slug}-2026-01"


def test_a_clinic_that_was_seeded_goes_by_its_slug(database, now):
    text = (SAMPLES / "b.yaml").read_text().replace("clinic: b\n", "clinic: elm-street\n")
    done = run(seeding(database, now), "-", "--json", input=text)
    assert json.loads(done.stdout)["clinic"] == "elm-street"
    plan = {**PLAN, "clinic": "elm-street"}
    assert json.loads(quote(plan, "--json", database=database, now=now).stdout)["total_cents"] == 39_525
    assert pointers({**plan, "quoted_on": "2025-06-01"}, database=database, now=now) == {"/quoted_on"}


def test_a_clinic_that_nobody_knows_is_named(database, now):
    assert pointers({**PLAN, "clinic": "nowhere"}, database=database, now=now) == {"/clinic"}


@pytest.mark.parametrize(
    ("plan", "pointer"),
    [
        ({}, "/clinic"),
        ({**PLAN, "condition": "sadness"}, "/condition"),
        ({**PLAN, "quoted_on": "2025-12-31"}, "/quoted_on"),
        ({**PLAN, "quoted_on": None}, "/quoted_on"),
        ({**PLAN, "sessions": []}, "/sessions"),
        ({**PLAN, "sessions": {}}, "/sessions"),
        ({**PLAN, "sessions": [5]}, "/sessions/0"),
        ({**PLAN, "colour": "red"}, "/colour"),
        ({**PLAN, "sessions": [{"service": "infusion", "on": "2026-11-03"}]}, "/sessions/0/dose_mg"),
        ([PLAN], ""),
        ("null", ""),
        ("{", ""),
        ("", ""),
        (b"\xff\xfe", ""),
        ('{"clinic": "b", "clinic": "c"}', ""),
        ('{"clinic": NaN}', ""),
        ('{"clinic": ' + "9" * 5_000 + "}", ""),
        ("[" * 100_000, ""),
        (" " * 1_000_001, ""),
    ],
)
def test_a_flaw_is_named_by_its_pointer(plan, pointer):
    assert pointer in pointers(plan)


def test_a_refusal_is_a_problem_for_scripts_and_sentences_for_people():
    wrong = {**PLAN, "condition": "sadness"}
    problem = refusal(wrong)
    assert (problem["code"], problem["type"], problem["status"]) == (
        "cannot-price",
        "/problems/cannot-price",
        422,
    )
    told = quote(wrong)
    assert (told.exit_code, told.stdout) == (1, "")
    assert "/condition: Is no condition" in told.stderr


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    done = run(quote_commands(edge_of(NoDatabase(), None)), tmp_path / "none.json", "--json")
    assert done.exit_code == 1
    assert "cannot be read" in json.loads(done.stdout)["errors"][0]["message"]


def test_a_clinic_is_seeded_twice_with_one_result(database, now):
    first, second = (run(seeding(database, now), SAMPLES / "b.yaml", "--json") for _ in range(2))
    answer = json.loads(first.stdout)
    assert answer == json.loads(second.stdout)
    assert (answer["ok"], answer["schedule"], answer["sample"], answer["conditions"]) == (
        True,
        "b-2026-01",
        True,
        20,
    )
    assert "sample data" in run(seeding(database, now), SAMPLES / "b.yaml").stdout


def test_a_wrong_file_is_refused_whole_with_its_lines(database, now):
    text = (SAMPLES / "b.yaml").read_text().replace("percent: 15", "percent: plenty")
    done = run(seeding(database, now), "-", "--json", input=text)
    assert done.exit_code == 1
    problem = json.loads(done.stdout)
    lines = [f"line {number}" for number, line in enumerate(text.splitlines(), 1) if "plenty" in line]
    assert [flaw["pointer"] for flaw in problem["errors"]] == lines
    with database.reading() as read, pytest.raises(Exception, match="no clinic b"):
        find_entity_by_slug(read, "b")
    told = run(seeding(database, now), "-", input=text)
    assert f"{lines[0]}: `percent` must be a percentage" in told.stderr


def test_other_content_under_a_published_code_is_refused(database, now):
    seed_sample(database, now)
    text = (SAMPLES / "b.yaml").read_text().replace("price: 250", "price: 260", 1)
    done = run(seeding(database, now), "-", "--json", input=text)
    assert (done.exit_code, json.loads(done.stdout)["code"]) == (1, "fee-schedule-already-published")


def test_bytes_that_are_no_text_and_files_that_are_not_there(database, now, tmp_path):
    done = run(seeding(database, now), "-", "--json", input=b"clinic: b\nname: \xff")
    assert json.loads(done.stdout)["errors"][0]["pointer"] == "line 2"
    assert run(seeding(database, now), tmp_path / "none.yaml").exit_code == 1
    assert run(seeding(database, now), tmp_path).exit_code == 1


@pytest.mark.parametrize("code", ["F32", "G90.5", "M79.6789"])
def test_a_condition_with_a_code_that_no_insurer_takes_is_refused_with_its_line(
    database, now, tmp_path, code
):
    text = (SAMPLES / "b.yaml").read_text().replace("icd10: [M79.7]", f"icd10: [{code}]")
    path = tmp_path / "clinic.yaml"
    path.write_text(text)
    done = run(seeding(database, now), path, "--json")
    assert done.exit_code == 1
    (flaw,) = json.loads(done.stdout)["errors"]
    (line,) = [at for at, told in enumerate(text.splitlines(), 1) if f"[{code}]" in told]
    assert flaw["pointer"] == f"line {line}"
    assert "billable" in flaw["message"]
    with database.reading() as read, pytest.raises(Exception, match="no clinic b"):
        find_entity_by_slug(read, "b")
