"""A visit that does not take place, on its page: called off, missed or turned away, once, with its money."""

import re
from datetime import date, timedelta

import pytest

from billing.care.queries import find_session
from billing.care.states import SessionState
from billing.care.use_cases import mark_no_show
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.credits import credit_balance
from tests.factories.catalog import seed_sample
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_in_cash
from tests.factories.web import new_staff, open_clinic, send, sign_in


@pytest.fixture
def visit(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def clerk(pages, database, visit, now):
    return sign_in(pages, new_staff(database, Role.FRONT_DESK, now, entity_id=visit.patient.entity_id))


@pytest.fixture
def deed(visit):
    return f"/staff/sessions/{visit.session_ids[0]}"


def session_of(database, session_id):
    with database.reading() as read:
        return find_session(read, session_id, SYSTEM)


def credit_of(database, visit):
    with database.reading() as read:
        return credit_balance(read, visit.patient.id, SYSTEM).available


def test_a_visit_is_called_off_once_and_what_was_paid_for_it_is_credit(
    database, visit, clerk, deed, clock, now
):
    paid_in_cash(database, visit.invoice, now, Money(20_000))
    page = f"/staff/patients/{visit.patient.id}"
    assert f'href="{deed}/absence/new"' in clerk.get(page).text
    shown = clerk.get(f"{deed}/absence/new").text
    assert "$200.00</strong> was paid for it" in shown
    assert "$250.00</strong> that is still owed for it" in shown
    for _ in range(2):
        sent = send(clerk, f"{deed}/absence/new", f"{deed}/cancel", key="k" * 20)
        assert (sent.status_code, sent.location) == (303, page)
    after = clerk.get(page).text
    assert "The visit is called off" in after
    assert f"{deed}/absence/new" not in after
    assert session_of(database, visit.session_ids[0]).state is SessionState.CANCELLED
    assert credit_of(database, visit) == Money(20_000)


@pytest.mark.parametrize(
    ("absence", "state"), [("no-show", SessionState.NO_SHOW), ("turn-away", SessionState.TURNED_AWAY)]
)
def test_on_its_day_a_patient_did_not_come_or_was_turned_away(
    database, visit, clerk, deed, clock, now, absence, state
):
    planned = session_of(database, visit.session_ids[0]).planned_on
    clock.now += planned - now.date()
    assert send(clerk, f"{deed}/absence/new", f"{deed}/{absence}", key="k" * 20).status_code == 303
    assert session_of(database, visit.session_ids[0]).state is state


def test_nobody_missed_a_visit_before_its_day(database, visit, clerk, deed, clock, now):
    clock.now = now - timedelta(days=1)
    assert "did not come" not in clerk.get(f"{deed}/absence/new").text
    refused = send(clerk, f"{deed}/absence/new", f"{deed}/no-show", key="k" * 20)
    assert (refused.status_code, "The day of this session has not come" in refused.text) == (409, True)
    assert session_of(database, visit.session_ids[0]).state is SessionState.PLANNED


def test_a_visit_of_a_package_leads_to_the_page_that_stops_it(database, pages, now):
    clinic = open_clinic(database, now)
    boss = sign_in(pages, new_staff(database, Role.SUPERVISOR, now, entity_id=clinic.entity.id))
    session_id = clinic.invoice.lines[0].session_id
    deed = f"/staff/sessions/{session_id}"
    assert f"/staff/invoices/{clinic.invoice.id}/stop/new" in boss.get(f"{deed}/absence/new").text
    refused = send(boss, f"{deed}/absence/new", f"{deed}/cancel", key="k" * 20)
    assert (refused.status_code, "stop the package" in refused.text) == (409, True)
    assert session_of(database, session_id).state is SessionState.PLANNED


def test_a_missed_visit_of_a_package_moves_to_the_day_that_is_chosen(database, pages, now):
    clinic = open_clinic(database, now)
    clerk = sign_in(pages, new_staff(database, Role.FRONT_DESK, now, entity_id=clinic.entity.id))
    session_id = clinic.invoice.lines[0].session_id
    look = f"/staff/sessions/{session_id}/absence/new"
    for moved_to in ("", "2026-11-02"):
        refused = send(
            clerk, look, f"/staff/sessions/{session_id}/no-show", moved_to=moved_to, key=f"{moved_to:k<20}"
        )
        assert (refused.status_code, 'id="moved_to-wrong"' in refused.text) == (422, True)
    for _ in range(2):
        sent = send(clerk, look, f"/staff/sessions/{session_id}/no-show", moved_to="2027-01-04", key="k" * 20)
        assert sent.status_code == 303
    moved = session_of(database, session_id)
    assert (moved.state, moved.planned_on.isoformat()) == (SessionState.PLANNED, "2027-01-04")
    assert "The visit is marked as missed." in clerk.get(sent.location).text


def test_a_visit_that_moved_stands_under_its_new_day_and_words_are_for_people(database, pages, now):
    clinic = open_clinic(database, now)
    clerk = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=clinic.entity.id))
    database.in_transaction(
        lambda tx: mark_no_show(
            tx,
            session_id=clinic.invoice.lines[0].session_id,
            moved_to=date(2027, 1, 4),
            actor=SYSTEM,
            now=now,
        )
    )
    shown = clerk.get(f"/staff/patients/{clinic.patient.id}").text
    sessions = re.search(r'aria-labelledby="sessions-title">.*?</table>', shown, re.DOTALL)[0]
    days = re.findall(r'data-label="Date"><time datetime="([^"]+)"', sessions)
    assert days == sorted(days)
    assert (days[0], days[-1]) == ("2026-11-02", "2027-01-04")
    invoice = re.search(r'<table class="lines">.*?</table>', shown, re.DOTALL)[0]
    told = " ".join(re.sub(r"<[^>]+>", " ", invoice).split())
    assert "Nov 2, 2026 (moved to Jan 4, 2027 ) Infusion" in told
    assert told.count("moved to") == 1
    assert ">Missed</span>" in sessions
    assert "for the missed visit of Nov 2, 2026<" in sessions
    assert not re.search("no.show|>[^<]*2026-11-02", re.sub(r"<[^>]+>", "<>", shown), re.IGNORECASE)


