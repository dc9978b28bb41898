"""`flask superbills render`: what a batch holds, in which order, and that it is there whole or not at all."""

import csv
import hashlib
import json
from datetime import timedelta
from io import BytesIO, StringIO
from zipfile import ZipFile

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select

from billing.adapters.superbill_pdf import print_superbills, render_superbill
from billing.insurance.cli import make_superbill_commands
from billing.insurance.flows import Press
from billing.insurance.use_cases.superbills import void_superbill
from billing.kernel.permissions import SYSTEM
from billing.patients.use_cases import amend_patient
from billing.platform.data.audit import AuditRow
from billing.platform.data.documents import find_rendering, rendered_once
from billing.platform.data.tasks import ask_again
from tests.factories.insurance import a_course, handed_out, superbill
from tests.factories.paid import statements_of


@pytest.fixture
def course(database):
    return a_course(database, sessions=3)


@pytest.fixture
def bills(database, course, now):
    """Three days running; the second was issued after the third."""
    first, second, third = course.session_ids
    return {
        1: handed_out(database, first, now=now),
        3: handed_out(database, third, now=now + timedelta(days=2)),
        2: handed_out(database, second, now=now + timedelta(days=1)),
    }


def command(database, now, *, one=render_superbill, many=print_superbills):
    app = Flask("office")
    app.cli.add_command(make_superbill_commands(database, lambda: now, Press(one=one, many=many)))
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=["superbills", "render", *map(str, arguments)])


@pytest.fixture
def render(database, now):
    return command(database, now)


def void(database, bill, now):
    database.in_transaction(lambda tx: void_superbill(tx, superbill_id=bill.id, actor=SYSTEM, now=now))


def renamed(database, patient, now):
    changes = {"given_name": "Zoë"}
    database.in_transaction(
        lambda tx: amend_patient(
            tx,
            patient_id=patient.id,
            changes=changes,
            expected_version=patient.version,
            actor=SYSTEM,
            now=now,
        )
    )


def numbers_in(path):
    """The superbill of each page, in order."""
    texts = [page.extract_text() for page in PdfReader(path).pages]
    return [text[text.index("No. SB-") + 4 :].split("\n")[0] for text in texts]


def manifest_of(archive):
    return list(csv.DictReader(StringIO(archive.read("manifest.csv").decode())))


def test_one_pdf_has_all_of_a_period_by_day_of_service(render, bills, tmp_path):
    answer = render("--from", "2026-11-02", "--to", "2026-11-04", "--out", tmp_path / "all.pdf")
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert numbers_in(tmp_path / "all.pdf") == [bills[day].number for day in (1, 2, 3)]


def test_both_ends_of_a_period_are_included(render, bills, tmp_path):
    for since, until, days in (("03", "04", (2, 3)), ("02", "02", (1,))):
        render("--from", f"2026-11-{since}", "--to", f"2026-11-{until}", "--out", tmp_path / "some.pdf")
        assert numbers_in(tmp_path / "some.pdf") == [bills[day].number for day in days]


def test_a_page_of_the_one_pdf_reads_like_its_own_pdf(database, render, bills, now, tmp_path):
    render("--out", tmp_path / "all.pdf")
    (page, *_) = PdfReader(tmp_path / "all.pdf").pages
    alone = rendered_once(database, render_superbill, document_id=bills[1].document_id, now=now)
    assert page.extract_text() == PdfReader(BytesIO(alone)).pages[0].extract_text()


def test_letters_of_every_patient_are_in_the_one_pdf(database, render, course, bills, now, tmp_path):
    renamed(database, course.patient, now)
    superbill(database, course.session_ids[0], now=now)
    render("--out", tmp_path / "all.pdf")
    texts = [page.extract_text() for page in PdfReader(tmp_path / "all.pdf").pages]
    assert ["Zoë Sample" in text for text in texts] == [True, False, False]


def test_superseded_and_void_ones_stay_out(database, render, course, bills, now, tmp_path):
    renamed(database, course.patient, now)
    newer = superbill(database, course.session_ids[0], now=now)
    void(database, bills[2], now)
    render("--out", tmp_path / "all.pdf")
    assert numbers_in(tmp_path / "all.pdf") == [newer.number, bills[3].number]


def test_a_zip_holds_the_kept_bytes_and_a_manifest_of_them(database, bills, now, tmp_path):
    kept = rendered_once(database, lambda _: b"%PDF of old", document_id=bills[1].document_id, now=now)
    answer = command(database, now)("--out", tmp_path / "all.zip")
    assert answer.exit_code == 0
    with ZipFile(tmp_path / "all.zip") as archive:
        rows = manifest_of(archive)
        contents = {row["file"]: archive.read(row["file"]) for row in rows}
        assert archive.namelist() == [*contents, "manifest.csv"]
    assert list(contents) == [f"b/{bills[day].number}.pdf" for day in (1, 2, 3)]
    assert contents[f"b/{bills[1].number}.pdf"] == kept
    with database.reading() as read:
        for bill in bills.values():
            assert contents[f"b/{bill.number}.pdf"] == find_rendering(read, bill.document_id)
    assert rows[1] == {
        "number": bills[2].number,
        "version": "1",
        "file": f"b/{bills[2].number}.pdf",
        "sha256": hashlib.sha256(contents[f"b/{bills[2].number}.pdf"]).hexdigest(),
        "service_on": "2026-11-03",
        "control_number": bills[2].control_number,
        "left_out": "",
    }


