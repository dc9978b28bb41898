"""Stripe's payouts, read as ours."""

from __future__ import annotations

from collections.abc import Iterable

from stripe import BalanceTransaction, Payout

from billing.adapters.stripe_values import id_of, instant, money
from billing.payments.records.payouts import PayoutFacts, PayoutLineFacts
from billing.payments.states.payouts import PayoutEvent

PAYOUT_STATUS = {
    "pending": None,
    "in_transit": PayoutEvent.LEAVE,
    "paid": PayoutEvent.ARRIVE,
    "failed": PayoutEvent.FAIL,
    "canceled": PayoutEvent.CANCEL,
}


def payout_lines(payout: Payout, moved: Iterable[BalanceTransaction]) -> tuple[PayoutLineFacts, ...]:
    """What a payout is made of: the processor lists the movement that took it away beside it."""
    taken = id_of(payout.balance_transaction)
    return tuple(
        PayoutLineFacts(
            reference=each.id,
            source=id_of(each.source),
            reporting_category=each.reporting_category,
            net=money(each.net, each.currency),
        )
        for each in moved
        if each.id != taken
    )


def payout_facts(payout: Payout, lines: tuple[PayoutLineFacts, ...] | None) -> PayoutFacts:
    """The day of arrival is told as a midnight in UTC, wherever the bank is."""
    return PayoutFacts(
        reference=payout.id,
        told=PAYOUT_STATUS[payout.status],
        amount=money(payout.amount, payout.currency),
        arrives_on=instant(payout.arrival_date).date(),
        is_automatic=payout.automatic,
        lines=lines,
    )
