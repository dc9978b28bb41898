"""What insurers paid above what a patient had paid: the insurer's, or the patient's once there is room."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from billing.invoices.queries import find_invoice
from billing.kernel.errors import IllegalMove
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.patients.records import HoldReason, HoldTerms
from billing.patients.use_cases import place_hold
from billing.payments.errors import MoreThanAvailable, OwnRefund
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.takebacks import find_takeback
from billing.payments.records.bounces import BounceReason
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.receive import take_cash, take_check
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import approve_refund, request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import (
    bill_takeback,
    demand_takeback,
    forgive_takeback,
    repay_takeback,
)
from billing.platform.data.tasks import stands_open
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, SUPERVISOR, behind_the_back
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.schema import revision

ON = date(2026, 11, 2)
BANKRUPT = HoldTerms(reason=HoldReason.BANKRUPTCY)


@pytest.fixture
def bill(database):
    """A visit of 450 that was given."""
    bill = billed(database, a_patient(database), only_first=1)
    give(database, bill.session_ids[0])
    return bill


@pytest.fixture
def paid(do, bill):
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(45_000))
    return bill


@pytest.fixture
def claim(do, bill):
    def run(name, cents):
        named = {"session_id": bill.session_ids[0], "source_id": name, "received_on": ON}
        return do(hold_reimbursement, amount=Money(cents), **named)

    return run


@pytest.fixture
def demand(do):
    def run(name, cents, number="L-1"):
        amount = Money(cents)
        return do(demand_takeback, reimbursement_id=name, demand=number, amount=amount, demanded_on=ON)

    return run


@pytest.fixture
def held(books):
    """The patient's credit and what is owed to payers, as the books say."""

    def run():
        told = books()
        return -told.get("2200", 0), -told.get("2220", 0)

    return run


@pytest.fixture
def owed(database, bill):
    def run():
        with database.reading() as read:
            return find_invoice(read, bill.invoice.id, SYSTEM).open_balance.cents

    return run


@pytest.fixture
def sent_by_check(database, do, bill):
    """All that is left of the patient's credit leaves by check."""

    def run():
        with database.reading() as read:
            lots = [lot for lot in credits_of_patient(read, bill.patient.id, SYSTEM) if lot.available]
        for number, lot in enumerate(lots):
            asked = {"lot_id": lot.id, "amount": lot.available, "payment_id": None, "limit": LIMIT}
            refund = do(request_refund, **asked)
            do(approve_refund, refund_id=refund.id, by=SUPERVISOR)
            do(send_check, refund_id=refund.id, check_number=f"{number}")

    return run


def test_a_corrected_claim_is_the_patients_once_the_first_is_demanded_back(paid, claim, demand, held, found):
    claim("rmc_a", 45_000)
    assert claim("rmc_b", 40_000).excess == Money(40_000)
    assert demand("rmc_a", 45_000).unspent == Money(45_000)
    assert held() == (40_000, 45_000)
    assert found() == set()


def test_a_part_that_is_demanded_makes_room_for_that_part(paid, claim, demand, held, found):
    claim("rmc_a", 45_000)
    claim("rmc_b", 40_000)
    demand("rmc_a", 10_000)
    assert held() == (45_000, 40_000)
    assert found() == set()


def test_what_was_spent_of_the_first_is_covered_by_the_corrected_one(
    paid, claim, demand, held, sent_by_check, books, found
):
    """450 came, 450 left by check, 400 came: of the 450 that the payer wants the patient owes 50."""
    claim("rmc_a", 45_000)
    claim("rmc_b", 40_000)
    sent_by_check()
    taken = demand("rmc_a", 45_000)
    assert (taken.unspent, taken.owed) == (Money(40_000), Money(5_000))
    assert held() == (0, 45_000)
    assert books()["1100"] == 5_000
    assert found() == set()


def test_a_bill_that_the_first_had_settled_stays_settled_as_far_as_the_corrected_one_goes(
    do, claim, demand, held, owed, found
):
    claim("rmc_a", 45_000)
    assert claim("rmc_b", 40_000).excess == Money(40_000)
    taken = demand("rmc_a", 45_000)
    assert do(bill_takeback, takeback_id=taken.id).billed == Money(5_000)
    assert (owed(), held()) == (5_000, (0, 45_000))
    assert found() == set()


