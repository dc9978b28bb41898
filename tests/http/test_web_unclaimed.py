"""Money whose owner shows no sign, on its pages: written about, set aside, remitted, and given back."""

import html
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from billing.care.use_cases import cancel_session
from billing.catalog.queries import sites
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.patients.use_cases import amend_patient
from billing.payments.queries.dormant import list_dormant
from billing.payments.records.dormant import StillOwed
from billing.payments.use_cases.dormant import list_dormant_credits
from billing.payments.use_cases.payer_payments import take_payers_transfer
from billing.payments.use_cases.receive import take_cash
from billing.platform.data.tasks import TaskState, list_tasks
from billing.web.unclaimed_words import age_in_words, what_comes_next
from tests.factories.catalog import seed_sample
from tests.factories.insurance import a_course, handed_out, imported
from tests.factories.invoices import a_patient, billed
from tests.factories.payers import a_fixed_part, a_payer
from tests.factories.remittance_835 import Claim, remittance
from tests.factories.web import new_staff, send, sign_in

AHEAD, DUE = datetime(2029, 6, 1, 15, tzinfo=UTC), datetime(2029, 11, 2, 15, tzinfo=UTC)
LISTS = "/staff/unclaimed"


@pytest.fixture
def patient(database):
    return a_patient(database)


@pytest.fixture
def enter(pages, database, patient, clock):
    def work(role=Role.BILLING):
        return sign_in(pages, new_staff(database, role, clock.now, entity_id=patient.entity_id))

    return work


@pytest.fixture
def listed(database, patient, clock, now):
    """450 of a visit that was called off, in Texas, listed five months before its day."""
    bill = billed(database, patient, only_first=1)
    paid = {"invoice_id": bill.invoice.id, "amount": Money(45_000), "actor": SYSTEM, "now": now}
    database.in_transaction(lambda tx: take_cash(tx, **paid))
    database.in_transaction(
        lambda tx: cancel_session(tx, session_id=bill.session_ids[0], actor=SYSTEM, now=now)
    )
    clock.now = AHEAD
    database.in_transaction(lambda tx: list_dormant_credits(tx, actor=SYSTEM, now=AHEAD))
    with database.reading() as read:
        return list_dormant(read, SYSTEM, limit=9)[0]


@pytest.fixture
def page(listed):
    return f"{LISTS}/{listed.id}"


def open_tasks(database):
    with database.reading() as read:
        return [task.kind for task in list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)]


def test_a_clinic_without_unclaimed_money_is_told_so_and_the_menu_leads_there(enter):
    clerk = enter()
    assert "Nothing is unclaimed." in clerk.get(LISTS).text
    assert f'href="{LISTS}"' in clerk.get("/staff/today").text


def test_the_list_says_whose_what_since_when_and_what_comes_next(enter, listed, page):
    clerk = enter()
    shown = clerk.get(LISTS).text
    for told in ("Sample, Maria", "$450.00", "Nov 2, 2026", "Nov 2, 2029", "TX", "Write to the owner"):
        assert told in shown
    assert f'href="{page}"' in shown
    assert "Nothing stands that way." in clerk.get(f"{LISTS}?state=remitted").text
    assert "after 3 years without a sign; a letter from $250.01 on" in clerk.get(page).text
    assert f'href="{page}"' in clerk.get("/staff/tasks").text


def test_an_accountant_tells_owners_apart_by_their_numbers(database, enter, listed, page, now):
    other = a_patient(database)
    bill = billed(database, other, only_first=1)
    paid = {"invoice_id": bill.invoice.id, "amount": Money(45_000), "actor": SYSTEM, "now": now}
    database.in_transaction(lambda tx: take_cash(tx, **paid))
    database.in_transaction(
        lambda tx: cancel_session(tx, session_id=bill.session_ids[0], actor=SYSTEM, now=now)
    )
    database.in_transaction(lambda tx: list_dormant_credits(tx, actor=SYSTEM, now=AHEAD))
    accountant = enter(Role.ACCOUNTANT)
    shown = accountant.get(LISTS).text
    owners = re.findall(r'<a href="/staff/unclaimed/drm_[^"]+">([^<]+)</a>', shown)
    assert len(set(owners)) == len(owners) == 2
    assert all(re.fullmatch(r"Patient \d+", owner) for owner in owners)
    assert "Maria" not in shown
    assert re.search(r'<p class="muted">Patient \d+</p>', accountant.get(page).text)


