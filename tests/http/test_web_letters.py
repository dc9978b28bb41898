"""Insurers' letters that patients send in: taken by link and birth date, sealed, opened on the trail."""

import re
from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from billing.insurance.models.remittances import InsurerLetterRow, LetterLinkRow
from billing.insurance.queries.letters import letters_of
from billing.insurance.use_cases.letters import INSURER_LETTER
from billing.kernel.permissions import SYSTEM, Role
from billing.ledger.queries import trial_balance
from billing.platform.data.audit import AuditRow
from billing.platform.data.tasks import list_tasks
from tests.factories.care import give
from tests.factories.catalog import seed_sample
from tests.factories.insurance import a_course
from tests.factories.letters import PICTURE, a_letter, a_letter_link
from tests.factories.web import new_staff, sign_in

BORN = "1980-05-17"
PDF = b"%PDF-1.7 a letter"
JPEG = b"\xff\xd8\xff\xe0 a letter"


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def link(database, course, now):
    return f"/pay/{a_letter_link(database, course.patient, now=now)}/letter"


@pytest.fixture
def patient(pages):
    return pages.test_client()


@pytest.fixture
def enter(pages, database, course, now):
    def work(role=Role.BILLING, entity_id=None):
        return sign_in(pages, new_staff(database, role, now, entity_id=entity_id or course.patient.entity_id))

    return work


