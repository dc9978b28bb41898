"""What has no outcome: when it is looked up again, and when it is a person's task."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from billing.invoices.queries import find_invoice
from billing.kernel.permissions import Actor
from billing.payments.models.unknowns import OutcomeLookRow
from billing.payments.records.checkouts import Checkout
from billing.payments.records.dispute_answers import DisputeAnswer
from billing.payments.records.refunds import Refund
from billing.payments.records.saved_methods import SavedMethod
from billing.payments.rules import next_look
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.tasks import open_task

OUTCOME_UNKNOWN = "outcome-unknown"
A_PERSON_LOOKS_AFTER = timedelta(days=7)
A_BANK_WAITS = timedelta(days=1)


def keep_look(tx: Tx, *, subject_id: str, began_at: datetime, actor: Actor, now: datetime) -> None:
    """It was looked up now: keep when that is due again, should it still have no outcome."""
    next_at = next_look(began_at, now)
    insert_unless_there(tx, OutcomeLookRow, {"subject_id": subject_id, "next_at": next_at}, ["subject_id"])
    tx.session.execute(
        update(OutcomeLookRow).where(OutcomeLookRow.subject_id == subject_id).values(next_at=next_at)
    )


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


def ask_about_removal(tx: Tx, *, method: SavedMethod, actor: Actor, now: datetime) -> None:
    """Once a card that somebody wants removed has stayed for a week; sooner, nothing happens."""
    if now - (method.removal_asked_at or method.opened_at) < A_PERSON_LOOKS_AFTER:
        return
    open_task(
        tx,
        kind=OUTCOME_UNKNOWN,
        subject_id=method.id,
        entity_id=method.entity_id,
        site_id=method.site_id,
        actor=actor,
        now=now,
    )


def ask_about_answer(tx: Tx, *, answer: DisputeAnswer, actor: Actor, now: datetime) -> None:
    """Once it has been without an outcome for a day: a bank does not wait for a week."""
    if now - (answer.ordered_at or answer.asked_at) < A_BANK_WAITS:
        return
    open_task(
        tx,
        kind=OUTCOME_UNKNOWN,
        subject_id=answer.id,
        entity_id=answer.entity_id,
        site_id=answer.site_id,
        actor=actor,
        now=now,
    )