def test_a_letter_is_recorded_once_and_its_task_ends(database, enter, page):
    clerk = enter()
    early = send(clerk, page, f"{page}/letter", sent_on="2029-05-31", key="k0")
    assert early.status_code == 422
    assert 'id="sent_on-wrong"' in early.text
    send(clerk, page, f"{page}/letter", sent_on="2029-06-01", key="k1")
    shown = clerk.get(page).text
    assert "The letter is recorded." in shown
    assert "Set it aside from Nov 2, 2029 on" in shown
    assert open_tasks(database) == []
    again = send(clerk, page, f"{page}/letter", sent_on="2029-06-01", key="k2")
    assert again.status_code == 409
    assert "changed meanwhile" in again.text


def test_an_accountant_sets_it_aside_and_the_state_has_it_under_its_number(
    database, patient, enter, clock, page
):
    send(enter(), page, f"{page}/letter", sent_on="2029-06-01", key="k1")
    clock.now = DUE
    accountant = enter(Role.ACCOUNTANT)
    assert f"{page}/set-aside" in accountant.get(page).text
    asked = accountant.get(f"{page}/set-aside").text
    assert "Set $450.00 aside for the state?" in asked
    send(accountant, page, f"{page}/set-aside", key="k2")
    assert "It is set aside for the state." in accountant.get(page).text
    money = accountant.get(f"/staff/patients/{patient.id}/money").text
    assert "$450.00 set aside for the state on Nov 2, 2029" in money
    unnamed = send(accountant, page, f"{page}/remit", reference="", key="k3")
    assert unnamed.status_code == 422
    assert 'id="reference-wrong"' in unnamed.text
    send(accountant, page, f"{page}/remit", reference="TX-2030-17", key="k4")
    assert "</time>, TX-2030-17" in accountant.get(page).text
    assert "went to the state" in accountant.get(f"/staff/patients/{patient.id}/money").text


def test_an_owner_who_answers_has_it_back(database, enter, page):
    clerk = enter()
    assert "Did the owner answer?" in clerk.get(f"{page}/claim").text
    send(clerk, page, f"{page}/claim", key="k1")
    assert "The owner answered" in clerk.get(page).text
    assert open_tasks(database) == []
    assert "Nothing. The years are counted anew" in clerk.get(f"{page}/claim").text


def test_who_may_do_what_is_told_and_another_clinic_finds_nothing(pages, database, enter, clock, page, now):
    desk = enter(Role.FRONT_DESK)
    shown = desk.get(page).text
    assert "Record the letter" not in shown
    assert "Billing records letters" in shown
    assert send(desk, "/staff/today", f"{page}/letter", sent_on="2029-06-01", key="k").status_code == 403
    assert "Maria" not in enter(Role.ACCOUNTANT).get(LISTS).text
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.BILLING, clock.now, entity_id=other.id))
    assert stranger.get(page).status_code == 404
    assert "Nothing is unclaimed." in stranger.get(LISTS).text


def test_what_is_too_small_for_a_letter_says_so(listed):
    small = StillOwed(amount=Money(2_000), last_sign=date(2026, 11, 2))
    assert "No letter: it is too small." in what_comes_next(listed, small, date(2029, 6, 1))
    gone = replace(small, amount=Money(0))
    assert "nothing is left" in what_comes_next(listed, gone, date(2029, 6, 1))


