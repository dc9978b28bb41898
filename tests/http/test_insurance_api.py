"""The routes of superbills and remittances, and the command that imports files."""

import json
from dataclasses import replace
from io import BytesIO

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select

from billing.adapters.remittance_835 import Edi835Reader
from billing.insurance.api import make_blueprint
from billing.insurance.cli.remittances import make_commands
from billing.insurance.rules.lines import control_number
from billing.kernel.permissions import ROLES, Actor, Role
from billing.platform.data.audit import AuditRow
from billing.platform.data.documents import find_document, find_rendering
from billing.wiring import INSURERS
from tests.factories.care import give
from tests.factories.insurance import a_course, handed_out
from tests.factories.remittance_835 import Claim, remittance
from tests.factories.room_app import Door, room_client
from tests.factories.uploads import a_worker

KEY = {"Idempotency-Key": "upload-1"}
CHOSEN = {"diagnoses": ["F32.1"]}
X12 = "application/edi-x12"


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def door(course, now):
    permissions = ROLES[Role.SUPERVISOR]
    return Door(Actor(id="usr_biller", entity_id=course.patient.entity_id, permissions=permissions), now)


@pytest.fixture
def client(database, door):
    return room_client(
        database,
        door,
        lambda edge: make_blueprint(edge, INSURERS),
    )


@pytest.fixture
def bill(database, course):
    return handed_out(database, course.session_ids[0])


@pytest.fixture
def flask(database, now):
    app = Flask("office")
    app.cli.add_command(make_commands(database, lambda: now, Edi835Reader()))
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=["remittances", "import", *map(str, arguments)])


def answer(bill, paid_cents=18_000, **payment):
    claim = Claim(control_number=bill.control_number, charge_cents=bill.charge.cents, paid_cents=paid_cents)
    return remittance([claim], **payment)


def test_a_superbill_is_issued_shown_listed_and_downloaded(database, client, course):
    give(database, course.session_ids[0])
    issued = client.post(f"/api/v1/sessions/{course.session_ids[0]}/superbill", json=CHOSEN)
    assert issued.status_code == 201
    assert issued.json["charge_cents"] == issued.json["paid_cents"] == 38_250
    assert (issued.json["service_on"], issued.json["state"]) == ("2026-11-02", "issued")
    assert client.get(f"/api/v1/superbills/{issued.json['id']}").json == issued.json
    query = {"patient_id": course.patient.id, "from": "2026-11-01", "to": "2026-11-30"}
    assert client.get("/api/v1/superbills", query_string=query).json["items"] == [issued.json]
    pdf = client.get(f"/api/v1/superbills/{issued.json['id']}/pdf")
    assert pdf.headers["Content-Disposition"] == 'inline; filename="SB-000001.pdf"'
    assert (pdf.mimetype, pdf.headers["Cache-Control"]) == ("application/pdf", "no-store")
    text = PdfReader(BytesIO(pdf.data)).pages[0].extract_text()
    assert "Maria Sample" in text
    assert issued.json["control_number"] in text
    assert client.get(f"/api/v1/superbills/{issued.json['id']}/pdf").data == pdf.data


def test_the_same_key_answers_with_the_same_superbill(database, client, course):
    give(database, course.session_ids[0])
    route = f"/api/v1/sessions/{course.session_ids[0]}/superbill"
    first, second = (client.post(route, json=CHOSEN, headers=KEY) for _ in range(2))
    assert first.data == second.data


@pytest.mark.parametrize("body", [{}, {"diagnoses": []}])
def test_a_superbill_whose_diagnosis_nobody_chose_is_refused_with_what_is_usual(
    database, client, course, body
):
    give(database, course.session_ids[0])
    refused = client.post(f"/api/v1/sessions/{course.session_ids[0]}/superbill", json=body)
    assert (refused.status_code, refused.json["code"]) == (422, "diagnosis-not-chosen")
    (flaw,) = refused.json["errors"]
    assert flaw["pointer"] == "/diagnoses"
    assert "usual for Depression: F32.1, F32.2, F32.9, F33.1, F33.2, F33.9" in flaw["message"]
    assert client.get("/api/v1/superbills").json["items"] == []


