"""What a visit costs, or was paid for it, changed after somebody was told: a person tells them anew."""

from __future__ import annotations

from datetime import datetime

from billing.care.queries import find_session
from billing.insurance.queries.figures import is_any_outdated
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_again, end_tasks, stands_open

PAPERS_OUTDATED = "papers-outdated"
"""The task: of a session whose superbill or claim says another charge or payment than the books."""


def review_figures(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> None:
    """Ask once about a session of which a present paper does not hold any more; else nobody is asked."""
    if is_any_outdated(tx, session_id):
        ask_again(tx, kind=PAPERS_OUTDATED, about=find_session(tx, session_id, SYSTEM), actor=actor, now=now)
    else:
        end_tasks(tx, kind=PAPERS_OUTDATED, subject_ids=[session_id], actor=actor, now=now)


def told_anew(tx: Tx, *, session_id: str, actor: Actor, now: datetime) -> None:
    """A paper of the session was issued or ended: who was asked may be done."""
    if stands_open(tx, kind=PAPERS_OUTDATED, subject_id=session_id):
        review_figures(tx, session_id=session_id, actor=actor, now=now)
