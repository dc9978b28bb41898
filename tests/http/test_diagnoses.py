"""Codes looked for over HTTP, and a year's codes loaded on the command line."""

import json
from datetime import date

import pytest
from flask import Flask

from billing.insurance.api import make_blueprint
from billing.insurance.cli import make_diagnosis_commands
from billing.insurance.queries import edition_on
from billing.insurance.rules.diagnoses import is_billable
from billing.kernel.permissions import ROLES, Actor, Role
from billing.wiring import INSURERS
from tests.factories.care import give
from tests.factories.catalog import seed_sample
from tests.factories.diagnoses import FEW, order_file, whole
from tests.factories.insurance import a_course
from tests.factories.room_app import Door, room_client

OCTOBER = date(2026, 10, 1)


@pytest.fixture
def door(now):
    return Door(Actor(id="usr_clinician", entity_id="ent_x", permissions=ROLES[Role.CLINICIAN]), now)


@pytest.fixture
def client(database, door):
    return room_client(database, door, lambda edge: make_blueprint(edge, INSURERS))


@pytest.fixture
def flask(database, now):
    app = Flask("office")
    app.cli.add_command(make_diagnosis_commands(database, lambda: now))
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(
        args=["diagnoses", "load", "--allow-removals", *map(str, arguments)]
    )


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "icd10cm_order_2027.txt"
    path.write_bytes(order_file(whole()))
    return path


def search(client, **query):
    return client.get("/api/v1/diagnoses", query_string={"on": "2026-11-02", **query})


def knows(database, code, on=OCTOBER):
    with database.reading() as read:
        return is_billable(edition_on(read, on), code)


def test_a_code_is_searched_by_its_beginning_or_by_words(client):
    found = search(client, search="g90.51", limit=5)
    assert found.status_code == 200
    assert found.json["starts_on"] == "2026-04-01"
    assert [each["code"] for each in found.json["items"]] == [
        *("G90.511", "G90.512", "G90.513", "G90.519"),
        "G90.51",
    ]
    assert found.json["items"][-1] == {
        "code": "G90.51", "description": "Complex regional pain syndrome I of upper limb",
        "is_billable": False,
    }  # fmt: skip
    words = search(client, search="phantom pain").json["items"]
    assert [each["code"] for each in words][:1] == ["G54.6"]
    assert len(search(client, search="of").json["items"]) == 20


@pytest.mark.parametrize(
    "query",
    [
        {"search": ""}, {"search": "f"}, {"search": "f\x00"}, {"search": "x" * 101},
        {"search": "f33", "on": ""}, {"search": "f33", "on": "2026-02-30"}, {"search": "f33", "limit": "51"},
        {"search": "f33", "other": "1"},
    ],
)  # fmt: skip
def test_a_search_that_makes_no_sense_is_refused_by_field(client, query):
    assert search(client, **query).status_code == 422
    assert client.get("/api/v1/diagnoses").status_code == 422


def test_who_may_not_read_the_catalog_may_not_search(client, door):
    door.actor = Actor(id="usr_admin", entity_id="ent_x", permissions=ROLES[Role.ADMIN])
    assert search(client, search="f33").status_code == 403
    door.actor = None
    assert search(client, search="f33").status_code == 401


def test_a_loaded_edition_is_searched_on_its_days(client, flask, file):
    assert search(client, search="f33.7").json["items"] == []
    assert flask(file, "--from", OCTOBER).exit_code == 0
    found = search(client, search="f33.7").json
    assert (found["starts_on"], [each["code"] for each in found["items"]]) == ("2026-10-01", ["F33.7"])
    assert search(client, search="f33.7", on="2026-09-30").json["items"] == []


def test_unrelated_diagnoses_that_exclude_each_other_are_taken_on_the_providers_word(database, client, door):
    course = a_course(database, sessions=1)
    give(database, course.session_ids[0])
    door.actor = Actor(id="usr_biller", entity_id=course.patient.entity_id, permissions=ROLES[Role.BILLING])
    path, codes = f"/api/v1/sessions/{course.session_ids[0]}/superbill", ["G89.4", "R52"]
    refused = client.post(path, json={"diagnoses": codes})
    assert (refused.status_code, refused.json["code"]) == (409, "diagnoses-exclude")
    assert client.post(path, json={"diagnoses": codes, "are_unrelated": "yes"}).status_code == 422
    assert client.post(path, json={"diagnoses": codes, "are_unrelated": True}).status_code == 201


def test_an_edition_is_loaded_and_told_in_words(database, flask, file, now):
    seed_sample(database, now)
    told = flask(file, "--from", OCTOBER)
    assert told.exit_code == 0
    assert told.output.startswith(
        "ICD-10-CM from 2026-10-01: loaded. 30 codes, 28 billable; 25 of these are new,"
    )
    assert "Usual for a condition of the clinic, but not billable then: B02.22, B02.23," in told.output
    assert knows(database, "F33.7")
    assert "unchanged" in flask(file, "--from", OCTOBER).output


def test_a_dry_run_shows_it_and_leaves_nothing(database, flask, file):
    told = flask(file, "--from", OCTOBER, "--dry-run", "--json")
    assert told.exit_code == 0
    assert json.loads(told.output) == {
        "starts_on": "2026-10-01", "status": "loaded", "codes": 30, "billable": 28, "new": 25, "gone": 74_716,
        "usual_not_billable": [],
    }  # fmt: skip
    assert not knows(database, "F33.7")


def test_another_file_of_that_day_needs_a_word(database, flask, file):
    flask(file, "--from", OCTOBER)
    file.write_bytes(order_file(whole([*FEW, ("R53", "1", "A code that was forgotten")])))
    refused = flask(file, "--from", OCTOBER, "--json")
    assert (refused.exit_code, json.loads(refused.output)["code"]) == (1, "other-edition-there")
    assert "--replace" in flask(file, "--from", OCTOBER).stderr
    assert not knows(database, "R53")
    assert "replaced" in flask(file, "--from", OCTOBER, "--replace").output
    assert knows(database, "R53")


def test_a_file_that_is_wrong_is_refused_with_its_line(database, flask, file):
    file.write_bytes(order_file([*FEW, ("R52", "1", "Twice")]))
    refused = flask(file, "--from", OCTOBER)
    assert refused.exit_code == 1
    assert "line 7: the code R52 stands in line 6 already" in refused.stderr
    told = json.loads(flask(file, "--from", OCTOBER, "--json").output)
    assert told["code"] == "unreadable-diagnoses"
    assert "line 7" in json.dumps(told["errors"])
    assert not knows(database, "F33.7")


def test_a_file_that_is_not_there_is_refused(flask, tmp_path):
    assert "cannot be opened" in flask(tmp_path / "none.txt", "--from", OCTOBER).stderr
    assert "cannot be opened" in flask(tmp_path, "--from", OCTOBER).stderr


def test_the_day_is_asked_for(flask, file):
    assert flask(file).exit_code == 2
    assert flask(file, "--from", "October").exit_code == 2
