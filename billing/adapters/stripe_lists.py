"""What Stripe lists: events, movements of the balance, payouts. Page by page, as it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from stripe import BalanceTransaction, StripeClient

from billing.adapters.stripe_calls import answers, operation
from billing.adapters.stripe_payouts import payout_facts
from billing.adapters.stripe_values import id_of, instant, money
from billing.adapters.stripe_webhooks import read_payload
from billing.kernel.money import Money, total
from billing.payments.ports import GatewayRefused
from billing.payments.records.payouts import PayoutFacts
from billing.payments.records.reconciliation import MovementFacts, Notice

LARGEST_PAGE = 100
WITH_SOURCE = ["data.source"]


class StripeLists:
    """The part of the gateway that only reads."""

    _client: StripeClient

    def list_events(self, *, since: datetime | None, until: datetime) -> Iterator[Notice]:
        with answers():
            events = self._client.v1.events.list({"limit": LARGEST_PAGE, "created": _span(since, until)})
            for event in events.auto_paging_iter():
                payload = str(event).encode()
                yield Notice(event=read_payload(payload), payload=payload)

    def list_movements(self, *, since: datetime | None, until: datetime) -> Iterator[MovementFacts]:
        with answers():
            moved = self._client.v1.balance_transactions.list(
                {"limit": LARGEST_PAGE, "created": _span(since, until), "expand": WITH_SOURCE}
            )
            for each in moved.auto_paging_iter():
                yield _movement_facts(each)

    def movements_of(self, object_id: str) -> list[MovementFacts]:
        try:
            with answers():
                if object_id.startswith("txn_"):
                    found = self._client.v1.balance_transactions.retrieve(object_id, {"expand": ["source"]})
                    return [_movement_facts(found)]
                moved = self._client.v1.balance_transactions.list(
                    {"limit": LARGEST_PAGE, "source": object_id, "expand": WITH_SOURCE}
                )
                return [_movement_facts(each) for each in moved.auto_paging_iter()]
        except GatewayRefused:
            return []

    def list_payouts(self, *, since: datetime | None, until: datetime) -> Iterator[PayoutFacts]:
        with answers():
            payouts = self._client.v1.payouts.list({"limit": LARGEST_PAGE, "created": _span(since, until)})
            for payout in payouts.auto_paging_iter():
                yield payout_facts(payout, None)

    def read_balance(self) -> Money:
        with answers():
            balance = self._client.v1.balance.retrieve()
        held: list[Any] = [*balance.available, *balance.pending]
        return total(money(each.amount, each.currency) for each in held)


def _span(since: datetime | None, until: datetime) -> Any:
    lower = {} if since is None else {"gte": int(since.timestamp())}
    return {**lower, "lte": int(until.timestamp())}


def _movement_facts(moved: BalanceTransaction) -> MovementFacts:
    source: Any = moved.source
    is_whole = source is not None and not isinstance(source, str)
    return MovementFacts(
        reference=moved.id,
        source=id_of(source),
        reporting_category=moved.reporting_category,
        amount=money(moved.amount, moved.currency),
        fee=money(moved.fee, moved.currency),
        charge=_charge_of(source) if is_whole else None,
        operation=operation(source["metadata"]) if is_whole and "metadata" in source else None,
        moved_at=instant(moved.created),
    )


def _charge_of(source: Any) -> str | None:
    if source["object"] == "charge":
        return str(source["id"])
    return id_of(source["charge"]) if "charge" in source else None
