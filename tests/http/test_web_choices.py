"""The page on which patients choose what becomes of an insurer's money, as they and others meet it."""

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from billing.accounting.queries.verify import verify
from billing.care.queries import find_session
from billing.kernel.clock import day_in_words
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.patients.records import HoldReason
from billing.payments.flows.choices import refund_what_nobody_chose
from billing.payments.queries.choices import standing_choice
from billing.payments.queries.credits import find_credit
from billing.payments.queries.refunds import list_refunds
from billing.payments.records.credits import Chooser, Election
from billing.payments.use_cases.choice_letters import ask_to_choose
from billing.payments.use_cases.credits import apply_credits, elect
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refunds import reject_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import demand_takeback
from billing.people.rules import LINK_TRIES
from billing.platform.data.audit import AuditRow
from tests.conftest import NOW
from tests.factories.accounting import CLERK, LIMIT
from tests.factories.holds import stopped
from tests.factories.invoices import a_patient, billed
from tests.factories.patients import SAMPLE_PERSON, new_patient

BORN = SAMPLE_PERSON.born_on.isoformat()
CENTS = 12_000
NEVER_WAS = f"/pay/{'x' * 27}/choice"


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def bill(database, patient):
    made = billed(database, patient, only_first=2)
    did(database, take_cash, invoice_id=made.invoice.id, amount=made.invoice.total)
    return made


@pytest.fixture
def held(database, bill):
    return reimbursed(database, bill)


@pytest.fixture
def link(database, patient, held):
    return link_of(database, patient)


@pytest.fixture
def mine(app, link):
    """The patient's browser, with the page open."""
    browser = app.test_client()
    opened(browser, link)
    return browser


def did(database, use_case, *, at=NOW, **named):
    return database.in_transaction(lambda tx: use_case(tx, **named, actor=CLERK, now=at))


def reimbursed(database, bill, *, place=0, cents=CENTS):
    named = {"session_id": bill.session_ids[place], "source_id": f"rmc_{place}", "received_on": NOW.date()}
    return did(database, hold_reimbursement, amount=Money(cents), **named).lot_id


def link_of(database, patient):
    """What the mail carries."""
    letter = did(database, ask_to_choose, patient_id=patient.id, sends_mail=True)
    with database.reading() as read:
        sealed = read.session.scalar(
            text("SELECT sealed FROM choice_letter WHERE id = :id"), {"id": letter.id}
        )
        return f"/pay/{read.vault.open('choice_letter', letter.id, sealed)['secret']}/choice"


def opened(browser, link, born_on=BORN):
    return sent(browser, link, born_on=born_on)


def sent(browser, to, **fields):
    """With the token of the visitor, which is the same on all of their pages."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(NEVER_WAS).text)[1]
    return browser.post(to, data={"csrf_token": token} | fields, follow_redirects=True)


def shown(page):
    """What the forms of the page's credits carry, in their order."""
    return re.findall(r'name="shown" value="([^"]+)"', page)


def chosen(browser, link, lot_id, election, **more):
    fields = {"election": election, "shown": shown(browser.get(link).text)[0]} | more
    return said(sent(browser, f"{link}/{lot_id}", **fields))


def said(answer):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def lot(database, lot_id):
    with database.reading() as read:
        return find_credit(read, lot_id, SYSTEM)


def refunds(database, patient):
    with database.reading() as read:
        return list_refunds(read, SYSTEM, patient_id=patient.id, limit=9)


def the_job(database, days=1, limit=LIMIT):
    refund_what_nobody_chose(database, lambda: NOW + timedelta(days=days), limit)


# ------------------------------------------------------------------------------------------ what is chosen


def test_the_page_says_what_is_held_for_which_visit_and_what_happens_without_a_word(
    database, bill, mine, link
):
    with database.reading() as read:
        visit_on = find_session(read, bill.session_ids[0], SYSTEM).planned_on
    page = said(mine.get(link))
    assert f"$120.00 for your visit on {day_in_words(visit_on)}" in page
    assert (
        "$120.00 waits for your choice. Without a word from you it is sent back to you on Dec 2, 2026."
        in page
    )


def test_a_patient_keeps_it_for_the_next_invoice(database, patient, mine, link, held):
    page = chosen(mine, link, held, "credit")
    assert "You chose: $120.00 comes off your next invoice." in page
    found = lot(database, held)
    assert (found.election, found.elected_by) == (Election.CREDIT, Chooser.PATIENT)
    the_job(database, days=40)
    assert refunds(database, patient) == []


def test_a_patient_wants_it_back_and_gets_it_the_next_day_and_once(database, patient, mine, link, held):
    page = chosen(mine, link, held, "refund")
    assert "You chose: $120.00 is sent back to you. That begins within a day." in page
    the_job(database)
    the_job(database, days=2)
    assert [each.amount for each in refunds(database, patient)] == [Money(CENTS)]
    page = said(mine.get(link))
    assert "$120.00 goes back to you. It is on its way." in page
    assert "Nothing of it is left to choose for." in page
    assert shown(mine.get(link).text) == []
    with database.reading() as read:
        assert verify(read, now=NOW + timedelta(days=40), refund_limit=LIMIT).ok


