"""What one person does alone counts together for a day: over patients, over sites, and at one instant."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.catalog.queries import sites
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.errors import OwnWriteOff
from billing.payments.queries.credits import credits_of_patient
from billing.payments.use_cases.drawers import count_drawer
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import demand_takeback, forgive_takeback
from tests.conftest import NOW
from tests.factories.accounting import CLERK, LIMIT, behind_the_back
from tests.factories.care import give
from tests.factories.drawers import ANNA, DRAWER_LIMIT, Till
from tests.factories.invoices import a_patient, billed
from tests.factories.rivals import at_once
from tests.factories.schema import OLDER_DECISIONS, migrate_again

MUCH_LATER = NOW + timedelta(days=40)


@pytest.fixture
def demand(database, do):
    """A payer's demand for 150 of a new patient, who had spent all of it; the limit is 200."""

    def run(number):
        bill = billed(database, a_patient(database), only_first=1)
        do(take_cash, invoice_id=bill.invoice.id, amount=Money(45_000))
        give(database, bill.session_ids[0])
        claim, amount = f"rmc_{number}", Money(15_000)
        of_claim = {"session_id": bill.session_ids[0], "source_id": claim, "received_on": NOW.date()}
        do(hold_reimbursement, amount=amount, **of_claim)
        with database.reading() as read:
            (lot,) = credits_of_patient(read, bill.patient.id, SYSTEM)
        refund = do(request_refund, lot_id=lot.id, amount=amount, payment_id=None, limit=LIMIT)
        do(send_check, refund_id=refund.id, check_number=f"80{number}")
        of_demand = {"reimbursement_id": claim, "demand": f"L-{number}", "demanded_on": NOW.date()}
        return do(demand_takeback, amount=amount, **of_demand)

    return run


@pytest.mark.parametrize("hours", [0, 23])
def test_gifts_of_one_day_count_together_however_old_their_demands_are(do, demand, found, hours):
    first, second = demand(1), demand(2)
    do(forgive_takeback, takeback_id=first.id, limit=LIMIT, at=MUCH_LATER)
    with pytest.raises(OwnWriteOff):
        do(forgive_takeback, takeback_id=second.id, limit=LIMIT, at=MUCH_LATER + timedelta(hours=hours))
    do(forgive_takeback, takeback_id=second.id, limit=LIMIT, at=MUCH_LATER + timedelta(hours=24))
    assert found() == set()


def test_gifts_of_one_day_above_the_limit_are_found(database, do, demand, found):
    for number, day in ((1, 0), (2, 2)):
        do(forgive_takeback, takeback_id=demand(number).id, limit=LIMIT, at=NOW + timedelta(days=day))
    assert found() == set()
    behind_the_back(database, "UPDATE takeback SET forgiven_at = (SELECT MAX(forgiven_at) FROM takeback)")
    assert found() == {21}


def as_large(cents):
    return f"UPDATE takeback SET amount_cents = {cents}, forgiven_cents = {cents}"


def test_gifts_from_before_the_count_are_held_to_the_rule_of_their_time(database, do, demand, found):
    """Each was within the limit alone; together they are above, and so is whatever comes on top."""
    gifts = [demand(number) for number in range(3)]
    for gift, day in zip(gifts, (0, 2, 4), strict=True):
        do(forgive_takeback, takeback_id=gift.id, limit=LIMIT, at=NOW + timedelta(days=day))
    at_one_time = "UPDATE takeback SET forgiven_at = (SELECT MAX(forgiven_at) FROM takeback)"
    behind_the_back(database, at_one_time)
    assert found() == {21}
    migrate_again(database, *OLDER_DECISIONS)
    assert found() == set()
    behind_the_back(database, f"{as_large(20_001)} WHERE id = '{gifts[0].id}'")
    assert 21 in found()
    behind_the_back(database, f"{as_large(15_000)} WHERE id = '{gifts[0].id}'")
    assert found() == set()
    behind_the_back(database, f"DELETE FROM uncounted_gift WHERE takeback_id = '{gifts[2].id}'", at_one_time)
    assert found() == {21}


def forgive_one(database, takeback_id):
    done = database.in_transaction(
        lambda tx: forgive_takeback(tx, takeback_id=takeback_id, limit=LIMIT, actor=CLERK, now=NOW)
    )
    return done.state


@pytest.mark.processes
def test_gifts_of_several_patients_at_one_instant_count_together(database_url, demand, found):
    demands = [demand(number) for number in range(4)]
    answers = at_once(database_url, forgive_one, [(each.id,) for each in demands])
    assert sorted(answers) == ["forgiven", *["own-write-off"] * 3]
    assert found() == set()


@pytest.fixture
def two_drawers(database):
    """One cashier's drawers at two sites, each with 19.99 too much; the limit is 20.00."""
    till = Till(database)
    with database.reading() as read:
        (other,) = [each for each in sites(read, till.invoice.entity_id) if each.id != till.site_id]
    return till, [till.open(), till.open(site_id=other.id)]


def test_small_differences_of_one_cashier_at_two_sites_are_a_large_one(two_drawers):
    till, drawers = two_drawers
    assert [till.count(drawer, 1_999).state for drawer in drawers] == ["closed", "counted"]
    assert till.found() == set()


def count_one(database, drawer_id):
    told = {"drawer_id": drawer_id, "counted": Money(1_999), "limit": DRAWER_LIMIT}
    return database.in_transaction(lambda tx: count_drawer(tx, **told, actor=ANNA, now=NOW)).state


@pytest.mark.processes
def test_differences_of_one_cashier_counted_at_one_instant_count_together(database_url, two_drawers):
    _, drawers = two_drawers
    answers = at_once(database_url, count_one, [(drawer.id,) for drawer in drawers])
    assert sorted(answers) == ["closed", "counted"]
