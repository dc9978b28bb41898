"""Superbills of some days as a download: what it holds, who may take it, and that it is on the trail."""

import csv
from datetime import timedelta
from io import BytesIO, StringIO
from zipfile import ZipFile

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from billing.adapters.superbill_pdf import print_superbills, render_superbill
from billing.insurance.api.batches import make_batch_blueprint
from billing.insurance.flows import Press
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.platform.data.audit import AuditRow
from billing.platform.data.tasks import ask_again
from tests.factories.catalog import seed_sample
from tests.factories.insurance import a_course, handed_out
from tests.factories.room_app import Door, room_client
from tests.factories.web import new_staff, sign_in


@pytest.fixture
def course(database):
    return a_course(database, sessions=2)


@pytest.fixture
def bills(database, course, now):
    first, second = course.session_ids
    return handed_out(database, first, now=now), handed_out(database, second, now=now + timedelta(days=1))


@pytest.fixture
def biller(issue, course):
    return issue(Role.BILLING, entity_id=course.patient.entity_id)


def taken(database):
    with database.reading() as read:
        rows = read.session.scalars(select(AuditRow).where(AuditRow.action == "superbill.batch"))
        return [(row.detail["form"], row.detail["count"]) for row in rows]


def test_one_pdf_of_all_and_a_zip_with_its_manifest(database, biller, bills):
    pdf = biller.get("/superbill-batches?from=2026-11-01&to=2026-11-30")
    assert (pdf.status_code, pdf.mimetype) == (200, "application/pdf")
    assert pdf.headers["Cache-Control"] == "no-store"
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf.data)).pages)
    assert [bill.number in text for bill in bills] == [True, True]
    packed = biller.get("/superbill-batches?format=zip&from=2026-11-03")
    with ZipFile(BytesIO(packed.data)) as archive:
        listed = list(csv.DictReader(StringIO(archive.read("manifest.csv").decode())))
    assert [row["number"] for row in listed] == [bills[1].number]
    assert taken(database) == [("pdf", 2), ("zip", 1)]


def test_nothing_to_hand_out_and_what_is_no_query_leave_no_trail(database, biller, bills):
    none = biller.get("/superbill-batches?from=2027-01-01")
    assert (none.status_code, none.json["code"]) == (404, "no-superbills")
    assert biller.get("/superbill-batches?format=doc").status_code == 422
    assert biller.get("/superbill-batches?from=soon").status_code == 422
    assert taken(database) == []


def test_more_than_a_download_holds_are_refused_with_their_number(database, course, bills, now):
    door = Door(Actor(id="usr_1", entity_id=course.patient.entity_id, permissions=ROLES[Role.BILLING]), now)
    press = Press(one=render_superbill, many=print_superbills)
    client = room_client(database, door, lambda edge: make_batch_blueprint(edge, press, most=1))
    refused = client.get("/api/v1/superbill-batches")
    assert (refused.status_code, refused.json["code"], refused.json["count"]) == (
        409,
        "too-many-superbills",
        2,
    )
    assert client.get("/api/v1/superbill-batches?from=2026-11-03").status_code == 200
    assert taken(database) == [("pdf", 1)]


def test_those_of_another_clinic_do_not_exist(database, issue, bills, now):
    other = seed_sample(database, now, "a")
    stranger = issue(Role.BILLING, entity_id=other.id)
    assert stranger.get("/superbill-batches").status_code == 404


def test_the_page_downloads_or_says_what_is_wrong(app, database, course, bills, now):
    clerk = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=course.patient.entity_id))
    page = clerk.get("/staff/superbills")
    assert "Superbills of some days" in page.text
    at = "/staff/superbills/file"
    done = clerk.get(f"{at}?from=2026-11-02&to=2026-11-02&format=pdf")
    assert (done.status_code, done.mimetype) == (200, "application/pdf")
    assert "superbills.pdf" in done.headers["Content-Disposition"]
    for query, field in (("from=&to=2026-11-02", "from"), ("from=2026-11-02&to=2026-11-01", "to")):
        wrong = clerk.get(f"{at}?{query}&format=pdf")
        assert wrong.status_code == 422
        assert f'id="{field}-wrong"' in wrong.text
    none = clerk.get(f"{at}?from=2027-01-01&to=2027-01-02&format=pdf")
    assert none.status_code == 404
    assert "There is no superbill of these days." in none.text


def test_what_a_person_is_asked_about_is_left_out_and_listed_with_the_reason(database, biller, bills, do_now):
    do_now(ask_again, kind="superbill-not-allowed", about=bills[0])
    packed = biller.get("/superbill-batches?format=zip&from=2026-11-01")
    with ZipFile(BytesIO(packed.data)) as archive:
        assert [name.rpartition("/")[2] for name in archive.namelist()] == [
            f"{bills[1].number}.pdf",
            "manifest.csv",
        ]
        listed = list(csv.DictReader(StringIO(archive.read("manifest.csv").decode())))
    assert [(row["number"], row["file"] == "", row["left_out"]) for row in listed] == [
        (bills[1].number, False, ""),
        (bills[0].number, True, "the plan may not see it"),
    ]
    assert taken(database) == [("zip", 1)]
    do_now(ask_again, kind="superbill-amended", about=bills[1])
    none = biller.get("/superbill-batches?from=2026-11-01")
    assert (none.status_code, none.json["code"]) == (404, "no-superbills")
    assert none.json["detail"].startswith("2 are left out, see the tasks about them. ")
    assert f"{bills[0].number}: the plan may not see it" in none.json["detail"]


def test_api_and_page_say_first_how_many_are_left_out_and_which(
    app, database, biller, bills, course, do_now, now
):
    do_now(ask_again, kind="superbill-amended", about=bills[0])
    told = biller.get("/superbill-batches/contents?from=2026-11-01").json
    assert told == {
        "count": 1,
        "left_out": [
            {
                "id": bills[0].id,
                "number": bills[0].number,
                "version": 1,
                "why": "the visit was amended since",
            }
        ],
    }
    assert biller.get("/superbill-batches").headers["Superbills-Left-Out"] == "1"
    clerk = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=course.patient.entity_id))
    at = "/staff/superbills/file?from=2026-11-01&to=2026-11-30&format=pdf"
    asked = clerk.get(at)
    assert (asked.status_code, asked.mimetype) == (200, "text/html")
    assert f"{bills[0].number}: the visit was amended since" in asked.text
    assert "Download the other 1" in asked.text
    assert clerk.get(f"{at}&without=1").mimetype == "application/pdf"
    assert taken(database) == [("pdf", 1), ("pdf", 1)]


@pytest.fixture
def do_now(database, now):
    return lambda deed, **what: database.in_transaction(lambda tx: deed(tx, **what, actor=SYSTEM, now=now))
