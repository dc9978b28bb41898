"""Patients are asked by letter what becomes of an insurer's money, through a real mail server."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.insurance.use_cases.remittances.undo import undo_remittance
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.patients.records import HoldReason
from billing.patients.use_cases import amend_patient
from billing.payments.queries.choice_letters import choice_letters_of
from billing.payments.queries.refunds import list_refunds
from billing.payments.records.credits import Election
from billing.payments.records.refunds import RefundMethod
from billing.payments.use_cases.choice_letters import ask_to_choose, keep_letter_sent, post_instead
from billing.payments.use_cases.choices import choose_always
from billing.payments.use_cases.credits import elect, take_back_choice
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import demand_takeback
from billing.platform.data.jobs import MOST_ATTEMPTS
from billing.platform.data.tasks import TaskState, list_tasks
from tests.conftest import NOW
from tests.factories.accounting import CLERK, LIMIT
from tests.factories.holds import stopped
from tests.factories.insurance import a_course, handed_out
from tests.factories.invoices import a_patient, billed
from tests.factories.mail import caught, mailing_app
from tests.factories.remittance_story import Story

LINK = re.compile(r"http://localhost(/pay/([\w-]{27})/choice)\b")
CENTS = 12_000


@pytest.fixture
def catcher():
    with caught() as opened:
        yield opened


@pytest.fixture
def app(database_url, clock_file, catcher):
    with mailing_app(database_url, clock_file, catcher.url) as made:
        yield made


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def bill(database, patient):
    return billed(database, patient, only_first=2)


@pytest.fixture
def held(database, bill):
    did(database, take_cash, invoice_id=bill.invoice.id, amount=bill.invoice.total)
    return reimbursed(database, bill)


@pytest.fixture
def on_day(app, clock_file, catcher):
    """The worker's day so many days after the money came; the letters that left by then, not the receipts."""

    def work(days):
        clock_file.write_text((NOW + timedelta(days=days)).isoformat())
        app.extensions["billing"].worker.run_once()
        return [mail for mail in catcher.kept if LINK.search(said_in(mail))]

    return work


def did(database, use_case, *, at=NOW, **named):
    return database.in_transaction(lambda tx: use_case(tx, **named, actor=CLERK, now=at))


def reimbursed(database, bill, *, place=0, cents=CENTS, at=NOW):
    named = {"session_id": bill.session_ids[place], "source_id": f"rmc_{place}", "received_on": at.date()}
    return did(database, hold_reimbursement, amount=Money(cents), at=at, **named).lot_id


def said_in(mail):
    return mail.get_payload(decode=True).decode()


def amended(database, patient, **changes):
    did(database, amend_patient, patient_id=patient.id, changes=changes, expected_version=1)


def letters(database, patient):
    with database.reading() as read:
        return [each.state for each in choice_letters_of(read, patient.id, SYSTEM, limit=9)]


def open_tasks(database):
    with database.reading() as read:
        return [task.kind for task in list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)]


def refunds(database, patient):
    with database.reading() as read:
        return list_refunds(read, SYSTEM, patient_id=patient.id, limit=9)


def test_a_patient_is_asked_once_reminded_once_and_without_a_word_it_goes_back(
    database, patient, held, on_day
):
    left_by = [len(on_day(day)) for day in range(34)]
    assert left_by == [1] * 23 + [2] * 11
    (refund,) = refunds(database, patient)
    assert (refund.amount, refund.method) == (Money(CENTS), RefundMethod.CHECK)
    assert refund.requested_at == NOW + timedelta(days=30)
    with database.reading() as read:
        assert verify(read, now=NOW + timedelta(days=40), refund_limit=LIMIT).ok


def test_the_letter_leaves_within_a_quarter_of_an_hour_of_the_money(app, database, bill, on_day):
    did(database, take_cash, invoice_id=bill.invoice.id, amount=bill.invoice.total)
    assert on_day(0) == []
    reimbursed(database, bill)
    assert len(on_day(15 / 60 / 24)) == 1


