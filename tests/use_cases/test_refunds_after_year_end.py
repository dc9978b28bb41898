"""Money that goes back in another year, and a health account's, as a doubtful accountant looks at it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest

from billing.accounting.queries.exports import exported
from billing.accounting.queries.verify import verify
from billing.accounting.rules.offers import export_of
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.credits import credits_of_patient, find_credit
from billing.payments.queries.receipts import list_receipts
from billing.payments.records.bounces import BounceReason
from billing.payments.records.credits import Election
from billing.payments.records.payments import Tender
from billing.payments.records.refunds import RefundReason
from billing.payments.records.tenders import Handed
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.credits import elect
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.payer_payments import take_payers_check
from billing.payments.use_cases.receive import take_check
from billing.payments.use_cases.refund_checks import send_check, void_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from tests.factories.accounting import CLERK
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.payers import a_fixed_part, a_payer

LIMIT = Money(100_000)
IN_DECEMBER = datetime(2026, 12, 30, 18, 0, tzinfo=UTC)
IN_JANUARY = datetime(2027, 1, 4, 18, 0, tzinfo=UTC)
YEAR_2026 = (date(2026, 1, 1), date(2026, 12, 31))
YEAR_2027 = (date(2027, 1, 1), date(2027, 12, 31))
BELONGS = "This refund belongs to 2027. The payment of 2026 and its receipt stay as they are."


@pytest.fixture
def do(database):
    def run(use_case, at, **more):
        return database.in_transaction(lambda tx: use_case(tx, **more, actor=CLERK, now=at))

    return run


@pytest.fixture
def bill(database, now):
    return billed(database, a_patient(database), only_first=1, now=now)


@pytest.fixture
def year(database):
    """All that an accountant takes away of a year, by kind."""

    def take(of):
        kinds = ("journal", "payments", "refunds", "credits", "superbills")
        with database.reading() as read:
            return {kind: "".join(exported(read, export_of(kind, "csv", *of), SYSTEM)) for kind in kinds}

    return take


def table(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def receipts(database, patient_id):
    with database.reading() as read:
        return list_receipts(read, SYSTEM, patient_id=patient_id, limit=50)


def pay_by_check(do, bill, at, *, is_health_account=True, number="1042", too_much=ZERO):
    return do(
        take_check,
        at,
        invoice_id=bill.invoice.id,
        amount=bill.invoice.total + too_much,
        number=number,
        dated_on=at.date(),
        is_health_account=is_health_account,
    )


def give_back(do, payment, amount, at, number="77"):
    refund = do(
        refund_payment,
        at,
        payment_id=payment.id,
        amount=amount,
        refundable=payment.amount,
        reason=RefundReason.BILLING_ERROR,
        method=None,
        limit=LIMIT,
    )
    return do(send_check, at, refund_id=refund.id, check_number=number)


def test_last_year_stands_to_the_byte_and_the_refund_shows_in_its_own(database, do, bill, year):
    payment = pay_by_check(do, bill, IN_DECEMBER)
    before, (receipt,) = year(YEAR_2026), receipts(database, bill.patient.id)
    refund = give_back(do, payment, Money(10_000), IN_JANUARY)
    assert year(YEAR_2026) == before
    (row,) = table(before["payments"])
    assert (row["received_on"], row["amount"], row["refunded"]) == ("2026-12-30", "450.00", "0.00")
    of_2027 = year(YEAR_2027)
    assert table(of_2027["payments"]) == []
    assert [(each["moved_on"], each["amount"]) for each in table(of_2027["refunds"])] == [
        ("2027-01-04", "100.00")
    ]
    assert {each["source_id"] for each in table(of_2027["journal"])} == {refund.id}
    newer, older = receipts(database, bill.patient.id)
    assert (older.sha256, older.body, older.stands) == (receipt.sha256, receipt.body, True)
    assert (newer.body["paid_on"], newer.body["refers_to"]["number"]) == ("2027-01-04", older.number)
    with database.reading() as read:
        assert verify(read, now=IN_JANUARY, refund_limit=LIMIT).ok


def test_two_years_together_say_what_one_sum_says(do, bill, year):
    payment = pay_by_check(do, bill, IN_DECEMBER)
    give_back(do, payment, Money(10_000), IN_DECEMBER, "76")
    (row,) = table(year(YEAR_2026)["payments"])
    assert row["refunded"] == "100.00", "what went back in the same year is in it"
    do(
        send_check,
        IN_JANUARY,
        refund_id=do(
            refund_payment,
            IN_JANUARY,
            payment_id=payment.id,
            amount=Money(5_000),
            refundable=payment.amount - Money(10_000),
            reason=RefundReason.BILLING_ERROR,
            method=None,
            limit=LIMIT,
        ).id,
        check_number="77",
    )
    both = year((date(2026, 1, 1), date(2027, 12, 31)))
    assert [each["refunded"] for each in table(year(YEAR_2026)["payments"])] == ["100.00"]
    assert [each["refunded"] for each in table(both["payments"])] == ["150.00"]
    assert [each["amount"] for each in table(both["refunds"])] == ["100.00", "50.00"]


def test_a_refund_that_comes_back_in_another_year_leaves_last_year_as_it_was(database, do, bill, year):
    payment = pay_by_check(do, bill, IN_DECEMBER)
    refund = give_back(do, payment, Money(10_000), IN_DECEMBER)
    before = year(YEAR_2026)
    do(void_check, IN_JANUARY, refund_id=refund.id)
    assert year(YEAR_2026) == before
    told = [(each["moved_on"], each["state"], each["amount"]) for each in table(before["refunds"])]
    assert told == [("2026-12-30", "sent", "100.00")]
    (came_back,) = table(year(YEAR_2027)["refunds"])
    assert (came_back["refund_id"], came_back["state"]) == (refund.id, "failed")
    assert (came_back["moved_on"], came_back["amount"]) == ("2027-01-04", "-100.00")
    assert came_back["refunded_on"] == "2026-12-30", "the day on which the money left"
    assert next(iter(came_back)) == "refunded_on", "as scripts have read it"
    assert list(came_back)[-2:] == ["moved_on", "payer_id"]
    assert {each["payer_id"] for each in table(before["payments"])} == {""}
    both = year((date(2026, 1, 1), date(2027, 12, 31)))
    assert [each["refunded"] for each in table(before["payments"])] == ["100.00"]
    assert [each["refunded"] for each in table(both["payments"])] == ["0.00"]


def spend_it(database, do, lot, patient):
    """The next invoice takes it by itself."""
    billed(database, patient, only_first=1, now=IN_JANUARY)


def ask_for_it(database, do, lot, patient):
    do(request_refund, IN_JANUARY, lot_id=lot.id, amount=Money(900), payment_id=None, limit=LIMIT)


def choose_for_it(database, do, lot, patient):
    do(elect, IN_JANUARY, lot_id=lot.id, election=Election.REFUND)


def lose_it(database, do, lot, patient):
    do(
        bounce_check,
        IN_JANUARY,
        payment_id=lot.origin_payment_id,
        reason=BounceReason.OTHER,
        bounced_on=IN_JANUARY.date(),
        fee=Money(0),
    )


@pytest.mark.parametrize("deed", [spend_it, ask_for_it, choose_for_it, lose_it])
def test_what_becomes_of_a_credit_next_year_leaves_last_years_balance(database, do, bill, year, deed):
    """The register says what was left of each credit at the end of its period."""
    pay_by_check(do, bill, IN_DECEMBER, too_much=Money(3_000))
    with database.reading() as read:
        (lot,) = credits_of_patient(read, bill.patient.id, SYSTEM)
    before = year(YEAR_2026)["credits"]
    (row,) = table(before)
    assert (row["used"], row["available"], row["election"]) == ("0.00", "30.00", "credit")
    deed(database, do, lot, bill.patient)
    assert year(YEAR_2026)["credits"] == before
    with database.reading() as read:
        left = find_credit(read, lot.id, SYSTEM)
    (now_told,) = table(year((date(2026, 1, 1), date(2027, 12, 31)))["credits"])
    assert now_told["available"] == f"{left.available.cents / 100:.2f}"
    assert now_told["election"] == left.election


@pytest.mark.parametrize("is_health_account", [True, False])
def test_a_refund_says_whose_year_it_is_and_where_a_health_accounts_money_belongs(
    database, do, bill, is_health_account
):
    payment = pay_by_check(do, bill, IN_DECEMBER, is_health_account=is_health_account)
    give_back(do, payment, Money(10_000), IN_JANUARY)
    first, *others = receipts(database, bill.patient.id)[0].body["notices"]
    assert first == BELONGS
    assert len(others) == is_health_account
    for told in others:
        assert told.startswith("A health account (HSA or FSA) paid this money.")
        assert "does not go back to that account may count as income" in told


def test_a_refund_of_the_same_year_needs_no_word_about_years(database, do, bill):
    give_back(do, pay_by_check(do, bill, IN_DECEMBER, is_health_account=False), Money(100), IN_DECEMBER)
    assert receipts(database, bill.patient.id)[0].body["notices"] == []


def reimbursed(database, do, bill):
    """An insurer pays $180.00 for the session, and it goes on to the patient."""
    give(database, bill.session_ids[0], now=IN_DECEMBER)
    do(
        hold_reimbursement,
        IN_JANUARY,
        session_id=bill.session_ids[0],
        amount=Money(18_000),
        source_id="clm_1",
        received_on=IN_JANUARY.date(),
    )
    with database.reading() as read:
        (lot,) = [each for each in credits_of_patient(read, bill.patient.id, SYSTEM) if each.available]
    refund = do(request_refund, IN_JANUARY, lot_id=lot.id, amount=lot.available, payment_id=None, limit=LIMIT)
    do(send_check, IN_JANUARY, refund_id=refund.id, check_number="78")
    return receipts(database, bill.patient.id)[0].body["notices"]


@pytest.mark.parametrize("is_health_account", [True, False])
def test_an_insurers_money_for_what_a_health_account_had_paid_carries_the_notice(
    database, do, bill, is_health_account
):
    pay_by_check(do, bill, IN_DECEMBER, is_health_account=is_health_account)
    notices = reimbursed(database, do, bill)
    assert len(notices) == is_health_account
    for told in notices:
        assert told.startswith(
            "An insurer has paid for a visit for which a health account (HSA or FSA) had paid"
        )


def test_a_health_accounts_deposit_is_its_money_too(database, do, now):
    patient = a_patient(database)
    handed = Handed(
        tender=Tender.CHECK,
        amount=Money(10_000),
        number="55",
        dated_on=now.date(),
        is_health_account=True,
    )
    do(take_deposit, now, patient_id=patient.id, handed=handed, site_id=None)
    bill = billed(database, patient, only_first=1)
    rest = bill.invoice.open_balance
    assert rest < bill.invoice.total
    do(
        take_check,
        IN_DECEMBER,
        invoice_id=bill.invoice.id,
        amount=rest,
        number="56",
        dated_on=IN_DECEMBER.date(),
        is_health_account=False,
    )
    assert len(reimbursed(database, do, bill)) == 1


def test_another_payers_refund_carries_no_word_for_patients(database, do, bill):
    payer = a_payer(database, bill.patient.site_id)
    order = a_fixed_part(payer, 10_000)
    share = do(agree_share, IN_DECEMBER, invoice_id=bill.invoice.id, order=order)
    paid = do(
        take_payers_check,
        IN_DECEMBER,
        share_id=share.id,
        amount=Money(10_000),
        number="12",
        dated_on=IN_DECEMBER.date(),
    )
    give_back(do, paid, Money(10_000), IN_JANUARY)
    assert "notices" not in receipts(database, bill.patient.id)[0].body
