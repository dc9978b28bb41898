"""What makes an entry an entry, and how accounts are called."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

import yaml

from billing.ledger.errors import UnbalancedEntry
from billing.ledger.records import AccountName, Kind, Line

CHART: dict[str, AccountName] = {
    code: AccountName(code, about["name"], Kind(about["kind"]))
    for code, about in yaml.safe_load(files("billing.ledger").joinpath("chart.yaml").read_text()).items()
}


def balanced(lines: Iterable[Line]) -> tuple[Line, ...]:
    """The lines that carry an amount.

    Raises: UnbalancedEntry unless at least two are left and they sum to zero.
    """
    kept = tuple([line for line in lines if line.amount.cents])
    if len(kept) < 2 or sum([line.amount.cents for line in kept]) != 0:
        raise UnbalancedEntry("The entry does not balance. Nothing was posted.")
    return kept
