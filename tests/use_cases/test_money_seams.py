"""Where two parts meet over one payment: what the one began must not let the other pay it out again."""

from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.care.use_cases import cancel_session
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.payments.errors import NotMovable, PaymentDisputed
from billing.payments.queries.asked_about import asked_about
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.dormant import list_dormant
from billing.payments.queries.mail import waiting_mail
from billing.payments.queries.receipts import list_receipts, refund_receipts
from billing.payments.queries.refunds import find_refund, refundable_of
from billing.payments.records.refunds import RefundMethod, RefundReason
from billing.payments.states.disputes import DisputeEvent
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.dormant import claim, list_dormant_credits, record_letter, set_aside
from billing.payments.use_cases.mail import mail_receipt
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import send_check, void_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import approve_refund, request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import demand_takeback
from billing.platform.data.tasks import list_tasks
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.care import give
from tests.factories.disputes import disputed
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_by_card

BOSS = Actor(id="usr_boss", entity_id=None, permissions=frozenset(Permission))
PRICE = Money(45_000)
NO_LIMIT = Money(1_000_000)


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def card(database, bill):
    return paid_by_card(database, bill.invoice, NOW, fee=ZERO)


@pytest.fixture
def tell(database):
    return lambda payment, told: disputed(database, payment, NOW, told=told)


@pytest.fixture
def held(ask):
    def run(patient):
        return next(lot for lot in ask(credits_of_patient, patient.id, SYSTEM) if lot.available)

    return run


def findings(ask):
    return [check for check in ask(verify, now=NOW, refund_limit=LIMIT).checks if check.found]


def by_check(do, lot, amount=None, limit=NO_LIMIT):
    return do(request_refund, lot_id=lot.id, amount=amount or lot.available, available=lot.available,
              payment_id=None, limit=limit)  # fmt: skip


def reimbursed(database, do, bill, cents):
    give(database, bill.session_ids[0])
    do(hold_reimbursement, session_id=bill.session_ids[0], source_id="rmc_1", received_on=NOW.date(),
       amount=Money(cents))  # fmt: skip


def test_a_payment_that_a_bank_asks_about_is_not_moved(database, do, tell, card):
    tell(card, DisputeEvent.INQUIRE)
    other = a_patient(database)
    with pytest.raises(PaymentDisputed):
        do(move_payment, payment_id=card.id, patient_id=other.id, invoice_id=None)


def test_a_win_blocks_refunds_until_its_money_is_back(do, tell, card):
    tell(card, DisputeEvent.DISPUTE)
    tell(card, DisputeEvent.WIN)
    with pytest.raises(PaymentDisputed):
        do(refund_payment, payment_id=card.id, amount=PRICE, refundable=PRICE, reason=RefundReason.OTHER,
           method=RefundMethod.CHECK, limit=NO_LIMIT)  # fmt: skip


def test_a_check_that_nobody_wrote_ends_with_a_lost_dispute(ask, do, tell, bill, card, held):
    do(cancel_session, session_id=bill.session_ids[0])
    refund = by_check(do, held(bill.patient))
    tell(card, DisputeEvent.DISPUTE)
    tell(card, DisputeEvent.LOSE)
    assert ask(find_refund, refund.id, SYSTEM).state is RefundState.FAILED
    books = {account: cents for account, cents in ask(trial_balance).items() if cents}
    assert books == {"1050": -1_500, "6110": 1_500}
    assert findings(ask) == []


def test_a_loss_beside_an_approved_check_of_the_payment_is_booked(ask, do, tell, card):
    do(refund_payment, payment_id=card.id, amount=PRICE, refundable=PRICE, reason=RefundReason.OTHER,
       method=RefundMethod.CHECK, limit=NO_LIMIT)  # fmt: skip
    tell(card, DisputeEvent.DISPUTE)
    assert tell(card, DisputeEvent.LOSE).lost == PRICE
    assert findings(ask) == []


def test_a_loss_of_what_went_back_before_is_seen_and_asks_a_person(ask, do, tell, card):
    refund = do(refund_payment, payment_id=card.id, amount=PRICE, refundable=PRICE,
                reason=RefundReason.OTHER, method=RefundMethod.CHECK, limit=NO_LIMIT)  # fmt: skip
    do(send_check, refund_id=refund.id, check_number="1")
    assert tell(card, DisputeEvent.LOSE).lost == PRICE
    books = {account: cents for account, cents in ask(trial_balance).items() if cents}
    assert books == {"1000": -PRICE.cents, "1050": -1_500, "6110": 1_500, "6210": PRICE.cents}
    assert "dispute-exceeds-payment" in kinds_of_tasks(ask)


