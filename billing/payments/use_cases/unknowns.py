"""What has no outcome: when it is looked up again, and when it is a person's task."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from billing.kernel.permissions import Actor
from billing.payments.models.unknowns import OutcomeLookRow
from billing.payments.queries.checkouts import at_site, owner_of_checkout
from billing.payments.queries.unknowns import first_called_at
from billing.payments.records.checkouts import Checkout
from billing.payments.rules.reconciliation import next_look
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.tasks import Sited, ask_a_person

OUTCOME_UNKNOWN = "outcome-unknown"
A_PERSON_LOOKS_AFTER = timedelta(days=7)
A_BANK_WAITS = timedelta(days=1)
"""An answer to a dispute has a deadline, so a person looks sooner."""


def keep_look(tx: Tx, *, subject_id: str, began_at: datetime, actor: Actor, now: datetime) -> None:
    """It was looked up now: keep when that is due again, should it still have no outcome.

    What was called later than it began, because nothing ran, began then: its key lives for a day.
    """
    next_at = next_look(first_called_at(tx, subject_id) or began_at, now)
    insert_unless_there(tx, OutcomeLookRow, {"subject_id": subject_id, "next_at": next_at}, ["subject_id"])
    tx.session.execute(
        update(OutcomeLookRow).where(OutcomeLookRow.subject_id == subject_id).values(next_at=next_at)
    )


def ask_about_checkout(tx: Tx, *, checkout: Checkout, actor: Actor, now: datetime) -> None:
    """As `ask_if_late`, at the site of what it pays."""
    about = at_site(checkout, owner_of_checkout(tx, checkout, actor))
    ask_if_late(tx, about=about, began_at=checkout.opened_at, actor=actor, now=now)


def ask_if_late(
    tx: Tx,
    *,
    about: Sited,
    began_at: datetime,
    actor: Actor,
    now: datetime,
    after: timedelta = A_PERSON_LOOKS_AFTER,
) -> None:
    """A person looks once it has been without an outcome for so long; sooner, nothing happens."""
    if now - began_at >= after:
        ask_a_person(tx, kind=OUTCOME_UNKNOWN, about=about, actor=actor, now=now)
