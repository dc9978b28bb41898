"""Which part a payer's payment of the time before pays: filled in where it is beyond doubt."""

from __future__ import annotations

import importlib

import pytest

from billing.invoices.queries import shares_of_invoice
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.payments.queries.payments import list_payments
from billing.payments.records.bounces import BounceReason
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.checkouts import begin_checkout, pay_checkout
from billing.payments.use_cases.payer_payments import take_payers_cash, take_payers_check
from billing.payments.use_cases.receive import take_cash
from tests.conftest import NOW
from tests.factories.accounting import behind_the_back
from tests.factories.invoices import a_patient, billed
from tests.factories.payers import a_fixed_part, a_payer
from tests.factories.world import RETURN_URL, a_charge

CLERK = Actor(id="usr_clerk", entity_id=None, permissions=frozenset(Permission))
MIGRATION = importlib.import_module("migrations.versions.0031_paid_shares")


@pytest.fixture
def do(database):
    return lambda use_case, **asked: database.in_transaction(
        lambda tx: use_case(tx, **asked, actor=CLERK, now=NOW)
    )


@pytest.fixture
def agree(do, database):
    """A part of 100 of an invoice, of each payer anew or of one again."""

    def work(invoice, payer=None):
        payer = payer or a_payer(database, invoice.site_id)
        return do(agree_share, invoice_id=invoice.id, order=a_fixed_part(payer, 10_000)), payer

    return work


@pytest.fixture
def filled(database):
    def work():
        behind_the_back(database, "UPDATE payment SET share_id = NULL")
        for statement in MIGRATION.FILL:
            behind_the_back(database, statement)
        with database.reading() as read:
            return {each.id: each.share_id for each in list_payments(read, SYSTEM, limit=99)}

    return work


def test_a_payers_only_part_a_card_page_and_a_part_agreed_anew_are_told_and_two_parts_are_not(
    do, agree, filled, database
):
    invoice = billed(database, a_patient(database), only_first=2).invoice
    (only, _), (first, twice), (bounced, unlucky) = (agree(invoice) for _ in range(3))
    second, _ = agree(invoice, twice)
    expected = {}
    own = do(take_cash, invoice_id=invoice.id, amount=Money(100))
    expected[own.id] = None
    expected[do(take_payers_cash, share_id=only.id, amount=Money(100)).id] = only.id
    for share in (first, second):
        expected[do(take_payers_cash, share_id=share.id, amount=Money(100)).id] = None
    page = do(begin_checkout, invoice_id=invoice.id, share_id=second.id, return_url=RETURN_URL, request=None)
    charge = a_charge(page.id, page.amount, NOW)
    do(pay_checkout, checkout_id=page.id, reference=f"cs_{page.id}", charge=charge)
    on_paper = {"amount": Money(10_000), "number": "17", "dated_on": NOW.date()}
    check = do(take_payers_check, share_id=bounced.id, **on_paper)
    reason = BounceReason.OTHER
    do(bounce_check, payment_id=check.id, reason=reason, bounced_on=NOW.date(), fee=Money(0))
    again = agreed_anew(database, invoice, unlucky, bounced)
    expected[check.id] = None
    expected[do(take_payers_cash, share_id=again.id, amount=Money(10_000)).id] = again.id
    found = filled()
    (by_card,) = found.keys() - expected.keys()
    assert found == expected | {by_card: second.id}


def agreed_anew(database, invoice, payer, bounced):
    """The part that stands in the place of the one whose check bounced."""
    with database.reading() as read:
        shares = shares_of_invoice(read, invoice.id, SYSTEM)
    return next(each for each in shares if each.payer_id == payer.id and each.id != bounced.id)
