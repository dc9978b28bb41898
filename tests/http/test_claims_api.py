"""The routes of claims, and the command that writes the file to send."""

import hashlib
import json
from datetime import timedelta
from io import BytesIO

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select

from billing.adapters.acknowledgements import X12AcknowledgementReader
from billing.adapters.claim_837p import render_837p
from billing.adapters.claim_cms1500 import print_cms1500
from billing.insurance.api import make_blueprint
from billing.insurance.cli.claims import make_claim_commands
from billing.insurance.queries.claims import find_claim
from billing.insurance.states import ClaimMark
from billing.insurance.use_cases.claims import correct_claim, mark_claim, void_claim
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.patients.records import PlanLimits
from billing.patients.use_cases import record_plan_limits
from billing.platform.data.audit import AuditRow
from billing.wiring import INSURERS
from tests.factories.accounting import behind_the_back
from tests.factories.acknowledgements import of_claims, of_form
from tests.factories.care import give
from tests.factories.claim_files import claims_by_x12sdk, faults_by_pyx12, named, segments
from tests.factories.insurance import a_course, a_visit_elsewhere, claim, claimed, imported
from tests.factories.remittance_835 import Claim as Answer
from tests.factories.remittance_835 import remittance
from tests.factories.room_app import Door, room_client

KEY = {"Idempotency-Key": "claim-1"}
CHOSEN = {"diagnoses": ["F32.1"]}


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def door(course, now):
    permissions = ROLES[Role.BILLING]
    return Door(Actor(id="usr_biller", entity_id=course.patient.entity_id, permissions=permissions), now)


@pytest.fixture
def client(database, door):
    return room_client(
        database,
        door,
        lambda edge: make_blueprint(edge, INSURERS),
    )


@pytest.fixture
def present(database, course):
    return claimed(database, course.session_ids[0])


@pytest.fixture
def flask(database, now):
    app = Flask("office")
    app.cli.add_command(
        make_claim_commands(database, lambda: now, render_837p, print_cms1500, X12AcknowledgementReader())
    )
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=["claims", "export", *map(str, arguments)])


def deny(database, claim, now, code="197"):
    denied = Answer(
        control_number=claim.control_number,
        charge_cents=38_250,
        paid_cents=0,
        adjustments=(("CO", code, 38_250),),
        remarks=("N386",),
    )
    imported(database, remittance([denied]), now=now + timedelta(days=9))


def test_a_claim_is_issued_shown_listed_and_downloaded(database, client, course):
    give(database, course.session_ids[0])
    issued = client.post(f"/api/v1/sessions/{course.session_ids[0]}/claim", json=CHOSEN)
    assert issued.status_code == 201
    assert issued.json["charge_cents"] == issued.json["paid_cents"] == 38_250
    assert (issued.json["frequency"], issued.json["state"]) == ("1", "issued")
    assert client.get(f"/api/v1/claims/{issued.json['id']}").json == issued.json
    query = {"patient_id": course.patient.id, "from": "2026-11-01", "to": "2026-11-30", "state": "issued"}
    assert client.get("/api/v1/claims", query_string=query).json["items"] == [issued.json]
    assert client.get("/api/v1/claims", query_string={"state": "filed"}).json["items"] == []
    file = client.get(f"/api/v1/claims/{issued.json['id']}/837p")
    assert (file.mimetype, file.headers["Cache-Control"]) == ("application/edi-x12", "no-store")
    assert file.headers["Content-Disposition"] == 'attachment; filename="CLM-000001.837"'
    assert faults_by_pyx12(file.data) == ""
    assert named(file.data, "CLM")[0][0] == issued.json["control_number"]
    assert client.get(f"/api/v1/claims/{issued.json['id']}/837p").data == file.data


def test_the_same_key_answers_with_the_same_claim(database, client, course):
    give(database, course.session_ids[0])
    route = f"/api/v1/sessions/{course.session_ids[0]}/claim"
    first, second = (client.post(route, json=CHOSEN, headers=KEY) for _ in range(2))
    assert first.data == second.data