def test_money_of_a_payer_of_another_site_is_on_the_list_without_a_name(pages, database, patient, clock, now):
    """A sponsor whom another site entered paid 300 for a visit here, which was called off."""

    def do(deed, at=now, **more):
        return database.in_transaction(lambda tx: deed(tx, **more, actor=SYSTEM, now=at))

    with database.reading() as read:
        other = next(each for each in sites(read, patient.entity_id) if each.id != patient.site_id)
    bill = billed(database, patient, only_first=1)
    share = do(
        agree_share, invoice_id=bill.invoice.id, order=a_fixed_part(a_payer(database, other.id), 30_000)
    )
    do(take_payers_transfer, share_id=share.id, amount=Money(30_000), reference="T1")
    do(cancel_session, session_id=bill.session_ids[0])
    do(list_dormant_credits, at=AHEAD)
    clock.now = AHEAD
    here = {"entity_id": patient.entity_id, "site_ids": [patient.site_id]}
    clerk = sign_in(pages, new_staff(database, Role.BILLING, AHEAD, **here))
    assert "Another payer" in clerk.get(LISTS).text


def in_words(shown):
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", shown).split()))


def test_money_of_a_state_without_a_rule_stands_in_a_group_of_its_own(
    pages, database, enter, patient, clock, now
):
    bill = billed(database, patient, only_first=1)

    def do(deed, at=now, **more):
        return database.in_transaction(lambda tx: deed(tx, **more, actor=SYSTEM, now=at))

    do(take_cash, invoice_id=bill.invoice.id, amount=Money(45_000))
    do(cancel_session, session_id=bill.session_ids[0])
    moved = {"address": replace(patient.address, state="CO", postal_code="80202")}
    do(amend_patient, patient_id=patient.id, changes=moved, expected_version=1)
    clock.now = DUE
    do(list_dormant_credits, at=DUE)
    clerk = enter()
    shown = in_words(clerk.get(LISTS).text)
    assert "No rule on file for CO: look the rule up, then add it" in shown
    assert "Sample, Maria Credit $450.00 Nov 2, 2026 3 years" in shown
    assert "No rule on file" not in clerk.get(f"{LISTS}?state=remitted").text
    tasks = clerk.get("/staff/tasks").text
    assert "There is no rule for a state&#39;s unclaimed property" in tasks
    assert f'href="{LISTS}"' in tasks
    assert "<strong>CO</strong>" in tasks
    assert "Maria" not in enter(Role.ACCOUNTANT).get(LISTS).text
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.SUPERVISOR, clock.now, entity_id=other.id))
    assert "No rule on file" not in stranger.get(LISTS).text


def test_what_is_held_for_an_insurer_is_listed_with_its_age(pages, database, clock, now):
    """It pays for a visit twice, 382.50 and 180: the patient had paid the 382.50."""
    course = a_course(database, sessions=1)
    bill = handed_out(database, course.session_ids[0])
    for place, cents in enumerate((38_250, 18_000)):
        claim = Claim(control_number=bill.control_number, charge_cents=bill.charge.cents, paid_cents=cents)
        sent = remittance([claim], trace=f"EFT{place}", paid_on=now.date())
        assert imported(database, sent).status == "posted"
    clock.now = datetime(2028, 4, 3, 15, tzinfo=UTC)
    entity_id = course.patient.entity_id
    clerk = sign_in(pages, new_staff(database, Role.BILLING, clock.now, entity_id=entity_id))
    shown = in_words(clerk.get(LISTS).text)
    assert "Held for insurers, who did not ask for it" in shown
    assert "SAMPLE HEALTH PLAN Paid above what the patient had paid $180.00 Nov 2, 2026 17 months" in shown
    assert "/demand" in clerk.get(LISTS).text
    desk = sign_in(pages, new_staff(database, Role.FRONT_DESK, clock.now, entity_id=entity_id))
    assert "An insurer Paid above" in in_words(desk.get(LISTS).text)
    assert "/demand" not in desk.get(LISTS).text


@pytest.mark.parametrize(
    ("since", "told"),
    [
        (date(2026, 11, 2), "3 years"),
        (date(2026, 11, 3), "2 years"),
        (date(2028, 6, 1), "17 months"),
        (date(2029, 10, 2), "1 month"),
        (date(2029, 10, 3), "30 days"),
        (date(2029, 11, 1), "1 day"),
    ],
)
def test_an_age_is_told_in_the_largest_unit_of_which_there_are_enough(since, told):
    assert age_in_words(since, date(2029, 11, 2)) == told
