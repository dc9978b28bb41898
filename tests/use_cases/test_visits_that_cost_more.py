"""A visit costs its patient more after an insurer paid for it: it is as if that had been known before."""

from __future__ import annotations

import pytest

from billing.care.queries import find_session
from billing.invoices.queries import find_invoice
from billing.invoices.records import Bearer, EndReason
from billing.invoices.use_cases.end_share import agree_to_end, ask_to_end
from billing.invoices.use_cases.shares import agree_share
from billing.invoices.use_cases.stop import stop_package
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.patients.records import HoldReason, HoldTerms
from billing.patients.use_cases import place_hold
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import demand_takeback
from tests.conftest import NOW
from tests.factories.accounting import SUPERVISOR
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.payers import a_fixed_part, a_payer

BANKRUPT = HoldTerms(reason=HoldReason.BANKRUPTCY)


@pytest.fixture
def visit(database):
    """A visit of 450 that was given."""
    bill = billed(database, a_patient(database), only_first=1)
    give(database, bill.session_ids[0])
    return bill


@pytest.fixture
def shared(database, do, visit):
    """Of which a sponsor takes 100, and the patient paid 350."""
    payer = a_payer(database, visit.patient.site_id)
    share = do(agree_share, invoice_id=visit.invoice.id, order=a_fixed_part(payer, 10_000))
    do(take_cash, invoice_id=visit.invoice.id, amount=Money(35_000))
    return share


@pytest.fixture
def claim(do):
    def run(session_id, cents, name="rmc_a"):
        named = {"session_id": session_id, "source_id": name, "received_on": NOW.date()}
        return do(hold_reimbursement, amount=Money(cents), **named)

    return run


@pytest.fixture
def end(do):
    """The sponsor does not pay after all, so that the patient owes the part."""

    def run(share):
        ask = {"share_id": share.id, "reason": EndReason.MISTAKE, "borne_by": Bearer.PATIENT}
        do(ask_to_end, **ask)
        do(agree_to_end, share_id=share.id, by=SUPERVISOR)

    return run


@pytest.fixture
def theirs(database, books):
    """What is the patient's, what is the payers', and what is owed on an invoice."""

    def run(invoice_id):
        told = books()
        with database.reading() as read:
            owed = find_invoice(read, invoice_id, SYSTEM).open_balance.cents
        return -told.get("2200", 0), -told.get("2220", 0), owed

    return run


@pytest.mark.parametrize(("cents", "held"), [(45_000, (35_000, 0, 0)), (20_000, (10_000, 0, 0))])
@pytest.mark.parametrize("is_before", [True, False])
def test_a_part_that_becomes_the_patients_is_settled_by_their_insurer(
    visit, shared, claim, end, theirs, found, cents, held, is_before
):
    if is_before:
        end(shared)
    claim(visit.session_ids[0], cents)
    if not is_before:
        end(shared)
    assert theirs(visit.invoice.id) == held
    assert found() == set()


def test_what_a_payer_demanded_of_it_stays_the_payers(do, visit, shared, claim, end, theirs, found):
    """Of 450 of an insurer 100 was above, and 50 of that is demanded."""
    claim(visit.session_ids[0], 35_000)
    claim(visit.session_ids[0], 10_000, "rmc_b")
    named = {"reimbursement_id": "rmc_b", "demand": "L-1", "demanded_on": NOW.date()}
    do(demand_takeback, amount=Money(5_000), **named)
    end(shared)
    assert theirs(visit.invoice.id) == (30_000, 5_000, 0)
    assert found() == set()


def test_while_charges_are_stopped_it_is_the_patients_credit(do, visit, shared, claim, end, theirs, found):
    claim(visit.session_ids[0], 45_000)
    do(place_hold, patient_id=visit.patient.id, terms=BANKRUPT, effective_from=NOW.date())
    end(shared)
    assert theirs(visit.invoice.id) == (45_000, 0, 10_000)
    assert found() == set()


@pytest.mark.parametrize("is_before", [True, False])
def test_a_visit_of_a_stopped_package_costs_more_and_so_more_of_a_claim_is_the_patients(
    database, do, books, claim, found, is_before
):
    """One of six of 425 was given; alone it costs 450, and the insurer paid that."""
    course = billed(database, a_patient(database))
    do(take_cash, invoice_id=course.invoice.id, amount=course.invoice.total)
    give(database, course.session_ids[0])
    if is_before:
        do(stop_package, invoice_id=course.invoice.id)
    claim(course.session_ids[0], 45_000)
    if not is_before:
        do(stop_package, invoice_id=course.invoice.id)
    with database.reading() as read:
        session = find_session(read, course.session_ids[0], SYSTEM)
    assert session.due == session.covered == Money(45_000)
    assert (books().get("2200"), books().get("2220")) == (-(255_000 - 45_000 + 45_000), None)
    assert found() == set()
