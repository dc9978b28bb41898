"""A checkout or refund whose outcome cannot be told becomes a person's task."""

from __future__ import annotations

from datetime import datetime, timedelta

from billing.invoices.queries import find_invoice
from billing.kernel.permissions import Actor
from billing.payments.records.checkouts import Checkout
from billing.payments.records.refunds import Refund
from billing.platform.data.database import Tx
from billing.platform.data.tasks import open_task

OUTCOME_UNKNOWN = "outcome-unknown"
A_PERSON_LOOKS_AFTER = timedelta(days=7)


def ask_about_checkout(tx: Tx, *, checkout: Checkout, actor: Actor, now: datetime) -> None:
    """Once it has been without an outcome for a week; sooner, nothing happens."""
    if now - checkout.opened_at < A_PERSON_LOOKS_AFTER:
        return
    invoice = find_invoice(tx, checkout.invoice_id, actor)
    open_task(
        tx,
        kind=OUTCOME_UNKNOWN,
        subject_id=checkout.id,
        entity_id=invoice.entity_id,
        site_id=invoice.site_id,
        actor=actor,
        now=now,
    )


def ask_about_refund(tx: Tx, *, refund: Refund, actor: Actor, now: datetime) -> None:
    """Once it has been without an outcome for a week; sooner, nothing happens."""
    if now - (refund.approved_at or refund.requested_at) < A_PERSON_LOOKS_AFTER:
        return
    open_task(
        tx,
        kind=OUTCOME_UNKNOWN,
        subject_id=refund.id,
        entity_id=refund.entity_id,
        site_id=refund.site_id,
        actor=actor,
        now=now,
    )
