"""Verify and the exports, as an accountant asks for them, and as nobody else may."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from billing.accounting.api import make_blueprint
from billing.accounting.cli import make_commands
from billing.kernel.permissions import ROLES, Actor, Permission, Role
from billing.platform.data.audit import AuditRow
from billing.platform.http.edge import Edge
from tests.factories.accounting import LIMIT, a_journey, behind_the_back
from tests.factories.room_app import Door, room_client

EXPORTS = ("journal", "payments", "credits", "refunds", "superbills")


@pytest.fixture
def journey(database):
    return a_journey(database)


@pytest.fixture
def door(journey):
    actor = Actor(id="usr_books", entity_id=journey.entity_id, permissions=ROLES[Role.ACCOUNTANT])
    return Door(actor, journey.now)


@pytest.fixture
def client(database, door):
    return room_client(database, door, lambda edge: make_blueprint(edge, LIMIT))


@pytest.fixture
def run(database, now):
    """A command of this room, as the machine's administrator types it."""
    edge = Edge(database=database, clock=lambda: now, public_url="http://localhost")
    commands = {command.name: command for command in make_commands(edge, LIMIT)}

    def run_it(name, *words):
        return CliRunner().invoke(commands[name], [str(word) for word in words])

    return run_it


def disclosures(database):
    with database.reading() as read:
        query = select(AuditRow).where(AuditRow.action.like("export.%")).order_by(AuditRow.id)
        return list(read.session.scalars(query))


def break_an_invoice(database):
    behind_the_back(database, "UPDATE invoice SET open_cents = 1 WHERE state = 'paid'")


# --- HTTP ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EXPORTS)
def test_an_export_streams_as_a_file_and_is_on_the_trail(client, database, journey, kind):
    answer = client.get(f"/api/v1/exports/{kind}?from=2026-11-01&to=2026-12-31")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert answer.mimetype_params["charset"] == "utf-8"
    assert f"{kind}-2026-11-01-2026-12-31.csv" in answer.headers["Content-Disposition"]
    assert list(csv.DictReader(io.StringIO(answer.text, newline="")))
    (row,) = disclosures(database)
    assert (row.actor_id, row.action, row.subject_id) == ("usr_books", f"export.{kind}", journey.entity_id)
    assert row.detail == {"format": "csv", "from": "2026-11-01", "to": "2026-12-31"}


def test_the_disclosure_stands_before_the_first_byte(client, database):
    answer = client.get("/api/v1/exports/journal", buffered=False)
    assert len(disclosures(database)) == 1
    answer.close()


@pytest.mark.parametrize("form", ["beancount", "hledger"])
def test_the_journal_comes_as_plain_text_too(client, form):
    answer = client.get(f"/api/v1/exports/journal?format={form}")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert "Assets:1050-Processor-clearing" in answer.text


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("journal?format=xlsx", "/format"),
        ("refunds?format=beancount", "/format"),
        ("journal?from=2026-13-01", "/from"),
        ("journal?from=2026-02-01&to=2026-01-01", "/to"),
        ("journal?cursor=1", "/cursor"),
    ],
)
def test_a_wrong_question_is_refused_by_name_and_discloses_nothing(client, database, path, pointer):
    answer = client.get(f"/api/v1/exports/{path}")
    assert answer.status_code == 422
    assert [flaw["pointer"] for flaw in answer.json["errors"]] == [pointer]
    assert disclosures(database) == []


def test_the_formats_that_there_are_are_named(client):
    answer = client.get("/api/v1/exports/journal?format=qbo")
    assert "csv, beancount, hledger" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize(
    ("kind", "needed"),
    [
        ("journal", Permission.EXPORT_LEDGER),
        ("payments", Permission.EXPORT_LEDGER),
        ("credits", Permission.EXPORT_LEDGER),
        ("refunds", Permission.EXPORT_REFUNDS),
        ("superbills", Permission.EXPORT_SUPERBILLS),
    ],
)
def test_each_export_asks_for_its_own_permission(client, database, door, kind, needed):
    door.actor = replace(door.actor, permissions=frozenset(Permission) - {needed})
    assert client.get(f"/api/v1/exports/{kind}").status_code == 403
    assert disclosures(database) == []
    door.actor = replace(door.actor, permissions=frozenset({needed}))
    assert client.get(f"/api/v1/exports/{kind}").status_code == 200


def test_another_entity_takes_nothing_of_ours(client, door):
    door.actor = replace(door.actor, entity_id="ent_other")
    for kind in EXPORTS:
        assert len(client.get(f"/api/v1/exports/{kind}").text.splitlines()) == 1