def test_a_session_to_come_is_a_conflict_that_says_why(client, course):
    refused = client.post(f"/api/v1/sessions/{course.session_ids[0]}/superbill", json=CHOSEN)
    assert (refused.status_code, refused.json["code"]) == (409, "superbill-not-possible")
    assert "planned" in refused.json["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"diagnoses": ["F33.2\n"]}, {"diagnoses": ["f33.2"]}, {"diagnoses": "F33.2"}, {"diagnoses": [7]},
        {"diagnoses": ["F33.2"] * 13}, {"diagnoses": [None]}, {"other": 1},
    ],
)  # fmt: skip
def test_wrong_diagnoses_are_refused_by_field(client, course, body):
    refused = client.post(f"/api/v1/sessions/{course.session_ids[0]}/superbill", json=body)
    assert refused.status_code == 422
    assert refused.mimetype == "application/problem+json"


def test_a_superbill_is_voided_once(client, bill):
    voided = client.post(f"/api/v1/superbills/{bill.id}/void", json={})
    assert (voided.status_code, voided.json["state"]) == (200, "void")
    again = client.post(f"/api/v1/superbills/{bill.id}/void", json={})
    assert (again.status_code, again.json["code"]) == (409, "illegal-move")


def test_what_holds_no_more_says_so_when_it_is_downloaded_and_its_record_stays(database, client, bill):
    def pages(superbill_id):
        pdf = client.get(f"/api/v1/superbills/{superbill_id}/pdf").data
        return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]

    def kept():
        with database.reading() as read:
            document = find_document(read, bill.document_id)
            return document.sha256, find_rendering(read, bill.document_id)

    first, record = pages(bill.id), kept()
    assert not any(word in text for text in first for word in ("VOID", "REPLACED"))
    route = f"/api/v1/sessions/{bill.session_id}/superbill"
    second = client.post(route, json={"diagnoses": ["F33.1"]}).json
    replaced = pages(bill.id)
    assert all(f"REPLACED BY {second['number']}" in text for text in replaced)
    assert bill.number in replaced[0], "it is the same paper, marked"
    assert "REPLACED" not in pages(second["id"])[0]
    client.post(f"/api/v1/superbills/{second['id']}/void", json={})
    assert all("VOID" in text for text in pages(second["id"]))
    third = client.post(route, json={"diagnoses": ["F33.1"]}).json
    assert "VOID" in pages(second["id"])[0], "a paper that was withdrawn was not replaced"
    assert "VOID" not in pages(third["id"])[0]
    assert kept() == record


def test_each_look_at_a_superbill_is_on_the_trail(database, client, bill):
    client.get(f"/api/v1/superbills/{bill.id}")
    client.get("/api/v1/superbills")
    with database.reading() as read:
        looks = select(AuditRow.action, AuditRow.subject_id).where(AuditRow.actor_id == "usr_biller")
        trail = set(map(tuple, read.session.execute(looks)))
    assert {("superbill.read", bill.id), ("superbill.list", "superbills")} <= trail


def test_another_clinics_superbill_does_not_exist(client, door, bill, now):
    door.actor = Actor(id="usr_x", entity_id="ent_x", permissions=ROLES[Role.SUPERVISOR])
    for route in (f"/api/v1/superbills/{bill.id}", f"/api/v1/superbills/{bill.id}/pdf"):
        assert client.get(route).status_code == 404
    assert client.get("/api/v1/superbills").json["items"] == []
    assert client.post(f"/api/v1/sessions/{bill.session_id}/superbill", json=CHOSEN).status_code == 404


def test_a_clinician_sees_no_superbills_and_the_front_desk_posts_no_remittances(client, door, bill):
    door.actor = Actor(id="usr_c", entity_id=None, permissions=ROLES[Role.CLINICIAN])
    assert client.get("/api/v1/superbills").status_code == 403
    door.actor = Actor(id="usr_f", entity_id=None, permissions=ROLES[Role.FRONT_DESK])
    refused = client.post("/api/v1/remittances", data=answer(bill), content_type=X12, headers=KEY)
    assert refused.status_code == 403


