"""What happens at the processor by itself as time passes."""

from __future__ import annotations

from billing.sandbox.calls import Call
from billing.sandbox.payouts import pay_out_daily
from billing.sandbox.refunds import end_overdue
from billing.sandbox.sessions import expire_overdue


def pass_time(call: Call) -> None:
    """Before each request, and every second."""
    expire_overdue(call)
    end_overdue(call)
    pay_out_daily(call)
