"""Cash drawers on their pages."""

import re

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.deposits import list_deposits
from billing.payments.queries.drawers import list_drawers
from billing.payments.queries.payments import list_payments
from tests.factories.catalog import seed_sample
from tests.factories.paid import statements_of
from tests.factories.web import new_staff, send, sign_in, token_of

PAGE = "/staff/cash-drawers"


@pytest.fixture
def usual_role():
    return Role.FRONT_DESK


@pytest.fixture
def open_one(edge, clinic):
    def work(clerk, amount="0.00", key="o1"):
        answer = send(clerk, PAGE, PAGE, site_id=clinic.site.id, float=amount, key=key)
        assert answer.location == PAGE
        return edge.read(lambda read: list_drawers(read, SYSTEM, limit=1))[0]

    return work


@pytest.fixture
def bring(clinic, now):
    def work(boss, amount="100.00", key="b1"):
        form = {"site_id": clinic.site.id, "change": amount, "brought_on": now.date().isoformat()}
        return send(boss, PAGE, f"{PAGE.replace('drawers', 'floats')}", **form, key=key)

    return work


def take(clerk, clinic, amount, tendered=""):
    page = f"/staff/patients/{clinic.patient.id}"
    answer = send(
        clerk, page, f"/staff/invoices/{clinic.invoice.id}/cash", amount=amount, tendered=tendered, key=amount
    )
    return clerk.get(answer.location).text if answer.location else answer.text


def count(clerk, drawer, deed="count", key="c1", **typed):
    at = f"{PAGE}/{drawer.id}"
    return clerk.post(f"{at}/{deed}", data={"csrf_token": token_of(clerk, at), "key": key, **typed})


def test_the_desk_is_told_the_change_to_give(edge, enter, clinic):
    page = take(enter(), clinic, "100.00", "120.00")
    assert "$100.00 in cash is booked. Give $20.00 back." in page
    (paid,) = edge.read(lambda read: list_payments(read, SYSTEM, limit=9))
    assert (paid.amount, paid.change) == (Money(10_000), Money(2_000))


def test_too_little_handed_over_is_said_and_nothing_is_booked(edge, enter, clinic):
    assert "Must be $100.00 or more." in take(enter(), clinic, "100.00", "99.00")
    assert edge.read(lambda read: list_payments(read, SYSTEM, limit=9)) == []


def test_who_may_not_book_change_from_the_bank_reads_who_does(enter):
    told = "Change that is fetched from the bank is booked here by a supervisor or an accountant."
    assert told in enter().get(PAGE).text
    assert told not in enter(Role.SUPERVISOR).get(PAGE).text


def test_a_report_shows_no_raw_id(enter, clinic, open_one):
    clerk = enter()
    drawer = f"{PAGE}/{open_one(clerk).id}"
    take(clerk, clinic, "100.00", "100.00")
    send(clerk, drawer, f"{drawer}/count", counted="100.00", key="c1")
    report = clerk.get(drawer).text
    assert "RC-000001" in report
    assert not re.search(r">[^<]*(dep|pay|drw)_", report)


def test_a_shift_from_opening_to_its_report(edge, enter, clinic, open_one, bring):
    boss, clerk = enter(Role.SUPERVISOR), enter()
    assert bring(boss).location == PAGE
    assert "$100.00 of change is kept here outside of drawers" in clerk.get(PAGE).text
    drawer = open_one(clerk, "100.00")
    take(clerk, clinic, "50.00")
    at = f"{PAGE}/{drawer.id}"
    blind = clerk.get(at).text
    assert "Told after the count" in blind
    assert "$50.00" not in blind
    for _ in range(2):
        answer = count(clerk, drawer, n10000="1", n2000="2", n500="1", n100="4")
        assert answer.location == at
    page = clerk.get(at).text
    for told in ("$1.00 short", "$150.00", "$149.00", "$50.00", "RC-000001"):
        assert told in page
    assert "The drawer is closed: $1.00 short." in page
    assert not re.search(r">\s*(usr|tok|pay)_", page)
    assert 'Open<span class="visually-hidden"> the payment of receipt RC-000001' in page
    assert "$1.00 short" in enter(Role.ACCOUNTANT).get(PAGE).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Type how many there are of each, or the total"),
        ({"n100": "1", "counted": "1.00"}, "not both"),
        ({"counted": "-5"}, "Type an amount of zero or more"),
        ({"counted": "abc"}, "Type an amount of zero or more"),
        ({"n100": "1.5"}, "a whole number"),
        ({"n100": "-1"}, "a whole number"),
        ({"n100": "١"}, "a whole number"),
    ],
)
def test_what_cannot_be_a_count_is_said_and_the_drawer_stays_open(edge, enter, open_one, typed, said):
    clerk = enter()
    drawer = open_one(clerk)
    answer = count(clerk, drawer, **typed)
    assert answer.status_code == 422
    assert said in answer.text
    (kept,) = edge.read(lambda read: list_drawers(read, SYSTEM, limit=9))
    assert kept.state == "open"


@pytest.mark.parametrize("typed", ["abc", "-1", ""])
def test_no_change_is_an_amount_and_what_is_none_is_said_beside_the_field(enter, clinic, typed):
    answer = send(enter(), PAGE, PAGE, site_id=clinic.site.id, float=typed, key="k1")
    assert answer.status_code == 422
    assert "Type an amount of zero or more" in answer.text
    assert f'aria-invalid="true" autofocus aria-describedby="{clinic.site.id}-float-wrong"' in answer.text
    assert f'value="{typed}"' in answer.text


