"""An insurer's file on the pages: refused whole, shown before anything is booked, then posted once."""

import re
from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from billing.insurance.models.remittances import RemittanceUploadRow
from billing.insurance.queries import list_remittances
from billing.kernel.permissions import SYSTEM, Role
from billing.ledger.queries import trial_balance
from tests.factories.insurance import a_course, handed_out
from tests.factories.remittance_835 import Claim, Payment, remittance
from tests.factories.uploads import SpoilingReader, a_worker
from tests.factories.web import new_staff, sign_in, token_of

ASK = "/staff/remittances/upload"


@pytest.fixture
def course(database):
    return a_course(database)


@pytest.fixture
def enter(pages, database, course, now):
    def work(role=Role.BILLING):
        return sign_in(pages, new_staff(database, role, now, entity_id=course.patient.entity_id))

    return work


@pytest.fixture
def clerk(enter):
    return enter()


@pytest.fixture
def bill(database, course):
    return handed_out(database, course.session_ids[0])


def answer(bill, paid_cents=18_000, **more):
    return Claim(control_number=bill.control_number, charge_cents=38_250, paid_cents=paid_cents, **more)


def upload(client, content, name="era.835"):
    data = {"csrf_token": token_of(client, ASK), "file": (BytesIO(content), name)}
    return client.post(ASK, data=data, content_type="multipart/form-data")


def post(client, page, key="k" * 20):
    return client.post(f"{page}/post", data={"csrf_token": token_of(client, ASK), "key": key})


def state(database):
    with database.reading() as read:
        kept = [each.status for each in list_remittances(read, SYSTEM, limit=9)]
        return kept, {account: cents for account, cents in trial_balance(read).items() if cents}


def test_a_file_is_shown_by_the_path_that_posts_it_and_nothing_is_booked_before(database, clerk, bill):
    before = state(database)
    payments = [
        Payment(claims=[answer(bill)]),
        Payment(claims=[answer(bill)]),
        Payment(claims=[answer(bill)], trace="BAD", amount_cents=1),
    ]
    sent = upload(clerk, remittance(payments=payments))
    assert sent.status_code == 303
    for _ in range(2):
        preview = clerk.get(sent.location).text
        assert "What the file would do" in preview
        assert "$180.00 is the patient&#39;s credit" in preview
        assert "$180.00 becomes patients' credit." in preview
        assert "Nothing: it came before" in preview
        assert "does not balance" in preview
        assert state(database) == before
    posted = post(clerk, sent.location)
    assert (posted.status_code, posted.location) == (303, sent.location)
    kept, books = state(database)
    assert sorted(kept) == ["parked", "posted"]
    assert books["1000"] - before[1].get("1000", 0) == 18_000
    result = clerk.get(sent.location).text
    assert "What the file did" in result
    assert len(re.findall(r'href="/staff/remittances/rmt_', result)) == 3
    assert "Came before" in result


def test_posted_twice_it_is_posted_once(database, clerk, bill):
    page = upload(clerk, remittance([answer(bill)])).location
    for key in ("k" * 20, "k" * 20, "l" * 20):
        assert post(clerk, page, key).status_code in (303, 404)
    assert state(database)[0] == ["posted"]
    copy = upload(clerk, remittance([answer(bill)])).location
    assert "Came before" in clerk.get(copy).text
    post(clerk, copy, "m" * 20)
    assert state(database)[0] == ["posted"]
    assert "came again 1 time" in clerk.get("/staff/remittances").text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "Choose the insurer&#39;s file first."),
        (b"hello", "Segment 1:"),
        (b"ISA*", "Segment 1:"),
        (b"%PDF-1.4", "Segment 1:"),
    ],
)
def test_what_is_no_835_is_refused_beside_the_field(database, clerk, content, told):
    refused = upload(clerk, content)
    assert refused.status_code == 422
    assert 'id="file-wrong"' in refused.text
    assert told in refused.text
    with database.reading() as read:
        assert read.session.scalars(select(RemittanceUploadRow.id)).all() == []


def test_a_database_that_is_busy_for_a_moment_costs_nobody_the_file(database, clerk, bill):
    """The transaction that keeps it is run again, and the file was read by then."""
    tries = []

    def lose_a_race_once(_connection, _cursor, statement, *_more):
        if statement.startswith("INSERT INTO remittance_upload "):
            tries.append(statement)
            if len(tries) == 1:
                raise OperationalError(statement, {}, Exception("database is locked"))

    event.listen(database.write_engine, "before_cursor_execute", lose_a_race_once)
    sent = upload(clerk, remittance([answer(bill)]))
    event.remove(database.write_engine, "before_cursor_execute", lose_a_race_once)
    assert (sent.status_code, len(tries)) == (303, 2)


def test_a_file_cut_off_names_the_segment_and_keeps_nothing(database, clerk, bill):
    before = state(database)
    refused = upload(clerk, remittance([answer(bill)])[:-40])
    assert refused.status_code == 422
    assert re.search(r"Segment \d+: The file ends before", refused.text)
    assert state(database) == before


