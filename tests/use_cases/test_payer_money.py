"""Money of other payers: it pays their part, goes back to them, and is never the patient's."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.accounting.queries.verify import verify
from billing.care.use_cases import cancel_session, check_in
from billing.invoices.errors import MoreThanOwed
from billing.invoices.queries import find_invoice, find_payer, find_share, shares_of_invoice
from billing.invoices.records import Bearer, EndReason, PayerKind
from billing.invoices.use_cases.end_share import ask_to_end
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.errors import BillingError
from billing.kernel.money import Money, total
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.payments.errors import (
    MoreThanAvailable,
    NotBounceable,
    NothingToApply,
    NotMovable,
    RefundStands,
    RefundTargetMissing,
)
from billing.payments.errors.checks import TransferBookedBefore
from billing.payments.queries.credits import credit_balance, credits_of_patient
from billing.payments.queries.evidence import facts_on_file
from billing.payments.queries.payments import charge_of_payment, list_payments
from billing.payments.queries.receipts import list_receipts
from billing.payments.queries.refund_plans import refund_plan_of
from billing.payments.queries.refunds import list_refunds, refundable_of
from billing.payments.records.bounces import BounceReason
from billing.payments.records.credits import Election
from billing.payments.records.dispute_answers import EvidenceFact
from billing.payments.records.disputes import DisputeFacts, DisputeMovementFacts
from billing.payments.records.refunds import RefundMethod, RefundReason
from billing.payments.states.disputes import DisputeEvent
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.checkouts import begin_checkout, pay_checkout
from billing.payments.use_cases.credits import elect
from billing.payments.use_cases.disputes import record_dispute
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.payer_payments import (
    take_payers_cash,
    take_payers_check,
    take_payers_transfer,
)
from billing.payments.use_cases.receive import take_cash
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import fail_refund, keep_sent, request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from tests.conftest import NOW
from tests.factories.accounting import behind_the_back
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.patients import new_patient
from tests.factories.payers import SPONSORS_NAME, a_fixed_part, a_payer, whole_sessions
from tests.factories.world import RETURN_URL, a_charge

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission))
NO_LIMIT = Money(10_000_000)


@pytest.fixture
def do(database):
    """Each deed leaves books in which everything holds."""

    def run(use_case, *, actor=CLERK, **arguments):
        made = database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=NOW))
        assert_all_holds(database)
        return made

    return run


def assert_all_holds(database):
    with database.reading() as read:
        verdict = verify(read, now=NOW, refund_limit=NO_LIMIT)
    assert verdict.ok, [(check.name, check.findings) for check in verdict.checks if check.findings]


@pytest.fixture
def bill(database):
    """Two visits of 450 each."""
    return billed(database, a_patient(database), only_first=2)


@pytest.fixture
def share(do, bill, database):
    """A sponsor takes 300 of 900."""
    payer = a_payer(database, bill.patient.site_id)
    return do(agree_share, invoice_id=bill.invoice.id, order=a_fixed_part(payer, 30_000))


@pytest.fixture
def books(database):
    def look():
        with database.reading() as read:
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    return look


@pytest.fixture
def refund(do, database):
    """Ask for all that can go back of a payment."""

    def run(payment, **more):
        with database.reading() as read:
            found = refundable_of(read, payment.id, SYSTEM).amount
        asked = {"amount": found, "reason": RefundReason.OTHER, "method": None, "limit": NO_LIMIT} | more
        return do(refund_payment, payment_id=payment.id, refundable=found, **asked)

    return run


def payers_card(do, share, amount=None):
    page = do(
        begin_checkout, invoice_id=share.invoice_id, share_id=share.id, return_url=RETURN_URL, request=None
    )
    charge = a_charge(page.id, amount or page.amount, NOW)
    do(pay_checkout, checkout_id=page.id, reference=f"cs_{page.id}", charge=charge)
    return page


def only_payment(database, invoice_id):
    with database.reading() as read:
        return list_payments(read, SYSTEM, invoice_id=invoice_id, limit=9)[0]


def test_money_before_the_service_is_deferred_and_names_who_paid(do, share, books, database):
    paid = do(take_payers_cash, share_id=share.id, amount=Money(30_000))
    assert paid.payer_id == share.payer_id
    assert books() == {"1060": 30_000, "2100": -30_000}
    with database.reading() as read:
        found = find_share(read, share.id, SYSTEM)
    assert (found.paid, found.open_balance) == (Money(30_000), Money(0))


def test_money_after_the_service_ends_what_the_payer_owes(do, share, bill, books, database):
    give(database, bill.session_ids[0])
    assert books()["1130"] == 15_000
    do(take_payers_transfer, share_id=share.id, amount=Money(20_000), reference="WIRE 7")
    assert books() == {"1000": 20_000, "1100": 30_000, "2100": -5_000, "4000": -45_000}


def test_one_transfer_is_booked_once_and_another_of_the_same_amount_has_its_own_reference(do, share):
    wire = {"share_id": share.id, "amount": Money(10_000)}
    first = do(take_payers_transfer, **wire, reference="WIRE 7")
    with pytest.raises(TransferBookedBefore) as refused:
        do(take_payers_transfer, **wire, reference="WIRE 7")
    assert refused.value.more["payment_id"] == first.id
    do(take_payers_transfer, **wire, reference="WIRE 8")


def test_equal_instalments_under_one_reference_are_booked_on_somebodys_word(do, share):
    instalment = {"share_id": share.id, "amount": Money(10_000), "reference": "ACME RENT"}
    do(take_payers_transfer, **instalment)
    for _ in range(2):
        with pytest.raises(TransferBookedBefore):
            do(take_payers_transfer, **instalment)
        do(take_payers_transfer, **instalment, is_another=True)


def test_a_session_with_the_patients_part_paid_and_the_payers_authorized_opens_the_door(do, share, bill):
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(60_000))
    assert do(check_in, session_id=bill.session_ids[0]).checked_in_at == NOW


def bounce(do, payment):
    reason, fee = BounceReason.STALE, Money(0)
    return do(bounce_check, payment_id=payment.id, reason=reason, bounced_on=NOW.date(), fee=fee)


def payers_check(do, share, cents):
    number, dated_on = "17", NOW.date()
    return do(take_payers_check, share_id=share.id, amount=Money(cents), number=number, dated_on=dated_on)


@pytest.mark.parametrize("given", [0, 1, 2])
def test_a_payers_check_that_comes_back_is_the_payers_debt_again_and_not_the_patients(
    do, share, bill, books, database, given
):
    for session_id in bill.session_ids[:given]:
        give(database, session_id)
    before = books()
    payment = payers_check(do, share, 34_000)
    bounce(do, payment)
    assert books() == before
    with database.reading() as read:
        first, again = shares_of_invoice(read, bill.invoice.id, SYSTEM)
        assert find_invoice(read, bill.invoice.id, SYSTEM).open_balance == Money(60_000)
        assert refundable_of(read, payment.id, SYSTEM).amount == Money(0)
        assert not any(lot.available for lot in credits_of_patient(read, bill.patient.id, SYSTEM))
    assert (again.open_balance, again.reference) == (Money(30_000), share.reference)
    assert (first.open_balance, first.paid) == (Money(0), Money(0))
    do(take_payers_cash, share_id=again.id, amount=Money(30_000))


def test_a_payers_check_bounces_after_its_session_was_called_off(do, share, bill, books, database):
    payment = payers_check(do, share, 30_000)
    do(cancel_session, session_id=bill.session_ids[0])
    bounce(do, payment)
    assert books() == {}
    with database.reading() as read:
        _, again = shares_of_invoice(read, bill.invoice.id, SYSTEM)
    assert again.open_balance == Money(15_000)


def test_while_a_refund_of_a_payers_check_stands_it_does_not_bounce(do, share, refund):
    payment = payers_check(do, share, 30_000)
    refund(payment, amount=Money(1_000))
    with pytest.raises(RefundStands):
        bounce(do, payment)


@pytest.fixture
def other(do, share, database):
    """The same sponsor takes 300 more of the same invoice."""
    with database.reading() as read:
        payer = find_payer(read, share.payer_id, SYSTEM)
    return do(agree_share, invoice_id=share.invoice_id, order=a_fixed_part(payer, 30_000))


@pytest.mark.parametrize("of_the_first", [True, False])
def test_of_two_parts_of_one_payer_that_is_owed_again_which_the_check_had_paid(
    do, share, other, books, database, of_the_first
):
    paid, bounced = (other, share) if of_the_first else (share, other)
    do(take_payers_cash, share_id=paid.id, amount=Money(30_000))
    before = books()
    payment = payers_check(do, bounced, 30_000)
    assert payment.share_id == bounced.id
    bounce(do, payment)
    assert books() == before
    with database.reading() as read:
        left = {
            each.id: (each.paid, each.open_balance)
            for each in shares_of_invoice(read, share.invoice_id, SYSTEM)
        }
        assert refundable_of(read, payment.id, SYSTEM).amount == Money(0)
        named = list_payments(read, SYSTEM, share_id=bounced.id, limit=9)
    assert [each.id for each in named] == [payment.id]
    assert (left.pop(paid.id), left.pop(bounced.id)) == ((Money(30_000), Money(0)), (Money(0), Money(0)))
    assert list(left.values()) == [(Money(0), Money(30_000))]


def test_of_a_check_that_does_not_say_its_part_nobody_guesses(do, share, other, books, database):
    payment = payers_check(do, share, 30_000)
    behind_the_back(database, "UPDATE payment SET share_id = NULL")
    before = books()
    with pytest.raises(NotBounceable):
        bounce(do, payment)
    assert books() == before


def test_money_that_says_another_part_than_it_paid_is_found(do, share, other, database):
    payers_check(do, share, 30_000)
    behind_the_back(database, f"UPDATE payment SET share_id = '{other.id}'")
    with database.reading() as read:
        verdict = verify(read, now=NOW, refund_limit=NO_LIMIT)
    found = {row for check in verdict.checks for row in check.findings}
    assert any(share.id in str(each) for each in found)
    assert any(other.id in str(each) for each in found)


def test_what_exceeds_is_held_for_the_payer_and_is_no_credit_of_the_patient(do, share, bill, books, database):
    check = {"number": "17", "dated_on": NOW.date()}
    do(take_payers_check, share_id=share.id, amount=Money(31_000), **check)
    assert books() == {"1060": 31_000, "2100": -30_000, "2220": -1_000}
    with database.reading() as read:
        assert credit_balance(read, bill.patient.id, SYSTEM).available == Money(0)
        (lot,) = credits_of_patient(read, bill.patient.id, SYSTEM)
    with pytest.raises(NothingToApply):
        do(elect, lot_id=lot.id, election=Election.CREDIT)
    asked = do(request_refund, lot_id=lot.id, amount=Money(1_000), payment_id=None, limit=NO_LIMIT)
    assert asked.payer_id == share.payer_id
    do(send_check, refund_id=asked.id, check_number="9")
    assert books() == {"1000": -1_000, "1060": 31_000, "2100": -30_000}


def test_cash_above_what_the_payer_owes_is_refused(do, share):
    with pytest.raises(MoreThanOwed) as refused:
        do(take_payers_cash, share_id=share.id, amount=Money(30_001))
    assert refused.value.more["open_cents"] == 30_000


def test_the_patients_page_and_the_payers_stand_beside_each_other(do, share, bill, books):
    theirs = do(begin_checkout, invoice_id=bill.invoice.id, return_url=RETURN_URL, request=None)
    assert theirs.amount == Money(60_000)
    page = payers_card(do, share)
    assert (page.amount, page.share_id) == (Money(30_000), share.id)
    do(
        pay_checkout,
        checkout_id=theirs.id,
        reference=f"cs_{theirs.id}",
        charge=a_charge(theirs.id, theirs.amount, NOW),
    )
    assert books()["2100"] == -90_000


def test_equal_parts_have_pages_of_their_own(do, bill, database):
    payer = a_payer(database, bill.patient.site_id)
    half = do(agree_share, invoice_id=bill.invoice.id, order=a_fixed_part(payer, 45_000))
    arguments = {"invoice_id": bill.invoice.id, "return_url": RETURN_URL, "request": None}
    theirs, payers = do(begin_checkout, **arguments), do(begin_checkout, **arguments, share_id=half.id)
    assert theirs.id != payers.id
    assert do(begin_checkout, **arguments).id == theirs.id


def test_money_of_a_page_whose_share_ended_meanwhile_is_the_payers(do, share, books):
    page = do(
        begin_checkout, invoice_id=share.invoice_id, share_id=share.id, return_url=RETURN_URL, request=None
    )
    do(ask_to_end, share_id=share.id, reason=EndReason.WITHDRAWN, borne_by=Bearer.PATIENT)
    charge = a_charge(page.id, page.amount, NOW, fee=Money(0))
    do(pay_checkout, checkout_id=page.id, reference="cs_late", charge=charge)
    assert books() == {"1050": 30_000, "2220": -30_000}


def test_of_a_session_that_is_called_off_each_gets_back_their_own_part(do, share, bill, books, database):
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(60_000))
    do(take_payers_cash, share_id=share.id, amount=Money(30_000))
    do(cancel_session, session_id=bill.session_ids[0])
    assert books() == {"1060": 90_000, "2100": -45_000, "2200": -30_000, "2220": -15_000}
    with database.reading() as read:
        assert credit_balance(read, bill.patient.id, SYSTEM).available == Money(30_000)
        plan = refund_plan_of(read, bill.patient.id, SYSTEM)
    assert plan.refundable == Money(60_000)


def test_a_payers_payment_goes_back_to_the_card_that_paid(do, share, refund, books, database):
    payers_card(do, share)
    asked = refund(only_payment(database, share.invoice_id))
    assert (asked.payer_id, asked.method) == (share.payer_id, RefundMethod.CARD)
    assert books()["2210"] == -30_000
    do(keep_sent, refund_id=asked.id, reference="re_1")
    do(fail_refund, refund_id=asked.id)
    assert books()["2220"] == -30_000
    assert "2200" not in books()


def test_neither_gets_the_others_money(do, share, bill, refund, database):
    payers_card(do, share)
    payers = only_payment(database, share.invoice_id)
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(60_000))
    do(cancel_session, session_id=bill.session_ids[0])
    with database.reading() as read:
        lots = credits_of_patient(read, bill.patient.id, SYSTEM)
        payments = list_payments(read, SYSTEM, invoice_id=bill.invoice.id, limit=9)
    own = next(lot for lot in lots if lot.payer_id is None)
    others = next(lot for lot in lots if lot.payer_id is not None)
    cash = next(payment for payment in payments if payment.payer_id is None)
    for lot, payment in ((own, payers), (others, cash)):
        with pytest.raises(RefundTargetMissing):
            do(request_refund, lot_id=lot.id, amount=Money(1), payment_id=payment.id, limit=NO_LIMIT)
    with pytest.raises(MoreThanAvailable):
        refund(payers, amount=Money(30_001))


def test_a_payers_payment_is_not_booked_for_another_patient(do, share, bill, database):
    do(take_payers_cash, share_id=share.id, amount=Money(30_000))
    patient = new_patient(
        database, entity_id=bill.invoice.entity_id, site_id=bill.invoice.site_id, now=NOW, given_name="Ann"
    )
    payment = only_payment(database, share.invoice_id)
    with pytest.raises(NotMovable):
        do(move_payment, payment_id=payment.id, patient_id=patient.id, invoice_id=None)


def test_an_insurers_money_is_the_patients_up_to_what_the_patient_paid(do, bill, database):
    payer = a_payer(database, bill.patient.site_id)
    share = do(agree_share, invoice_id=bill.invoice.id, order=a_fixed_part(payer, 70_000))
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(20_000))
    do(take_payers_cash, share_id=share.id, amount=Money(70_000))
    do(
        hold_reimbursement,
        session_id=bill.session_ids[0],
        amount=Money(18_000),
        source_id="rcl_1",
        received_on=NOW.date(),
    )
    with database.reading() as read:
        assert credit_balance(read, bill.patient.id, SYSTEM).available == Money(10_000)
        assert refundable_of(read, only_payment(database, bill.invoice.id).id, SYSTEM).amount == Money(70_000)


def test_a_dispute_of_a_payers_card_takes_the_payers_money_and_tells_the_bank_nothing_of_the_patient(
    do, share, bill, books, database
):
    payers_card(do, share)
    do(cancel_session, session_id=bill.session_ids[0])
    payment = only_payment(database, share.invoice_id)
    with database.reading() as read:
        charge = charge_of_payment(read, payment.id)
    took = DisputeMovementFacts(
        reference="txn_took", reporting_category="dispute", amount=-payment.amount, fee=Money(0), moved_at=NOW
    )
    facts = DisputeFacts(
        reference="du_1",
        charge_reference=charge,
        told=DisputeEvent.LOSE,
        reason="fraudulent",
        amount=payment.amount,
        due_at=NOW,
        opened_at=NOW,
        movements=(took,),
    )
    dispute = do(record_dispute, facts=facts)
    assert books() == {"1050": -30, "6100": 30}
    with database.reading() as read:
        assert EvidenceFact.SERVICES not in facts_on_file(read, dispute)


@pytest.mark.parametrize("kind", [PayerKind.COMPENSATION, PayerKind.VA])
def test_short_pay_of_authorized_care_leaves_the_patient_out(do, bill, books, database, kind):
    payer = a_payer(database, bill.patient.site_id, kind)
    share = do(agree_share, invoice_id=bill.invoice.id, order=whole_sessions(payer, bill))
    for session_id in bill.session_ids:
        give(database, session_id)
    do(take_payers_transfer, share_id=share.id, amount=Money(61_234), reference="EFT 1")
    assert books() == {"1000": 61_234, "1130": 28_766, "4000": -90_000}
    do(ask_to_end, share_id=share.id, reason=EndReason.PAID_SHORT, borne_by=Bearer.CLINIC)
    with database.reading() as read:
        assert find_invoice(read, bill.invoice.id, SYSTEM).open_balance == Money(0)


def test_a_payers_receipt_names_them_and_nothing_of_the_patient(do, share, bill, database, refund):
    do(take_payers_cash, share_id=share.id, amount=Money(30_000))
    asked = refund(only_payment(database, share.invoice_id), amount=Money(1_000))
    do(send_check, refund_id=asked.id, check_number="9")
    with database.reading() as read:
        bodies = [one.body for one in list_receipts(read, SYSTEM, patient_id=bill.patient.id, limit=9)]
    assert len(bodies) == 2
    for body in bodies:
        told = str(body).replace(body["clinic"]["name"], "the payee")
        assert SPONSORS_NAME in told
        assert [line["description"] for line in body["lines"]] == ["Clinic services"]
        assert body["patient"] is None
        for word in (bill.patient.given_name, bill.patient.id, "nfusion", "service_on': '2"):
            assert word not in told


def test_the_patients_receipt_says_that_others_paid_and_not_who(do, share, bill, database):
    do(take_payers_cash, share_id=share.id, amount=Money(30_000))
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(60_000))
    with database.reading() as read:
        own, _ = list_receipts(read, SYSTEM, patient_id=bill.patient.id, limit=9)
    assert own.body["others_paid_cents"] == 30_000
    assert SPONSORS_NAME not in str(own.body)


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["agree", "patient", "payer", "transfer", "cancel", "give", "refund", "fail", "end"]),
        st.integers(0, 5),
        st.integers(1, 50_000),
    ),
    min_size=4,
    max_size=9,
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_whatever_comes_the_parts_are_the_invoice_and_nobody_gets_back_more_than_they_paid(database, deeds):
    bill = billed(database, a_patient(database), only_first=3)
    payers = [
        a_payer(database, bill.patient.site_id, kind) for kind in (PayerKind.SPONSOR, PayerKind.RELATIVE)
    ]
    for deed in deeds:
        with suppress(BillingError):
            _do(database, bill, payers, *deed)
        _parts_are_the_invoice(database, bill)
    assert_all_holds(database)
    _nobody_gained(database, bill, payers)


def _do(database, bill, payers, deed, which, cents):
    """What cannot be done to what is there is left out."""
    with database.reading() as read:
        shares = shares_of_invoice(read, bill.invoice.id, SYSTEM)
        payments = list_payments(read, SYSTEM, invoice_id=bill.invoice.id, limit=99)
        refunds = list_refunds(read, SYSTEM, patient_id=bill.patient.id, limit=99)
        refundable = [refundable_of(read, payment.id, SYSTEM) for payment in payments]
    session_id, invoice_id, amount = bill.session_ids[which % 3], bill.invoice.id, Money(cents)
    if deed == "give":
        give(database, session_id)
        return
    plain = {
        "agree": (agree_share, {"invoice_id": invoice_id, "order": a_fixed_part(payers[which % 2], cents)}),
        "patient": (take_cash, {"invoice_id": invoice_id, "amount": amount}),
        "cancel": (cancel_session, {"session_id": session_id}),
    }
    on_share = {
        "payer": (take_payers_cash, {"amount": amount}),
        "transfer": (take_payers_transfer, {"amount": amount, "reference": "W"}),
        "end": (ask_to_end, {"reason": EndReason.WITHDRAWN, "borne_by": Bearer.PATIENT}),
    }
    if deed in plain:
        use_case, arguments = plain[deed]
    elif deed in on_share and shares:
        use_case, arguments = on_share[deed]
        arguments["share_id"] = shares[which % len(shares)].id
    elif deed == "fail" and refunds:
        use_case, arguments = fail_refund, {"refund_id": refunds[which % len(refunds)].id}
    elif deed == "refund" and payments and refundable[which % len(payments)].amount:
        use_case, arguments = refund_payment, _refund_of(refundable[which % len(payments)], amount)
    else:
        return
    database.in_transaction(lambda tx: use_case(tx, **arguments, actor=CLERK, now=NOW))


def _refund_of(found, amount):
    return {
        "payment_id": found.payment_id,
        "amount": min(amount, found.amount),
        "refundable": found.amount,
        "reason": RefundReason.OTHER,
        "method": None,
        "limit": NO_LIMIT,
    }


def _parts_are_the_invoice(database, bill):
    """What is open, promised and paid of the sessions that stand is their price; by a count of our own."""
    with database.reading() as read:
        invoice = find_invoice(read, bill.invoice.id, SYSTEM)
        shares = shares_of_invoice(read, bill.invoice.id, SYSTEM)
    assert total(share.open_balance + share.paid for share in shares) <= invoice.total
    assert invoice.open_balance + total(share.open_balance for share in shares) <= invoice.total
    assert all(share.open_balance + share.paid <= share.agreed for share in shares)


def _nobody_gained(database, bill, payers):
    with database.reading() as read:
        payments = list_payments(read, SYSTEM, invoice_id=bill.invoice.id, limit=99)
        refunds = list_refunds(read, SYSTEM, patient_id=bill.patient.id, limit=99)
        lots = credits_of_patient(read, bill.patient.id, SYSTEM)
    gone = {RefundState.FAILED, RefundState.REJECTED}
    for who in (None, *(payer.id for payer in payers)):
        paid = total(payment.amount for payment in payments if payment.payer_id == who)
        back = total(one.amount for one in refunds if one.payer_id == who and one.state not in gone)
        held = total(lot.available for lot in lots if lot.payer_id == who)
        assert back + held <= paid
