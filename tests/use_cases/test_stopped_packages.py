"""A package that is stopped: the rest is called off, what was given costs what it costs alone."""

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from billing.accounting.queries.verify import verify
from billing.care.queries import find_session
from billing.care.use_cases import check_in
from billing.invoices.errors import GivenSessionsOwed, NothingToStop, PackageUnderWay, StopChanged
from billing.invoices.queries import find_invoice, line_of_session, what_a_stop_does
from billing.invoices.records import InvoiceLine
from billing.invoices.rules import differences
from billing.invoices.use_cases.stop import stop_package
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.payments.queries.credits import applications_of_credit, credits_of_patient
from billing.payments.queries.payments import list_payments
from billing.payments.queries.refunds import refundable_of
from billing.payments.records.refunds import RefundReason
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.unapply import unapply
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission))


@pytest.fixture
def do(database):
    def run(use_case, **arguments):
        def work(tx):
            done = use_case(tx, **arguments, actor=CLERK, now=NOW)
            tx.announce()
            return done

        return database.in_transaction(work)

    return run


@pytest.fixture
def ask(database):
    def run(query, *arguments, **named):
        with database.reading() as read:
            return query(read, *arguments, **named)

    return run


@pytest.fixture
def books(ask):
    return lambda: {account: cents for account, cents in ask(trial_balance).items() if cents}


@pytest.fixture
def series(database, do):
    """Six infusions, paid in cash; `given` of them given."""

    def make(*, given, is_veteran=False, protocol="series_of_six"):
        bill = billed(database, a_patient(database, is_veteran=is_veteran), protocol=protocol)
        do(take_cash, invoice_id=bill.invoice.id, amount=bill.invoice.total)
        for session_id in bill.session_ids[:given]:
            give(database, session_id)
        return bill

    return make


def findings(ask):
    return [check for check in ask(verify, now=NOW, refund_limit=LIMIT).checks if check.found]


@pytest.mark.parametrize(
    ("is_veteran", "paid", "charged", "left"),
    [(False, 255_000, 5_000, 165_000), (True, 216_750, 4_250, 140_250)],
)
def test_two_of_six_cost_what_two_cost_and_the_rest_is_the_patients(
    ask, do, books, series, is_veteran, paid, charged, left
):
    bill = series(given=2, is_veteran=is_veteran)
    stop = do(stop_package, invoice_id=bill.invoice.id)
    discounts = {"4900": 13_500} if is_veteran else {}
    assert (stop.charged, stop.left) == (Money(charged), Money(left))
    assert books() == {"1060": paid, "2200": -left, "4000": -90_000, **discounts}
    difference = ask(find_invoice, stop.invoice_id, SYSTEM)
    assert (difference.kind, difference.state, difference.total) == ("difference", "paid", Money(charged))
    assert [ask(find_session, id_, SYSTEM).state for id_ in bill.session_ids] == ["given"] * 2 + [
        "cancelled"
    ] * 4
    assert findings(ask) == []


def test_what_is_left_goes_back_to_the_payment(ask, do, books, series):
    bill = series(given=2)
    do(stop_package, invoice_id=bill.invoice.id)
    (payment,) = ask(list_payments, SYSTEM, invoice_id=bill.invoice.id, limit=9)
    shown = ask(refundable_of, payment.id, SYSTEM)
    refund = do(refund_payment, payment_id=payment.id, amount=Money(165_000), refundable=shown.amount,
                reason=RefundReason.CANCELLED, method=None, limit=LIMIT)  # fmt: skip
    assert refund.amount == Money(165_000)
    assert books()["2200"] == -165_000
    assert findings(ask) == []


def test_a_package_of_which_nothing_was_given_is_the_patients_again(ask, do, books, series):
    bill = series(given=0)
    stop = do(stop_package, invoice_id=bill.invoice.id)
    assert (stop.freed, stop.difference, stop.invoice_id) == (Money(255_000), (), None)
    assert books() == {"1060": 255_000, "2200": -255_000}
    assert findings(ask) == []


def test_looking_first_shows_what_stopping_then_does(ask, do, series):
    bill = series(given=4, is_veteran=True)
    shown = ask(lambda read: what_a_stop_does(read, find_invoice(read, bill.invoice.id, SYSTEM)))
    done = do(stop_package, invoice_id=bill.invoice.id)
    assert (shown.cancelled, shown.freed, shown.charged, shown.left) == (
        done.cancelled, done.freed, done.charged, done.left)  # fmt: skip


