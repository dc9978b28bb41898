"""Another payer takes a part of an invoice: who owes what, when, and what happens when it is not paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from billing.accounting.queries.verify import verify
from billing.care.errors import SessionNotCovered
from billing.care.use_cases import cancel_session, check_in
from billing.catalog.queries import sites
from billing.invoices.errors import (
    InvalidShare,
    InvoiceInUse,
    InvoiceNotOpen,
    MoreThanOwed,
    NeverThePatient,
    NoSuchPayer,
    OwnShareDecision,
    SessionPartlyPaid,
    ShareNotGiven,
)
from billing.invoices.queries import find_invoice, find_share
from billing.invoices.records import Bearer, EndReason, PayerKind
from billing.invoices.states import InvoiceState, ShareState
from billing.invoices.use_cases.end_share import agree_to_end, ask_to_end, deny_share, keep_share
from billing.invoices.use_cases.issue import issue_invoice
from billing.invoices.use_cases.shares import agree_share
from billing.invoices.use_cases.stop import stop_package
from billing.invoices.use_cases.void import void_invoice
from billing.kernel.errors import IllegalMove
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.ledger.queries import trial_balance
from billing.payments.errors import CheckoutStands
from billing.payments.queries.credits import credit_balance
from billing.payments.use_cases.checkouts import begin_checkout
from billing.payments.use_cases.credits import apply_credits
from billing.payments.use_cases.receive import take_cash
from billing.platform.data.tasks import TaskState, list_tasks
from billing.quotes.use_cases import quote_plan
from tests.conftest import NOW
from tests.factories.accounting import LIMIT
from tests.factories.care import give, new_plan
from tests.factories.catalog import seed_sample
from tests.factories.invoices import a_patient, billed
from tests.factories.payers import a_fixed_part, a_payer, whole_sessions
from tests.factories.world import RETURN_URL

CLERK, BOSS = (
    Actor(id=f"usr_{name}", entity_id=None, permissions=frozenset(Permission)) for name in ("clerk", "boss")
)


@pytest.fixture
def do(database):
    """Each deed leaves books in which everything holds."""

    def run(use_case, *, actor=CLERK, **arguments):
        made = database.in_transaction(lambda tx: use_case(tx, **arguments, actor=actor, now=NOW))
        with database.reading() as read:
            verdict = verify(read, now=NOW, refund_limit=LIMIT)
        assert verdict.ok, [check.findings for check in verdict.checks if check.findings]
        return made

    return run


@pytest.fixture
def bill(database):
    """Two visits of 450 each."""
    return billed(database, a_patient(database), only_first=2)


@pytest.fixture
def payer(database, bill):
    def make(kind=PayerKind.SPONSOR):
        return a_payer(database, bill.patient.site_id, kind)

    return make


@pytest.fixture
def books(database):
    def look():
        with database.reading() as read:
            return {account: cents for account, cents in trial_balance(read).items() if cents}

    return look


@pytest.fixture
def owed(database, bill):
    def look():
        with database.reading() as read:
            invoice = find_invoice(read, bill.invoice.id, SYSTEM)
        return invoice.open_balance.cents, invoice.state

    return look


def agreed(do, bill, order):
    return do(agree_share, invoice_id=bill.invoice.id, order=order)


def test_the_patient_owes_what_remains_and_nothing_is_posted_before_the_service(do, bill, payer, books, owed):
    share = agreed(do, bill, a_fixed_part(payer(), 30_001))
    assert owed() == (59_999, InvoiceState.OPEN)
    assert (share.agreed, share.open_balance, share.paid) == (Money(30_001), Money(30_001), Money(0))
    assert books() == {}


def test_each_session_has_both_parts_in_proportion(do, bill, payer, database):
    agreed(do, bill, a_fixed_part(payer(), 30_001))
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(59_999))
    give(database, bill.session_ids[0])
    with database.reading() as read:
        assert trial_balance(read)["1130"] == 15_001
        assert "1100" not in trial_balance(read)


def test_given_and_unpaid_the_payer_owes_its_part_and_the_patient_the_rest(do, bill, payer, books, database):
    agreed(do, bill, a_fixed_part(payer(), 30_000))
    give(database, bill.session_ids[0])
    assert books() == {"1130": 15_000, "1100": 30_000, "4000": -45_000}


def test_a_part_that_is_agreed_after_the_service_moves_from_the_patient_to_the_payer(
    do, bill, payer, books, database
):
    give(database, bill.session_ids[0])
    agreed(do, bill, a_fixed_part(payer(), 30_000))
    assert books() == {"1100": 30_000, "1130": 15_000, "4000": -45_000}


def test_with_an_authorization_the_door_opens_and_with_a_relatives_word_it_does_not(do, bill, payer):
    first = bill.session_ids[0]
    agreed(do, bill, a_fixed_part(payer(PayerKind.RELATIVE), 60_000))
    agreed(do, bill, a_fixed_part(payer(PayerKind.EMPLOYER), 20_000))
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(10_000))
    with pytest.raises(SessionNotCovered) as refused:
        do(check_in, session_id=first)
    assert refused.value.more["missing_cents"] == 30_000


def test_more_than_is_owed_nobody_can_take(do, bill, payer):
    agreed(do, bill, a_fixed_part(payer(), 80_000))
    with pytest.raises(MoreThanOwed) as refused:
        agreed(do, bill, a_fixed_part(payer(PayerKind.GRANT), 10_001))
    assert refused.value.more["open_cents"] == 10_000


def test_while_the_patient_may_be_typing_the_card_no_part_is_taken(do, bill, payer):
    do(begin_checkout, invoice_id=bill.invoice.id, return_url=RETURN_URL, request=None)
    with pytest.raises(CheckoutStands):
        agreed(do, bill, a_fixed_part(payer(), 30_000))


def test_an_invoice_of_which_somebody_took_a_part_is_not_voided(do, bill, payer):
    agreed(do, bill, a_fixed_part(payer(), 100))
    with pytest.raises(InvoiceInUse):
        do(void_invoice, invoice_id=bill.invoice.id, reason="typo")


@pytest.mark.parametrize("kind", [PayerKind.COMPENSATION, PayerKind.VA])
def test_authorized_sessions_are_the_payers_as_a_whole_and_the_patient_is_never_asked(
    do, bill, payer, books, owed, database, kind
):
    share = agreed(do, bill, whole_sessions(payer(kind), bill))
    assert owed() == (0, InvoiceState.PAID)
    with pytest.raises(InvoiceNotOpen):
        do(begin_checkout, invoice_id=bill.invoice.id, return_url=RETURN_URL, request=None)
    give(database, bill.session_ids[0])
    assert books() == {"1130": 45_000, "4000": -45_000}
    do(deny_share, share_id=share.id)
    assert owed() == (0, InvoiceState.PAID)
    assert books() == {"1130": 45_000, "4000": -45_000}
    with database.reading() as read:
        assert [task.kind for task in list_tasks(read, SYSTEM, limit=9)] == ["payer-denied"]


def test_a_denied_part_that_ends_asks_nobody_any_more(do, bill, payer, database):
    share = agreed(do, bill, a_fixed_part(payer(), 30_000))
    do(deny_share, share_id=share.id)
    do(ask_to_end, share_id=share.id, reason=EndReason.WITHDRAWN, borne_by=Bearer.PATIENT)
    with database.reading() as read:
        assert list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=9) == []
    with pytest.raises(IllegalMove):
        do(deny_share, share_id=share.id)


def test_no_credit_of_the_patient_goes_to_sessions_that_are_agreed_before_the_bill(do, bill, payer, database):
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(90_000))
    do(cancel_session, session_id=bill.session_ids[0])
    plan = new_plan(database, bill.patient.id)
    quote = do(quote_plan, plan_id=plan.id)
    chosen = (plan.sessions[0].id,)
    order = replace(whole_sessions(payer(PayerKind.VA), bill), session_ids=chosen)
    invoice = do(issue_invoice, quote_id=quote.id, session_ids=chosen, payer_shares=[order])
    do(apply_credits, invoice_id=invoice.id)
    with database.reading() as read:
        assert credit_balance(read, bill.patient.id, SYSTEM).available == Money(45_000)


def test_sessions_that_somebody_paid_for_are_not_taken_as_a_whole(do, bill, payer):
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(1))
    with pytest.raises(SessionPartlyPaid):
        agreed(do, bill, whole_sessions(payer(PayerKind.VA), bill))


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"reference": None}, "/reference"),
        ({"amount": Money(1)}, "/amount_cents"),
        ({"session_ids": ()}, "/session_ids"),
        ({"session_ids": ("ses_unknown",)}, "/session_ids/0"),
        ({"until_on": date(2026, 1, 2)}, "/session_ids/0"),
        ({"until_on": date(2025, 1, 2)}, "/until_on"),
        ({"from_on": None}, "/from_on"),
    ],
)
def test_an_authorization_that_cannot_be_is_refused_by_name(do, bill, payer, change, pointer):
    order = replace(whole_sessions(payer(PayerKind.COMPENSATION), bill), **change)
    with pytest.raises(InvalidShare) as refused:
        agreed(do, bill, order)
    assert pointer in [flaw.pointer for flaw in refused.value.flaws]


def test_a_relatives_word_is_no_authorization(do, bill, payer):
    order = replace(a_fixed_part(payer(PayerKind.RELATIVE), 100), reference="promised")
    with pytest.raises(InvalidShare):
        agreed(do, bill, order)


def test_a_payer_of_another_clinic_takes_no_part(do, bill, database):
    elsewhere = seed_sample(database, NOW, "a")
    with database.reading() as read:
        order = a_fixed_part(a_payer(database, sites(read, elsewhere.id)[0].id), 100)
    own = replace(CLERK, entity_id=bill.invoice.entity_id)
    with pytest.raises(NoSuchPayer):
        do(agree_share, invoice_id=bill.invoice.id, order=order, actor=own)
    with pytest.raises(InvalidShare):
        agreed(do, bill, order)


def test_before_the_service_a_sponsor_may_withdraw_at_once_and_the_patient_owes_it(
    do, bill, payer, books, owed
):
    share = agreed(do, bill, a_fixed_part(payer(), 30_000))
    ended = do(ask_to_end, share_id=share.id, reason=EndReason.WITHDRAWN, borne_by=Bearer.PATIENT)
    assert (ended.state, ended.open_balance) == (ShareState.ENDED, Money(0))
    assert owed() == (90_000, InvoiceState.OPEN)
    assert books() == {}


def test_after_the_service_a_second_person_makes_the_patient_the_debtor(
    do, bill, payer, books, owed, database
):
    share = agreed(do, bill, a_fixed_part(payer(), 90_000))
    give(database, bill.session_ids[0])
    asked = do(ask_to_end, share_id=share.id, reason=EndReason.WITHDRAWN, borne_by=Bearer.PATIENT)
    assert asked.state is ShareState.ENDING
    assert owed() == (0, InvoiceState.PAID)
    with pytest.raises(OwnShareDecision):
        do(agree_to_end, share_id=share.id)
    do(agree_to_end, share_id=share.id, actor=BOSS)
    assert owed() == (90_000, InvoiceState.OPEN)
    assert books() == {"1100": 45_000, "4000": -45_000}


def test_who_wanted_a_part_ended_may_think_again(do, bill, payer, database):
    share = agreed(do, bill, whole_sessions(payer(PayerKind.VA), bill))
    do(ask_to_end, share_id=share.id, reason=EndReason.MISTAKE, borne_by=Bearer.PATIENT)
    kept = do(keep_share, share_id=share.id, actor=BOSS)
    assert (kept.state, kept.ending) == (ShareState.AGREED, None)


@pytest.mark.parametrize("reason", [EndReason.DENIED, EndReason.PAID_SHORT, EndReason.WITHDRAWN])
def test_compensation_that_is_denied_or_short_never_becomes_the_patients(do, bill, payer, reason):
    share = agreed(do, bill, whole_sessions(payer(PayerKind.COMPENSATION), bill))
    with pytest.raises(NeverThePatient):
        do(ask_to_end, share_id=share.id, reason=reason, borne_by=Bearer.PATIENT)


def test_what_was_not_authorized_after_all_is_the_patients_when_a_second_person_agrees(do, bill, payer, owed):
    share = agreed(do, bill, whole_sessions(payer(PayerKind.COMPENSATION), bill))
    asked = do(ask_to_end, share_id=share.id, reason=EndReason.NOT_AUTHORIZED, borne_by=Bearer.PATIENT)
    assert (asked.state, owed()[0]) == (ShareState.ENDING, 0)
    do(agree_to_end, share_id=share.id, actor=BOSS)
    assert owed()[0] == 90_000


def test_the_clinic_bears_what_compensation_denies_once_it_was_given(do, bill, payer, books, owed, database):
    share = agreed(do, bill, whole_sessions(payer(PayerKind.COMPENSATION), bill))
    denied = {"share_id": share.id, "reason": EndReason.DENIED, "borne_by": Bearer.CLINIC}
    give(database, bill.session_ids[0])
    with pytest.raises(ShareNotGiven):
        do(ask_to_end, **denied)
    give(database, bill.session_ids[1])
    do(ask_to_end, **denied)
    do(agree_to_end, share_id=share.id, actor=BOSS)
    assert owed() == (0, InvoiceState.PAID)
    assert books() == {"4000": -90_000, "4920": 90_000}
    with database.reading() as read:
        assert find_share(read, share.id, SYSTEM).paid == Money(0)


def test_of_a_session_that_is_called_off_nobody_owes_anything(do, bill, payer, books, owed):
    share = agreed(do, bill, a_fixed_part(payer(), 30_000))
    do(take_cash, invoice_id=bill.invoice.id, amount=Money(60_000))
    do(cancel_session, session_id=bill.session_ids[0])
    assert owed() == (0, InvoiceState.PAID)
    assert books() == {"1060": 60_000, "2100": -30_000, "2200": -30_000}
    ended = do(ask_to_end, share_id=share.id, reason=EndReason.WITHDRAWN, borne_by=Bearer.PATIENT)
    assert ended.agreed == Money(30_000)
    assert owed() == (15_000, InvoiceState.OPEN)


def test_a_package_with_authorized_care_is_stopped_and_the_patient_is_charged_nothing(do, books, database):
    package = billed(database, a_patient(database))
    payer = a_payer(database, package.patient.site_id, PayerKind.VA)
    do(agree_share, invoice_id=package.invoice.id, order=whole_sessions(payer, package))
    give(database, package.session_ids[0])
    stopped = do(stop_package, invoice_id=package.invoice.id)
    assert (stopped.charged, stopped.invoice_id) == (Money(0), None)
    assert books() == {"1130": 42_500, "4000": -42_500}