def test_what_somebody_approves_first_is_told_so(database, mine, link, held):
    chosen(mine, link, held, "refund")
    the_job(database, limit=Money(0))
    assert "$120.00 goes back to you. Somebody at the clinic approves it first." in said(mine.get(link))


AGAIN = "Please send it back to me"


@pytest.mark.parametrize("recorded_by", ["staff", "nobody"])
def test_who_wants_back_what_no_refund_is_under_way_of_gets_it_asked_for_once(
    database, patient, mine, link, held, recorded_by, clock_file
):
    if recorded_by == "staff":
        did(database, elect, lot_id=held, election=Election.REFUND)
    else:
        the_job(database, days=30, limit=Money(0))
        assert AGAIN not in said(mine.get(link))
        (asked,) = refunds(database, patient)
        did(database, reject_refund, refund_id=asked.id, at=NOW + timedelta(days=30))
    before = len(refunds(database, patient))
    clock_file.write_text((NOW + timedelta(days=30, minutes=1)).isoformat())
    opened(mine, link)
    assert AGAIN in said(mine.get(link))
    carried = shown(mine.get(link).text)[0]
    for _ in range(2):
        assert "That begins within a day." in said(
            sent(mine, f"{link}/{held}", election="refund", shown=carried)
        )
    assert AGAIN not in said(mine.get(link))
    assert lot(database, held).elected_by is Chooser.PATIENT
    for days in (31, 32):
        the_job(database, days=days, limit=Money(0))
    assert len(refunds(database, patient)) == before + 1


def test_a_choice_from_now_on_answers_what_waits_and_what_comes(database, bill, patient, held, app):
    other = reimbursed(database, bill, place=1, cents=3_000)
    link = link_of(database, patient)
    browser = app.test_client()
    opened(browser, link)
    page = chosen(browser, link, held, "credit", always="yes")
    assert "Whatever an insurer pays for you comes off your next invoice." in page
    assert [lot(database, each).election for each in (held, other)] == [Election.CREDIT] * 2
    with database.reading() as read:
        assert standing_choice(read, patient.id) is Election.CREDIT
    page = said(sent(browser, f"{link}/each-time"))
    assert "From now on" not in page
    with database.reading() as read:
        assert standing_choice(read, patient.id) is None


def test_a_choice_is_taken_back_while_the_money_has_not_moved(database, patient, mine, link, held):
    chosen(mine, link, held, "refund")
    page = sent(mine, f"{link}/{held}/take-back", shown=shown(mine.get(link).text)[0])
    assert "$120.00 waits for your choice." in said(page)
    the_job(database)
    assert refunds(database, patient) == []
    assert "You chose: $120.00 comes off your next invoice." in chosen(mine, link, held, "credit")


def test_each_choice_is_on_the_trail_under_the_letter(database, mine, link, held):
    chosen(mine, link, held, "refund")
    sent(mine, f"{link}/{held}/take-back", shown=shown(mine.get(link).text)[0])
    with database.reading() as read:
        rows = read.session.query(AuditRow).where(AuditRow.subject_id == held).order_by(AuditRow.id).all()
        assert [row.action for row in rows][-2:] == ["credit.elect.refund", "credit.elect.ask"]
        assert all(row.actor_id.startswith("clt_") for row in rows[-2:])


def test_each_look_at_the_page_is_on_the_trail_and_none_without_the_birth_date(database, app, mine, link):
    looks = select(AuditRow).where(AuditRow.action == "choice_letter.read")
    with database.reading() as read:
        before = len(read.session.scalars(looks).all())
    mine.get(link)
    app.test_client().get(link)
    with database.reading() as read:
        rows = read.session.scalars(looks).all()
    assert len(rows) == before + 1
    assert all(row.actor_id.startswith("clt_") and row.subject_id == row.actor_id for row in rows)


# ------------------------------------------------------------------------------- late, twice, out of date


def test_two_clicks_are_one_choice(database, mine, link, held):
    fields = {"election": "refund", "shown": shown(mine.get(link).text)[0]}
    pages = [said(sent(mine, f"{link}/{held}", **fields)) for _ in range(2)]
    assert all("It is recorded." in page for page in pages)
    with database.reading() as read:
        rows = read.session.query(AuditRow).where(AuditRow.action == "credit.elect.refund").all()
        assert len(rows) == 1


def test_a_page_that_is_out_of_date_changes_nothing_and_says_how_it_stands(database, mine, link, held):
    before = shown(mine.get(link).text)[0]
    did(database, elect, lot_id=held, election=Election.CREDIT)
    page = said(sent(mine, f"{link}/{held}", election="refund", shown=before))
    assert "It is not as this page showed it any more." in page
    assert "You chose: $120.00 comes off your next invoice." in page
    assert lot(database, held).election is Election.CREDIT


