"""What people are told of money whose owner shows no sign: how it stands, and what comes next."""

from __future__ import annotations

from datetime import date, timedelta

from billing.kernel.clock import day_in_words
from billing.payments.records.dormant import Dormancy, DormantCredit, StillOwed
from billing.payments.rules.dormant import DORMANCIES, dormant_on, may_be_set_aside
from billing.payments.states.dormant import DormantState

STATES = {
    DormantState.LISTED: ("Listed", "waiting"),
    DormantState.WRITTEN: ("Letter sent", "waiting"),
    DormantState.SET_ASIDE: ("Set aside", "waiting"),
    DormantState.REMITTED: ("The state has it", ""),
    DormantState.CLAIMED: ("The owner answered", "good"),
}
"""How it stands in few words, and how these are colored."""


def rule_of(us_state: str) -> str:
    """`TX: after 3 years without a sign; a letter from $250.01 on, 60 days before`."""
    rule = DORMANCIES.get(us_state)
    if rule is None:
        return us_state
    letter = f"a letter from {rule.letter_from} on" if rule.letter_from else "a letter whatever the amount"
    return f"{us_state}: after {rule.years} years without a sign; {letter}, {rule.letter_days} days before"


def age_in_words(since: date, today: date) -> str:
    """`3 years`, or `17 months`, or `12 days`."""
    months = 12 * (today.year - since.year) + today.month - since.month - (today.day < since.day)
    count, unit = (today - since).days, "day"
    if months >= 24:
        count, unit = months // 12, "year"
    elif months:
        count, unit = months, "month"
    return f"{count} {unit}{'' if count == 1 else 's'}"


def what_comes_next(dormant: DormantCredit, owed: StillOwed | None, today: date) -> str:
    """`owed` is what is left of it, as long as nobody decided."""
    if dormant.state is DormantState.REMITTED:
        return "Nothing. An owner who comes now asks the state for it."
    if dormant.state is DormantState.CLAIMED:
        return "Nothing. The years are counted anew from that day."
    if dormant.state is DormantState.SET_ASIDE:
        return "Report it and pay it to the state, then record that. Until then the owner may have it back."
    rule = DORMANCIES.get(dormant.us_state)
    if owed is None or not owed.amount:
        return "Nothing: nothing is left of it."
    if rule is None:
        return "Nothing: this installation has no figures of that state any more."
    if dormant_on(owed.last_sign, rule) != dormant.dormant_on:
        return f"Nothing: the owner gave a sign on {day_in_words(owed.last_sign)}."
    if may_be_set_aside(owed.amount, rule, dormant.dormant_on, dormant.letter_on, today):
        return "Set it aside for the state."
    return _while_it_waits(dormant, rule, owed)


def _while_it_waits(dormant: DormantCredit, rule: Dormancy, owed: StillOwed) -> str:
    if owed.amount < rule.letter_from:
        return f"No letter: it is too small. Set it aside from {day_in_words(dormant.dormant_on)} on."
    if dormant.letter_on is None:
        return "Write to the owner, then record the letter."
    from_on = max(dormant.dormant_on, dormant.letter_on + timedelta(days=rule.letter_days))
    return f"Set it aside from {day_in_words(from_on)} on, if no answer comes."
