"""Refunds, approvals and the bank in a browser, as the people of the office do it."""

import re

import pytest
from playwright.sync_api import expect

from billing.kernel.money import Money
from billing.kernel.permissions import Role
from tests.factories.browser import is_sound
from tests.factories.paid import paid_by_card, paid_by_check, paid_in_cash

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture
def card(office):
    """$400.00 in cash, $300.00 by check, and $1,850.00 by card."""
    invoice = office.clinic.invoice
    paid_in_cash(office.database, invoice, office.now, Money(40_000))
    paid_by_check(office.database, invoice, office.now, Money(30_000))
    return paid_by_card(office.database, invoice, office.now)


def test_part_of_a_card_payment_goes_back_and_an_old_page_is_told(card, enter, office):
    desk = enter(Role.FRONT_DESK)
    is_sound(desk)
    desk.get_by_role("link", name=re.compile(r"Refund the payment of \$1,850")).click()
    is_sound(desk)
    old = desk.context.new_page()
    old.goto(desk.url)
    desk.get_by_label("Amount, in dollars").fill("120")
    desk.get_by_role("button", name="Look at what will happen").click()
    expect(desk.get_by_label("Why it goes back")).to_be_focused()
    expect(desk.get_by_text("Choose why the money goes back.")).to_be_visible()
    desk.get_by_label("Why it goes back").select_option(label="It was paid twice")
    desk.get_by_role("button", name="Look at what will happen").click()
    expect(desk.get_by_role("heading", level=1)).to_be_focused()
    expect(desk.get_by_text("to the card that paid, visa **** 4242")).to_be_visible()
    is_sound(desk)
    desk.get_by_role("button", name="Refund $120.00").dblclick()
    expect(desk.get_by_role("heading", name="Refund of $120.00")).to_be_visible()
    is_sound(desk)
    old.get_by_label("Why it goes back").select_option(label="It was paid twice")
    old.get_by_role("button", name="Look at what will happen").click()
    expect(old.get_by_text("What can go back changed meanwhile.")).to_be_visible()
    expect(old.get_by_label("Amount, in dollars")).to_be_focused()
    expect(old.get_by_text("At most $1,730.00.")).to_be_visible()


def test_an_amount_goes_back_over_several_payments_is_approved_by_another_and_a_check_is_written(
    card, enter, office
):
    desk = enter(Role.FRONT_DESK)
    desk.get_by_role("link", name="Give money back").click()
    is_sound(desk)
    desk.get_by_label("Amount, in dollars").fill("2,000.00")
    desk.get_by_label("Why it goes back").select_option(label="Treatment was called off")
    desk.get_by_label("Why it goes back").press("Tab")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("Another person has to approve it first")).to_be_visible()
    is_sound(desk)
    desk.get_by_role("button", name="Ask for the refund of $2,000.00").click()
    expect(desk.get_by_role("status")).to_contain_text("The refund is asked for.")
    desk.get_by_role("button", name="Sign out").click()

    boss = enter(Role.SUPERVISOR)
    boss.get_by_role("link", name="Approvals").click()
    is_sound(boss)
    boss.get_by_role("button", name="Approve the refund of $150.00").click()
    expect(boss.get_by_role("status")).to_be_focused()
    expect(boss.get_by_role("status")).to_have_text("The refund is approved.")
    boss.get_by_role("button", name="Reject the refund of $1,850.00").click()
    why = boss.get_by_label("Why the refund of $1,850.00")
    expect(why).to_be_focused()
    why.select_option(label="Ask the patient first")
    is_sound(boss)
    boss.get_by_role("button", name="Reject the refund of $1,850.00").click()
    expect(boss.get_by_text("No refund waits for approval.")).to_be_visible()
    boss.goto(f"{office.url}/staff/patients/{office.clinic.patient.id}/money")
    boss.get_by_role("link", name="Refund of $150.00").click()
    boss.get_by_label("Number of the check").fill("77")
    boss.get_by_role("button", name="The check is in the mail").click()
    expect(boss.get_by_text("Check 77 went out on")).to_be_visible()
    is_sound(boss)
    boss.get_by_role("link", name="Back to the patient's money").click()
    expect(boss.get_by_text("It was refused: ask the patient first.")).to_be_visible()


def test_a_check_is_taken_and_banked_with_a_slip_to_print(office, enter):
    desk = enter(Role.FRONT_DESK)
    desk.get_by_role("link", name="Back to the patient").click()
    desk.get_by_role("link", name="Take a check").click()
    is_sound(desk)
    desk.get_by_label("Number of the check").fill("1042")
    desk.get_by_role("button", name="Book the check").click()
    expect(desk.get_by_role("status")).to_contain_text("The check is booked.")
    desk.get_by_role("link", name="Bank deposits").click()
    is_sound(desk)
    desk.get_by_role("button", name="Book the deposit").click()
    expect(desk.get_by_role("heading", name="Deposit slip")).to_be_visible()
    expect(desk.get_by_role("row", name="Check 1042 $2,550.00")).to_be_visible()
    is_sound(desk)
    desk.emulate_media(media="print")
    expect(desk.get_by_role("navigation")).to_be_hidden()


def test_what_is_taken_to_the_bank_is_added_up_as_it_is_marked(card, enter):
    desk = enter(Role.FRONT_DESK)
    desk.get_by_role("link", name="Bank deposits").click()
    sum_of_marks = desk.get_by_role("row", name="Together, as marked")
    expect(sum_of_marks).to_contain_text("$700.00")
    desk.get_by_label("Take along Cash of Sample, Maria").uncheck()
    expect(sum_of_marks).to_contain_text("$300.00")
    is_sound(desk)
    desk.get_by_role("button", name="Book the deposit").click()
    expect(desk.get_by_role("row", name="Together, with 1 check $300.00")).to_be_visible()