@pytest.mark.parametrize("body", [{}, {"diagnoses": []}])
def test_a_claim_whose_diagnosis_nobody_chose_is_refused_with_what_is_usual(database, client, course, body):
    give(database, course.session_ids[0])
    refused = client.post(f"/api/v1/sessions/{course.session_ids[0]}/claim", json=body)
    assert (refused.status_code, refused.json["code"]) == (422, "diagnosis-not-chosen")
    (flaw,) = refused.json["errors"]
    assert flaw["pointer"] == "/diagnoses"
    assert "usual for Depression: F32.1, F32.2, F32.9, F33.1, F33.2, F33.9" in flaw["message"]
    assert client.get("/api/v1/claims").json["items"] == []


def test_a_claim_is_filed_corrected_and_taken_back(client, present):
    route = f"/api/v1/claims/{present.id}"
    filed = client.post(f"{route}/filed", json={})
    assert (filed.status_code, filed.json["state"]) == (200, "filed")
    assert client.post(f"{route}/filed", json={}).json["code"] == "illegal-move"
    unnamed = client.post(f"{route}/correct", json={"diagnoses": ["F33.1"]})
    assert (unnamed.status_code, unnamed.json["code"]) == (409, "claim-not-possible")
    named_so = {"diagnoses": ["F33.1"], "payer_claim_number": "P1"}
    corrected = client.post(f"{route}/correct", json=named_so)
    assert (corrected.status_code, corrected.json["frequency"]) == (201, "7")
    assert (corrected.json["original_reference"], corrected.json["supersedes_id"]) == ("P1", present.id)
    taken_back = client.post(f"/api/v1/claims/{corrected.json['id']}/void", json={})
    assert (taken_back.status_code, taken_back.json["frequency"]) == (201, "8")


def test_flaws_are_named_by_field(database, client, course):
    give(database, course.session_ids[0])
    behind_the_back(database, "UPDATE entity SET npi = '2000000011'")
    refused = client.post(f"/api/v1/sessions/{course.session_ids[0]}/claim", json=CHOSEN)
    assert (refused.status_code, refused.json["code"]) == (422, "claim-flawed")
    assert [error["pointer"] for error in refused.json["errors"]] == ["/billing/npi"]


def test_a_payers_number_that_cannot_be_sent_is_refused_by_field(client, present):
    client.post(f"/api/v1/claims/{present.id}/filed", json={})
    refused = client.post(f"/api/v1/claims/{present.id}/void", json={"payer_claim_number": "P*1"})
    assert [error["pointer"] for error in refused.json["errors"]] == ["/original_reference"]
    too_long = client.post(f"/api/v1/claims/{present.id}/void", json={"payer_claim_number": "P" * 51})
    assert (too_long.status_code, too_long.json["code"]) == (422, "invalid-request")


def test_diagnoses_that_exclude_each_other_are_taken_on_the_providers_word(database, client, course):
    give(database, course.session_ids[0])
    route, codes = f"/api/v1/sessions/{course.session_ids[0]}/claim", ["G89.4", "R52"]
    refused = client.post(route, json={"diagnoses": codes})
    assert (refused.status_code, refused.json["code"]) == (422, "claim-flawed")
    assert [error["pointer"] for error in refused.json["errors"]] == ["/diagnoses/1"]
    assert client.post(route, json={"diagnoses": codes, "are_unrelated": "yes"}).status_code == 422
    issued = client.post(route, json={"diagnoses": codes, "are_unrelated": True})
    assert issued.status_code == 201
    client.post(f"/api/v1/claims/{issued.json['id']}/filed", json={})
    route, change = f"/api/v1/claims/{issued.json['id']}/correct", {"payer_claim_number": "P1"}
    change["diagnoses"] = codes[::-1]
    assert client.post(route, json=change).json["code"] == "claim-flawed"
    assert client.post(route, json={**change, "are_unrelated": True}).status_code == 201


