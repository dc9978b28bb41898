"""Whatever mix of credit, paid ahead and earned a dispute meets, the books hold; and verify sees when not."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.care.use_cases import cancel_session
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import trial_balance
from billing.payments.errors import PaymentDisputed, UnexplainedMoney
from billing.payments.queries.disputes import find_dispute
from billing.payments.queries.payments import charge_of_payment, list_payments
from billing.payments.queries.reconciliation import owner_of_operation
from billing.payments.records.disputes import DisputeFacts, DisputeMovementFacts
from billing.payments.states.disputes import DisputeEvent, DisputeState
from billing.payments.use_cases.checkouts import begin_checkout, pay_checkout
from billing.payments.use_cases.disputes import record_dispute
from billing.payments.use_cases.move import move_payment
from billing.platform.data.tasks import list_tasks
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back, drop_guards
from tests.factories.care import give
from tests.factories.catalog import seed_sample
from tests.factories.invoices import a_patient, billed
from tests.factories.world import RETURN_URL, a_charge, a_world

FEE = Money(1_500)


@pytest.fixture
def do(database):
    def run(use_case, **arguments):
        return database.in_transaction(lambda tx: use_case(tx, **arguments, actor=SYSTEM, now=NOW))

    return run


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=2)


@pytest.fixture
def payment(database, do, bill):
    """900 by card for two sessions."""
    page = do(begin_checkout, invoice_id=bill.invoice.id, return_url=RETURN_URL, request=None)
    charge = a_charge(page.id, page.amount, NOW, fee=ZERO)
    do(pay_checkout, checkout_id=page.id, reference=f"cs_{page.id}", charge=charge)
    with database.reading() as read:
        return list_payments(read, SYSTEM, invoice_id=bill.invoice.id, limit=1)[0]


@pytest.fixture
def tell(database, do, payment):
    """What the processor shows: a dispute of so much, of which so much came back."""

    def run(told, amount=90_000, back=0, *, category="dispute"):
        with database.reading() as read:
            charge = charge_of_payment(read, payment.id)
        took = moved("txn_took", -amount, FEE, category)
        gave = [moved("txn_gave", back, ZERO, "dispute_reversal")] if back else []
        facts = DisputeFacts(
            reference="du_1",
            charge_reference=charge,
            told=told,
            reason="fraudulent",
            amount=Money(amount),
            due_at=NOW + timedelta(days=9),
            opened_at=NOW,
            movements=(took, *gave),
        )
        return do(record_dispute, facts=facts)

    return run


def moved(reference, cents, fee, category):
    return DisputeMovementFacts(
        reference=reference, reporting_category=category, amount=Money(cents), fee=fee, moved_at=NOW
    )


def state_of(database):
    with database.reading() as read:
        verdict = verify(read, now=NOW, refund_limit=LIMIT)
        told = {account: cents for account, cents in trial_balance(read).items() if cents}
    return told, {check.number for check in verdict.checks if check.found}


MIXES = list(
    itertools.product(
        (0, 1, 2), (False, True), ((90_000, 0), (90_000, 20_000), (50_000, 0), (1, 0), (60_000, 60_000))
    )
)


@pytest.mark.parametrize(("given", "called_off", "money"), MIXES)
def test_what_did_not_come_back_is_lost_once_from_wherever_it_was(
    database, do, bill, tell, given, called_off, money
):
    amount, back = money
    for session_id in bill.session_ids[:given]:
        give(database, session_id, now=NOW)
    if called_off and given < 2:
        do(cancel_session, session_id=bill.session_ids[1])
    before, _ = state_of(database)
    tell(DisputeEvent.DISPUTE, amount)
    for _ in range(2):
        dispute = tell(DisputeEvent.WIN if back else DisputeEvent.LOSE, amount, back)
    after, broken = state_of(database)
    lost = amount - back
    assert (broken, dispute.lost) == (set(), Money(lost))
    assert after.get("1070", 0) == 0
    assert after.get("1050", 0) == before["1050"] - lost - 1_500
    not_earned = before.get("2100", 0) + before.get("2200", 0)
    assert after.get("2100", 0) + after.get("2200", 0) == min(0, not_earned + lost)
    assert after.get("6210", 0) == max(0, not_earned + lost)


def test_a_reading_that_was_overtaken_changes_nothing(database, tell):
    tell(DisputeEvent.LOSE)
    before = state_of(database)
    assert tell(DisputeEvent.DISPUTE).state is DisputeState.LOST
    assert state_of(database) == before


def test_money_moved_in_an_unknown_way_waits_for_a_person_and_posts_nothing(database, tell):
    before = state_of(database)
    with pytest.raises(UnexplainedMoney):
        tell(DisputeEvent.DISPUTE, category="other_adjustment")
    assert state_of(database) == before


def test_a_disputed_payment_is_not_booked_for_somebody_else(database, do, payment, tell):
    other = a_patient(database)
    tell(DisputeEvent.DISPUTE)
    with pytest.raises(PaymentDisputed):
        do(move_payment, payment_id=payment.id, patient_id=other.id, invoice_id=None)


def test_money_that_comes_back_after_the_loss_is_a_task_and_is_named_by_verify(database, tell):
    dispute = tell(DisputeEvent.LOSE)
    tell(DisputeEvent.LOSE, back=90_000)
    with database.reading() as read:
        kinds = {task.kind for task in list_tasks(read, SYSTEM, limit=9)}
        assert find_dispute(read, dispute.id, SYSTEM).lost == Money(90_000)
    assert "dispute-reversed" in kinds
    assert state_of(database)[1] == {18}


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE payment SET lost_cents = lost_cents - 1", 5),
        ("UPDATE dispute SET lost_cents = lost_cents - 1", 18),
        ("UPDATE dispute_movement SET amount_cents = amount_cents + 1", 18),
        ("UPDATE dispute_movement SET fee_cents = fee_cents + 1", 18),
        ("DELETE FROM dispute_movement", 18),
        ("UPDATE dispute SET state = 'needs_response'", 18),
    ],
)
def test_verify_sees_a_dispute_that_was_changed_behind_the_back(database, tell, statement, number):
    tell(DisputeEvent.LOSE)
    assert state_of(database)[1] == set()
    behind_the_back(database, statement)
    assert number in state_of(database)[1]


def test_verify_sees_that_movements_could_be_changed(database, tell):
    drop_guards(database, "dispute_movement")
    assert state_of(database)[1] == {18}


def test_what_an_answer_to_a_dispute_moved_is_of_the_clinic_that_gave_it(database):
    seed_sample(database, NOW, "a")
    second = a_world(database, NOW, slug="b")
    (answer_id,) = second.ids["answer_id"]
    with database.reading() as read:
        assert owner_of_operation(read, answer_id) == (second.entity.id, second.site.id)
