"""What an acknowledgement makes of a claim, and when two of them say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from billing.insurance.records.acknowledgements import Acknowledgement, Verdict
from billing.insurance.states import ClaimEvent, ClaimState

ACCEPTING = "A2"
"""Claim status category: accepted for a decision. Source: X12 external code list 507 (its codes alone)."""
REJECTING = frozenset({"A3", "A6", "A7", "A8"})
REFUSED_ACTION = "U"
"""STC03."""
REFUSED_FORM = frozenset({"R", "M", "W", "X"})
"""IK501 and AK901."""

_EVENTS = {
    (ClaimState.FILED, Verdict.ACCEPTED): ClaimEvent.ACCEPT,
    (ClaimState.FILED, Verdict.REJECTED): ClaimEvent.REJECT,
    (ClaimState.ACCEPTED, Verdict.REJECTED): ClaimEvent.REJECT,
}
"""A clearinghouse may accept what the payer rejects. What the payer decided, its answers alone move."""


def move_by_acknowledgement(state: ClaimState, verdict: Verdict) -> ClaimEvent | None:
    return _EVENTS.get((state, verdict))


def verdict_of(statuses: Iterable[tuple[str, str]]) -> Verdict:
    """Of categories (STC01-1) and actions (STC03): one that rejects is enough."""
    told = list(statuses)
    if any(category in REJECTING or action == REFUSED_ACTION for category, action in told):
        return Verdict.REJECTED
    return Verdict.ACCEPTED if any(category == ACCEPTING for category, _ in told) else Verdict.NOTED


def content_sha256(told: Acknowledgement) -> str:
    """The same for another copy of it, in whatever file it comes."""
    content = (told.kind, told.verdict, told.codes, told.payer_claim_number)
    return hashlib.sha256(repr(content).encode()).hexdigest()
