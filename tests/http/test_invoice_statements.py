"""How often an invoice is a round trip to the database, and that its answer is what is read of it later."""

from __future__ import annotations

import pytest

from billing.kernel.permissions import SYSTEM, Role
from billing.quotes.use_cases import quote_plan
from tests.factories.care import give, new_plan
from tests.factories.invoices import a_patient
from tests.factories.statements import statements_on

MOST = {"sqlite": 19, "postgresql": 15}
EARNING = {"sqlite": 3, "postgresql": 0}
"""More where sessions were given before: their site is read; on SQLite what they earn has two statements."""


@pytest.fixture
def client(issue):
    return issue(Role.BILLING)


@pytest.fixture
def quoted(database, now):
    """Makes a quote of six sessions, of which the first few are to be billed, some given before."""
    patient = a_patient(database, is_veteran=True)

    def make(count, given):
        plan = new_plan(database, patient.id)
        quote = database.in_transaction(lambda tx: quote_plan(tx, plan_id=plan.id, actor=SYSTEM, now=now))
        for session in plan.sessions[:given]:
            give(database, session.id)
        return {"quote_id": quote.id, "session_ids": [session.id for session in plan.sessions[:count]]}

    return make


def engine_of(app):
    with app.app_context():
        return app.extensions["sqlalchemy"].engine


@pytest.mark.parametrize(("count", "given"), [(1, 0), (3, 1), (5, 5)])
def test_an_invoice_takes_as_many_statements_however_many_lines_it_has(
    app, database, client, quoted, count, given
):
    client.post("/invoices", quoted(1, 0))  # begins the series of numbers
    body = quoted(count, given)
    with statements_on(engine_of(app)) as told:
        answer = client.post("/invoices", body)
    assert answer.status_code == 201
    dialect = database.write_engine.dialect.name
    assert len(told) <= MOST[dialect] + (EARNING[dialect] if given else 0), told


@pytest.mark.parametrize("given", [0, 2])
def test_the_answer_is_what_is_read_of_the_invoice_later(client, quoted, given):
    answer = client.post("/invoices", quoted(3, given)).json
    assert client.get(f"/invoices/{answer['id']}").json == answer
