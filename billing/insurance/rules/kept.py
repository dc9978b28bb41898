"""A transaction as plain values, to be kept, and the transaction that was kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass, replace
from datetime import date
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from billing.insurance.records import RemittanceClaim, RemittanceTransaction
from billing.insurance.rules.answers import fingerprint


def values_of(transaction: RemittanceTransaction) -> dict[str, Any]:
    return asdict(transaction)


def transaction_from(values: Mapping[str, Any]) -> RemittanceTransaction:
    """What `values_of` gave, also after it was JSON; a field that was not kept has its default."""
    kept: RemittanceTransaction = _rebuilt(RemittanceTransaction, values)
    return kept


def _rebuilt(kind: Any, value: Any) -> Any:
    if value is None or kind is NoneType:
        return None
    if get_origin(kind) is tuple:
        item, *_ = get_args(kind)
        return tuple(_rebuilt(item, each) for each in value)
    if choices := [each for each in get_args(kind) if each is not NoneType]:
        return _rebuilt(choices[0], value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints_of(kind)
        return kind(**{name: _rebuilt(hints[name], each) for name, each in value.items()})
    if kind is date:
        return date.fromisoformat(str(value))
    return kind(value)


@cache
def _hints_of(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def claim_keys(transaction: RemittanceTransaction) -> list[str]:
    """What tells each claim from the others in every copy of the transaction, in the order of this one.

    Claims that say the very same are numbered: which of them is which makes no difference.
    """
    seen: dict[str, int] = {}
    keys = []
    for claim in transaction.claims:
        said = _said(transaction, claim)
        seen[said] = seen.get(said, 0) + 1
        keys.append(f"{said}-{seen[said]}")
    return keys


def _said(transaction: RemittanceTransaction, claim: RemittanceClaim) -> str:
    return fingerprint(replace(transaction, claims=(claim,), provider_adjustments=()))
