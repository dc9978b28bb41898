"""Death and bankruptcy: what is not charged any more, what may still be paid, what still goes out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from billing.accounting.queries.verify import verify
from billing.care.use_cases import cancel_session
from billing.invoices.queries import find_invoice
from billing.invoices.records import PayerKind
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.errors import Invalid
from billing.kernel.money import Money
from billing.kernel.permissions import ROLES, SYSTEM, Actor, Role
from billing.patients.errors import AccountOnHold, AlreadyOnHold, HoldLifted, InvalidHold, NoSuchHold
from billing.patients.queries import holds_of, is_on_hold
from billing.patients.records import HoldReason, HoldTerms
from billing.patients.use_cases import lift_hold, place_hold
from billing.payments.errors import MailAddressMissing, NoSuchPayLink
from billing.payments.queries.checkouts import find_pay_link
from billing.payments.queries.credits import applied_to, credits_of_patient
from billing.payments.queries.receipts import list_receipts
from billing.payments.queries.saved_methods import find_card_link
from billing.payments.records.checkouts import Way
from billing.payments.records.payments import Tender
from billing.payments.records.refunds import RefundReason
from billing.payments.records.saved_methods import Purpose
from billing.payments.records.tenders import Handed, Rest
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.card_saving import make_card_link
from billing.payments.use_cases.checkouts import (
    begin_charge,
    begin_checkout,
    begin_reader_payment,
    keep_page,
)
from billing.payments.use_cases.closing import CLOSE_CHECKOUT
from billing.payments.use_cases.credits import apply_credits_now
from billing.payments.use_cases.links import make_pay_link, make_payers_link
from billing.payments.use_cases.mail import mail_receipt, mail_receipt_by_itself
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import request_refund
from billing.payments.use_cases.tenders import take_tenders
from billing.platform.data.audit import AuditRow
from billing.platform.data.idempotency import RequestKey
from billing.platform.data.jobs import Job
from tests.factories.accounting import CLERK, LIMIT, behind_the_back, drop_guards
from tests.factories.holds import NOTE, let_go_on, stopped
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import RETURN_URL, paid_by_check, paid_in_cash
from tests.factories.payers import a_fixed_part, a_payer
from tests.factories.saved_cards import a_saved_card

DEATH, BANKRUPTCY = HoldReason.DEATH, HoldReason.BANKRUPTCY
REQUEST = RequestKey("k1", "0" * 64)


@pytest.fixture
def bill(database):
    return billed(database, a_patient(database), only_first=1)


@pytest.fixture
def credited(database, now):
    """A bill, and credit that would come off it: a session paid in cash was called off since."""
    patient = a_patient(database)
    former, bill = billed(database, patient, only_first=1), billed(database, patient, only_first=1)
    paid_in_cash(database, former.invoice, now, former.invoice.total)
    database.in_transaction(
        lambda tx: cancel_session(tx, session_id=former.session_ids[0], actor=SYSTEM, now=now)
    )
    return bill


def write(database, deed, **arguments):
    return database.in_transaction(lambda tx: deed(tx, **arguments))


def ways_to_charge(bill, card, now):
    """Each way in which the patient is charged without handing money over, or is asked for it."""
    by = {"actor": SYSTEM, "now": now}
    of = {"invoice_id": bill.invoice.id}
    cash = [Handed(tender=Tender.CASH, amount=Money(100))]
    page = Rest(way=Way.PAGE, return_url=RETURN_URL)
    return [
        (begin_checkout, {**of, "return_url": RETURN_URL, "request": REQUEST, **by}),
        (begin_reader_payment, {**of, "reader_id": "tmr_1", "request": REQUEST, **by}),
        (
            begin_charge,
            {
                **of,
                "saved_method_id": card.id,
                "due": bill.invoice.total,
                "purpose": Purpose.FUTURE_VISITS,
                "request": REQUEST,
                **by,
            },
        ),
        (take_tenders, {**of, "tenders": cash, "rest": page, "request": REQUEST, **by}),
        (make_pay_link, {**of, **by}),
        (make_card_link, {"patient_id": bill.patient.id, "purposes": list(Purpose), **by}),
    ]


def rows(database):
    with database.reading() as read:
        return [
            read.connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("checkout", "payment", "pay_link", "card_link", "credit_application")
        ]


@pytest.mark.parametrize("reason", [DEATH, BANKRUPTCY])
def test_nothing_charges_a_patient_whose_account_is_on_hold_until_it_is_lifted(database, bill, now, reason):
    card = a_saved_card(database, bill.patient, now)
    hold = stopped(database, bill.patient.id, reason)
    before = rows(database)
    for deed, arguments in ways_to_charge(bill, card, now):
        with pytest.raises(AccountOnHold) as refused:
            write(database, deed, **arguments)
        assert "Cash or a check" in refused.value.detail, "says what to do"
        assert not {"death", "died", "bankrupt"} & set(refused.value.detail.lower().split())
    assert rows(database) == before
    let_go_on(database, hold)
    deed, arguments = ways_to_charge(bill, card, now)[0]
    assert write(database, deed, **arguments)


def test_links_that_were_sent_before_open_nothing_while_it_stands(database, bill, now):
    by = {"actor": SYSTEM, "now": now}
    _, secret = write(database, make_pay_link, invoice_id=bill.invoice.id, **by)
    _, of_card = write(database, make_card_link, patient_id=bill.patient.id, purposes=list(Purpose), **by)
    hold = stopped(database, bill.patient.id)
    with database.reading() as read:
        for find, each in ((find_pay_link, secret), (find_card_link, of_card)):
            with pytest.raises(NoSuchPayLink):
                find(read, each, now)
    let_go_on(database, hold)
    with database.reading() as read:
        assert find_pay_link(read, secret, now).amount == bill.invoice.total
        assert find_card_link(read, of_card, now)


def test_a_page_that_opens_at_the_processor_while_charges_are_stopped_is_closed_again(database, bill, now):
    of, by = {"invoice_id": bill.invoice.id, "return_url": RETURN_URL}, {"actor": SYSTEM, "now": now}
    page = write(database, begin_checkout, **of, request=REQUEST, **by)
    stopped(database, bill.patient.id)
    write(database, keep_page, checkout_id=page.id, reference="cs_1", url="http://page", **by)
    with database.reading() as read:
        (job,) = read.session.scalars(select(Job).where(Job.kind == CLOSE_CHECKOUT))
        assert job.payload == {"checkout_id": page.id}


def test_cash_and_checks_that_are_brought_are_taken(database, bill, now):
    stopped(database, bill.patient.id, DEATH)
    paid_in_cash(database, bill.invoice, now, Money(100))
    paid_by_check(database, bill.invoice, now, bill.invoice.total - Money(100))
    with database.reading() as read:
        assert not find_invoice(read, bill.invoice.id, SYSTEM).open_balance
        assert verify(read, now=now, refund_limit=LIMIT).ok


def test_another_payer_pays_their_part_by_link_and_card(database, bill, now):
    payer = a_payer(database, bill.patient.site_id, PayerKind.RELATIVE)
    by = {"actor": SYSTEM, "now": now}
    share = write(database, agree_share, invoice_id=bill.invoice.id, order=a_fixed_part(payer, 10_000), **by)
    stopped(database, bill.patient.id)
    _, secret = write(database, make_payers_link, share_id=share.id, **by)
    with database.reading() as read:
        assert find_pay_link(read, secret, now).amount == Money(10_000)
    opened = write(
        database,
        begin_checkout,
        invoice_id=bill.invoice.id,
        return_url=RETURN_URL,
        request=None,
        share_id=share.id,
        **by,
    )
    assert opened.amount == Money(10_000)


def test_no_credit_comes_off_by_itself_or_by_hand_but_it_can_be_refunded(database, credited, now):
    stopped(database, credited.patient.id)
    by = {"actor": SYSTEM, "now": now}
    with pytest.raises(AccountOnHold):
        write(
            database,
            begin_checkout,
            invoice_id=credited.invoice.id,
            return_url=RETURN_URL,
            request=None,
            **by,
        )
    later = billed(database, credited.patient, only_first=1)
    with pytest.raises(AccountOnHold):
        write(database, apply_credits_now, invoice_id=credited.invoice.id, **by)
    with database.reading() as read:
        (lot,) = credits_of_patient(read, credited.patient.id, SYSTEM)
        for each in (credited.invoice, later.invoice):
            assert not applied_to(read, each.id, SYSTEM).applications
    assert lot.available == lot.amount
    refund = write(
        database, request_refund, lot_id=lot.id, amount=lot.amount, payment_id=None, limit=lot.amount, **by
    )
    assert refund.state is RefundState.APPROVED


def test_a_payment_goes_back_though_charges_are_stopped(database, bill, now):
    payment = paid_in_cash(database, bill.invoice, now, Money(10_000))
    stopped(database, bill.patient.id, DEATH)
    refund = write(
        database,
        refund_payment,
        payment_id=payment.id,
        amount=Money(4_000),
        refundable=Money(10_000),
        reason=RefundReason.DUPLICATE,
        method=None,
        limit=LIMIT,
        actor=CLERK,
        now=now,
    )
    assert refund.amount == Money(4_000)


def test_a_request_that_was_answered_before_is_answered_the_same(database, bill, now):
    ask = {
        "invoice_id": bill.invoice.id,
        "return_url": RETURN_URL,
        "request": REQUEST,
        "actor": SYSTEM,
        "now": now,
    }
    first = write(database, begin_checkout, **ask)
    stopped(database, bill.patient.id)
    assert write(database, begin_checkout, **ask).id == first.id


def test_the_dead_get_no_mail_and_the_bankrupt_do(database, bill, now):
    paid_in_cash(database, bill.invoice, now, Money(100))
    with database.reading() as read:
        (receipt,) = list_receipts(read, SYSTEM, patient_id=bill.patient.id, limit=9)
    ask = {"receipt_id": receipt.id, "actor": SYSTEM, "now": now}
    hold = stopped(database, bill.patient.id, DEATH)
    assert write(database, mail_receipt_by_itself, **ask) is None
    with pytest.raises(MailAddressMissing):
        write(database, mail_receipt, **ask)
    let_go_on(database, hold)
    stopped(database, bill.patient.id, BANKRUPTCY)
    assert write(database, mail_receipt_by_itself, **ask)


def test_the_history_keeps_who_stopped_and_lifted_and_why(database, bill, now):
    hold = stopped(database, bill.patient.id, DEATH)
    lifted = let_go_on(database, hold, now=now + timedelta(days=1))
    stopped(database, bill.patient.id, DEATH, now=now + timedelta(days=2))
    with database.reading() as read:
        assert is_on_hold(read, bill.patient.id)
        newest, oldest = holds_of(read, bill.patient.id)
        trail = read.session.scalars(select(AuditRow).where(AuditRow.action.like("hold.%"))).all()
    assert (newest.stands, oldest) == (True, lifted)
    assert (oldest.why_lifted, oldest.note, oldest.lifted_by) == ("Dismissed", NOTE, "system")
    assert [row.action for row in trail] == ["hold.place", "hold.lift", "hold.place"]
    assert {row.subject_id for row in trail} == {bill.patient.id}


def test_what_the_database_and_the_trail_hold_in_the_clear_says_no_reason(database, bill):
    let_go_on(database, stopped(database, bill.patient.id, DEATH))
    stopped(database, bill.patient.id, BANKRUPTCY)
    with database.reading() as read:
        kept = read.connection.execute(text("SELECT * FROM account_hold")).all()
        trail = read.session.scalars(select(AuditRow)).all()
    told = repr(kept) + repr([(row.action, row.detail) for row in trail])
    assert not [word for word in ("death", "bankruptcy", NOTE, "Dismissed") if word in told]


@pytest.mark.parametrize("day", [date(2026, 11, 4), date(1980, 5, 16)])
def test_a_day_to_come_or_before_birth_is_refused(database, bill, now, day):
    with pytest.raises(InvalidHold) as refused:
        write(
            database,
            place_hold,
            patient_id=bill.patient.id,
            terms=HoldTerms(reason=DEATH),
            effective_from=day,
            actor=SYSTEM,
            now=now,
        )
    assert isinstance(refused.value, Invalid)
    assert [flaw.pointer for flaw in refused.value.flaws] == ["/effective_from"]


def test_one_reason_stands_once_and_is_lifted_once_and_each_reason_by_itself(database, bill, now):
    dead, broke = stopped(database, bill.patient.id, DEATH), stopped(database, bill.patient.id, BANKRUPTCY)
    with pytest.raises(AlreadyOnHold):
        stopped(database, bill.patient.id, DEATH)
    let_go_on(database, dead)
    with pytest.raises(HoldLifted):
        let_go_on(database, dead)
    with database.reading() as read:
        assert is_on_hold(read, bill.patient.id)
    let_go_on(database, broke)
    with database.reading() as read:
        assert not is_on_hold(read, bill.patient.id)


def test_nobody_of_another_clinic_lifts_it(database, bill, now):
    hold = stopped(database, bill.patient.id)
    stranger = Actor(id="usr_1", entity_id="ent_other", permissions=ROLES[Role.BILLING])
    with pytest.raises(NoSuchHold):
        write(database, lift_hold, hold_id=hold.id, why="x", actor=stranger, now=now)


@pytest.fixture
def found(database, now):
    def look():
        with database.reading() as read:
            checks = verify(read, now=now, refund_limit=LIMIT).checks
        return {check.number for check in checks if check.found}

    return look


@pytest.mark.parametrize(
    "attack",
    [
        "DELETE FROM account_hold",
        "UPDATE account_hold SET lifted_at = placed_at, lifted_by = placed_by",
        "UPDATE account_hold SET patient_id = (SELECT MAX(id) FROM patient)",
    ],
)
def test_a_stop_that_is_not_as_it_was_entered_is_found(database, now, found, attack):
    patient, _ = a_patient(database), a_patient(database)
    let_go_on(database, stopped(database, patient.id, DEATH))
    stopped(database, patient.id)
    assert found() == set()
    behind_the_back(database, attack)
    assert found() == {19}


@pytest.mark.parametrize(
    "deed",
    [
        "DELETE FROM account_hold",
        "UPDATE account_hold SET effective_from = '2026-01-01' WHERE lifted_at IS NULL",
        "UPDATE account_hold SET lifted_at = NULL, lifted_by = NULL WHERE lifted_at IS NOT NULL",
    ],
)
def test_the_database_keeps_a_stop_as_it_was_entered_and_lifted(database, deed):
    patient = a_patient(database)
    let_go_on(database, stopped(database, patient.id, DEATH))
    stopped(database, patient.id)
    with pytest.raises(DBAPIError, match="keeps what it holds"):
        database.in_transaction(lambda tx: tx.session.execute(text(deed)))


def test_verify_misses_the_guard_of_stops(database, found):
    drop_guards(database, "account_hold")
    assert found() == {19}