def test_what_the_insurer_answered_is_told_with_its_codes(database, client, present, now):
    client.post(f"/api/v1/claims/{present.id}/filed", json={})
    assert client.get(f"/api/v1/claims/{present.id}/answers").json == {"items": []}
    deny(database, present, now)
    (told,) = client.get(f"/api/v1/claims/{present.id}/answers").json["items"]
    reason = {"group": "CO", "code": "197", "amount_cents": 38_250, "procedure": "HC:96365"}
    assert (told["reasons"], told["remarks"], told["outcome"]) == ([reason], ["N386"], "nothing_paid")
    assert (told["paid_cents"], told["payer_claim_number"]) == (0, "PAYER0001")
    assert client.get(f"/api/v1/claims/{present.id}").json["state"] == "denied"


def test_what_is_sent_back_is_uploaded_and_told(client, present):
    client.post(f"/api/v1/claims/{present.id}/filed", json={})
    route, notices = "/api/v1/claims/acknowledgements", f"/api/v1/claims/{present.id}/acknowledgements"
    assert client.get(notices).json == {"items": []}
    file = {"data": of_claims((present.control_number, "A7:562:85")), "content_type": "application/edi-x12"}
    taken = client.post(route, **file)
    assert (taken.status_code, taken.json["status"]) == (200, "taken")
    (told,) = taken.json["claims"]
    assert (told["number"], told["state"], told["codes"]) == (present.number, "rejected", ["STC:A7:562:85"])
    assert client.post(route, **file).json["status"] == "duplicate"
    (notice,) = client.get(notices).json["items"]
    assert (notice["kind"], notice["verdict"], notice["codes"]) == ("277CA", "rejected", ["STC:A7:562:85"])
    first, second = (client.post(route, **file, headers=KEY) for _ in range(2))
    assert first.data == second.data


def test_a_file_that_is_no_acknowledgement_is_refused_by_its_segment(client, present):
    cut = b"~\n".join(of_claims((present.control_number, "A7:21")).split(b"~\n")[:-4])
    route = "/api/v1/claims/acknowledgements"
    refused = client.post(route, data=cut, content_type="application/edi-x12")
    assert (refused.status_code, refused.json["code"]) == (422, "unreadable-acknowledgement")
    assert refused.json["errors"][0]["pointer"].startswith("segment ")
    assert client.post(route, data=cut, content_type="application/json").status_code == 415
    large = client.post(route, data=b"x" * 2_000_001, content_type="text/plain")
    assert (large.status_code, "flask claims acknowledge" in large.json["detail"]) == (413, True)


def test_a_person_says_what_happened_to_a_claim(client, present):
    route = f"/api/v1/claims/{present.id}/mark"
    early = client.post(route, json={"event": "closed"})
    assert (early.status_code, early.json["code"]) == (409, "illegal-move")
    client.post(f"/api/v1/claims/{present.id}/filed", json={})
    assert client.post(route, json={"event": "paid"}).status_code == 422
    asked = client.post(route, json={"event": "records_requested"})
    assert (asked.status_code, asked.json["state"]) == (200, "records_requested")
    assert client.post(route, json={"event": "records_sent"}).json["state"] == "accepted"


def test_a_denial_tells_its_next_step_and_is_appealed_by_a_letter(database, client, present, now):
    route = f"/api/v1/claims/{present.id}"
    client.post(f"{route}/filed", json={})
    early = client.post(f"{route}/appeal-letters", json={})
    assert (early.status_code, early.json["code"]) == (409, "appeal-not-possible")
    deny(database, present, now, code="29")
    assert client.get(f"{route}/answers").json["items"][0]["next_step"] == "prove_filing"
    written = client.post(f"{route}/appeal-letters", json={})
    assert (written.status_code, written.json["version"]) == (201, 1)
    assert client.post(f"{route}/appeal-letters", json={}).json == written.json
    assert client.get(f"{route}/appeal-letters").json == {"items": [written.json]}
    file = f"{route}/appeal-letters/{written.json['id']}/pdf"
    pdf = client.get(file)
    assert (pdf.mimetype, pdf.data[:5], pdf.headers["Cache-Control"]) == (
        "application/pdf",
        b"%PDF-",
        "no-store",
    )
    assert pdf.headers["Content-Disposition"] == 'inline; filename="CLM-000001-appeal-1.pdf"'
    assert client.get(file).data == pdf.data
    assert client.get(f"{route}/appeal-letters/doc_x/pdf").json["code"] == "no-such-appeal"
    assert client.get(route).json["state"] == "denied", "a letter that is written is not sent yet"