def test_an_upload_is_posted_once_and_listed(client, bill):
    content = answer(bill)
    posted = client.post("/api/v1/remittances", data=content, content_type=X12, headers=KEY)
    assert posted.status_code == 200
    (file,) = posted.json["files"]
    assert file["status"] == "posted"
    assert file["transactions"][0]["claims"][0]["credit_cents"] == 18_000
    again = client.post("/api/v1/remittances", data=content, content_type=X12, headers=KEY)
    assert again.data == posted.data
    other = {"Idempotency-Key": "upload-2"}
    copy = client.post("/api/v1/remittances", data=content, content_type=X12, headers=other)
    assert copy.json["files"][0]["status"] == "duplicate"
    (item,) = client.get("/api/v1/remittances").json["items"]
    shown = client.get(f"/api/v1/remittances/{item['id']}").json
    assert (shown["status"], shown["paid_cents"], shown["trace"]) == ("posted", 18_000, "EFT0001")
    assert client.get("/api/v1/remittances", query_string={"state": "parked"}).json["items"] == []


def test_a_posted_remittance_is_undone_once_with_a_reason_and_by_who_may(client, door, bill):
    posted = client.post("/api/v1/remittances", data=answer(bill), content_type=X12, headers=KEY)
    path = f"/api/v1/remittances/{posted.json['files'][0]['transactions'][0]['id']}/undo"
    body = {"reason": "Posted by mistake"}
    assert client.post(path, json=body).status_code == 400
    without = client.post(path, json={}, headers={"Idempotency-Key": "undo-1"})
    assert (without.status_code, without.json["errors"][0]["pointer"]) == (422, "/reason")
    supervisor = door.actor
    door.actor = Actor(id="usr_b", entity_id=supervisor.entity_id, permissions=ROLES[Role.BILLING])
    assert client.post(path, json=body, headers={"Idempotency-Key": "undo-2"}).status_code == 403
    door.actor = supervisor
    undone = client.post(path, json=body, headers={"Idempotency-Key": "undo-3"})
    assert (undone.status_code, undone.json["status"]) == (200, "undone")
    shown = client.get(path.removesuffix("/undo")).json["undone"]
    assert (shown["reason"], shown["undone_by"]) == ("Posted by mistake", supervisor.id)
    assert client.post(path, json=body, headers={"Idempotency-Key": "undo-3"}).data == undone.data
    again = client.post(path, json=body, headers={"Idempotency-Key": "undo-4"})
    assert (again.status_code, again.json["code"]) == (409, "illegal-move")
    sent_again = {"Idempotency-Key": "upload-again"}
    anew = client.post("/api/v1/remittances", data=answer(bill), content_type=X12, headers=sent_again)
    assert anew.json["files"][0]["status"] == "posted"


def test_an_upload_moves_money_and_so_needs_a_key_and_the_right_type(client, bill):
    content = answer(bill)
    assert client.post("/api/v1/remittances", data=content, content_type=X12).status_code == 400
    assert client.post("/api/v1/remittances", json={}, headers=KEY).status_code == 415
    client.post("/api/v1/remittances", data=content, content_type=X12, headers=KEY)
    changed = client.post("/api/v1/remittances", data=content + b"\n", content_type=X12, headers=KEY)
    assert (changed.status_code, changed.json["code"]) == (422, "idempotency-key-reused")


def test_a_key_that_was_answered_answers_the_same_and_imports_nothing_again(database, client, course):
    session_id = course.session_ids[0]
    claim = Claim(control_number=control_number(session_id), charge_cents=38_250, paid_cents=18_000)
    content = remittance([claim])
    first = client.post("/api/v1/remittances", data=content, content_type=X12, headers=KEY)
    assert first.json["files"][0]["status"] == "parked"
    handed_out(database, session_id)
    again = client.post("/api/v1/remittances", data=content, content_type=X12, headers=KEY)
    assert again.data == first.data
    (kept,) = client.get("/api/v1/remittances").json["items"]
    assert kept["status"] == "parked"


class Interrupted:
    """A reader to whom something happens while the first file is read."""

    def __init__(self) -> None:
        self.happens = []

    def read(self, content):
        if self.happens:
            self.happens.pop()()
        return Edi835Reader().read(content)


@pytest.fixture
def reader():
    return Interrupted()


@pytest.fixture
def slow(database, door, reader):
    return room_client(
        database,
        door,
        lambda edge: make_blueprint(edge, replace(INSURERS, remittances=reader)),
    )