def test_a_corrected_claim_that_comes_before_anybody_decided_pays_what_is_then_billed(
    do, claim, demand, held, owed, found
):
    claim("rmc_a", 45_000)
    taken = demand("rmc_a", 45_000)
    assert claim("rmc_b", 40_000).excess == Money(0)
    assert do(bill_takeback, takeback_id=taken.id).owed == Money(0)
    assert (owed(), held()) == (5_000, (0, 45_000))
    assert found() == set()


def test_a_corrected_claim_is_the_patients_also_when_the_first_had_left_by_check(
    do, paid, claim, demand, held, sent_by_check, books, found
):
    claim("rmc_a", 45_000)
    sent_by_check()
    taken = demand("rmc_a", 45_000)
    assert claim("rmc_b", 40_000).credit == Money(40_000)
    assert do(bill_takeback, takeback_id=taken.id).owed == Money(5_000)
    assert (held(), books()["1100"]) == ((0, 45_000), 5_000)
    assert found() == set()


def test_a_demand_that_a_corrected_claim_covers_is_not_forgiven_as_well(
    database, do, claim, demand, held, books, found
):
    """450 was owed and came; 150 of it is wanted back, and 450 came again. Nobody pays the patient 150."""
    claim("rmc_a", 45_000)
    taken = demand("rmc_a", 15_000)
    assert claim("rmc_b", 45_000).excess == Money(30_000)
    with pytest.raises(IllegalMove):
        do(forgive_takeback, takeback_id=taken.id, limit=Money(45_000))
    with database.reading() as read:
        now = find_takeback(read, taken.id, SYSTEM)
        assert (now.state, now.covered, now.owed) == ("covered", Money(15_000), ZERO)
        assert not stands_open(read, kind="takeback-review", subject_id=taken.id)
    assert (held(), books().get("1100", 0)) == ((0, 45_000), 0)
    assert found() == set()


def test_of_a_demand_that_a_corrected_claim_covers_in_part_the_rest_is_forgiven(
    do, claim, demand, held, books, found
):
    claim("rmc_a", 45_000)
    taken = demand("rmc_a", 15_000)
    claim("rmc_b", 10_000)
    assert do(forgive_takeback, takeback_id=taken.id, limit=Money(45_000)).forgiven == Money(5_000)
    assert (held(), books()["4920"]) == ((0, 15_000), 5_000)
    assert found() == set()


def test_also_while_charges_are_stopped_a_corrected_claim_covers_what_was_spent_of_its_visit(
    do, bill, claim, demand, held, books, found
):
    """It is no credit that somebody takes: it comes for that visit, and settles it as it would unpaid."""
    claim("rmc_a", 45_000)
    demand("rmc_a", 15_000)
    do(place_hold, patient_id=bill.patient.id, terms=BANKRUPT, effective_from=ON)
    claim("rmc_b", 45_000)
    assert (held(), books().get("1100", 0)) == ((0, 45_000), 0)
    assert found() == set()


def test_while_charges_are_stopped_a_bill_leaves_other_claims_credit_alone(
    do, paid, claim, demand, held, sent_by_check
):
    """It was the patient's before the demand: what a bankrupt is owed and what they owe are two things."""
    claim("rmc_a", 25_000)
    sent_by_check()
    claim("rmc_b", 10_000)
    taken = demand("rmc_a", 25_000)
    do(place_hold, patient_id=paid.patient.id, terms=BANKRUPT, effective_from=ON)
    assert do(bill_takeback, takeback_id=taken.id).owed == Money(25_000)
    assert held() == (10_000, 25_000)