def send(client, at, content=PICTURE, *, name="denial of Maria Sample.pdf", **change):
    """As a browser does: a form of several parts."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(at).text)[1]
    fields = {"born_on": BORN, "visit_on": "2026-11-02", "outcome": "denied"} | change | {"csrf_token": token}
    parts = [
        f'--cut\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    head = f'--cut\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    body = [*parts, f"{head}Content-Type: text/html\r\n\r\n".encode(), content, b"\r\n--cut--\r\n"]
    return client.post(at, data=b"".join(body), content_type="multipart/form-data; boundary=cut")


def kept(database, course):
    with database.reading() as read:
        return letters_of(read, course.patient.id, SYSTEM)


@pytest.mark.parametrize(
    ("content", "kind"), [(PDF, "application/pdf"), (JPEG, "image/jpeg"), (PICTURE, "image/png")]
)
def test_a_letter_is_kept_sealed_with_its_outcome_and_posts_nothing(
    database, patient, link, course, content, kind
):
    give(database, course.session_ids[0])
    with database.reading() as read:
        before = trial_balance(read)
    sent = send(patient, link, content)
    assert (sent.status_code, sent.location) == (303, f"{link}/thanks")
    assert "We have your letter" in patient.get(sent.location).text
    (letter,) = kept(database, course)
    assert (letter.outcome, letter.media_type) == ("denied", kind)
    assert letter.session_id == course.session_ids[0]
    with database.reading() as read:
        assert trial_balance(read) == before
        row = read.session.scalars(select(InsurerLetterRow)).one()
        secrets = read.session.scalars(select(LetterLinkRow.fingerprint)).all()
        (task,) = list_tasks(read, SYSTEM, limit=9)
    assert b"a letter" not in row.sealed
    assert b"2026-11-02" not in row.told
    assert "Maria" not in str(vars(row))
    assert all(each not in link for each in secrets)
    assert (task.kind, task.subject_id) == (INSURER_LETTER, letter.id)


def test_a_day_without_a_visit_is_taken_and_said_to_staff(database, patient, link, course, enter):
    assert send(patient, link, visit_on="11/01/2026").status_code == 303
    (letter,) = kept(database, course)
    assert letter.session_id is None
    assert "no visit of that day" in enter().get(f"/staff/letters/{letter.id}").text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"born_on": ""}, "born_on"),
        ({"born_on": "1980-05-18"}, "born_on"),
        ({"visit_on": "soon"}, "visit_on"),
        ({"outcome": "rich"}, "outcome"),
        ({"content": b""}, "file"),
        ({"content": b"<html><script>alert(1)</script>"}, "file"),
        ({"content": b"PK\x03\x04 a zip"}, "file"),
        ({"content": b"GIF89a"}, "file"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_kept(
    database, patient, link, course, change, field
):
    refused = send(patient, link, **change)
    assert (refused.status_code, f'id="{field}-wrong"' in refused.text) == (422, True)
    assert kept(database, course) == []


def test_a_picture_of_a_phone_is_taken_and_a_larger_file_refused(database, patient, link, course):
    assert send(patient, link, JPEG + b"x" * 7_900_000).status_code == 303
    more = send(patient, link, JPEG + b"x" * 8_000_000)
    assert (more.status_code, 'id="file-wrong"' in more.text) == (422, True)
    huge = send(patient, link, JPEG + b"x" * 8_200_000)
    assert huge.status_code == 413
    assert "too large" in huge.text
    assert len(kept(database, course)) == 1


def test_five_wrong_birth_dates_close_the_link_and_nobody_learns_which_link_is_one(
    database, patient, link, course
):
    for _ in range(5):
        assert send(patient, link, born_on="1980-05-18").status_code == 422
    right, never = send(patient, link), send(patient, "/pay/never/letter")
    assert right.status_code == never.status_code == 422
    told = [re.findall(r'id="born_on-wrong">([^<]+)', each.text) for each in (right, never)]
    assert told[0] == told[1] != []
    assert kept(database, course) == []
    assert patient.get("/pay/never/letter").status_code == 200


def test_a_right_birth_date_gives_the_tries_back_and_a_link_takes_ten_letters(
    database, patient, link, course
):
    for _ in range(10):
        for _ in range(2):
            send(patient, link, born_on="1980-05-18")
        assert send(patient, link).status_code == 303
    assert send(patient, link).status_code == 422
    assert len(kept(database, course)) == 10


class Body(BytesIO):
    """Knows whether somebody read it."""

    was_read = False

    def read(self, *size):
        self.was_read = True
        return super().read(*size)

    def readinto(self, buffer):
        self.was_read = True
        return super().readinto(buffer)


def test_of_a_letter_to_a_link_that_never_was_not_a_byte_is_read(patient, link):
    never, real = Body(b"--x--\r\n"), Body(b"--x--\r\n")
    for at, body in (("/pay/never/letter", never), (link, real)):
        answered = patient.post(at, input_stream=body, content_type="multipart/form-data; boundary=x")
        assert (at, answered.status_code) in ((link, 400), ("/pay/never/letter", 422))
    assert (never.was_read, real.was_read) == (False, True)


def test_who_sends_too_often_from_one_address_is_not_read_for_a_while(database, patient, link, course, clock):
    for _ in range(50):
        assert send(patient, link, visit_on="soon").status_code == 422
    late = send(patient, link)
    assert (late.status_code, late.headers["Retry-After"]) == (429, "900")
    assert "too often" in late.text
    assert kept(database, course) == []
    clock.now += timedelta(minutes=15)
    assert send(patient, link).status_code == 303


def test_a_link_ends_after_thirty_days(database, patient, link, course, clock):
    clock.now += timedelta(days=30)
    assert send(patient, link).status_code == 422
    assert kept(database, course) == []


def test_staff_make_the_link_see_the_letter_and_each_opening_is_on_the_trail(
    database, enter, patient, course
):
    clerk, at = enter(), f"/staff/patients/{course.patient.id}"
    assert f"{at}/letters" in clerk.get(at).text
    page = clerk.get(f"{at}/letters")
    assert "No letter came yet." in page.text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    made = clerk.post(f"{at}/letter-link", data={"csrf_token": token})
    (url,) = re.findall(r'value="http://localhost(/pay/[^"]+/letter)"', made.text)
    assert send(patient, url, PDF).status_code == 303
    (letter,) = kept(database, course)
    assert f'href="/staff/letters/{letter.id}"' in clerk.get("/staff/tasks").text
    assert "Denied" in clerk.get(f"/staff/letters/{letter.id}").text
    for _ in range(2):
        opened = clerk.get(f"/staff/letters/{letter.id}/file")
        assert opened.data == PDF
    assert opened.headers["Content-Disposition"] == 'attachment; filename="letter.pdf"'
    assert (opened.headers["X-Content-Type-Options"], opened.headers["Cache-Control"]) == (
        "nosniff",
        "no-store",
    )
    with database.reading() as read:
        looks = select(AuditRow.action).where(AuditRow.subject_id == letter.id)
        trail = read.session.scalars(looks).all()
    assert (trail.count("letter.disclose"), trail.count("letter.take")) == (2, 1)


def test_who_may_not_read_claims_or_works_elsewhere_opens_no_letter(database, enter, course, now):
    letter = a_letter(database, course.patient, now=now)
    paths = [f"/staff/letters/{letter.id}", f"/staff/letters/{letter.id}/file"]
    paths.append(f"/staff/patients/{course.patient.id}/letters")
    desk, stranger = enter(Role.FRONT_DESK), enter(entity_id=seed_sample(database, now, "c").id)
    assert {desk.get(path).status_code for path in paths} == {403}
    assert {stranger.get(path).status_code for path in paths} == {404}


def test_a_letter_is_never_changed(database, course, now):
    a_letter(database, course.patient, now=now)
    for change in ("UPDATE insurer_letter SET outcome = 'other'", "DELETE FROM insurer_letter"):
        with pytest.raises(DBAPIError):
            database.in_transaction(lambda tx, said=change: tx.session.execute(text(said)))
