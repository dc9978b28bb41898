"""Where exceptions, other payers, bounced checks and saved cards meet: money stays whose it is."""

from dataclasses import replace

import pytest

from billing.accounting.queries.verify import verify
from billing.catalog.queries import find_entity
from billing.invoices.queries import find_invoice
from billing.invoices.records import Bearer, EndReason, PayerKind
from billing.invoices.use_cases.end_share import agree_to_end, ask_to_end
from billing.invoices.use_cases.shares import agree_share
from billing.invoices.use_cases.stop import stop_package
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor, Permission
from billing.ledger.queries import trial_balance
from billing.ledger.records import Account
from billing.payments.errors import ExceptionEnded, PartsDoNotAddUp, PatientsMoney
from billing.payments.queries.differences import differences
from billing.payments.queries.evidence import facts_on_file
from billing.payments.queries.reconciliation import open_exceptions
from billing.payments.queries.saved_methods import living_consents
from billing.payments.records.bounces import BounceReason
from billing.payments.records.disputes import DisputeFacts, DisputeMovementFacts
from billing.payments.records.reconciliation import BookedPart, MovementFacts
from billing.payments.records.saved_methods import Purpose
from billing.payments.rules.saved_methods import consent_text
from billing.payments.states.disputes import DisputeEvent
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.card_saving import begin_saving, make_card_link
from billing.payments.use_cases.checkouts import begin_checkout, pay_checkout
from billing.payments.use_cases.disputes import record_dispute
from billing.payments.use_cases.exceptions import book_exception
from billing.payments.use_cases.receive import take_cash, take_check
from billing.payments.use_cases.reconciliation import keep_movements, name_exceptions
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import bill_takeback, demand_takeback
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.payers import a_fixed_part, a_payer, whole_sessions
from tests.factories.world import RETURN_URL, a_charge

CLERK, BOSS = (
    Actor(id=f"usr_{name}", entity_id=None, permissions=frozenset(Permission)) for name in ("clerk", "boss")
)


@pytest.fixture
def do(database):
    def run(use_case, at=NOW, actor=CLERK, **arguments):
        def work(tx):
            done = use_case(tx, **arguments, actor=actor, now=at)
            tx.announce()
            return done

        return database.in_transaction(work)

    return run


@pytest.fixture
def ask(database):
    def run(query, *arguments):
        with database.reading() as read:
            return query(read, *arguments)

    return run


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def name_all(do, ask):
    """Keep what the processor says moved, and name what the books do not know."""

    def run(*movements):
        do(keep_movements, movements=movements)
        do(name_exceptions, found=ask(differences))
        return list(ask(open_exceptions))

    return run


def open_page(do, invoice_id, share_id=None):
    page = do(begin_checkout, invoice_id=invoice_id, return_url=RETURN_URL, request=None, share_id=share_id)
    return page, a_charge(page.id, page.amount, NOW, fee=ZERO)


def paid_page(do, invoice_id, share_id=None):
    page, charge = open_page(do, invoice_id, share_id)
    do(pay_checkout, checkout_id=page.id, reference=f"cs_{page.id}", charge=charge)
    return page, charge


def movement(reference, category, cents, charge, operation=None):
    return MovementFacts(
        reference=f"txn_{reference}",
        source=reference,
        reporting_category=category,
        amount=Money(cents),
        fee=ZERO,
        charge=charge,
        operation=operation,
        moved_at=NOW,
    )


def book(do, named, *parts):
    listed = [BookedPart(account=account, amount=Money(cents)) for account, cents in parts]
    do(book_exception, exception_id=named.id, parts=listed)


def test_an_exception_whose_difference_is_gone_is_not_booked(do, ask, bill, name_all):
    page, charge = open_page(do, bill.invoice.id)
    (named,) = name_all(movement(charge.reference, "charge", 45_000, charge.reference, page.id))
    do(pay_checkout, checkout_id=page.id, reference="cs_1", charge=charge)
    with pytest.raises(ExceptionEnded):
        book(do, named, (Account.UNAPPLIED_PAYER_MONEY, 45_000))
    assert ask(trial_balance)["1050"] == 45_000


def test_a_refund_of_a_payment_of_ours_is_not_booked_away(do, bill, name_all):
    page, charge = paid_page(do, bill.invoice.id)
    (named,) = name_all(
        movement(charge.reference, "charge", 45_000, charge.reference, page.id),
        movement("re_dashboard", "refund", -45_000, charge.reference),
    )
    with pytest.raises(PatientsMoney):
        book(do, named, (Account.CHARGEBACK_LOSS, -45_000))


def test_a_second_charge_of_an_operation_of_ours_is_not_booked_away(do, bill, name_all):
    page, charge = paid_page(do, bill.invoice.id)
    (named,) = name_all(
        movement(charge.reference, "charge", 45_000, charge.reference, page.id),
        movement("ch_second", "charge", 45_000, "ch_second", page.id),
    )
    with pytest.raises(PatientsMoney):
        book(do, named, (Account.PROCESSOR_FEES, 45_000))


