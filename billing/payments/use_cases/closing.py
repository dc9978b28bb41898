"""Card pages and readers that have nothing to take any more: the worker closes them at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from billing.kernel.permissions import Actor
from billing.payments.records.checkouts import Checkout
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.jobs import enqueue

CLOSE_CHECKOUT = "close-checkout"


def close_soon(tx: Tx, checkouts: Iterable[Checkout], *, because: str, actor: Actor, now: datetime) -> None:
    """Have each of them closed, once for each reason: the name of a fact, or the id of a stop of charges."""
    for checkout in checkouts:
        enqueue(
            tx,
            kind=CLOSE_CHECKOUT,
            key=f"{checkout.id}-{because}",
            payload={"checkout_id": checkout.id},
            due_at=now,
        )
        record_audit(tx, actor=actor, action="checkout.order-close", subject_id=checkout.id, now=now)
