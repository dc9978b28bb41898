"""Receipts by mail, through a real mail server; the link in it as patients and as attackers see it."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from billing.accounting.queries.verify import verify
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.patients.use_cases import amend_patient
from billing.payments.queries.receipts import list_receipts
from billing.payments.records.refunds import RefundReason
from billing.payments.use_cases.mail import open_link
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.people.rules import LINK_TRIES
from billing.people.use_cases import issue_token
from tests.conftest import ApiClient
from tests.factories.accounting import CLERK, LIMIT, behind_the_back
from tests.factories.invoices import a_patient, billed
from tests.factories.mail import caught, mailing_app
from tests.factories.patients import SAMPLE_PERSON, new_patient
from tests.factories.web import new_staff, send, sign_in

BORN = SAMPLE_PERSON.born_on.isoformat()
LINK = re.compile(r"http://localhost(/pay/([\w-]{27})/receipt)\b")


@pytest.fixture
def catcher():
    with caught() as opened:
        yield opened


@pytest.fixture
def app(database_url, clock_file, catcher):
    with mailing_app(database_url, clock_file, catcher.url) as made:
        yield made


@pytest.fixture
def work(app):
    return app.extensions["billing"].worker.run_once


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=2)


def pay(database, bill, now, cents=10_000):
    database.in_transaction(
        lambda tx: take_cash(tx, invoice_id=bill.invoice.id, amount=Money(cents), actor=CLERK, now=now)
    )
    with database.reading() as read:
        return list_receipts(read, SYSTEM, patient_id=bill.patient.id, limit=1)[0]


@pytest.fixture
def receipt(database, bill, now):
    return pay(database, bill, now)


@pytest.fixture
def clerk(app, database, now):
    issued = database.in_transaction(
        lambda tx: issue_token(
            tx,
            role=Role.FRONT_DESK,
            scopes=(),
            entity_id=None,
            site_ids=None,
            expires_at=None,
            actor=SYSTEM,
            now=now,
        )
    )
    return ApiClient(app, issued.secret)


@pytest.fixture
def link(receipt, work, catcher):
    work()
    return LINK.search(catcher.kept[0].get_payload())[1]


def answer(client, link, born_on):
    page = client.get(link)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    return client.post(link, data={"csrf_token": token, "born_on": born_on})


def tries_left(database):
    with database.reading() as read:
        return read.session.scalar(text("SELECT tries_left FROM receipt_link"))


# ------------------------------------------------------------------------------------------------ mail


def test_a_receipt_is_mailed_by_itself_once_and_says_nothing_but_a_link(
    database, receipt, work, catcher, now
):
    for _ in range(3):
        work()
    (mail,) = catcher.kept
    assert catcher.recipients == [["maria@example.com"]]
    assert (mail["To"], mail["From"]) == ("maria@example.com", "Clinic B Austin <billing@clinic.example>")
    told = f"{mail['Subject']}\n{mail.get_payload()}".lower()
    assert len(LINK.findall(mail.get_payload())) == 1
    said = (
        "maria",
        "sample",
        "ketamine",
        "infusion",
        "treatment",
        "100.00",
        receipt.number.lower(),
    )
    assert [word for word in said if word in told] == []
    with database.reading() as read:
        assert verify(read, now=now, refund_limit=LIMIT).ok


def test_the_mail_says_whom_it_is_from_what_it_asks_for_and_how_to_be_sure(receipt, work, catcher):
    work()
    told = " ".join(catcher.kept[0].get_payload(decode=True).decode().split())
    assert "Clinic B Austin has a receipt for you." in told
    assert "call the number that you know us by, or (512) 555-0100" in told
    assert "no password, and no number of a card" in told


def test_a_clinic_without_a_name_for_mail_is_not_named(database, receipt, work, catcher):
    behind_the_back(database, "UPDATE entity SET mail_name = NULL")
    work()
    (mail,) = catcher.kept
    assert mail["From"] == "billing@clinic.example"
    assert "Our billing office has a receipt for you." in mail.get_payload()
    assert "Sample Clinic" not in mail.get_payload()


def test_whoever_asks_again_gets_the_mail_that_is_there(clerk, receipt, work, catcher):
    first = clerk.post(f"/receipts/{receipt.id}/mail")
    work()
    again = clerk.post(f"/receipts/{receipt.id}/mail")
    work()
    assert (first.status_code, first.json["state"], again.json["state"]) == (200, "queued", "sent")
    assert first.json["id"] == again.json["id"]
    assert (first.json["is_new"], again.json["is_new"]) == (True, False)
    assert len(catcher.kept) == 1


def test_who_wants_it_mailed_again_says_so_and_both_links_open(clerk, receipt, work, catcher):
    first = clerk.post(f"/receipts/{receipt.id}/mail")
    waiting = clerk.post(f"/receipts/{receipt.id}/mail", {"again": True})
    assert (waiting.json["id"], waiting.json["is_new"]) == (first.json["id"], False)
    work()
    again = clerk.post(f"/receipts/{receipt.id}/mail", {"again": True})
    work()
    assert again.json["is_new"]
    assert len({LINK.search(mail.get_payload())[2] for mail in catcher.kept}) == len(catcher.kept) == 2


def test_the_page_says_when_it_was_mailed_and_sends_again_what_somebody_wants_again(
    app, database, bill, receipt, work, catcher, now
):
    browser = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=bill.invoice.entity_id))
    page = f"/staff/receipts/{receipt.id}"
    send(browser, page, f"{page}/mail", key="k1")
    assert "goes to the patient by mail" in browser.get(page).text
    work()
    shown = browser.get(page).text
    assert re.search(r"was mailed to the patient on <time[^>]*>Nov 2, 2026</time>, and still opens", shown)
    send(browser, page, f"{page}/mail", key="k2")
    assert "Nothing was sent: a link that still opens was mailed before." in browser.get(page).text
    work()
    assert len(catcher.kept) == 1
    send(browser, page, f"{page}/mail", key="k3", again="yes")
    work()
    assert len(catcher.kept) == 2


def test_many_clicks_at_once_are_one_mail(clerk, receipt, work, catcher):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: clerk.post(f"/receipts/{receipt.id}/mail"), range(8)))
    assert {each.status_code for each in answers} == {200}
    assert len({each.json["id"] for each in answers}) == 1
    work()
    assert len(catcher.kept) == 1


def test_a_corrected_address_and_a_link_that_has_ended_get_a_mail_of_their_own(
    database, clerk, bill, receipt, work, catcher, clock_file, now
):
    work()
    database.in_transaction(
        lambda tx: amend_patient(
            tx,
            patient_id=bill.patient.id,
            changes={"email": "maria.sample@example.com"},
            expected_version=1,
            actor=CLERK,
            now=now,
        )
    )
    clerk.post(f"/receipts/{receipt.id}/mail")
    work()
    clock_file.write_text((now + timedelta(days=31)).isoformat())
    clerk.post(f"/receipts/{receipt.id}/mail")
    work()
    assert [mail["To"] for mail in catcher.kept] == [
        "maria@example.com", "maria.sample@example.com", "maria.sample@example.com",
    ]  # fmt: skip
    assert len({LINK.search(mail.get_payload())[2] for mail in catcher.kept}) == 3


@pytest.mark.parametrize("changes", [{"email": None}, {"declines_mail": True}])
def test_who_has_no_address_or_wants_no_mail_gets_none_by_itself(database, bill, work, catcher, now, changes):
    database.in_transaction(
        lambda tx: amend_patient(
            tx, patient_id=bill.patient.id, changes=changes, expected_version=1, actor=CLERK, now=now
        )
    )
    pay(database, bill, now)
    work()
    assert catcher.kept == []


def test_a_server_that_is_away_gets_the_mail_later_and_under_the_same_name(database, receipt, work, catcher):
    catcher.answer = "451 Try again later"
    work()
    assert catcher.kept == []
    catcher.answer = "250 OK"
    with database.write_engine.begin() as connection:  # the pause after a failure is over
        connection.execute(text("UPDATE job SET held_until = due_at WHERE kind = 'send-mail'"))
    work()
    (mail,) = catcher.kept
    with database.reading() as read:
        mail_id, state = read.session.execute(text("SELECT id, state FROM mail")).one()
    assert (mail["Message-ID"], state) == (f"<{mail_id}@localhost>", "sent")


def test_an_address_that_is_refused_for_good_is_a_task_and_is_not_tried_again(
    database, receipt, work, catcher
):
    catcher.answer_to_recipient = "550 No such user"
    work()
    catcher.answer_to_recipient = "250 OK"
    work()
    assert catcher.kept == []
    with database.reading() as read:
        assert read.session.scalar(text("SELECT state FROM mail")) == "refused"
        task = read.session.execute(text("SELECT kind, subject_id FROM task")).one()
    assert tuple(task) == ("mail-refused", receipt.id)


def test_neither_the_address_nor_the_link_lies_open_in_the_database(database, link):
    secret = LINK.search(f"http://localhost{link}")[2]
    with database.reading() as read:
        rows = [
            str([bytes(v) if isinstance(v, memoryview) else v for v in row])
            for name in ("mail", "receipt_link", "job", "audit_row")
            for row in read.session.execute(text(f"SELECT * FROM {name}"))
        ]
    assert [row for row in rows if "maria@" in row or secret in row] == []


def test_without_a_mail_server_nothing_is_queued_and_doctor_says_so(
    database_url, clock_file, database, receipt, now
):
    with mailing_app(database_url, clock_file, None) as app:
        app.extensions["billing"].worker.run_once()
        told = app.test_cli_runner().invoke(args=["doctor"]).output
        issued = database.in_transaction(
            lambda tx: issue_token(
                tx, role=Role.FRONT_DESK, scopes=(), entity_id=None, site_ids=None, expires_at=None,
                actor=SYSTEM, now=now,
            )
        )  # fmt: skip
        refused = ApiClient(app, issued.secret).post(f"/receipts/{receipt.id}/mail")
    assert "MAIL_URL is not set: no mail is sent" in told
    assert (refused.status_code, refused.json["code"]) == (409, "mail-not-set-up")
    with database.reading() as read:
        assert read.session.scalar(text("SELECT COUNT(*) FROM mail")) == 0


# ------------------------------------------------------------------------------------------------ link


def test_the_birth_date_opens_the_receipt_and_its_pdf(app, link, receipt):
    visitor = app.test_client()
    opened = answer(visitor, link, BORN)
    assert (opened.status_code, opened.location) == (303, link)
    page = visitor.get(link)
    assert receipt.number in page.text
    assert "$100.00" in page.text
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    pdf = visitor.get(f"{link}.pdf")
    assert (pdf.mimetype, pdf.data[:4]) == ("application/pdf", b"%PDF")


def test_who_opened_it_reads_what_went_back_and_when_the_bank_shows_it(app, database, link, receipt, now):
    payment_id = receipt.payment_id

    def give_back(tx, cents, left, limit):
        refund = refund_payment(
            tx,
            payment_id=payment_id,
            amount=Money(cents),
            refundable=Money(left),
            reason=RefundReason.DUPLICATE,
            method=None,
            limit=Money(limit),
            actor=SYSTEM,
            now=now,
        )
        if limit:
            send_check(tx, refund_id=refund.id, check_number="77", actor=SYSTEM, now=now)

    database.in_transaction(lambda tx: give_back(tx, 2_500, 10_000, 50_000))
    database.in_transaction(lambda tx: give_back(tx, 1_200, 7_500, 0))
    client = app.test_client()
    assert "Given back of it" not in client.get(link).text
    answer(client, link, BORN)
    shown = client.get(link).text
    assert "<strong>$25.00</strong>. Sent by check on Nov 2, 2026." in shown
    assert "$12.00" not in shown


def test_the_link_alone_shows_nothing_of_anybody(app, link, receipt, bill):
    page = app.test_client().get(link)
    assert page.status_code == 200
    told = (receipt.number, "Maria", "Sample", "$", "Ketamine", "Infusion")
    assert [word for word in told if word in page.text] == []
    away = app.test_client().get(f"{link}.pdf")
    assert (away.status_code, away.location) == (303, link)


def test_a_wrong_date_and_a_link_that_never_was_are_answered_alike(app, link):
    def bare(text, link):
        text = text.replace(link, "LINK")
        return re.sub(r'(nonce|value)="[^"]*"', "", text)

    never = "/pay/" + "A" * 27 + "/receipt"
    one, other = (answer(app.test_client(), each, "1990-01-01") for each in (link, never))
    assert (one.status_code, other.status_code) == (422, 422)
    assert bare(one.text, link) == bare(other.text, never)
    first, second = (app.test_client().get(each) for each in (link, never))
    assert bare(first.text, link) == bare(second.text, never)
    assert first.status_code == second.status_code == 200


def test_five_wrong_dates_close_the_link_even_to_the_right_one(app, link, database):
    for day in range(LINK_TRIES):
        assert answer(app.test_client(), link, f"1990-01-0{day + 1}").status_code == 422
    assert answer(app.test_client(), link, BORN).status_code == 422
    assert tries_left(database) == 0


def test_the_right_date_gives_the_tries_back(app, link, database):
    answer(app.test_client(), link, "1990-01-01")
    answer(app.test_client(), link, BORN)
    assert tries_left(database) == LINK_TRIES


def test_any_number_of_tries_at_once_compares_five_dates(database, link, now):
    secret = LINK.search(f"http://localhost{link}")[2]
    start = threading.Barrier(8)

    def attack(number):
        start.wait()
        wrong = SAMPLE_PERSON.born_on + timedelta(days=number + 1)
        return database.in_transaction(
            lambda tx: open_link(tx, secret=secret, born_on=wrong, actor=SYSTEM, now=now)
        )

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(attack, range(8))) == {None}
    with database.reading() as read:
        query = "SELECT COUNT(*) FROM audit_row WHERE action = 'receipt.open.refuse'"
        assert read.session.scalar(text(query)) == LINK_TRIES
    assert tries_left(database) == 0


def test_a_link_ends_after_thirty_days(app, link, clock_file, now):
    clock_file.write_text((now + timedelta(days=30)).isoformat())
    assert answer(app.test_client(), link, BORN).status_code == 422


def test_what_was_opened_closes_by_itself(app, link, clock_file, now, receipt):
    visitor = app.test_client()
    answer(visitor, link, BORN)
    clock_file.write_text((now + timedelta(minutes=15)).isoformat())
    assert receipt.number not in visitor.get(link).text


def test_who_opened_one_receipt_has_not_opened_another_patients(
    app, link, database, work, catcher, bill, now
):
    ruth = new_patient(
        database,
        entity_id=bill.patient.entity_id,
        site_id=bill.patient.site_id,
        given_name="Ruth",
        email="ruth@example.com",
        born_on=SAMPLE_PERSON.born_on + timedelta(days=1),
    )
    theirs = pay(database, billed(database, ruth, only_first=1), now)
    work()
    other = LINK.search(catcher.kept[1].get_payload())[1]
    visitor = app.test_client()
    answer(visitor, link, BORN)
    assert theirs.number not in visitor.get(other).text
    assert visitor.get(f"{other}.pdf").status_code == 303
    assert answer(visitor, other, BORN).status_code == 422


def test_a_receipt_link_is_no_pay_link_and_a_pay_link_no_receipt_link(app, link):
    assert app.test_client().get(link.removesuffix("/receipt")).status_code == 404


@pytest.mark.parametrize("born_on", ["", "17 May 1980", "1980-13-45", "0001-01-01", "\x00", "9" * 5000])
def test_what_is_no_date_costs_no_try_or_one_and_opens_nothing(app, link, born_on, database):
    assert answer(app.test_client(), link, born_on).status_code == 422
    assert tries_left(database) >= LINK_TRIES - 1


def test_the_day_that_stands_for_nobody_opens_no_link_that_never_was(app):
    assert answer(app.test_client(), "/pay/" + "A" * 27 + "/receipt", "0001-01-01").status_code == 422


def test_a_form_without_its_token_is_no_try(app, link, database):
    assert app.test_client().post(link, data={"born_on": BORN}).status_code == 400
    assert tries_left(database) == LINK_TRIES


def test_who_opened_a_receipt_and_who_failed_are_on_the_trail(app, link, database, receipt):
    answer(app.test_client(), link, "1990-01-01")
    answer(app.test_client(), link, BORN)
    with database.reading() as read:
        rows = read.session.execute(
            text(
                "SELECT action, actor_id FROM audit_row "
                "WHERE subject_id = :of AND action LIKE 'receipt.open%'"
            ),
            {"of": receipt.id},
        ).all()
    assert sorted(action for action, _ in rows) == ["receipt.open", "receipt.open.refuse"]
    assert all(actor.startswith("rlk_") for _, actor in rows)
