"""What happens at the processor by itself as time passes."""

from __future__ import annotations

from billing.sandbox.bank_payments import end_debits
from billing.sandbox.calls import Call
from billing.sandbox.intents import release_overdue
from billing.sandbox.payouts import pay_out_daily
from billing.sandbox.refunds import end_overdue
from billing.sandbox.sessions import expire_overdue, follow_debit


def pass_time(call: Call) -> None:
    """Before each request, and every second."""
    expire_overdue(call)
    release_overdue(call)
    for intent in end_debits(call):
        follow_debit(call, intent)
    end_overdue(call)
    pay_out_daily(call)