def test_of_two_files_under_one_key_at_the_same_moment_one_is_imported(slow, client, reader, bill):
    meanwhile = []
    other = answer(bill, trace="T2")
    reader.happens = [
        lambda: meanwhile.append(
            client.post("/api/v1/remittances", data=other, content_type=X12, headers=KEY)
        )
    ]
    posted = slow.post("/api/v1/remittances", data=answer(bill), content_type=X12, headers=KEY)
    assert posted.json["files"][0]["status"] == "posted"
    assert (meanwhile[0].status_code, meanwhile[0].json["code"]) == (422, "idempotency-key-reused")
    (kept,) = client.get("/api/v1/remittances").json["items"]
    assert kept["trace"] == "EFT0001"


def test_an_upload_that_broke_off_is_finished_under_its_key(slow, reader, bill):
    def break_off():
        raise RuntimeError

    reader.happens = [break_off]
    broken = slow.post("/api/v1/remittances", data=answer(bill), content_type=X12, headers=KEY)
    assert broken.status_code == 500
    changed = slow.post("/api/v1/remittances", data=answer(bill, trace="T2"), content_type=X12, headers=KEY)
    assert changed.status_code == 422
    posted = slow.post("/api/v1/remittances", data=answer(bill), content_type=X12, headers=KEY)
    assert posted.json["files"][0]["status"] == "posted"


def test_one_file_twice_at_the_same_moment_is_posted_once_and_both_are_told_the_same(
    slow, client, reader, bill
):
    meanwhile = []
    content = answer(bill)
    reader.happens = [
        lambda: meanwhile.append(
            client.post("/api/v1/remittances", data=content, content_type=X12, headers=KEY)
        )
    ]
    told = slow.post("/api/v1/remittances", data=content, content_type=X12, headers=KEY)
    assert told.data == meanwhile[0].data
    assert told.json["files"][0]["status"] == "posted"


@pytest.mark.parametrize("content", [b"", b"hello", bytes(range(256)), b"ISA*"])
def test_an_upload_that_is_no_835_is_refused_with_the_segment(client, content):
    answered = client.post("/api/v1/remittances", data=content, content_type=X12, headers=KEY)
    (file,) = answered.json["files"]
    assert (file["status"], file["transactions"]) == ("refused", [])
    assert file["reason"].startswith("Segment 1:")


def test_a_large_upload_is_taken_and_a_larger_one_is_sent_to_the_command(client, bill):
    padding = b" " * 1_500_000
    large = client.post("/api/v1/remittances", data=answer(bill) + padding, content_type=X12, headers=KEY)
    assert large.json["files"][0]["status"] == "posted"
    for number, route in enumerate(("remittances", "remittance-uploads")):
        key = {"Idempotency-Key": f"larger-{number}"}
        larger = client.post(f"/api/v1/{route}", data=b" " * 25_000_001, content_type=X12, headers=key)
        assert (larger.status_code, larger.json["code"]) == (413, "too-large")
        assert "25 MB" in larger.json["detail"]
        assert "flask remittances import" in larger.json["detail"]


@pytest.mark.parametrize("padding", [b" " * 2_000_000, b"CLP\n" * 1_001])
def test_what_is_too_large_for_a_request_is_posted_by_the_worker_once(database, client, bill, padding):
    content = answer(bill) + padding
    told = [client.post("/api/v1/remittances", data=content, content_type=X12, headers=KEY) for _ in range(2)]
    assert {(each.status_code, each.json["state"], each.headers["Retry-After"]) for each in told} == {
        (202, "posting", "2")
    }
    assert told[0].data == told[1].data
    place = told[0].headers["Location"]
    assert place == f"/api/v1/remittance-uploads/{told[0].json['id']}"
    assert client.get(place).json == told[0].json
    a_worker(database).run_once()
    done = client.get(place).json
    if b"CLP" in padding:
        assert (done["state"], done["refusal"][:8]) == ("refused", "Segment ")
        return
    assert (done["state"], done["claims"], done["claims_done"]) == ("posted", 1, 1)
    (part,) = done["parts"]
    assert (part["status"], part["paid_cents"]) == ("posted", 18_000)
    assert client.get(f"/api/v1/remittances/{part['remittance_id']}").json["status"] == "posted"