def test_the_letter_says_the_amount_the_day_and_what_happens_and_nothing_of_health(held, on_day, catcher):
    (mail,) = on_day(1)
    assert catcher.recipients[-1] == ["maria@example.com"]
    assert mail["From"] == "Clinic B Austin <billing@clinic.example>"
    told = " ".join(said_in(mail).split())
    assert "$120.00, sent back on December 2, 2026 unless you choose before" in told
    assert "taken off your next invoice, or have it sent back to you" in told
    assert "Without a word from you it is sent back" in told
    assert "(512) 555-0100" in told
    named = f"{mail['Subject']} {told}".lower()
    private = ("maria", "sample clinic", "ketamine", "infusion", "treatment", "insur", "visit", "aetna")
    assert [word for word in private if word in named] == []
    assert "120" not in mail["Subject"]


def test_several_credits_are_one_letter_and_a_later_one_is_another(database, bill, held, on_day):
    reimbursed(database, bill, place=1, cents=3_000)
    (mail,) = on_day(0)
    assert "$120.00" in said_in(mail)
    assert "$30.00" in said_in(mail)
    assert len(on_day(5)) == 1


def test_who_was_asked_late_is_not_reminded_right_after(held, on_day):
    """The insurer's answer was typed in 24 days after its money came."""
    assert [len(on_day(day)) for day in (24, 25, 29)] == [1, 1, 1]


def test_who_was_asked_just_early_enough_is_reminded_on_the_last_day(held, on_day):
    assert [len(on_day(day)) for day in (22, 28, 29, 30)] == [1, 1, 2, 2]


def test_a_reminder_that_did_not_leave_in_time_leaves_on_the_last_day_and_not_after(held, on_day):
    """The worker stood still; it goes back on the 30th day."""
    assert [len(on_day(day)) for day in (0, 29, 30)] == [1, 2, 2]


def test_in_the_evening_it_is_the_sites_day_that_counts(held, on_day):
    """Ten hours later it is the next day in Greenwich, and the same in Texas."""
    evening = 10 / 24
    assert [len(on_day(day + evening)) for day in (0, 21, 22, 23)] == [1, 1, 1, 2]


def test_in_the_evening_of_the_last_day_there_is_still_time_to_remind(held, on_day):
    evening = 10 / 24
    assert [len(on_day(day + evening)) for day in (0, 29, 30)] == [1, 2, 2]


def test_nobody_is_asked_when_the_money_goes_back_that_day(database, patient, held, on_day):
    assert on_day(30) == []
    assert letters(database, patient) == []
    assert len(refunds(database, patient)) == 1


def test_the_reminder_names_only_what_still_waits(database, bill, held, on_day):
    reimbursed(database, bill, place=1, cents=3_000)
    on_day(0)
    did(database, elect, lot_id=held, election=Election.CREDIT)
    _, reminder = on_day(23)
    assert "$30.00" in said_in(reminder)
    assert "$120.00" not in said_in(reminder)
    assert "reminder" in reminder["Subject"]


@pytest.mark.parametrize("always", [None, Election.CREDIT, Election.REFUND])
def test_who_chose_is_not_asked_and_not_reminded(database, patient, held, on_day, always):
    if always:
        did(database, choose_always, patient_id=patient.id, election=always)
    else:
        did(database, elect, lot_id=held, election=Election.CREDIT)
    assert on_day(0) + on_day(23) == []
    assert letters(database, patient) == []


def test_what_the_insurer_took_back_before_the_mail_left_is_not_mailed(
    database, patient, held, on_day, catcher
):
    catcher.answer = "451 Try again later"
    assert on_day(0) == []
    demand = {"reimbursement_id": "rmc_0", "demand": "T1", "demanded_on": NOW.date()}
    did(database, demand_takeback, **demand, amount=Money(CENTS))
    catcher.answer = "250 OK"
    hurry(database)
    assert on_day(1) == []
    assert letters(database, patient) == ["dropped"]


def test_what_is_left_when_the_mail_leaves_is_what_it_says(database, patient, held, on_day, catcher):
    catcher.answer = "451 Try again later"
    on_day(0)
    demand = {"reimbursement_id": "rmc_0", "demand": "T1", "demanded_on": NOW.date()}
    did(database, demand_takeback, **demand, amount=Money(2_000))
    catcher.answer = "250 OK"
    hurry(database)
    (mail,) = on_day(1)
    assert "$100.00" in said_in(mail)