def test_a_visit_of_a_package_moves_before_its_day_with_what_was_paid(database, pages, now):
    clinic = open_clinic(database, now)
    clerk = sign_in(pages, new_staff(database, Role.FRONT_DESK, now, entity_id=clinic.entity.id))
    session_id = clinic.invoice.lines[-1].session_id
    due = session_of(database, session_id).due
    look, deed = f"/staff/sessions/{session_id}/absence/new", f"/staff/sessions/{session_id}/reschedule"
    refused = send(clerk, look, deed, planned_on="", key="r" * 20)
    assert (refused.status_code, 'id="planned_on-wrong"' in refused.text) == (422, True)
    assert send(clerk, look, deed, planned_on="2027-01-04", key="k" * 20).status_code == 303
    moved = session_of(database, session_id)
    assert (moved.planned_on.isoformat(), moved.due) == ("2027-01-04", due)


def test_what_was_given_or_is_off_already_offers_nothing(database, visit, clerk, deed):
    send(clerk, f"{deed}/absence/new", f"{deed}/cancel", key="k" * 20)
    shown = clerk.get(f"{deed}/absence/new").text
    assert "this visit is called off already" in shown
    assert "<button" not in shown.split("<main", 1)[1]


def test_an_accountant_and_another_clinic_call_nothing_off(database, pages, visit, deed, now):
    reader = sign_in(pages, new_staff(database, Role.ACCOUNTANT, now, entity_id=visit.patient.entity_id))
    assert reader.get(f"{deed}/absence/new").status_code == 403
    assert send(reader, "/staff/money", f"{deed}/cancel", key="k" * 20).status_code == 403
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.FRONT_DESK, now, entity_id=other.id))
    assert stranger.get(f"{deed}/absence/new").status_code == 404
    assert session_of(database, visit.session_ids[0]).state is SessionState.PLANNED