def test_of_two_demands_of_a_visit_a_corrected_claim_covers_the_earlier_one_first(
    database, claim, demand, held, found
):
    claim("rmc_a", 45_000)
    first, second = demand("rmc_a", 15_000, "L-1"), demand("rmc_a", 20_000, "L-2")
    claim("rmc_b", 25_000)
    with database.reading() as read:
        owed = [find_takeback(read, each.id, SYSTEM).owed for each in (first, second)]
    assert owed == [ZERO, Money(10_000)]
    assert held() == (0, 35_000)
    assert found() == set()


def test_a_corrected_claim_covers_a_demand_also_after_somebody_decided(
    do, paid, claim, demand, held, sent_by_check, books, found
):
    """Nothing of it is on an invoice, so no bill would take the credit, and no demand may be billed again."""
    claim("rmc_a", 45_000)
    sent_by_check()
    taken = demand("rmc_a", 45_000)
    do(bill_takeback, takeback_id=taken.id)
    claim("rmc_b", 40_000)
    assert (held(), books()["1100"]) == ((0, 45_000), 5_000)
    assert do(forgive_takeback, takeback_id=taken.id, limit=LIMIT).forgiven == Money(5_000)
    assert found() == set()


def test_a_demand_that_was_forgiven_leaves_the_next_claim_to_its_payer(
    do, paid, claim, demand, held, sent_by_check
):
    """The clinic gave the patient what the visit cost; nobody is paid for it twice."""
    claim("rmc_a", 45_000)
    sent_by_check()
    do(forgive_takeback, takeback_id=demand("rmc_a", 45_000).id, limit=Money(45_000))
    assert claim("rmc_b", 40_000).excess == Money(40_000)
    assert held() == (0, 85_000)


def test_what_nobody_but_the_payer_has_of_a_claim_is_demanded_and_repaid(
    do, paid, claim, demand, held, books, found
):
    claim("rmc_a", 45_000)
    claim("rmc_b", 40_000)
    taken = demand("rmc_b", 40_000)
    assert (taken.state, taken.excess, taken.unspent) == ("covered", Money(40_000), Money(0))
    assert held() == (45_000, 40_000), "nothing of the patient's"
    sent = {"takeback_id": taken.id, "amount": Money(40_000), "repaid_on": ON, "limit": LIMIT}
    with pytest.raises(OwnRefund):
        do(repay_takeback, **sent)
    do(repay_takeback, **sent, by=SUPERVISOR)
    assert (held(), books()["1000"]) == ((45_000, 0), 45_000)
    assert found() == set()
    with pytest.raises(MoreThanAvailable):
        demand("rmc_b", 1, "L-2")


def test_what_was_demanded_of_the_excess_is_nobody_elses_when_the_first_is_demanded_too(
    paid, claim, demand, held, found
):
    claim("rmc_a", 45_000)
    claim("rmc_b", 40_000)
    demand("rmc_b", 30_000, "L-1")
    demand("rmc_a", 45_000, "L-2")
    assert held() == (10_000, 75_000)
    assert found() == set()


def test_what_a_bounced_check_had_paid_is_room_as_well(
    do, bill, claim, demand, held, owed, sent_by_check, found
):
    """300 left by check, so that the visit owes 300 once its own check bounced; nothing is owed twice."""
    named = {"number": "1", "dated_on": ON, "is_health_account": False}
    check = do(take_check, invoice_id=bill.invoice.id, amount=Money(45_000), **named)
    claim("rmc_a", 30_000)
    sent_by_check()
    assert claim("rmc_b", 45_000).excess == Money(30_000)
    bounced = {"reason": BounceReason.INSUFFICIENT_FUNDS, "bounced_on": ON, "fee": ZERO}
    do(bounce_check, payment_id=check.id, **bounced)
    assert demand("rmc_a", 30_000).owed == ZERO
    assert (owed(), held()) == (30_000, (0, 30_000))
    assert found() == set()


def test_a_visit_that_owes_again_is_settled_only_by_what_insurers_did_not_give_the_patient(
    do, bill, claim, held, owed, sent_by_check, found
):
    """As much is owed as if the corrected claim had come before the check bounced."""
    named = {"number": "1", "dated_on": ON, "is_health_account": False}
    check = do(take_check, invoice_id=bill.invoice.id, amount=Money(45_000), **named)
    claim("rmc_a", 30_000)
    sent_by_check()
    bounced = {"reason": BounceReason.INSUFFICIENT_FUNDS, "bounced_on": ON, "fee": ZERO}
    do(bounce_check, payment_id=check.id, **bounced)
    assert claim("rmc_b", 45_000).settled == Money(15_000)
    assert (owed(), held()) == (30_000, (0, 30_000))
    assert found() == set()


