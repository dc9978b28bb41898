"""Two clerks act on pages that say the same: one does, the other is told. PostgreSQL alone lets both in."""

import threading

import pytest
from sqlalchemy import text

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.credits import applied_to
from billing.payments.queries.takebacks import find_takeback
from billing.payments.use_cases.receive import take_cash
from billing.platform.http.edge import Edge
from tests.factories.paid import paid_by_check
from tests.factories.web import (
    MovableClock,
    Processor,
    new_package,
    new_staff,
    open_clinic,
    sign_in,
    token_of,
    web_app,
)
from tests.factories.world import a_world

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)
LOOKS = 20_000


@pytest.fixture
def edge(database, now):
    if database.write_engine.dialect.name != "postgresql":
        pytest.skip("SQLite lets one writer in at a time")
    return Edge(database, MovableClock(now), "http://localhost")


@pytest.fixture
def clerks(edge, now):
    def work(entity):
        app, roles = web_app(edge, Processor()), (Role.BILLING, Role.SUPERVISOR)
        return [sign_in(app, new_staff(edge.database, role, now, entity_id=entity.id)) for role in roles]

    return work


def meet(database, patient_id, clerks, page, deed, forms):
    """Each sends a form that was shown before the other's; none gets on until both wait for the patient."""
    sent = [{**form, "csrf_token": token_of(each, page)} for each, form in zip(clerks, forms, strict=True)]
    answers = [None, None]

    def post(place):
        answers[place] = clerks[place].post(deed, data={**sent[place], "key": f"k{place}"}).status_code

    threads = [threading.Thread(target=post, args=(place,)) for place in range(2)]
    with database.write_engine.connect() as holder, holder.begin():
        holder.execute(text("SELECT id FROM patient WHERE id = :id FOR UPDATE"), {"id": patient_id})
        for each in threads:
            each.start()
        with database.write_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watch:
            assert any(watch.scalar(text(WAITING)) == 2 for _ in range(LOOKS))
    for each in threads:
        each.join()
    return sorted(answers)


def test_the_same_part_of_a_demand_is_repaid_once(edge, database, clerks, now):
    world = a_world(database, now)
    takeback_id = world.ids["takeback_id"][0]
    page, form = f"/staff/takebacks/{takeback_id}", {"amount": "0.20", "believed": "0"}
    form["repaid_on"] = now.date().isoformat()
    told = meet(database, world.patient.id, clerks(world.entity), page, f"{page}/repay", [form] * 2)
    assert told == [303, 409]
    assert edge.read(lambda read: find_takeback(read, takeback_id, SYSTEM)).returned == Money(20)


def test_one_credit_moves_to_one_invoice(edge, database, clerks, now):
    clinic = open_clinic(database, now)
    paid_by_check(database, clinic.invoice, now, Money(265_000))
    holder = new_package(database, clinic.patient, now)
    others = [new_package(database, clinic.patient, now) for _ in range(2)]
    for other in others:
        database.in_transaction(
            lambda tx, to=other: take_cash(tx, invoice_id=to.id, amount=Money(249_000), actor=SYSTEM, now=now)
        )

    def held(invoice):
        return edge.read(lambda read: applied_to(read, invoice.id, SYSTEM))

    (use,) = held(holder).applications
    page = f"/staff/patients/{clinic.patient.id}/money"
    deed, forms = f"/staff/credit-applications/{use.id}/move", [{"invoice_id": to.id} for to in others]
    shown = [{**form, "undone": "0"} for form in forms]
    meet(database, clinic.patient.id, clerks(clinic.entity), page, deed, shown)
    assert sorted(held(other).amount.cents for other in others) == [0, 6_000]