def test_change_of_nothing_is_not_brought_and_is_said_beside_its_field(enter, clinic, bring):
    answer = bring(enter(Role.SUPERVISOR), "0")
    assert answer.status_code == 422
    assert f'id="{clinic.site.id}-change-wrong">Type an amount above zero' in answer.text


def test_who_counts_second_sees_neither_the_first_count_nor_what_was_expected(enter, clinic, open_one):
    clerk = enter(Role.SUPERVISOR)
    drawer = open_one(clerk)
    take(clerk, clinic, "100.00")
    count(clerk, drawer, counted="50.00")
    assert "$50.00" in clerk.get(f"{PAGE}/{drawer.id}").text
    other = enter(Role.ACCOUNTANT)
    for page in (PAGE, f"{PAGE}/{drawer.id}"):
        shown = other.get(page).text
        assert "$100.00" not in shown
        assert "$50.00" not in shown
        assert "RC-000001" not in shown
    assert "Told after your count" in shown
    answer = count(other, drawer, "confirm", counted="x")
    assert answer.status_code == 422
    assert "$50.00" not in answer.text
    closed = count(other, drawer, "confirm", key="c2", counted="100.00")
    assert "$50.00, by " in other.get(closed.location).text


def test_a_large_difference_is_closed_by_another_persons_count_only(edge, enter, clinic, open_one):
    clerk = enter(Role.SUPERVISOR)
    drawer = open_one(clerk)
    take(clerk, clinic, "100.00")
    answer = count(clerk, drawer, counted="50.00")
    assert "another person has to count" in clerk.get(answer.location).text
    assert "Count it again" not in clerk.get(answer.location).text
    assert count(clerk, drawer, "confirm", key="c2", counted="50.00").status_code == 403
    other = enter(Role.ACCOUNTANT)
    assert "A cash drawer is over or short" in other.get("/staff/tasks").text
    assert f"{PAGE}/{drawer.id}" in other.get("/staff/tasks").text
    assert "Waits for a second count" in other.get(PAGE).text
    assert "Count it again" in other.get(f"{PAGE}/{drawer.id}").text
    closed = count(other, drawer, "confirm", counted="100.00")
    assert "The drawer is closed: exact." in other.get(closed.location).text


def test_a_clerk_is_offered_no_form_for_another_persons_drawer(enter, open_one):
    drawer = open_one(enter())
    other = enter(Role.BILLING)
    assert "<fieldset" not in other.get(f"{PAGE}/{drawer.id}").text
    assert count(other, drawer, counted="0").status_code == 409
    assert "<fieldset" in enter(Role.SUPERVISOR).get(f"{PAGE}/{drawer.id}").text


def test_more_change_than_the_site_holds_is_refused_on_the_page(edge, enter, clinic):
    answer = send(enter(), PAGE, PAGE, site_id=clinic.site.id, float="5.00", key="k1")
    assert answer.status_code == 409
    assert "Only $0.00 of change is kept at this site outside of drawers" in answer.text
    assert f'id="{clinic.site.id}-float-wrong"' in answer.text
    assert edge.read(lambda read: list_drawers(read, SYSTEM, limit=9)) == []


def test_what_a_drawer_was_short_stays_out_of_the_deposit(edge, enter, clinic, open_one, now):
    clerk = enter()
    drawer = open_one(clerk)
    take(clerk, clinic, "100.00")
    count(clerk, drawer, counted="95.00")
    assert "$5.00 short of what they took" in clerk.get(PAGE).text
    page = "/staff/bank-deposits"
    assert 'value="-5.00"' in clerk.get(page).text
    (paid,) = edge.read(lambda read: list_payments(read, SYSTEM, limit=9))
    form = {"site_id": clinic.site.id, "payment_id": paid.id, "banked_on": now.date().isoformat()}
    answer = send(clerk, page, page, **form, change="-5.00", together="9500", key="k1")
    assert "$95.00" in clerk.get(answer.location).text
    (deposit,) = edge.read(lambda read: list_deposits(read, SYSTEM, limit=9))
    assert (deposit.amount, deposit.float) == (Money(9_500), Money(-500))


def test_an_accountant_reads_and_opens_nothing(enter, open_one):
    drawer = open_one(enter())
    accountant = enter(Role.ACCOUNTANT)
    assert "Open your drawer" not in accountant.get(PAGE).text
    assert accountant.post(PAGE, data={"csrf_token": token_of(accountant, PAGE)}).status_code == 403
    assert count(accountant, drawer, counted="0").status_code == 403
    assert enter(Role.CLINICIAN).get(PAGE).status_code == 403


def test_another_clinic_sees_no_drawer(pages, database, enter, open_one, now):
    drawer = open_one(enter())
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.SUPERVISOR, now, entity_id=other.id))
    assert drawer.id not in stranger.get(PAGE).text
    assert stranger.get(f"{PAGE}/{drawer.id}").status_code == 404


def test_more_shifts_do_not_cost_more_statements(database, enter, open_one):
    clerk = enter()
    count(clerk, open_one(clerk), counted="0")
    with statements_of(database) as few:
        clerk.get(PAGE)
    for number in range(3):
        count(clerk, open_one(clerk, key=f"o{number}x"), counted="0", key=f"c{number}x")
    with statements_of(database) as many:
        assert clerk.get(PAGE).text.count("the shift of") == 4
    assert len(many) == len(few)
