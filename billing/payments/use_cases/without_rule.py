"""Held money of a state of which no rule is on file: a person is asked for it, once a state and site."""

from __future__ import annotations

from datetime import datetime, timedelta

from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.queries.without_rule import money_without_rule
from billing.payments.records.dormant import MissingRule
from billing.platform.data.database import Tx
from billing.platform.data.tasks import ask_again, end_tasks, open_subjects

UNCLAIMED_RULE = "unclaimed-rule"
ASKED_AGAIN_AFTER = timedelta(days=365)


def ask_for_rules(tx: Tx, *, actor: Actor, now: datetime) -> None:
    """One task a state and site; one that somebody closed though no rule was added comes again after a year.

    It ends once nothing is held without a rule.
    """
    missing = {MissingRule.for_money(each) for each in money_without_rule(tx, SYSTEM, now)}
    for each in sorted(missing, key=lambda rule: rule.id):
        ask_again(
            tx,
            kind=UNCLAIMED_RULE,
            about=each,
            closed_before=now - ASKED_AGAIN_AFTER,
            actor=actor,
            now=now,
        )
    open_ones = set(open_subjects(tx, kind=UNCLAIMED_RULE))
    done = sorted(open_ones - {rule.id for rule in missing})
    end_tasks(tx, kind=UNCLAIMED_RULE, subject_ids=done, actor=actor, now=now)
