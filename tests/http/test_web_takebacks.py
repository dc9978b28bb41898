"""A payer's demand on its page: billed, forgiven and repaid, once, by who may."""

import pytest

from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.takebacks import find_takeback
from billing.payments.states.takebacks import TakebackState
from billing.platform.http.edge import Edge
from tests.factories.catalog import seed_sample
from tests.factories.web import MovableClock, Processor, new_staff, send, sign_in, web_app
from tests.factories.world import a_world


@pytest.fixture
def edge(database, now):
    return Edge(database, MovableClock(now), "http://localhost")


@pytest.fixture
def world(database, now):
    """A demand of $0.50 that the patient's credit covered."""
    return a_world(database, now)


@pytest.fixture
def app(edge):
    return web_app(edge, Processor())


@pytest.fixture
def page(world):
    return f"/staff/takebacks/{world.ids['takeback_id'][0]}"


@pytest.fixture
def enter(app, database, world, now):
    def work(role=Role.BILLING):
        return sign_in(app, new_staff(database, role, now, entity_id=world.entity.id))

    return work


def takeback(edge, world):
    return edge.read(lambda read: find_takeback(read, world.ids["takeback_id"][0], SYSTEM))


def test_a_demand_is_repaid_once_and_never_above_what_is_demanded(edge, enter, page, world, now):
    clerk, today = enter(), now.date().isoformat()
    assert "A payer wants $0.50 back" in clerk.get(page).text
    assert "Sample, Maria" in clerk.get(page).text
    for amount, status in (("0.51", 409), ("x", 422)):
        form = {"amount": amount, "repaid_on": today, "believed": "0"}
        answer = send(clerk, page, f"{page}/repay", **form, key=f"k{amount}")
        assert answer.status_code == status
        assert 'id="amount-wrong"' in answer.text
    for _ in range(2):
        send(clerk, page, f"{page}/repay", amount="0.30", repaid_on=today, believed="0", key="k1")
        assert "It is booked as repaid to the payer." in clerk.get(page).text
    assert takeback(edge, world).returned.cents == 30
    old = send(clerk, page, f"{page}/repay", amount="0.20", repaid_on=today, believed="0", key="k2")
    assert old.status_code == 409
    assert "changed meanwhile" in old.text


def test_what_nobody_has_to_decide_is_not_offered_and_changes_nothing(edge, enter, page, world):
    supervisor = enter(Role.SUPERVISOR)
    shown = supervisor.get(page).text
    assert "Bill the patient" not in shown
    assert "Forgive $" not in shown
    for deed in ("bill", "forgive"):
        send(supervisor, page, f"{page}/{deed}", believed="0", key=deed)
        assert "changed meanwhile" in supervisor.get(page).text
    assert takeback(edge, world).state is TakebackState.COVERED


def test_the_desk_and_another_clinic_decide_nothing(edge, app, database, enter, page, world, now):
    clerk = enter(Role.FRONT_DESK)
    assert "Book it as repaid" not in clerk.get(page).text
    for deed in ("bill", "forgive", "repay"):
        assert send(clerk, "/staff/today", f"{page}/{deed}", key="k1").status_code == 403
    other = seed_sample(database, now, "a")
    stranger = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=other.id))
    assert stranger.get(page).status_code == 404
    assert takeback(edge, world).returned.cents == 0


def test_an_accountant_sees_the_demand_without_the_name(enter, page):
    assert "Maria" not in enter(Role.ACCOUNTANT).get(page).text