def test_who_takes_back_wanting_it_all_is_asked_then(database, patient, held, on_day):
    did(database, choose_always, patient_id=patient.id, election=Election.REFUND)
    did(database, choose_always, patient_id=patient.id, election=None)
    assert len(on_day(0)) == 1


@pytest.mark.parametrize("changes", [{"email": None}, {"declines_mail": True}])
def test_who_gets_no_mail_gets_a_letter_that_a_person_posts(database, patient, held, on_day, changes):
    amended(database, patient, **changes)
    assert on_day(0) + on_day(23) == []
    assert (letters(database, patient), open_tasks(database)) == (["to_post"], ["choice-letter"])


def test_a_letter_that_no_server_takes_is_posted_by_a_person(database, patient, held, on_day, catcher):
    catcher.answer_to_recipient = "550 No such user"
    assert on_day(0) == []
    assert letters(database, patient) == ["to_post"]
    assert "choice-letter" in open_tasks(database)


def test_a_letter_that_mail_could_not_carry_for_all_its_tries_is_posted_by_a_person_once(
    database, patient, held, on_day, catcher
):
    catcher.answer = "451 Try again later"
    assert tried_until_it_gave_up(database, on_day) == []
    assert (letters(database, patient), "choice-letter" in open_tasks(database)) == (["queued"], False)
    catcher.answer = "250 OK"
    assert on_day(1) + on_day(2) == []
    assert letters(database, patient) == ["to_post"]
    assert open_tasks(database).count("choice-letter") == 1


def test_nobody_posts_a_letter_that_mail_could_not_carry_once_nothing_waits(
    database, patient, held, on_day, catcher
):
    catcher.answer = "451 Try again later"
    tried_until_it_gave_up(database, on_day)
    did(database, elect, lot_id=held, election=Election.CREDIT)
    assert on_day(1) == []
    assert (letters(database, patient), open_tasks(database)) == (["dropped"], [])


def test_the_secret_of_a_link_is_forgotten_once_its_letter_left_and_not_before(
    database, patient, held, on_day, catcher
):
    catcher.answer = "451 Try again later"
    on_day(0)
    assert secrets_kept(database) == 1
    catcher.answer = "250 OK"
    hurry(database)
    assert (len(on_day(0)), secrets_kept(database)) == (1, 0)


@pytest.mark.parametrize("is_over", [True, False])
def test_the_secret_of_a_link_that_never_leaves_is_forgotten(database, patient, held, is_over):
    letter = did(database, ask_to_choose, patient_id=patient.id, sends_mail=True)
    if is_over:
        did(database, elect, lot_id=held, election=Election.CREDIT)
    did(database, post_instead, letter_id=letter.id)
    assert letters(database, patient) == ["dropped" if is_over else "to_post"]
    assert secrets_kept(database) == 0


def test_a_letter_of_this_morning_is_still_tried_by_mail(database, patient, held, on_day, catcher):
    catcher.answer = "451 Try again later"
    on_day(0)
    hurry(database)
    assert on_day(11 / 24) == []
    assert letters(database, patient) == ["queued"]


def test_what_a_server_took_while_it_was_put_aside_to_be_posted_is_not_posted_as_well(
    database, patient, held
):
    letter = did(database, ask_to_choose, patient_id=patient.id, sends_mail=True)
    did(database, post_instead, letter_id=letter.id)
    did(database, keep_letter_sent, letter_id=letter.id)
    assert (letters(database, patient), open_tasks(database)) == (["sent"], [])


def test_nobody_posts_what_is_chosen_meanwhile(database, patient, held, on_day):
    amended(database, patient, email=None)
    on_day(0)
    did(database, elect, lot_id=held, election=Election.CREDIT)
    on_day(1)
    assert (letters(database, patient), open_tasks(database)) == (["dropped"], [])