def test_who_comes_too_late_is_told_that_it_went_back(database, patient, mine, link, held):
    before = shown(mine.get(link).text)[0]
    the_job(database, days=30)
    page = said(sent(mine, f"{link}/{held}", election="credit", shown=before))
    assert "It is not as this page showed it any more." in page
    assert "$120.00 goes back to you." in page
    assert len(refunds(database, patient)) == 1


def test_what_an_invoice_took_is_told_and_stays(database, patient, mine, link, held):
    chosen(mine, link, held, "credit")
    before = shown(mine.get(link).text)[0]
    second = billed(database, patient, only_first=1)
    did(database, apply_credits, invoice_id=second.invoice.id)
    page = said(sent(mine, f"{link}/{held}/take-back", shown=before))
    assert "It is not as this page showed it any more." in page
    assert "$120.00 was taken off an invoice of yours." in page


def test_what_the_insurer_took_back_is_told(database, mine, link):
    demand = {"reimbursement_id": "rmc_0", "demand": "T1", "demanded_on": NOW.date()}
    did(database, demand_takeback, **demand, amount=Money(CENTS))
    page = said(mine.get(link))
    assert "$120.00 is not held for you any more: what the insurer had paid was taken back." in page
    assert "Nothing of it is left to choose for." in page


@pytest.mark.parametrize("reason", [HoldReason.DEATH, HoldReason.BANKRUPTCY])
def test_while_charges_are_stopped_nothing_is_chosen(database, patient, mine, link, held, reason):
    before = shown(mine.get(link).text)[0]
    stopped(database, patient.id, reason)
    assert "Nothing can be chosen here now." in said(mine.get(link))
    sent(mine, f"{link}/{held}", election="credit", shown=before)
    assert lot(database, held).election is None


def test_without_a_choice_nothing_happens(database, mine, link, held):
    for election in ("", "both"):
        page = said(sent(mine, f"{link}/{held}", election=election, shown="x"))
        assert "Please pick one of the two." in page
    assert lot(database, held).election is None


# ------------------------------------------------------------------------------------------------ strangers


def test_the_link_alone_shows_nothing_and_looks_like_one_that_never_was(app, link):
    stranger = app.test_client()
    pages = [said(stranger.get(path)) for path in (link, NEVER_WAS)]
    assert pages[0] == pages[1]
    assert "$" not in pages[0]


def test_a_wrong_date_and_a_wrong_link_are_refused_alike(app, link):
    stranger = app.test_client()
    wrong = [opened(stranger, path, "1981-05-17") for path in (link, NEVER_WAS)]
    assert {answer.status_code for answer in wrong} == {422}
    assert said(wrong[0]) == said(wrong[1])


def test_a_link_closes_after_five_wrong_dates_and_ends_after_45_days(app, link, clock_file):
    patient, stranger = app.test_client(), app.test_client()
    assert "for your visit" in said(opened(patient, link))
    clock_file.write_text((NOW + timedelta(days=44)).isoformat())
    assert "for your visit" in said(opened(app.test_client(), link))
    clock_file.write_text((NOW + timedelta(days=45)).isoformat())
    assert opened(app.test_client(), link).status_code == 422
    clock_file.write_text(NOW.isoformat())
    for _ in range(LINK_TRIES):
        opened(stranger, link, "1981-05-17")
    assert opened(app.test_client(), link).status_code == 422


def test_nobody_chooses_without_having_opened_the_link(database, app, link, held):
    stranger = app.test_client()
    page = said(sent(stranger, f"{link}/{held}", election="credit", shown="x"))
    assert "date of birth" in page
    sent(stranger, f"{link}/each-time")
    assert lot(database, held).election is None


def test_a_page_that_was_open_for_a_quarter_of_an_hour_asks_again(database, mine, link, held, clock_file):
    before = shown(mine.get(link).text)[0]
    clock_file.write_text((NOW + timedelta(minutes=16)).isoformat())
    page = said(sent(mine, f"{link}/{held}", election="credit", shown=before))
    assert "date of birth" in page
    assert lot(database, held).election is None


def test_another_patient_cannot_choose_for_this_one(database, app, patient, mine, link, held):
    place = {"entity_id": patient.entity_id, "site_id": patient.site_id}
    curious = new_patient(database, **place, given_name="Curious", email="curious@example.com")
    bill = billed(database, curious, only_first=1)
    did(database, take_cash, invoice_id=bill.invoice.id, amount=bill.invoice.total)
    named = {"session_id": bill.session_ids[0], "source_id": "rmc_9", "received_on": NOW.date()}
    did(database, hold_reimbursement, amount=Money(5_000), **named)
    theirs = link_of(database, curious)
    browser = app.test_client()
    opened(browser, theirs)
    page = browser.get(theirs).text
    assert held not in page
    carried = shown(mine.get(link).text)[0]
    answer = sent(browser, f"{theirs}/{held}", election="credit", shown=carried)
    assert answer.status_code == 404
    assert lot(database, held).election is None


def test_a_form_without_its_token_changes_nothing(database, mine, link, held):
    fields = {"election": "credit", "shown": shown(mine.get(link).text)[0]}
    assert mine.post(f"{link}/{held}", data=fields).status_code == 400
    assert lot(database, held).election is None