def test_a_package_that_nobody_paid_is_simply_not_owed(ask, do, books, database):
    bill = billed(database, a_patient(database))
    stop = do(stop_package, invoice_id=bill.invoice.id)
    assert (stop.freed, stop.left) == (ZERO, ZERO)
    assert ask(find_invoice, bill.invoice.id, SYSTEM).state == "paid"
    assert books() == {}
    assert findings(ask) == []


def test_a_package_is_stopped_once(ask, do, series):
    bill = series(given=2)
    do(stop_package, invoice_id=bill.invoice.id)
    with pytest.raises(NothingToStop):
        do(stop_package, invoice_id=bill.invoice.id)
    single = ask(list_payments, SYSTEM, invoice_id=bill.invoice.id, limit=9)
    assert len(single) == 1


def test_single_visits_are_cancelled_not_stopped(do, database):
    bill = billed(database, a_patient(database), only_first=2)
    with pytest.raises(NothingToStop):
        do(stop_package, invoice_id=bill.invoice.id)


def test_a_visit_that_has_begun_is_recorded_first(do, series):
    bill = series(given=1)
    do(check_in, session_id=bill.session_ids[1])
    with pytest.raises(PackageUnderWay):
        do(stop_package, invoice_id=bill.invoice.id)


def test_what_was_given_and_not_paid_is_paid_first(database, do):
    bill = billed(database, a_patient(database))
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(42_500))
    give(database, bill.session_ids[0])
    do(check_in, session_id=bill.session_ids[1], override_reason="will pay tomorrow")
    give(database, bill.session_ids[1])
    with pytest.raises(GivenSessionsOwed) as refused:
        do(stop_package, invoice_id=bill.invoice.id)
    assert refused.value.more == {"owed_cents": 42_500}


def test_an_insurer_may_pay_more_once_the_visit_cost_more(ask, do, series):
    bill = series(given=2)
    do(stop_package, invoice_id=bill.invoice.id)
    held = do(hold_reimbursement, session_id=bill.session_ids[0], source_id="rmc_1",
              received_on=NOW.date(), amount=Money(45_000))  # fmt: skip
    assert (held.credit, held.excess) == (Money(45_000), ZERO)
    assert findings(ask) == []


def test_an_insurers_money_settles_the_difference_that_lost_its_credit(ask, do, series):
    bill = series(given=2)
    stop = do(stop_package, invoice_id=bill.invoice.id)
    for lot in ask(credits_of_patient, bill.patient.id, SYSTEM):
        for application in ask(applications_of_credit, lot.id):
            do(unapply, application_id=application.id)
    assert ask(find_invoice, stop.invoice_id, SYSTEM).open_balance == Money(5_000)
    held = do(hold_reimbursement, session_id=bill.session_ids[0], source_id="rmc_1",
              received_on=NOW.date(), amount=Money(10_000))  # fmt: skip
    assert (held.settled, held.credit) == (Money(2_500), Money(7_500))
    assert findings(ask) == []


def test_the_line_of_a_session_has_all_that_it_costs(ask, do, series):
    bill = series(given=2)
    do(stop_package, invoice_id=bill.invoice.id)
    _, line = ask(line_of_session, bill.session_ids[1])
    assert (line.charge, line.net) == (Money(45_000), Money(45_000))


NETS = st.lists(st.tuples(st.integers(0, 9_999), st.integers(0, 9_999), st.integers(0, 99)), min_size=1)


@for_all(NETS)
def test_together_the_visits_cost_the_new_price_or_what_they_did(nets):
    priced = [
        (
            InvoiceLine(id="inl", session_id=f"ses_{place}", service="infusion", service_on=NOW.date(),
                        charge=Money(old), discount=ZERO, net=Money(old)),
            Money(new + discount),
            Money(discount),
        )
        for place, (old, new, discount) in enumerate(nets)
    ]  # fmt: skip
    added = differences(priced)
    raised = sum(new - old for old, new, _ in nets)
    assert total(line.net for line in added) == Money(max(0, raised))
    assert all(line.charge - line.discount == line.net and line.net for line in added)


@pytest.mark.parametrize("shown", [{"freed": Money(169_999)}, {"charged": Money(4_999)}, {"charged": ZERO}])
def test_who_was_shown_another_figure_stops_nothing(ask, do, series, shown):
    bill = series(given=2)
    with pytest.raises(StopChanged):
        do(stop_package, invoice_id=bill.invoice.id, **shown)
    stop = do(stop_package, invoice_id=bill.invoice.id, freed=Money(170_000), charged=Money(5_000))
    assert stop.left == Money(165_000)