def test_what_was_chosen_before_the_mail_left_and_waits_again_is_asked_about(
    database, patient, held, on_day, catcher
):
    catcher.answer = "451 Try again later"
    on_day(0)
    did(database, elect, lot_id=held, election=Election.CREDIT)
    catcher.answer = "250 OK"
    hurry(database)
    assert on_day(1) == []
    did(database, take_back_choice, lot_id=held, at=NOW + timedelta(days=2))
    (mail,) = on_day(2)
    assert "$120.00, sent back on December 4, 2026" in said_in(mail)


def test_two_workers_at_once_write_one_letter(database, patient, held):
    def ask(_):
        return did(database, ask_to_choose, patient_id=patient.id, sends_mail=True)

    with ThreadPoolExecutor(4) as pool:
        written = [letter for letter in pool.map(ask, range(8)) if letter]
    assert len(written) == 1
    assert letters(database, patient) == ["queued"]


@pytest.mark.parametrize("reason", [HoldReason.DEATH, HoldReason.BANKRUPTCY])
def test_of_the_dead_and_the_bankrupt_nobody_is_written_to(database, patient, held, on_day, reason):
    stopped(database, patient.id, reason)
    assert on_day(0) == []
    assert letters(database, patient) == []


def test_an_answer_that_is_undone_asks_nobody_and_sent_again_it_asks(database, on_day, catcher):
    """From the insurer's file to the letter, through the mail server."""
    course = a_course(database)
    story = Story(database, course, [handed_out(database, each) for each in course.session_ids])
    content = story.file(story.answer(18_000), paid_on=NOW.date())
    catcher.answer = "451 Try again later"
    (first,) = story.read(content).transactions
    on_day(0)
    did(database, undo_remittance, remittance_id=first.id, reason="Posted by mistake")
    catcher.answer = "250 OK"
    hurry(database)
    assert on_day(1) == []
    story.read(content)
    (mail,) = on_day(2)
    assert "$180.00, sent back on December 2, 2026" in said_in(mail)
    assert letters(database, course.patient) == ["sent", "dropped"]


def test_from_the_insurers_file_by_the_link_of_the_mail_to_the_receipt_of_the_refund(
    app, database, on_day, catcher
):
    course = a_course(database)
    story = Story(database, course, [handed_out(database, each) for each in course.session_ids])
    story.read(story.file(story.answer(18_000), paid_on=NOW.date()))
    (mail,) = on_day(0)
    link, browser = LINK.search(said_in(mail))[1], app.test_client()
    posted(browser, link, link, born_on=course.patient.born_on.isoformat())
    (shown,) = set(re.findall(r'name="shown" value="([^"]+)"', browser.get(link).text))
    (lot_id,) = re.findall(rf'action="{link}/(crl_\w+)"', browser.get(link).text)
    page = posted(browser, link, f"{link}/{lot_id}", election="refund", shown=shown)
    assert "You chose: $180.00 is sent back to you." in page
    assert len(on_day(1)) == 1
    (refund,) = refunds(database, course.patient)
    did(database, send_check, refund_id=refund.id, check_number="1001", at=NOW + timedelta(days=1))
    before = len(catcher.kept)
    assert len(on_day(30)) == 1
    (receipt,) = catcher.kept[before:]
    assert receipt["Subject"] == "A receipt is ready for you"
    again = app.test_client()
    page = posted(again, link, link, born_on=course.patient.born_on.isoformat())
    assert "$180.00 goes back to you. Sent by check on Nov 3, 2026." in page
    with database.reading() as read:
        assert verify(read, now=NOW + timedelta(days=40), refund_limit=LIMIT).ok


def posted(browser, link, to, **fields):
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(link).text)[1]
    return browser.post(to, data={"csrf_token": token} | fields, follow_redirects=True).text


def secrets_kept(database):
    with database.write_engine.begin() as connection:
        return connection.exec_driver_sql("SELECT count(sealed) FROM choice_letter").scalar_one()


def tried_until_it_gave_up(database, on_day):
    left = []
    for _ in range(MOST_ATTEMPTS):
        left = on_day(0)
        hurry(database)
    return left


def hurry(database):
    """The pause after a failure is over."""
    with database.write_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE job SET held_until = due_at WHERE kind = 'send-choice-letter'")