def test_another_clinics_claim_does_not_exist(client, door, present):
    door.actor = Actor(id="usr_x", entity_id="ent_x", permissions=ROLES[Role.BILLING])
    route = f"/api/v1/claims/{present.id}"
    reads = (
        route,
        f"{route}/appeal-letters",
        f"{route}/appeal-letters/1/pdf",
        f"{route}/837p",
        f"{route}/answers",
        f"{route}/acknowledgements",
    )
    assert [client.get(each).status_code for each in reads] == [404] * 6
    for deed in ("correct", "void", "filed", "appeal-letters"):
        assert client.post(f"{route}/{deed}", json={}).status_code == 404
    assert client.post(f"{route}/mark", json={"event": "closed"}).status_code == 404
    assert client.get("/api/v1/claims").json["items"] == []
    assert client.post(f"/api/v1/sessions/{present.session_id}/claim", json=CHOSEN).status_code == 404


def test_each_look_at_a_claim_is_on_the_trail(database, client, present):
    client.get(f"/api/v1/claims/{present.id}/837p")
    client.get("/api/v1/claims")
    with database.reading() as read:
        looks = select(AuditRow.action, AuditRow.subject_id).where(AuditRow.actor_id == "usr_biller")
        trail = set(map(tuple, read.session.execute(looks)))
    assert trail == {("claim.read", present.id), ("claim.list", "claims")}


# --- the command ------------------------------------------------------------------------------------------


@pytest.fixture
def acknowledge(database, now):
    app = Flask("office")
    app.cli.add_command(
        make_claim_commands(database, lambda: now, render_837p, print_cms1500, X12AcknowledgementReader())
    )
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=["claims", "acknowledge", *map(str, arguments)])


def test_a_folder_of_acknowledgements_is_taken_file_by_file(database, client, present, acknowledge, tmp_path):
    client.post(f"/api/v1/claims/{present.id}/filed", json={})
    good, cut = of_claims((present.control_number, "A2:20")), of_claims(("C", "A2:20"))[:300]
    (tmp_path / "1.277").write_bytes(good)
    (tmp_path / "2.277").write_bytes(cut)
    (tmp_path / ".hidden").write_bytes(b"x")
    (tmp_path / "done").mkdir()
    played = acknowledge(tmp_path, "--dry-run", "--json")
    assert [each["status"] for each in json.loads(played.output)["files"]] == ["taken", "refused"]
    with database.reading() as read:
        assert find_claim(read, present.id, SYSTEM).state == "filed"
    told = acknowledge(tmp_path)
    assert told.exit_code == 1
    assert f"{present.number}: 277CA accepted (STC:A2:20): moved, now accepted" in told.output
    assert "2.277: refused. Segment " in told.output
    again = acknowledge(tmp_path / "1.277", "--json")
    assert (again.exit_code, json.loads(again.output)["ok"]) == (0, True)
    assert json.loads(again.output)["files"][0]["status"] == "duplicate"


def test_what_cannot_be_matched_or_opened_is_told_and_is_not_well(acknowledge, tmp_path):
    unknown = tmp_path / "3.999"
    unknown.write_bytes(of_form(777, ("A", ())))
    unmatched = acknowledge(unknown)
    assert unmatched.exit_code == 1
    assert "777 (segment 5): 999 noted (IK5:A): unmatched" in unmatched.output
    missing = acknowledge(tmp_path / "none.999")
    assert (missing.exit_code, "cannot be opened" in missing.output) == (1, True)


@pytest.fixture
def several(database, now):
    """Claims of two patients and three days of service."""
    first, second = a_course(database), a_course(database, sessions=1)
    visits = (
        (first.session_ids[0], now),
        (second.session_ids[0], now),
        (first.session_ids[1], now - timedelta(days=3)),
    )
    for session_id, day in visits:
        give(database, session_id, now=day)
    return [claim(database, session_id) for session_id, _ in visits]


