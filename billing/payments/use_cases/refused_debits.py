"""Debits of bank accounts that fail days after the payer left: a person asks for the money again."""

from __future__ import annotations

from datetime import datetime

from billing.invoices.queries import find_share
from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.queries.checkouts import (
    at_site,
    checkouts_among,
    may_be_sent,
    owner_of_checkout,
)
from billing.payments.records.checkouts import Checkout
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_a_person, end_tasks, open_subjects

DEBIT_REFUSED = "debit-refused"
"""The task of a person who asks the payer for the money again."""


def ask_to_collect(tx: Tx, *, checkout: Checkout, actor: Actor, now: datetime) -> None:
    """Have a person ask again, unless nothing is owed any more, or charges of the patient are stopped.

    Another payer is asked all the same.
    """
    owner = owner_of_checkout(tx, checkout, SYSTEM)
    owed = find_share(tx, checkout.share_id, SYSTEM) if checkout.share_id else owner
    if owed.open_balance and may_be_sent(tx, checkout):
        ask_a_person(tx, kind=DEBIT_REFUSED, about=at_site(checkout, owner), actor=actor, now=now)


def end_collecting(
    tx: Tx,
    *,
    invoice_id: str | None = None,
    share_id: str | None = None,
    deposit_request_id: str | None = None,
    site_id: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Nothing is owed any more of an invoice, or of another payer's share of it; or a deposit came in another
    way, or is not asked for any more."""
    asked = open_subjects(tx, kind=DEBIT_REFUSED, site_id=site_id)
    if asked:
        about = checkouts_among(
            tx, asked, invoice_id=invoice_id, share_id=share_id, deposit_request_id=deposit_request_id
        )
        end_tasks(tx, kind=DEBIT_REFUSED, subject_ids=about, actor=actor, now=now)
