"""A visit was given, or amended, otherwise than it was priced: what becomes of it, a person decides."""

from __future__ import annotations

from datetime import datetime

from billing.care.queries import find_session
from billing.care.records import Session
from billing.invoices.queries.as_given import price_as_given
from billing.kernel.permissions import Actor
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_again, end_tasks
from billing.quotes.errors import CannotPrice

PRICED_OTHERWISE = "visit-priced-otherwise"
"""The task: of a session that would cost otherwise as it was given."""


def review_price(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> None:
    """Ask about a session, its patient held, that would cost otherwise; end that when it costs the same.

    Nothing is posted, and no invoice changes. One that no price is for, such as of too large a dose, was
    signed all the same: a person looks.
    """
    session = find_session(tx, session_id, actor)
    if _costs_otherwise(tx, session):
        ask_again(tx, kind=PRICED_OTHERWISE, about=session, actor=actor, now=now)
    else:
        end_tasks(tx, kind=PRICED_OTHERWISE, subject_ids=[session_id], actor=actor, now=now)


def _costs_otherwise(tx: Tx, session: Session) -> bool:
    try:
        return bool(price_as_given(tx, session))
    except CannotPrice:
        return True