def test_the_claims_of_a_period_are_written_and_filed_once(database, flask, several, tmp_path):
    path = tmp_path / "new" / "claims.837"
    period = ("--from", "2026-10-01", "--to", "2026-11-02", "--out", path)
    done = flask("--format", "837p", *period, "--json")
    assert done.exit_code == 0, done.output
    told, content = json.loads(done.output), path.read_bytes()
    assert (told["ok"], told["file"], told["bytes"]) == (True, str(path), len(content))
    assert told["sha256"] == hashlib.sha256(content).hexdigest()
    (file,) = told["files"]
    assert (file["receiver_id"], file["charge_cents"]) == ("SAMPLECH", 3 * 38_250)
    assert [each["number"] for each in file["claims"]] == [each.number for each in several]
    assert {each["state"] for each in file["claims"]} == {"filed"}
    assert faults_by_pyx12(content) == ""
    assert claims_by_x12sdk(content) == 3
    assert int(segments(content)[0][13]) == file["control_number"]
    other = tmp_path / "other.837"
    again = json.loads(flask(*period[:4], "--out", other, "--json").output)
    assert (again["ok"], again["files"], again["file"], again["sent_before"]) == (True, [], None, 3)
    assert not other.exists()
    once_more = flask(*period[:4], "--out", other, "--again")
    assert once_more.exit_code == 0
    assert other.read_bytes() == content
    with database.reading() as read:
        looks = select(AuditRow.subject_id).where(AuditRow.action == "claim_file.again")
        assert read.session.scalars(looks).all() == [file["id"]]


def test_only_the_days_that_are_asked_for_are_filed(flask, several, tmp_path):
    told = flask("--from", "2026-11-01", "--out", tmp_path / "a.837", "--json")
    assert [each["number"] for each in json.loads(told.output)["files"][0]["claims"]] == [
        each.number for each in several[:2]
    ]
    words = flask("--out", tmp_path / "b.837").output
    assert "1 claims, $382.50" in words
    assert "2 were sent before" not in words
    assert "3 were sent before: --again" in flask("--out", tmp_path / "c.837").output


def test_nothing_is_filed_when_one_claim_would_be_refused(database, several, tmp_path, now):
    app = Flask("office")
    app.cli.add_command(
        make_claim_commands(
            database, lambda: now - timedelta(days=1), render_837p, print_cms1500, X12AcknowledgementReader()
        )
    )
    path = tmp_path / "claims.837"
    command = ["claims", "export", "--out", str(path)]
    refused = app.test_cli_runner().invoke(args=[*command, "--json"])
    assert refused.exit_code == 1
    told = json.loads(refused.output)
    assert told["code"] == "claim-flawed"
    assert {error["pointer"].split("/")[2] for error in told["errors"]} == {
        each.number for each in several[:2]
    }
    assert not path.exists()
    in_words = app.test_cli_runner().invoke(args=command)
    assert f"/claims/{several[0].number}/lines/0/served_on: A day of service" in in_words.output
    with database.reading() as read:
        assert {find_claim(read, each.id, SYSTEM).state for each in several} == {"issued"}


def test_each_receiver_has_a_file_of_its_own(database, flask, several, tmp_path):
    course = a_course(database, sessions=1)
    behind_the_back(database, "UPDATE entity SET clearinghouse_id = 'OTHERCH'")
    claimed(database, course.session_ids[0])
    path = tmp_path / "claims.837"
    told = json.loads(flask("--out", path, "--json").output)
    assert [len(file["claims"]) for file in told["files"]] == [3, 1]
    assert (told["file"], path.exists()) == (None, False)
    paths = [tmp_path / f"claims-{file['control_number']}.837" for file in told["files"]]
    assert [each["file"] for each in told["written"]] == [str(each) for each in paths]
    for written, receiver in zip(paths, ["SAMPLECH", "OTHERCH"], strict=True):
        (envelope,) = named(written.read_bytes(), "ISA")
        assert envelope[7].strip() == receiver
        assert faults_by_pyx12(written.read_bytes()) == ""


