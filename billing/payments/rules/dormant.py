"""When money whose owner shows no sign is a state's."""

from __future__ import annotations

from datetime import date, timedelta
from importlib.resources import files

import yaml

from billing.kernel.money import Money
from billing.payments.records.dormant import Dormancy

LISTED_AHEAD = timedelta(days=240)
"""So long before a credit is dormant its owner is looked for."""

DORMANCIES = {
    us_state: Dormancy(
        years=said["years"], letter_from=Money(said["letter_from_cents"]), letter_days=said["letter_days"]
    )
    for us_state, said in yaml.safe_load(
        files("billing.payments").joinpath("unclaimed.yaml").read_text()
    ).items()
}
"""Sample data by state of the owner's last known address. Source: docs/sources.md."""


def dormant_on(last_sign: date, dormancy: Dormancy) -> date:
    """The day on which a credit is dormant, so many years after the owner's last sign."""
    last = last_sign - timedelta(days=1) if (last_sign.month, last_sign.day) == (2, 29) else last_sign
    return last.replace(year=last.year + dormancy.years)


def may_be_set_aside(
    amount: Money, dormancy: Dormancy, due_on: date, letter_on: date | None, today: date
) -> bool:
    """Whether a credit is the state's: dormant, and its owner was written to where that is due."""
    if not amount or today < due_on:
        return False
    if amount < dormancy.letter_from:
        return True
    return letter_on is not None and letter_on + timedelta(days=dormancy.letter_days) <= today