def test_a_loss_of_what_an_insurer_had_reimbursed_asks_a_person_who_reads_both_sums(
    database, ask, do, tell, bill, card, held
):
    reimbursed(database, do, bill, 18_000)
    tell(card, DisputeEvent.DISPUTE)
    assert "dispute-reimbursed" not in kinds_of_tasks(ask)
    dispute = tell(card, DisputeEvent.LOSE)
    assert (dispute.lost, dispute.reimbursed) == (PRICE, Money(18_000))
    assert "dispute-reimbursed" in kinds_of_tasks(ask)
    assert held(bill.patient).available == Money(18_000)
    (about,) = ask(asked_about, "dsp", [dispute.id], SYSTEM).values()
    assert (about.amount, about.reimbursed) == (PRICE, Money(18_000))
    do(demand_takeback, reimbursement_id="rmc_1", demand="L", amount=Money(18_000), demanded_on=NOW.date())
    assert findings(ask) == []


@pytest.mark.parametrize("demanded", [False, True])
def test_a_loss_of_which_no_insurer_gave_more_than_is_paid_asks_nobody(
    database, ask, do, tell, bill, card, demanded
):
    if demanded:
        reimbursed(database, do, bill, 18_000)
        do(demand_takeback, reimbursement_id="rmc_1", demand="L", amount=Money(18_000),
           demanded_on=NOW.date())  # fmt: skip
    assert tell(card, DisputeEvent.LOSE).reimbursed == ZERO
    assert "dispute-reimbursed" not in kinds_of_tasks(ask)


def test_an_insurers_money_after_the_loss_is_the_insurers(database, ask, do, tell, bill, card):
    """Who pays first makes no difference: the patient paid nothing of the visit."""
    tell(card, DisputeEvent.DISPUTE)
    give(database, bill.session_ids[0])
    tell(card, DisputeEvent.LOSE)
    kept = do(hold_reimbursement, session_id=bill.session_ids[0], source_id="rmc_1", received_on=NOW.date(),
              amount=Money(18_000))  # fmt: skip
    assert (kept.credit, kept.excess) == (ZERO, Money(18_000))
    assert findings(ask) == []


def kinds_of_tasks(ask):
    return {task.kind for task in ask(list_tasks, SYSTEM, limit=9)}


def test_a_refunds_receipt_names_no_strangers_receipt(database, ask, do, held):
    receipts = []
    for number in ("1", "2"):
        bill = billed(database, a_patient(database), only_first=1)
        do(take_cash, invoice_id=bill.invoice.id, amount=PRICE)
        give(database, bill.session_ids[0])
        do(hold_reimbursement, session_id=bill.session_ids[0], source_id=f"rmc_{number}",
           received_on=NOW.date(), amount=Money(10_000))  # fmt: skip
        do(send_check, refund_id=by_check(do, held(bill.patient)).id, check_number=number)
        theirs = ask(list_receipts, SYSTEM, patient_id=bill.patient.id, limit=9)
        receipts.append(next(receipt for receipt in theirs if receipt.refund_id))
    assert receipts[1].refers_to_id is None
    assert ask(refund_receipts, receipts[0].id, SYSTEM) == []


def test_what_an_insurer_gave_back_is_not_refunded_again(database, ask, do, bill, card, held):
    reimbursed(database, do, bill, PRICE.cents)
    do(send_check, refund_id=by_check(do, held(bill.patient)).id, check_number="1")
    assert ask(refundable_of, card.id, SYSTEM).amount == ZERO


def test_a_payment_for_which_an_insurer_gave_money_is_not_moved(database, do, bill, card):
    reimbursed(database, do, bill, 18_000)
    other = a_patient(database)
    with pytest.raises(NotMovable):
        do(move_payment, payment_id=card.id, patient_id=other.id, invoice_id=None)


