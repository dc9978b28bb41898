"""What people are asked to do so that a bank gets its answer, and when nobody has to any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.kernel.permissions import Actor
from billing.payments.use_cases.unknowns import OUTCOME_UNKNOWN
from billing.platform.data.database import Tx
from billing.platform.data.tasks import end_tasks

ANSWER_DISPUTE, ANSWER_DUE, ANSWER_REFUSED = "dispute-opened", "dispute-due", "dispute-answer-refused"
ANSWER_AGAIN = "dispute-escalated"
"""A bank only asked, got its answer, and took the money after all: that wants another one."""


def end_asking(tx: Tx, *, dispute_id: str, actor: Actor, now: datetime) -> None:
    """The bank has its answer, or takes none any more, so that nobody has to give one."""
    for kind in (ANSWER_DISPUTE, ANSWER_AGAIN, ANSWER_DUE):
        end_tasks(tx, kind=kind, subject_ids=[dispute_id], actor=actor, now=now)


def end_repeating(tx: Tx, *, answer_ids: Sequence[str], actor: Actor, now: datetime) -> None:
    """Another answer arrived in the place of those that did not."""
    end_tasks(tx, kind=ANSWER_REFUSED, subject_ids=answer_ids, actor=actor, now=now)


def end_doubt(tx: Tx, *, answer_id: str, actor: Actor, now: datetime) -> None:
    """It is known what became of an answer."""
    end_tasks(tx, kind=OUTCOME_UNKNOWN, subject_ids=[answer_id], actor=actor, now=now)
