"""A check that the bank paid though it was voided: refused, and a person is asked all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from billing.kernel.permissions import Actor
from billing.payments.errors import CheckVoided
from billing.payments.use_cases.refund_checks import ask_about_paid_check
from billing.platform.data.database import Database

T = TypeVar("T")


def cash_or_ask(
    database: Database, cash: Callable[[], T], *, refund_id: str, actor: Actor, now: datetime
) -> T:
    """Record that the bank paid a check, by `cash`, the write of whoever was told.

    The refusal of a voided one undoes that write, so that the task is a transaction of its own.
    Raises: CheckVoided, and what `cash` raises.
    """
    try:
        return cash()
    except CheckVoided:
        database.in_transaction(
            lambda tx: ask_about_paid_check(tx, refund_id=refund_id, actor=actor, now=now)
        )
        raise
