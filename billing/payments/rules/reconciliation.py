"""What the processor's movements are compared by, what is named, and when an operation is looked up again."""

from __future__ import annotations

from datetime import datetime, timedelta

from billing.ledger.records import Account
from billing.payments.records.reconciliation import Difference, ExceptionKind, Family

LOOKED_UP_AGAIN, LOOKED_UP_DAILY = timedelta(hours=1), timedelta(days=1)
"""An operation without an outcome: looked up after some minutes, after an hour, then daily."""

FAMILIES = {
    "charge": Family.CHARGE,
    "charge_failure": Family.CHARGE,
    "refund": Family.REFUND,
    "refund_failure": Family.REFUND,
    "dispute": Family.DISPUTE,
    "dispute_reversal": Family.DISPUTE,
    "payout": Family.PAYOUT,
    "payout_reversal": Family.PAYOUT,
}

WHOLE = (Family.CHARGE, Family.REFUND, Family.PAYOUT)

NOT_IN_BOOKS = {
    Family.CHARGE: ExceptionKind.CHARGE,
    Family.REFUND: ExceptionKind.REFUND,
    Family.DISPUTE: ExceptionKind.DISPUTE,
    Family.PAYOUT: ExceptionKind.PAYOUT,
    Family.MOVEMENT: ExceptionKind.MOVEMENT,
}

BOOKABLE = (
    Account.BANK,
    Account.UNAPPLIED_PAYER_MONEY,
    Account.PROCESSOR_FEES,
    Account.DISPUTE_FEES,
    Account.BANK_FEES,
    Account.CHARGEBACK_LOSS,
)
"""What an exception may turn out to be: none of it is a patient's, whose money goes by its own ways."""


def next_look(began_at: datetime, now: datetime) -> datetime:
    """When an operation is looked up again that has no outcome now: an hour after it began, then daily."""
    first = began_at + LOOKED_UP_AGAIN
    return first if now < first else now + LOOKED_UP_DAILY


def family_of(reporting_category: str) -> Family:
    """By the reporting category, since many types share one."""
    return FAMILIES.get(reporting_category, Family.MOVEMENT)


def held_against(reference: str, source: str | None, reporting_category: str) -> str:
    """The id of what a movement is compared with: a charge, refund or payout as a whole, else itself."""
    if source is None or family_of(reporting_category) not in WHOLE:
        return reference
    return source


def kind_of(difference: Difference) -> ExceptionKind:
    """The name of what cannot be explained."""
    if not difference.is_at_processor:
        return ExceptionKind.MISSING
    if difference.is_in_books:
        return ExceptionKind.AMOUNT
    return NOT_IN_BOOKS[difference.family]
