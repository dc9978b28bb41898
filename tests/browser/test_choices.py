"""A patient chooses what becomes of an insurer's money, in a browser and on a phone."""

import pytest
from playwright.sync_api import expect

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.patients.use_cases import amend_patient
from billing.payments.flows.choices import refund_what_nobody_chose
from billing.payments.queries.choice_letters import waiting_letter
from billing.payments.queries.credits import find_credit
from billing.payments.records.credits import Election
from billing.payments.use_cases.choice_letters import ask_to_choose
from billing.payments.use_cases.reimbursements import hold_reimbursement
from tests.factories.browser import is_sound
from tests.factories.paid import paid_in_cash

pytestmark = [pytest.mark.browser, pytest.mark.processes]

PHONE = {"width": 375, "height": 700}


def done(office, use_case, **named):
    return office.database.in_transaction(lambda tx: use_case(tx, **named, actor=SYSTEM, now=office.now))


@pytest.fixture
def held(office):
    """What an insurer paid for a visit of the clinic's patient, who had paid it in cash."""
    invoice = office.clinic.invoice
    paid_in_cash(office.database, invoice, office.now, invoice.total)
    session_id = invoice.lines[0].session_id
    named = {"session_id": session_id, "source_id": "rmc_1", "received_on": office.now.date()}
    return done(office, hold_reimbursement, amount=Money(12_000), **named).lot_id


@pytest.fixture
def link(office, held):
    letter = done(office, ask_to_choose, patient_id=office.clinic.patient.id, sends_mail=True)
    with office.database.reading() as read:
        return f"{office.url}/pay/{waiting_letter(read, letter.id).secret}/choice"


def election(office, held):
    with office.database.reading() as read:
        return find_credit(read, held, SYSTEM).election


def opened(page, link, office):
    page.goto(link)
    is_sound(page)
    page.set_viewport_size(PHONE)
    page.get_by_label("The patient's date of birth").fill(office.clinic.patient.born_on.isoformat())
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="$120.00 for your visit")).to_be_visible()


def test_on_a_phone_from_the_link_to_the_choice_and_back(office, page, held, link):
    opened(page, link, office)
    expect(page.get_by_text("$120.00 waits for your choice.")).to_be_visible()
    is_sound(page)
    page.set_viewport_size(PHONE)
    page.get_by_label("Send it back to me").check()
    page.get_by_role("button", name="Confirm my choice").click()
    expect(page.get_by_text("You chose: $120.00 is sent back to you.")).to_be_visible()
    is_sound(page)
    assert election(office, held) is Election.REFUND
    page.get_by_role("button", name="Take my choice back").click()
    expect(page.get_by_text("$120.00 waits for your choice.")).to_be_visible()
    assert election(office, held) is None
    page.get_by_label("Take it off my next invoice").check()
    page.get_by_label("Do the same with all else that waits").check()
    page.get_by_role("button", name="Confirm my choice").click()
    expect(page.get_by_text("Whatever an insurer pays for you comes off your next invoice.")).to_be_visible()
    is_sound(page)
    page.get_by_role("button", name="Ask me each time instead").click()
    expect(page.get_by_role("heading", name="From now on")).to_have_count(0)
    assert election(office, held) is Election.CREDIT
    page.get_by_role("button", name="Send it back to me instead").click()
    expect(page.get_by_text("You chose: $120.00 is sent back to you.")).to_be_visible()
    assert election(office, held) is Election.REFUND


def test_two_tabs_and_a_page_that_is_out_of_date_say_what_is_true(office, page, held, link):
    opened(page, link, office)
    other = page.context.new_page()
    other.goto(link)
    page.get_by_label("Send it back to me").check()
    page.get_by_role("button", name="Confirm my choice").click()
    expect(page.get_by_text("You chose: $120.00 is sent back to you.")).to_be_visible()
    refund_what_nobody_chose(office.database, lambda: office.now, Money(50_000))
    other.get_by_label("Take it off my next invoice").check()
    other.get_by_role("button", name="Confirm my choice").click()
    expect(other.get_by_role("alert")).to_contain_text("It is not as this page showed it any more.")
    expect(other.get_by_text("$120.00 goes back to you. It is on its way.")).to_be_visible()
    is_sound(other)
    page.get_by_role("button", name="Take my choice back").click()
    expect(page.get_by_role("alert")).to_contain_text("It is not as this page showed it any more.")
    assert election(office, held) is Election.REFUND


def test_a_wrong_date_opens_nothing(office, page, link):
    page.goto(link)
    page.get_by_label("The patient's date of birth").fill("1999-01-01")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("This did not open.")
    is_sound(page)


def test_a_clerk_prints_the_letter_of_a_patient_without_mail_and_posts_it(office, enter, held):
    patient = office.clinic.patient
    done(office, amend_patient, patient_id=patient.id, changes={"email": None}, expected_version=1)
    done(office, ask_to_choose, patient_id=patient.id, sends_mail=True)
    page = enter(Role.BILLING)
    page.get_by_role("link", name="Tasks").click()
    page.get_by_role("link", name="Open the letter").click()
    expect(page.get_by_role("heading", name="What becomes of an insurer's money")).to_be_visible()
    is_sound(page)
    expect(page.get_by_role("link", name="Open the letter to print it")).to_be_visible()
    page.get_by_role("button", name="It is posted").click()
    expect(page.get_by_text("its task is closed")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text="Was posted")).to_be_visible()
    is_sound(page)
