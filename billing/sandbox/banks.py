"""The published test bank accounts, and what becomes of debits on each.

Source: docs.stripe.com/payments/ach-direct-debit/accept-a-payment#test-account-numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

ROUTING_NUMBER = "110000000"
BANK_NAME = "STRIPE TEST BANK"
FAILURES = {
    "account_closed": "The customer's bank account has been closed.",
    "no_account": "The customer's bank account could not be located.",
    "insufficient_funds": "The customer's account has insufficient funds to cover this payment.",
    "debit_not_authorized": "The customer has notified their bank that this payment was unauthorized.",
    "invalid_currency": "The bank was unable to process this payment because of its currency.",
    "charge_exceeds_weekly_limit": "This payment exceeds the weekly limit of the source.",
}
"""Why a debit failed, by its code."""


@dataclass(frozen=True)
class Account:
    number: str
    failure: str | None = None
    settles: bool = True
    """Whether its debits ever end."""
    dispute: str | None = None
    """The reason that each of its debits is disputed for, once it has succeeded."""

    @property
    def last4(self) -> str:
        return self.number[-4:]


_ACCOUNTS = {
    "success": Account("000123456789"),
    "accountClosed": Account("000111111113", "account_closed"),
    "noAccount": Account("000111111116", "no_account"),
    "insufficientFunds": Account("000222222227", "insufficient_funds"),
    "debitNotAuthorized": Account("000333333335", "debit_not_authorized"),
    "invalidCurrency": Account("000444444440", "invalid_currency"),
    "dispute": Account("000555555559", dispute="debit_not_authorized"),
    "failMicrodeposits": Account("000666666661"),
    "weeklyLimitExceeded": Account("000777777771", "charge_exceeds_weekly_limit"),
    "processing": Account("000000000009", settles=False),
}
BY_NAME = {f"pm_usBankAccount_{name}": account for name, account in _ACCOUNTS.items()}
BY_NUMBER = {account.number: account for account in _ACCOUNTS.values()}
BY_LAST4 = {account.last4: account for account in _ACCOUNTS.values()}
"""How a stored payment method finds its account again: no whole number is kept."""

DEPOSITS, DEPOSIT_CODE = [32, 45], "SM11AA"
"""What verifies an account whose test deposits have arrived."""

WITHOUT_DEPOSITS = "6661"
"""Deposits to this account fail."""
