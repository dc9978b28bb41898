"""What the processor and the books do not agree on, on its page, and who books what it was."""

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.ledger.queries import trial_balance
from billing.payments.queries.payments import charge_of_payment
from billing.payments.queries.reconciliation import find_exception
from billing.payments.queries.refunds import list_refunds
from billing.platform.data.tasks import TaskState, close_task, list_tasks
from tests.factories.catalog import seed_sample
from tests.factories.dashboard import a_movement, named_of
from tests.factories.paid import paid_by_card
from tests.factories.web import new_staff, send, sign_in

LIST = "/staff/reconciliation"


@pytest.fixture
def usual_role():
    return Role.ACCOUNTANT


@pytest.fixture
def fee(database, clinic, now):
    """The processor took $13.00 that the books do not know of."""
    return named_of(database, a_movement("fee", Money(-1_300), now), now)


@pytest.fixture
def page(fee):
    return f"{LIST}/{fee.id}"


def test_without_a_difference_the_page_says_that_all_agree(enter):
    assert "Nothing: the processor and the books agree." in enter().get(LIST).text


def test_an_exception_is_listed_booked_once_and_stands_among_those_that_ended(edge, enter, fee, page):
    accountant = enter()
    assert "-$13.00" in accountant.get(LIST).text
    form = {"account_1": "6100", "amount_1": "-10.00", "account_2": "6130", "amount_2": "-3.00"}
    for _ in range(2):
        answer = send(accountant, page, f"{page}/book", **form, key="k1")
        assert (answer.status_code, answer.location) == (303, page)
    shown = accountant.get(page).text
    assert "It is booked, and the exception has ended." in shown
    assert "Book what it was" not in shown
    assert edge.read(trial_balance) == {"1050": -1_300, "6100": 1_000, "6130": 300}
    listed = accountant.get(LIST).text
    assert "Nothing: the processor and the books agree." in listed
    assert "What has ended lately" in listed
    assert send(accountant, "/staff/money", f"{page}/book", **form, key="k2").status_code == 409


@pytest.mark.parametrize(
    ("form", "field", "status"),
    [
        ({}, "amount_1", 422),
        ({"amount_1": "-13.00"}, "account_1", 422),
        ({"amount_1": "-13.00", "account_1": "2200"}, "account_1", 422),
        ({"amount_1": "--13", "account_1": "6100"}, "amount_1", 422),
        ({"amount_1": "-12.00", "account_1": "6100", "amount_2": "x", "account_2": "6100"}, "amount_2", 422),
        ({"amount_1": "-12.99", "account_1": "6100"}, None, 422),
        ({"amount_1": "13.00", "account_1": "6100"}, None, 422),
    ],
)
def test_what_is_not_all_of_it_or_a_patients_account_is_refused(edge, enter, fee, page, form, field, status):
    answer = send(enter(), page, f"{page}/book", **form, key="k1")
    assert answer.status_code == status
    assert (f'id="{field}-wrong"' if field else 'role="alert"') in answer.text
    assert edge.read(trial_balance) == {}
    assert edge.read(lambda read: find_exception(read, fee.id, SYSTEM)).resolved_at is None


@pytest.mark.parametrize("role", [Role.FRONT_DESK, Role.BILLING, Role.SUPERVISOR])
def test_who_does_not_write_the_journal_reads_and_books_nothing(enter, page, role):
    clerk = enter(role)
    assert "Book what it was" not in clerk.get(page).text
    assert LIST in clerk.get("/staff/money").text
    form = {"account_1": "6100", "amount_1": "-13.00", "key": "k1"}
    assert send(clerk, "/staff/money", f"{page}/book", **form).status_code == 403


def test_another_clinic_finds_no_such_exception(pages, database, page, now):
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.ACCOUNTANT, now, entity_id=other.id))
    assert stranger.get(page).status_code == 404
    assert "$13.00" not in stranger.get(LIST).text
    form = {"account_1": "6100", "amount_1": "-13.00", "key": "k1"}
    assert send(stranger, "/staff/money", f"{page}/book", **form).status_code == 404


def test_a_refund_of_the_dashboard_above_the_limit_is_asked_for_by_one_and_approved_by_another(
    edge, pages, clinic, database, enter, now
):
    payment = paid_by_card(database, clinic.invoice, now)
    with database.reading() as read:
        charge = charge_of_payment(read, payment.id)
    moved = a_movement("refund", Money(-60_000), now, source="re_by_hand", charge=charge)
    named = named_of(database, moved, now)
    page = f"{LIST}/{named.id}"
    boss = enter(Role.SUPERVISOR)
    assert "Book what it was" not in boss.get(page).text
    refused = send(boss, page, f"{page}/refund", key="k1")
    assert (refused.status_code, 'id="reason-wrong"' in refused.text) == (422, True)
    asked = send(boss, page, f"{page}/refund", reason="duplicate", key="k2")
    assert asked.status_code == 303
    assert "made in the processor&#39;s dashboard" in boss.get(asked.location).text
    assert "It waits for another person" in boss.get(page).text
    send(boss, page, f"{asked.location}/approve", key="k3")
    assert edge.read(lambda read: list_refunds(read, SYSTEM, limit=9))[0].state == "requested"
    accountant = enter()
    assert "Sent already, from the processor's dashboard" in accountant.get("/staff/approvals").text
    send(accountant, "/staff/approvals", f"{asked.location}/approve", key="k4")
    assert edge.read(lambda read: list_refunds(read, SYSTEM, limit=9))[0].state == "approved"


def test_a_refund_of_the_dashboard_that_is_refused_has_left_and_stays_a_task(
    edge, clinic, database, enter, now
):
    payment = paid_by_card(database, clinic.invoice, now)
    with database.reading() as read:
        charge = charge_of_payment(read, payment.id)
    moved = a_movement("refund", Money(-60_000), now, source="re_by_hand", charge=charge)
    named = named_of(database, moved, now)
    page, boss, accountant = f"{LIST}/{named.id}", enter(Role.SUPERVISOR), enter()
    (task,) = open_tasks(database)
    database.in_transaction(lambda tx: close_task(tx, task_id=task.id, note=None, actor=SYSTEM, now=now))
    asked = send(boss, page, f"{page}/refund", reason="duplicate", key="k1")
    send(accountant, "/staff/approvals", f"{asked.location}/reject", reason="not_due", key="k2")
    told = accountant.get("/staff/approvals").text
    assert "The money is where it was before." not in told
    assert "The money has left all the same" in told
    assert "The money has left all the same" in boss.get(asked.location).text
    assert [(each.kind, each.subject_id) for each in open_tasks(database)] == [
        ("refund-not-in-books", named.id)
    ]
    assert send(boss, page, f"{page}/refund", reason="duplicate", key="k3").status_code == 303


def open_tasks(database):
    with database.reading() as read:
        return list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9)