def test_an_upload_is_read_before_it_is_ordered_and_is_there_for_who_sent_it(database, client, door, bill):
    sent = client.post("/api/v1/remittance-uploads", data=answer(bill), content_type=X12)
    place = sent.headers["Location"]
    assert (sent.status_code, sent.json["state"]) == (202, "reading")
    a_worker(database).run_once()
    read = client.get(place).json
    assert (read["state"], [each["expected"] for each in read["parts"]]) == ("read", ["posted"])
    assert client.get("/api/v1/remittances").json["items"] == []
    assert client.post(f"{place}/post", json={}).json["code"] == "idempotency-key-required"
    for number in range(2):
        ordered = client.post(f"{place}/post", json={}, headers={"Idempotency-Key": f"post-{number}"})
        assert (ordered.status_code, ordered.json["state"]) == (202, "posting")
    a_worker(database).run_once()
    assert client.get(place).json["state"] == "posted"
    assert len(client.get("/api/v1/remittances").json["items"]) == 1
    door.actor = replace(door.actor, id="usr_other")
    assert client.get(place).status_code == 404
    stolen = client.post(f"{place}/post", json={}, headers={"Idempotency-Key": "post-9"})
    assert (stolen.status_code, stolen.json["code"]) == (404, "no-such-upload")


@pytest.mark.parametrize("name", ["superbills", "remittances"])
@pytest.mark.parametrize("identifier", ["x", "sb_0", "rmt_00000000000000000000000000", "%00", "%F0%9F%92%89"])
def test_an_unknown_id_is_not_found(client, name, identifier):
    assert client.get(f"/api/v1/{name}/{identifier}").status_code == 404


@pytest.mark.parametrize(
    "query", ["from=x", "to=2026-13-01", "limit=0", "cursor=x", "patient_id=x", "more=1"]
)
def test_a_query_that_makes_no_sense_is_refused_by_field(client, query):
    assert client.get(f"/api/v1/superbills?{query}").status_code == 422


def test_the_command_posts_files_and_reports_in_the_shape_that_scripts_read(flask, bill, tmp_path):
    path = tmp_path / "era.835"
    path.write_bytes(answer(bill))
    result = flask(path, "--json")
    assert result.exit_code == 0
    (file,) = json.loads(result.output)["files"]
    (transaction,) = file["transactions"]
    (claim,) = transaction["claims"]
    assert (file["name"], file["status"]) == ("era.835", "posted")
    assert {name: transaction[name] for name in ("trace", "status", "reason", "paid_cents")} == {
        "trace": "EFT0001", "status": "posted", "reason": None, "paid_cents": 18_000,
    }  # fmt: skip
    assert {name: claim[name] for name in ("control_number", "status", "credit_cents")} == {
        "control_number": bill.control_number, "status": "posted", "credit_cents": 18_000,
    }  # fmt: skip
    again = flask(path, "--json")
    assert (again.exit_code, json.loads(again.output)["files"][0]["status"]) == (0, "duplicate")


def test_a_dry_run_shows_the_same_and_changes_nothing(flask, bill, tmp_path):
    path = tmp_path / "era.835"
    path.write_bytes(answer(bill))
    rehearsed, posted = flask(path, "--dry-run", "--json"), flask(path, "--json")
    assert rehearsed.exit_code == posted.exit_code == 0
    assert json.loads(rehearsed.output)["files"][0]["status"] == "posted"
    assert json.loads(posted.output)["files"][0]["status"] == "posted"


def test_a_dry_run_tells_of_a_second_copy_what_the_run_will(flask, bill, tmp_path):
    paths = [tmp_path / name for name in ("one.835", "two.835")]
    for path in paths:
        path.write_bytes(answer(bill))
    for _ in range(2):
        rehearsed = json.loads(flask(*paths, "--dry-run", "--json").output)["files"]
        assert [file["status"] for file in rehearsed] == ["posted", "duplicate"]
    posted = json.loads(flask(*paths, "--json").output)["files"]
    assert [file["status"] for file in posted] == ["posted", "duplicate"]