@pytest.mark.parametrize("form", ["837p", "cms1500"])
def test_one_clinics_claims_neither_go_along_with_anothers_nor_keep_them_here(
    database, flask, present, tmp_path, now, form
):
    other = claim(database, a_visit_elsewhere(database))
    limits = {"patient_id": present.patient_id, "limits": PlanLimits(is_kept_from_plan=True)}
    database.in_transaction(lambda tx: record_plan_limits(tx, **limits, actor=SYSTEM, now=now))
    path, way = tmp_path / "claims.out", ("--format", form, "--json")
    unsaid = flask("--out", path, *way)
    assert (unsaid.exit_code, path.exists()) == (1, False)
    assert "--clinic, of b, d" in json.loads(unsaid.output)["detail"]
    refused = flask("--clinic", "b", "--out", path, *way)
    assert (refused.exit_code, json.loads(refused.output)["code"]) == (1, "claim-flawed")
    done = flask("--clinic", "d", "--out", path, *way)
    assert (done.exit_code, path.exists()) == (0, True)
    with database.reading() as read:
        assert [find_claim(read, each.id, SYSTEM).state for each in (present, other)] == ["issued", "filed"]


def test_where_the_file_cannot_be_written_nothing_is_filed(flask, several, tmp_path):
    (tmp_path / "taken").write_text("a file, no folder")
    refused = flask("--out", tmp_path / "taken" / "claims.837")
    assert refused.exit_code == 1
    assert "cannot be written" in refused.output
    assert flask("--out", tmp_path / "claims.837").exit_code == 0