def test_nobody_moves_more_by_an_exception_than_moved_at_the_processor(do, bill, name_all):
    (named,) = name_all(movement("adj_1", "other_adjustment", 1, None))
    with pytest.raises(PartsDoNotAddUp):
        book(do, named, (Account.BANK, 50_000_001), (Account.CHARGEBACK_LOSS, -50_000_000))


def test_a_part_that_was_entered_by_mistake_waives_nothing(do, database):
    bill = billed(database, a_patient(database))
    payer = a_payer(database, bill.patient.site_id, PayerKind.COMPENSATION)
    order = whole_sessions(payer, replace(bill, session_ids=bill.session_ids[:1]))
    share = do(agree_share, invoice_id=bill.invoice.id, order=order)
    do(ask_to_end, share_id=share.id, reason=EndReason.MISTAKE, borne_by=Bearer.PATIENT)
    do(agree_to_end, share_id=share.id, actor=BOSS)
    do(take_cash, invoice_id=bill.invoice.id, amount=bill.invoice.total)
    for session_id in bill.session_ids[:2]:
        give(database, session_id)
    assert do(stop_package, invoice_id=bill.invoice.id).charged == Money(5_000)


def test_a_payers_bank_is_told_of_no_payment_of_the_patient(do, ask, database):
    bill = billed(database, a_patient(database), only_first=2)
    payer = a_payer(database, bill.patient.site_id, PayerKind.SPONSOR)
    share = do(agree_share, invoice_id=bill.invoice.id, order=a_fixed_part(payer, 45_000))
    paid_page(do, bill.invoice.id)
    _, charge = paid_page(do, bill.invoice.id, share.id)
    taken = DisputeMovementFacts(
        reference="txn_t", reporting_category="dispute", amount=Money(-45_000), fee=ZERO, moved_at=NOW
    )
    facts = DisputeFacts(
        reference="du_1",
        charge_reference=charge.reference,
        told=DisputeEvent.DISPUTE,
        reason="duplicate",
        amount=Money(45_000),
        due_at=None,
        opened_at=NOW,
        movements=(taken,),
    )
    dispute = do(record_dispute, facts=facts)
    assert "other_payment" not in {str(fact) for fact in ask(facts_on_file, dispute)}


def test_what_was_not_ticked_the_second_time_is_not_agreed_to(do, ask, database):
    patient = a_patient(database)
    one, two = list(Purpose)[:2]
    link, _ = do(make_card_link, patient_id=patient.id, purposes=[one, two])
    clinic = ask(find_entity, patient.entity_id).trade_name
    texts = [consent_text(purpose, clinic).sha256 for purpose in (one, two)]
    do(begin_saving, link=link, agreed=texts, return_url=RETURN_URL)
    method = do(begin_saving, link=link, agreed=texts[:1], return_url=RETURN_URL)
    assert set(ask(living_consents, method.id)) == {one}


def test_what_a_payer_takes_back_is_owed_on_each_invoice_that_it_had_settled(do, ask, database):
    bill = billed(database, a_patient(database))
    check = {"number": "1", "dated_on": NOW.date(), "is_health_account": False}
    payment = do(take_check, invoice_id=bill.invoice.id, amount=bill.invoice.total, **check)
    for session_id in bill.session_ids[:2]:
        give(database, session_id)
    difference_id = do(stop_package, invoice_id=bill.invoice.id).invoice_id
    bounced = {"reason": BounceReason.INSUFFICIENT_FUNDS, "bounced_on": NOW.date(), "fee": ZERO}
    do(bounce_check, payment_id=payment.id, **bounced)
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(42_500))
    claim = {"source_id": "rmc_1", "received_on": NOW.date(), "amount": Money(45_000)}
    do(hold_reimbursement, session_id=bill.session_ids[1], **claim)
    before = [ask(find_invoice, each, CLERK).open_balance for each in (bill.invoice.id, difference_id)]
    demand = {"demand": "L", "amount": Money(45_000), "demanded_on": NOW.date()}
    takeback = do(demand_takeback, reimbursement_id="rmc_1", **demand)
    do(bill_takeback, takeback_id=takeback.id)
    after = [ask(find_invoice, each, CLERK).open_balance for each in (bill.invoice.id, difference_id)]
    assert [then - first for then, first in zip(after, before, strict=True)] == [
        Money(42_500),
        Money(2_500),
    ]
    assert ask(find_invoice, difference_id, CLERK).total >= after[1]
    assert [check for check in ask(verified).checks if check.found] == []


def verified(read):
    return verify(read, now=NOW, refund_limit=LIMIT)