@pytest.mark.parametrize("names", [("1.835", "2.835"), ("2.835", "1.835")])
def test_a_folder_is_posted_whatever_order_its_files_come_in(flask, bill, tmp_path, names):
    """The reversal waits for its original, which may be the later file; and no other file is touched."""
    payment, reversal = (tmp_path / name for name in names)
    payment.write_bytes(answer(bill))
    back = Claim(
        control_number=bill.control_number,
        charge_cents=-bill.charge.cents,
        paid_cents=-18_000,
        status="22",
        payer_claim_number="PAYER0001",
    )
    anew = Claim(control_number=bill.control_number, charge_cents=bill.charge.cents, paid_cents=20_000)
    reversal.write_bytes(remittance([back, anew], trace="EFT0002"))
    (tmp_path / ".hidden").write_bytes(b"not read")
    for options in (("--dry-run",), ()):
        result = flask(tmp_path, "--json", *options)
        files = {file["name"]: file for file in json.loads(result.output)["files"]}
        assert result.exit_code == 0
        assert list(files) == ["1.835", "2.835"]
        assert {file["status"] for file in files.values()} == {"posted"}
        assert [file["resumed"] for file in files.values()] == [[], []]
    assert flask(tmp_path).exit_code == 0
    assert "duplicate" in flask(tmp_path).output


def test_what_waited_for_a_file_is_told_with_it(flask, bill, tmp_path):
    payment, reversal = tmp_path / "payment.835", tmp_path / "reversal.835"
    payment.write_bytes(answer(bill))
    back = Claim(
        control_number=bill.control_number, charge_cents=-bill.charge.cents, paid_cents=-18_000, status="22"
    )
    anew = Claim(control_number=bill.control_number, charge_cents=bill.charge.cents, paid_cents=20_000)
    reversal.write_bytes(remittance([back, anew], trace="EFT0002"))
    assert flask(reversal).exit_code == 1
    told = flask(payment)
    assert told.exit_code == 0
    assert "What had waited for it:\n  EFT0002" in told.output


def test_what_is_no_remittance_in_a_folder_is_left_aside_and_told_once(flask, bill, tmp_path):
    (tmp_path / "week.835").write_bytes(answer(bill))
    (tmp_path / "downloaded").write_bytes(b"\xef\xbb\xbf\r\n" + answer(bill))
    for name in ("notes.txt", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"Ask the plan about ISA")
    told = flask(tmp_path, "--dry-run")
    assert told.exit_code == 0
    assert told.output.count("notes.txt") == 1
    assert "Left aside, no remittances: Thumbs.db, notes.txt" in told.output
    result = json.loads(flask(tmp_path, "--json").output)
    assert [file["name"] for file in result["files"]] == ["downloaded", "week.835"]
    assert result["left_aside"] == ["Thumbs.db", "notes.txt"]
    (tmp_path / "broken.835").write_bytes(b"Not found")
    assert flask(tmp_path).exit_code == 1
    alone = flask(tmp_path / "notes.txt")
    assert (alone.exit_code, "notes.txt: refused" in alone.output) == (1, True)


def test_a_folder_without_any_remittance_is_refused(flask, tmp_path):
    (tmp_path / "notes.txt").write_bytes(b"hello")
    result = flask(tmp_path)
    assert result.exit_code == 1
    assert "The folder holds no remittances." in result.output


def test_an_empty_folder_is_said_to_hold_no_remittances(flask, tmp_path):
    result = flask(tmp_path)
    assert (result.exit_code, "holds no remittances" in result.output) == (1, True)


def test_the_command_fails_when_a_file_is_parked_refused_or_missing(flask, bill, tmp_path):
    good, parked, damaged = (tmp_path / name for name in ("good.835", "parked.835", "damaged.835"))
    good.write_bytes(answer(bill))
    parked.write_bytes(answer(bill, trace="T2", amount_cents=1))
    damaged.write_bytes(answer(bill, trace="T3")[:-60])
    result = flask(good, parked, damaged, tmp_path / "missing.835", "--json")
    assert result.exit_code == 1
    statuses = [file["status"] for file in json.loads(result.output)["files"]]
    assert statuses == ["posted", "parked", "refused", "refused"]


def test_the_command_tells_people_what_happened(flask, bill, tmp_path):
    path = tmp_path / "era.835"
    path.write_bytes(answer(bill))
    output = flask(path).output
    assert "era.835: posted" in output
    assert f"{bill.control_number}: posted, paid $180.00, credit $180.00 (reimbursed)" in output