def test_verify_answers_with_every_number(client):
    answer = client.get("/api/v1/verify")
    assert (answer.status_code, answer.json["ok"]) == (200, True)
    assert [check["number"] for check in answer.json["checks"]] == list(range(1, 24))
    assert {check["status"] for check in answer.json["checks"]} == {"ok", "not_yet", "elsewhere"}


def test_verify_names_what_is_wrong_to_those_who_see_all_of_it(client, database, door):
    break_an_invoice(database)
    sixth = client.get("/api/v1/verify").json["checks"][5]
    assert (sixth["status"], sixth["found"]) == ("failed", len(sixth["findings"]))
    assert sixth["findings"][0]["object"] == sixth["objects"][0]
    for changes in ({"site_ids": frozenset({"site_x"})}, {"entity_id": "ent_other"}):
        door.actor = replace(door.actor, **{"entity_id": door.actor.entity_id, "site_ids": None} | changes)
        hidden = client.get("/api/v1/verify").json["checks"][5]
        assert (hidden["status"], hidden["objects"], hidden["found"]) == ("failed", [], sixth["found"])


def test_verify_is_not_for_everybody(client, door):
    door.actor = replace(door.actor, permissions=ROLES[Role.FRONT_DESK])
    assert client.get("/api/v1/verify").status_code == 403


def test_the_description_names_every_export(client):
    described = client.get("/api/v1/openapi.json").json
    journal = described["paths"]["/api/v1/exports/journal"]["get"]
    assert set(journal["responses"]["200"]["content"]) == {"text/csv", "text/plain"}
    assert {each["name"] for each in journal["parameters"]} == {"from", "to", "format"}
    assert "/api/v1/exports/superbills" in described["paths"]


# --- the command line ----------------------------------------------------------------------------------


def test_verify_exits_well_only_when_nothing_failed(run, database, journey):
    well = run("verify", "--json")
    assert (well.exit_code, json.loads(well.output)["ok"]) == (0, True)
    break_an_invoice(database)
    broken = run("verify", "--json")
    assert (broken.exit_code, json.loads(broken.output)["ok"]) == (1, False)
    shown = run("verify")
    assert shown.exit_code == 1
    assert " 6  FAILED" in shown.output
    assert "inv_" in shown.output


def test_verify_runs_on_an_empty_database(run):
    assert run("verify").exit_code == 0


def test_export_writes_a_whole_file_and_leaves_a_line_on_the_trail(run, database, journey, tmp_path):
    path = tmp_path / "new" / "journal.csv"
    done = run("export", "journal", "--from", "2026-11-01", "--to", "2026-12-31", "--out", path, "--json")
    assert done.exit_code == 0
    answer = json.loads(done.output)
    assert (answer["ok"], answer["bytes"]) == (True, path.stat().st_size)
    assert path.read_bytes().startswith(b"date,entry_id,line,account,")
    assert [each.name for each in path.parent.iterdir()] == ["journal.csv"]
    assert [row.actor_id for row in disclosures(database)] == ["system"]


def test_export_can_go_to_the_terminal(run, journey):
    done = run("export", "journal", "--format", "hledger", "--out", "-")
    assert done.exit_code == 0
    assert done.output.startswith("decimal-mark .")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("pack",), "There are: journal, payments, refunds, credits, superbills."),
        (("journal", "--format", "xlsx"), "csv, beancount, hledger"),
        (("journal", "--from", "2026-12-01", "--to", "2026-11-01"), "before it begins"),
    ],
)
def test_a_wrong_export_is_refused_in_one_sentence(run, database, tmp_path, words, says):
    refused = run("export", *words, "--out", tmp_path / "file")
    assert refused.exit_code == 1
    assert says in refused.output
    assert list(tmp_path.glob("file*")) == []
    assert disclosures(database) == []


def test_a_place_that_cannot_be_written_is_told_in_one_sentence(run, tmp_path):
    (tmp_path / "taken").write_text("a file")
    refused = run("export", "journal", "--out", tmp_path / "taken" / "journal.csv")
    assert refused.exit_code == 1
    assert "cannot be written" in refused.output


def test_the_audit_chain_is_followed(run, database, journey):
    whole = json.loads(run("audit", "verify", "--json").output)
    assert (whole["ok"], whole["waiting"], whole["broken_at"]) == (True, 0, None)
    behind_the_back(database, "UPDATE audit_row SET actor_id = 'usr_x' WHERE action = 'payment.receive'")
    broken = run("audit", "verify")
    assert broken.exit_code == 1
    assert "breaks at place" in broken.output
