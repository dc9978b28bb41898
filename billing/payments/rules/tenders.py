"""Where the money of a tender is, how little a card takes, and which checks a bank pays."""

from __future__ import annotations

from datetime import date, timedelta

from billing.kernel.money import Money
from billing.ledger.records import Account
from billing.payments.errors import CheckPostdated, CheckStale
from billing.payments.records.payments import Tender

SMALLEST_CARD_PAYMENT = Money(50)
"""The processor's own minimum for US dollars."""

CHECK_IS_GOOD_FOR = timedelta(days=180)

ARRIVES_ON = {
    Tender.CARD: Account.PROCESSOR_CLEARING,
    Tender.ACH: Account.PROCESSOR_CLEARING,
    Tender.CARD_PRESENT: Account.PROCESSOR_CLEARING,
    Tender.CASH: Account.UNDEPOSITED,
    Tender.CHECK: Account.UNDEPOSITED,
    Tender.BANK: Account.BANK,
}
"""Where a tender's money is before it is at the bank."""

BANKABLE = frozenset(tender for tender, account in ARRIVES_ON.items() if account is Account.UNDEPOSITED)
"""What people carry to the bank."""


def refuse_unless_payable(dated_on: date, today: date) -> None:
    """A bank pays a check from the day written on it, and need not after half a year."""
    if dated_on > today:
        raise CheckPostdated("The check is dated later than today; take it on that day or later.")
    if today - dated_on > CHECK_IS_GOOD_FOR:
        raise CheckStale(f"The check is dated more than {CHECK_IS_GOOD_FOR.days} days ago.")
