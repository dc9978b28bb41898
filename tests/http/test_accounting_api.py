"""Verify and the exports, as an accountant asks for them, and as nobody else may."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from billing.accounting.api import make_blueprint
from billing.accounting.cli import make_commands
from billing.adapters.statement_pdf import render_statement, render_year_end
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Permission, Role
from billing.payments.records.bounces import BounceReason
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.move import move_payment
from billing.platform.data.audit import AuditRow
from billing.platform.http.edge import Edge
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, a_journey, behind_the_back
from tests.factories.disputes import disputed
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_by_card, paid_by_check, paid_in_cash
from tests.factories.patients import new_patient
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
    return room_client(
        database, door, lambda edge: make_blueprint(edge, LIMIT, render_statement, render_year_end)
    )


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


def test_the_payments_say_what_disputes_took_by_the_end_of_the_period(database, door, journey, client):
    bill = billed(database, a_patient(database), only_first=1)
    paid = paid_by_card(database, bill.invoice, NOW)
    door.actor = replace(door.actor, entity_id=bill.invoice.entity_id)
    disputed(database, paid, NOW + timedelta(days=30))

    def taken(until):
        answer = client.get(f"/api/v1/exports/payments?from=2026-11-01&to={until}")
        rows = {row["payment_id"]: row for row in csv.DictReader(io.StringIO(answer.text))}
        return rows[paid.id]["amount"], rows[paid.id]["disputed"]

    assert taken("2026-12-31") == ("450.00", "450.00")
    assert taken("2026-11-30") == ("450.00", "0.00")


def what_stayed(client, until):
    """The payments of two months by their ids, and what they say of a day in cents."""
    answer = client.get(f"/api/v1/exports/payments?from=2026-11-01&to={until}")
    rows = {row["payment_id"]: row for row in csv.DictReader(io.StringIO(answer.text))}
    cents = {
        name: sum(round(100 * float(row[name])) for row in rows.values())
        for name in ("amount", "refunded", "disputed", "reversed")
    }
    return rows, cents["amount"] - cents["refunded"] - cents["disputed"] - cents["reversed"]


def test_a_check_that_bounced_is_no_money_from_the_day_on_which_it_bounced(database, door, client):
    bill = billed(database, a_patient(database), only_first=1)
    paid = paid_by_check(database, bill.invoice, NOW, bill.invoice.total)
    door.actor = replace(door.actor, entity_id=bill.invoice.entity_id)
    _, before = what_stayed(client, "2026-12-31")
    bounced = {"reason": BounceReason.INSUFFICIENT_FUNDS, "bounced_on": date(2026, 12, 2), "fee": ZERO}
    database.in_transaction(
        lambda tx: bounce_check(tx, payment_id=paid.id, **bounced, actor=SYSTEM, now=NOW + timedelta(days=40))
    )
    rows, stayed = what_stayed(client, "2026-12-31")
    assert stayed == before - 45_000
    row = rows[paid.id]
    assert (row["amount"], row["reversed"], row["state"]) == ("450.00", "450.00", "bounced")
    assert list(row)[-2:] == ["disputed", "reversed"], "as scripts have read it, and one more"
    rows, stayed = what_stayed(client, "2026-12-01")
    row = rows[paid.id]
    assert stayed == before, "a month's payments are not changed by what bounced later"
    assert (row["amount"], row["reversed"], row["state"]) == ("450.00", "0.00", "received")


def test_a_payment_that_was_booked_for_another_patient_counts_once(database, door, client):
    wrong = billed(database, a_patient(database), only_first=1)
    paid = paid_in_cash(database, wrong.invoice, NOW, Money(45_000))
    door.actor = replace(door.actor, entity_id=wrong.invoice.entity_id)
    _, before = what_stayed(client, "2026-12-31")
    right = new_patient(
        database, entity_id=wrong.invoice.entity_id, site_id=wrong.invoice.site_id, now=NOW, given_name="Elsa"
    )
    order = {"payment_id": paid.id, "patient_id": right.id, "invoice_id": None}
    moved = database.in_transaction(lambda tx: move_payment(tx, **order, actor=SYSTEM, now=NOW))
    rows, stayed = what_stayed(client, "2026-12-31")
    assert stayed == before
    assert (rows[paid.id]["reversed"], rows[moved.id]["reversed"]) == ("450.00", "0.00")