@pytest.mark.parametrize(
    ("numbers", "attack"),
    [
        ({4}, "UPDATE reimbursement_excess SET demanded_cents = demanded_cents - 1 WHERE demanded_cents > 0"),
        ({4}, "UPDATE takeback SET excess_cents = excess_cents - 1 WHERE excess_cents > 0"),
        ({4}, "UPDATE takeback SET covered_cents = covered_cents - 1 WHERE covered_cents > 0"),
        ({3}, "UPDATE reimbursement_excess SET amount_cents = amount_cents - 1"),
    ],
)
def test_excess_that_was_changed_is_found(database, do, paid, claim, demand, found, numbers, attack):
    claim("rmc_a", 45_000)
    claim("rmc_b", 40_000)
    demand("rmc_b", 30_000)
    unpaid = billed(database, paid.patient, only_first=1)
    named = {"session_id": unpaid.session_ids[0], "received_on": ON, "amount": Money(45_000)}
    do(hold_reimbursement, source_id="rmc_c", **named)
    demand("rmc_c", 10_000, "L-2")
    do(hold_reimbursement, source_id="rmc_d", **named)
    behind_the_back(database, attack)
    assert numbers <= found()


def test_the_migration_finds_the_visit_of_each_demand(database, do, paid, claim, demand):
    """Of a claim that was credit, of one that only was above, and of one that settled what was owed."""
    claim("rmc_a", 45_000)
    claim("rmc_b", 40_000)
    unpaid = billed(database, paid.patient, only_first=1)
    named = {"session_id": unpaid.session_ids[0], "source_id": "rmc_c", "received_on": ON}
    do(hold_reimbursement, amount=Money(20_000), **named)
    for name in ("rmc_a", "rmc_b", "rmc_c"):
        demand(name, 10_000, name)
    visits = text("SELECT reimbursement_id, session_id FROM takeback ORDER BY reimbursement_id")
    with database.reading() as read:
        before = read.session.execute(visits).all()
    behind_the_back(database, "UPDATE takeback SET session_id = ''")
    behind_the_back(database, revision("demanded_excess").VISITS)
    with database.reading() as read:
        assert read.session.execute(visits).all() == before


def test_the_patients_credit_is_below_nothing_on_no_day(
    database, do, paid, claim, demand, sent_by_check, found
):
    """The demand is of an earlier day than that on which the corrected claim became the patient's."""
    claim("rmc_a", 45_000)
    claim("rmc_b", 40_000)
    sent_by_check()
    letter = {"demand": "L-1", "amount": Money(45_000), "demanded_on": ON}
    do(demand_takeback, reimbursement_id="rmc_a", **letter, at=NOW + timedelta(days=5))
    of_day = text(
        "SELECT SUM(l.cents) FROM ledger_line l JOIN ledger_entry e ON e.id = l.entry_id "
        "WHERE l.account = '2200' AND e.effective_on <= :day"
    )
    with database.reading() as read:
        for days in range(6):
            assert read.session.scalar(of_day, {"day": (ON + timedelta(days=days)).isoformat()}) <= 0
    assert found() == set()


def test_a_visit_owes_again_when_the_covering_claim_is_taken_back_too(do, claim, demand, held, owed, found):
    """Nobody but insurers paid: 450 came, was demanded, came again, and was demanded again."""
    claim("rmc_a", 45_000)
    demand("rmc_a", 45_000, "L-1")
    claim("rmc_b", 45_000)
    second = demand("rmc_b", 45_000, "L-2")
    assert second.owed == Money(45_000)
    assert found() == set()
    assert do(bill_takeback, takeback_id=second.id).billed == Money(45_000)
    assert owed() == 45_000