def test_a_written_check_counts_against_the_days_limit_though_it_is_voided(do, bill, held):
    do(take_cash, invoice_id=bill.invoice.id, amount=PRICE)
    do(cancel_session, session_id=bill.session_ids[0])
    limit = Money(10_000)
    first = by_check(do, held(bill.patient), limit, limit)
    do(send_check, refund_id=first.id, check_number="1")
    do(void_check, refund_id=first.id)
    second = by_check(do, held(bill.patient), limit, limit)
    assert (first.state, second.state) == (RefundState.APPROVED, RefundState.REQUESTED)


def test_a_takeback_takes_what_only_waits_for_approval(database, ask, do, bill, card, held):
    reimbursed(database, do, bill, 18_000)
    lot = held(bill.patient)
    refund = by_check(do, lot, limit=ZERO)
    takeback = do(demand_takeback, reimbursement_id="rmc_1", demand="L", amount=Money(18_000),
                  demanded_on=NOW.date())  # fmt: skip
    assert takeback.unspent == Money(18_000)
    assert ask(find_refund, refund.id, SYSTEM).state is RefundState.REJECTED
    assert findings(ask) == []


def test_a_receipt_is_not_mailed_once_its_payment_was_moved(database, ask, do, bill, card):
    (receipt,) = ask(list_receipts, SYSTEM, patient_id=bill.patient.id, limit=9)
    mail = do(mail_receipt, receipt_id=receipt.id)
    do(move_payment, payment_id=card.id, patient_id=a_patient(database).id, invoice_id=None)
    assert ask(waiting_mail, mail.id) is None


def test_who_asked_for_part_of_a_credit_has_shown_a_sign(ask, do, bill, held):
    do(take_cash, invoice_id=bill.invoice.id, amount=PRICE)
    do(cancel_session, session_id=bill.session_ids[0])
    later = NOW + timedelta(days=365 * 8)
    lot = held(bill.patient)
    do(request_refund, at=later - timedelta(days=220), lot_id=lot.id, amount=Money(20_000),
       available=lot.available, payment_id=None, limit=NO_LIMIT)  # fmt: skip
    do(list_dormant_credits, at=later)
    assert ask(list_dormant, SYSTEM, limit=9) == []


def test_an_insurers_money_that_arrives_while_a_refund_waits_is_the_patients(database, ask, do, bill, card):
    give(database, bill.session_ids[0])
    refund = do(refund_payment, payment_id=card.id, amount=PRICE, refundable=PRICE,
                reason=RefundReason.OTHER, method=RefundMethod.CHECK, limit=ZERO)  # fmt: skip
    held = do(hold_reimbursement, session_id=bill.session_ids[0], source_id="rmc_1", received_on=NOW.date(),
              amount=Money(18_000))  # fmt: skip
    assert (held.credit, held.excess) == (Money(18_000), ZERO)
    assert ask(find_refund, refund.id, SYSTEM).state is RefundState.REJECTED
    assert findings(ask) == []


def test_an_insurers_money_for_a_visit_that_is_being_refunded_goes_back_to_the_insurer(
    database, ask, do, bill, card
):
    give(database, bill.session_ids[0])
    refund = do(refund_payment, payment_id=card.id, amount=PRICE, refundable=PRICE,
                reason=RefundReason.OTHER, method=RefundMethod.CHECK, limit=ZERO)  # fmt: skip
    database.in_transaction(lambda tx: approve_refund(tx, refund_id=refund.id, actor=BOSS, now=NOW))
    held = do(hold_reimbursement, session_id=bill.session_ids[0], source_id="rmc_1", received_on=NOW.date(),
              amount=Money(18_000))  # fmt: skip
    assert (held.credit, held.excess) == (ZERO, Money(18_000))
    assert findings(ask) == []


def test_an_insurers_money_that_the_owner_claimed_late_is_still_the_insurers_to_demand(
    database, ask, do, bill, card, held
):
    reimbursed(database, do, bill, 18_000)
    years_later = NOW + timedelta(days=365 * 4)
    do(list_dormant_credits, at=years_later)
    (listed,) = ask(list_dormant, SYSTEM, limit=9)
    do(record_letter, at=years_later, dormant_id=listed.id, sent_on=years_later.date())
    later = years_later + timedelta(days=365)
    do(set_aside, at=later, dormant_id=listed.id)
    do(claim, at=later, dormant_id=listed.id)
    takeback = do(demand_takeback, at=later, reimbursement_id="rmc_1", demand="L", amount=Money(18_000),
                  demanded_on=later.date())  # fmt: skip
    assert takeback.unspent == Money(18_000)
    assert findings(ask) == []