def test_the_manifest_and_the_names_of_files_tell_of_no_patient(render, bills, tmp_path):
    render("--out", tmp_path / "all.zip")
    with ZipFile(tmp_path / "all.zip") as archive:
        told = archive.read("manifest.csv").decode() + " ".join(archive.namelist())
    assert not any(word in told for word in ("Maria", "Sample", "F32", "96365", "1980"))


@pytest.mark.parametrize("name", ["all.pdf", "all.zip"])
def test_the_same_batch_is_the_same_bytes(render, bills, tmp_path, name):
    render("--out", tmp_path / "once" / name)
    render("--out", tmp_path / "again" / name)
    assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_the_format_may_be_named(render, bills, tmp_path):
    answer = render("--format", "zip", "--out", tmp_path / "november", "--json")
    content = (tmp_path / "november").read_bytes()
    assert json.loads(answer.output) == {
        "ok": True,
        "format": "zip",
        "file": str(tmp_path / "november"),
        "superbills": 3,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "left_out": [],
    }
    assert ZipFile(tmp_path / "november").testzip() is None


def test_those_of_one_patient_alone(database, render, bills, course, tmp_path):
    other = a_course(database, sessions=1)
    theirs = handed_out(database, other.session_ids[0])
    render("--patient", other.patient.id, "--out", tmp_path / "one.pdf")
    assert numbers_in(tmp_path / "one.pdf") == [theirs.number]


def test_an_empty_batch_is_refused_and_leaves_no_file(render, bills, tmp_path):
    answer = render("--from", "2027-01-01", "--out", tmp_path / "none.pdf")
    assert answer.exit_code == 1
    assert "There is no superbill of these days" in answer.output
    assert list(tmp_path.iterdir()) == []


def test_a_batch_that_fails_midway_leaves_the_file_that_was_there(database, bills, now, tmp_path):
    (tmp_path / "all.zip").write_bytes(b"last month's")

    def fail_on_the_second(body):
        if body["number"] == bills[2].number:
            raise MemoryError
        return render_superbill(body)

    assert command(database, now, one=fail_on_the_second)("--out", tmp_path / "all.zip").exit_code == 1
    assert [each.name for each in tmp_path.iterdir()] == ["all.zip"]
    assert (tmp_path / "all.zip").read_bytes() == b"last month's"


def test_a_place_that_cannot_be_written_is_told(render, bills, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    answer = render("--out", tmp_path / "file" / "all.pdf")
    assert (answer.exit_code, "cannot be written" in answer.output) == (1, True)


def test_only_its_owner_can_read_a_batch(render, bills, tmp_path):
    render("--out", tmp_path / "all.pdf")
    assert (tmp_path / "all.pdf").stat().st_mode & 0o777 == 0o600


def test_the_trail_says_that_a_batch_was_taken(database, render, bills, tmp_path):
    render("--from", "2026-11-02", "--out", tmp_path / "all.zip")
    with database.reading() as read:
        row = read.session.scalars(select(AuditRow).where(AuditRow.action == "superbill.batch")).one()
    assert (row.actor_id, row.subject_id) == (SYSTEM.id, "superbills")
    assert row.detail == {"form": "zip", "from": "2026-11-02", "to": "None", "count": 3, "left_out": 0}


def test_a_batch_is_as_it_stood_when_it_was_begun(database, course, bills, now, tmp_path):
    """A version that comes while the ZIP is written is not in it beside the one that it replaces."""

    def renew_meanwhile(body):
        if body["number"] == bills[1].number:
            renamed(database, course.patient, now)
            superbill(database, course.session_ids[2], now=now)
        return render_superbill(body)

    command(database, now, one=renew_meanwhile)("--out", tmp_path / "all.zip")
    with ZipFile(tmp_path / "all.zip") as archive:
        assert [row["number"] for row in manifest_of(archive)] == [bills[day].number for day in (1, 2, 3)]


def test_what_is_left_out_of_the_one_pdf_is_told_beside_it_and_not_in_it(
    database, render, bills, now, tmp_path
):
    """The file is sent on as it is, also to the plan that is not told."""
    database.in_transaction(
        lambda tx: ask_again(tx, kind="superbill-not-allowed", about=bills[2], actor=SYSTEM, now=now)
    )
    answer = render("--out", tmp_path / "all.pdf")
    assert f"{bills[2].number}: the plan may not see it" in answer.output
    assert "Left out, see the tasks about them: 1" in answer.output
    text = "".join(page.extract_text() for page in PdfReader(tmp_path / "all.pdf").pages)
    assert bills[1].number in text
    assert not any(word in text for word in (bills[2].number, "the plan may not see it"))
    told = json.loads(render("--out", tmp_path / "all.pdf", "--json").output)["left_out"]
    assert [(each["number"], each["why"]) for each in told] == [(bills[2].number, "the plan may not see it")]


def test_a_batch_with_nothing_to_leave_out_reads_its_superbills_once(database, render, bills, tmp_path):
    with statements_of(database) as seen:
        render("--out", tmp_path / "all.pdf")
    reading = [each for each in seen if "FROM superbill" in each and "count(" not in each]
    assert len(reading) == 1