def test_without_claims_there_is_no_file(flask, tmp_path):
    done = flask("--out", tmp_path / "claims.837")
    assert (done.exit_code, done.output) == (0, "No claim waits to be sent.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_claim_is_printed_for_the_red_form_and_for_the_screen(client, present):
    route = f"/api/v1/claims/{present.id}/cms1500"
    sheet = client.get(route, query_string={"right": 3, "down": -2})
    assert (sheet.status_code, sheet.mimetype, sheet.headers["Cache-Control"]) == (
        200,
        "application/pdf",
        "no-store",
    )
    assert sheet.headers["Content-Disposition"] == 'inline; filename="CLM-000001.pdf"'
    assert "OCR" not in printed(sheet.data)
    assert "NOT FOR OCR SUBMISSION" in printed(client.get(route, query_string={"view": "true"}).data)
    for query in ({"right": 37}, {"down": "x"}, {"left": 1}):
        assert client.get(route, query_string=query).status_code == 422
    assert client.get(f"/api/v1/claims/{present.id}").json["state"] == "issued"


def test_a_claim_that_was_taken_back_is_seen_with_its_mark_and_not_printed(client, present):
    route = f"/api/v1/claims/{present.id}"
    assert client.post(f"{route}/void", json={}).status_code == 201
    refused = client.get(f"{route}/cms1500")
    assert (refused.status_code, refused.json["code"]) == (409, "claim-kept")
    assert "VOID - do not submit" in refused.json["detail"]
    seen = client.get(f"{route}/cms1500", query_string={"view": "true"})
    assert "VOID - do not submit" in printed(seen.data)


def test_what_does_not_fit_on_the_form_is_refused_by_field(database, client, course):
    give(database, course.session_ids[0])
    behind_the_back(database, "UPDATE entity SET name = 'A clinic of which the name is longer than a box'")
    issued = client.post(f"/api/v1/sessions/{course.session_ids[0]}/claim", json=CHOSEN).json
    refused = client.get(f"/api/v1/claims/{issued['id']}/cms1500")
    assert (refused.status_code, refused.json["code"]) == (422, "claim-flawed")
    assert [error["pointer"] for error in refused.json["errors"]] == ["/billing/name"]


def test_sheets_are_printed_once_and_filed_and_printed_again_when_asked(database, flask, present, tmp_path):
    path = tmp_path / "sheets.pdf"
    told = json.loads(flask("--format", "cms1500", "--out", path, "--right", "4", "--json").output)
    assert (told["ok"], told["format"], told["bytes"]) == (True, "cms1500", path.stat().st_size)
    assert [(claim["number"], claim["state"]) for claim in told["claims"]] == [("CLM-000001", "filed")]
    assert present.control_number in printed(path.read_bytes())
    nothing = json.loads(flask("--format", "cms1500", "--out", tmp_path / "none.pdf", "--json").output)
    assert (nothing["claims"], nothing["file"], (tmp_path / "none.pdf").exists()) == ([], None, False)
    assert "No claim waits" in flask("--out", tmp_path / "none.837").output
    once_more = flask("--format", "cms1500", "--out", tmp_path / "more.pdf", "--right", "4", "--again")
    assert (once_more.exit_code, "1 claims" in once_more.output) == (0, True)
    assert (tmp_path / "more.pdf").read_bytes() == path.read_bytes()


def test_a_sheet_that_another_took_the_place_of_is_not_printed_again(database, flask, present, tmp_path, now):
    assert flask("--format", "cms1500", "--out", tmp_path / "a.pdf").exit_code == 0
    told = {"diagnoses": ["F33.1"], "payer_claim_number": "P1"}
    second = database.in_transaction(
        lambda tx: correct_claim(tx, claim_id=present.id, **told, actor=SYSTEM, now=now)
    )
    assert flask("--format", "cms1500", "--out", tmp_path / "b.pdf").exit_code == 0
    again = json.loads(flask("--format", "cms1500", "--out", tmp_path / "c.pdf", "--again", "--json").output)
    assert [each["id"] for each in again["claims"]] == [second.id]
    (left_out,) = again["left_out"]
    assert (left_out["id"], left_out["number"]) == (present.id, present.number)
    assert "Another version took its place" in left_out["reason"]
    told = flask("--format", "cms1500", "--out", tmp_path / "d.pdf", "--again").output
    assert f"{present.number} is left out. Another version took its place." in told


@pytest.mark.parametrize(
    ("deed", "words"),
    [("void", "withdrawn or taken back"), ("close", "It was closed"), ("limit", "is not told of this care")],
)
def test_what_is_not_printed_again_is_named_with_the_reason(
    database, flask, course, present, tmp_path, now, deed, words
):
    assert flask("--format", "cms1500", "--out", tmp_path / "a.pdf").exit_code == 0
    whose = {"actor": SYSTEM, "now": now}
    limits = PlanLimits(is_kept_from_plan=True)
    deeds = {
        "void": lambda tx: void_claim(tx, claim_id=present.id, payer_claim_number="P1", **whose),
        "close": lambda tx: mark_claim(tx, claim_id=present.id, event=ClaimMark.CLOSED, **whose),
        "limit": lambda tx: record_plan_limits(tx, patient_id=course.patient.id, limits=limits, **whose),
    }
    database.in_transaction(deeds[deed])
    again = ("--format", "cms1500", "--out", tmp_path / "b.pdf", "--again")
    told = json.loads(flask(*again, "--json").output)
    assert (told["claims"], told["file"], (tmp_path / "b.pdf").exists()) == ([], None, False)
    assert [each["id"] for each in told["left_out"]] == [present.id]
    assert words in told["left_out"][0]["reason"]
    text = flask(*again).output
    assert "No sheet of these days is printed again." in text
    assert f"{present.number} is left out." in text


def test_what_was_sent_in_a_file_is_not_printed_again(flask, present, tmp_path):
    assert flask("--out", tmp_path / "a.837").exit_code == 0
    told = json.loads(flask("--format", "cms1500", "--out", tmp_path / "b.pdf", "--again", "--json").output)
    assert told["claims"] == []


def test_one_claim_that_does_not_fit_keeps_all_from_being_filed(database, flask, course, present, tmp_path):
    behind_the_back(database, "UPDATE entity SET name = 'A clinic of which the name is longer than a box'")
    claimed(database, course.session_ids[1])
    refused = flask("--format", "cms1500", "--out", tmp_path / "a.pdf", "--json")
    assert (refused.exit_code, (tmp_path / "a.pdf").exists()) == (1, False)
    assert "/billing/name" in refused.output
    with database.reading() as read:
        assert find_claim(read, present.id, SYSTEM).state == "issued"


def printed(content):
    return PdfReader(BytesIO(content)).pages[0].extract_text()
