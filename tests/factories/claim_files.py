"""Files of claims: what is in them, and the two independent tools that look at them."""

from __future__ import annotations

import io
import json
from typing import Any

import pyx12.params
from pyx12.x12n_document import x12n_document
from x12sdk.io import X12ModelReader

from billing.adapters.claim_837p import emit_837p
from billing.insurance.records.claims import Claim
from tests.factories.claims import a_file


def sent(*claims: Claim) -> bytes:
    return emit_837p(a_file(*claims))


def segments(content: bytes) -> list[list[str]]:
    return [segment.strip().split("*") for segment in content.decode().split("~") if segment.strip()]


def named(content: bytes, name: str) -> list[list[str]]:
    """The segments of that name, without it."""
    return [rest for head, *rest in segments(content) if head == name]


def faults_by_pyx12(content: bytes) -> str:
    """What pyx12 finds; empty when nothing."""
    told = io.StringIO()
    good = x12n_document(pyx12.params.params(), io.StringIO(content.decode()), None, None, fd_json=told)
    return "" if good else json.dumps(_faults(json.loads(told.getvalue())), indent=1)


def claims_by_x12sdk(content: bytes) -> int:
    """How many claims x12sdk reads. Raises: what it finds wrong."""
    with X12ModelReader(content.decode()) as reader:
        return sum(_claims(model.model_dump()) for model in reader.models())


def _faults(told: Any) -> list[Any]:
    if isinstance(told, list):
        return [fault for each in told for fault in _faults(each)]
    if not isinstance(told, dict):
        return []
    own = [told] if "err_cde" in told else []
    return [*own, *(fault for each in told.values() for fault in _faults(each))]


def _claims(told: Any) -> int:
    if isinstance(told, list):
        return sum(map(_claims, told))
    if not isinstance(told, dict):
        return 0
    return ("clm_segment" in told) + sum(map(_claims, told.values()))