def large(bill):
    """More claims than are posted while somebody waits: two payments, one of them for nobody here."""
    strays = [Claim(control_number=f"X{each}", charge_cents=100, paid_cents=50) for each in range(1_001)]
    return remittance(payments=[Payment(claims=[answer(bill)]), Payment(claims=strays, trace="STRAYS")])


def test_a_large_file_is_read_and_posted_by_the_worker_and_its_page_tells_how_far_that_is(
    database, clerk, bill
):
    before = state(database)
    page = upload(clerk, large(bill)).location
    reading = clerk.get(page).text
    assert "The file is being read" in reading
    assert '<meta http-equiv="refresh"' in reading
    assert re.search(r'<progress id="done" aria-describedby="told">', reading)
    assert re.search(r'<p role="status" id="told">It begins', reading)
    a_worker(database).run_once()
    expected = clerk.get(page).text
    assert "What the file would do" in expected
    assert "with 1,002 claims" in expected
    assert "X0" in expected
    assert state(database) == before
    for key in ("k" * 20, "l" * 20):
        assert post(clerk, page, key).location == page
    posting = clerk.get(page).text
    assert "<title>0%: Posting the file" in posting
    assert '<progress id="done" max="1002" value="0" aria-describedby="told">0%</progress>' in posting
    assert "0 of 1,002 claims are done." in posting
    a_worker(database).run_once()
    result = clerk.get(page).text
    assert "What the file did" in result
    assert len(re.findall(r'href="/staff/remittances/rmt_', result)) == 2
    assert sorted(state(database)[0]) == ["parked", "posted"]
    post(clerk, page, "m" * 20)
    assert a_worker(database).run_once() == 0
    assert "What the file did" in clerk.get(page).text


def test_of_what_failed_a_person_is_asked_and_colleagues_see_which_it_is(database, enter, clerk, bill):
    page = upload(clerk, large(bill)).location
    post(clerk, page)
    a_worker(database, reader=SpoilingReader({"STRAYS": [KeyError("X")]})).run_once()
    colleague = enter(Role.SUPERVISOR)
    assert "Payments of an insurer&#39;s file were not posted" in colleague.get("/staff/tasks").text
    for person in (clerk, colleague):
        result = person.get(page).text
        assert "Not posted" in result
        assert "Send the file again" in result
    assert post(colleague, page, "n" * 20).status_code == 404


def test_a_large_file_that_cannot_be_read_says_where_when_the_worker_came_to_it(database, clerk, bill):
    page = upload(clerk, large(bill)[:-40]).location
    a_worker(database).run_once()
    refused = clerk.get(page).text
    assert re.search(r'role="alert">Segment \d+: The file ends before', refused)
    assert "Post it" not in refused
    assert post(clerk, page).location == page
    assert "cannot be posted" in clerk.get(page).text
    assert state(database)[0] == []


def test_a_file_larger_than_a_page_takes_says_how_large_it_may_be(database, clerk):
    huge = clerk.post(ASK, data=b"x" * 25_100_001, content_type="multipart/form-data; boundary=x")
    assert huge.status_code == 413
    assert "larger than a page takes (25 MB)" in huge.text
    assert state(database)[0] == []


def test_the_file_is_kept_sealed_without_its_name_for_a_day_and_goes_when_it_is_posted(
    database, clerk, bill, clock
):
    page = upload(clerk, remittance([answer(bill)]), name="Maria Sample.835").location
    with database.reading() as read:
        row = read.session.scalars(select(RemittanceUploadRow)).one()
    assert b"ISA" not in row.sealed
    assert "Maria" not in str(vars(row))
    assert "Maria" not in page
    post(clerk, page)
    with database.reading() as read:
        assert read.session.scalars(select(RemittanceUploadRow.sealed)).one() is None
    clock.now += timedelta(days=2)


def test_a_file_of_yesterday_goes_when_the_next_one_comes(database, enter, clock, bill):
    old = upload(enter(), remittance([answer(bill)])).location
    clock.now += timedelta(days=1, minutes=1)
    with database.reading() as read:
        assert len(read.session.scalars(select(RemittanceUploadRow.id)).all()) == 1
    later = enter(Role.SUPERVISOR)
    upload(later, remittance([answer(bill)], trace="T2"))
    with database.reading() as read:
        (kept,) = read.session.scalars(select(RemittanceUploadRow.id))
    assert kept not in old


def test_it_is_there_for_who_sent_it_alone_and_readers_send_nothing(database, enter, clerk, bill):
    page = upload(clerk, remittance([answer(bill)])).location
    other = enter(Role.SUPERVISOR)
    assert other.get(page).status_code == 404
    assert post(other, page).status_code == 404
    reader = enter(Role.ACCOUNTANT)
    assert reader.get(ASK).status_code == 403
    assert reader.get(page).status_code == 403
    assert state(database)[0] == []
    assert clerk.get("/staff/remittance-uploads/x").status_code == 404


def test_words_of_a_file_are_shown_literally(clerk, bill):
    content = remittance([answer(bill)], payer_name="<script>PLAN", amount_cents=5)
    preview = clerk.get(upload(clerk, content).location).text
    assert "<script>PLAN" not in preview
    assert "&lt;script&gt;PLAN" in preview
