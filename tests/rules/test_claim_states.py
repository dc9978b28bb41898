"""The life of a claim: every state met by every event."""

from itertools import product

import pytest

from billing.insurance.states import CLAIM_ENDS, CLAIM_MOVES, CLAIM_UNSENT, ClaimEvent, ClaimState
from billing.kernel.errors import IllegalMove
from billing.kernel.states import next_state

S, E = ClaimState, ClaimEvent

GONE = {E.REPLACE: S.REPLACED, E.VOID: S.VOIDED}
ANSWER = {E.PAY: S.PAID, E.DENY: S.DENIED, E.DEDUCT: S.APPLIED_TO_DEDUCTIBLE}
AFTER_AN_ANSWER = {E.APPEAL: S.APPEALED, E.CLOSE: S.CLOSED, E.ACCEPT: S.ACCEPTED, **ANSWER, **GONE}
ALLOWED = {
    S.DRAFT: {E.ISSUE: S.ISSUED},
    S.ISSUED: {E.FILE: S.FILED, **GONE},
    S.FILED: {
        E.REJECT: S.REJECTED,
        E.ACCEPT: S.ACCEPTED,
        E.REQUEST_RECORDS: S.RECORDS_REQUESTED,
        E.CLOSE: S.CLOSED,
        **ANSWER,
        **GONE,
    },
    S.REJECTED: GONE,
    S.ACCEPTED: {
        E.REJECT: S.REJECTED,
        E.REQUEST_RECORDS: S.RECORDS_REQUESTED,
        E.CLOSE: S.CLOSED,
        **ANSWER,
        **GONE,
    },
    S.RECORDS_REQUESTED: {E.ACCEPT: S.ACCEPTED, E.CLOSE: S.CLOSED, **ANSWER, **GONE},
    S.PAID: AFTER_AN_ANSWER,
    S.DENIED: AFTER_AN_ANSWER,
    S.APPLIED_TO_DEDUCTIBLE: AFTER_AN_ANSWER,
    S.APPEALED: {E.REQUEST_RECORDS: S.RECORDS_REQUESTED, E.CLOSE: S.CLOSED, **ANSWER, **GONE},
    S.REPLACED: {},
    S.VOIDED: {},
    S.CLOSED: GONE,
}


@pytest.mark.parametrize(("state", "event"), list(product(S, E)))
def test_a_claim_moves_along_its_table_only(state, event):
    if event in ALLOWED[state]:
        assert next_state(CLAIM_MOVES, state, event) == ALLOWED[state][event]
    else:
        with pytest.raises(IllegalMove):
            next_state(CLAIM_MOVES, state, event)


def test_what_has_ended_stays_so_and_every_other_claim_can_end():
    """A closed one can be followed by another version."""
    assert {state for state, _ in CLAIM_MOVES} == set(S) - CLAIM_ENDS | {S.CLOSED}
    assert {after for (before, _), after in CLAIM_MOVES.items() if before in CLAIM_ENDS} <= CLAIM_ENDS
    reached = {state: {after for (before, _), after in CLAIM_MOVES.items() if before is state} for state in S}
    assert all(reached[state] & CLAIM_ENDS for state in set(S) - CLAIM_ENDS - {S.DRAFT})


def test_every_state_is_reached_from_a_draft():
    found = {S.DRAFT}
    for _ in S:
        found |= {after for (before, _), after in CLAIM_MOVES.items() if before in found}
    assert found == set(S)


def test_the_insurer_has_what_was_filed_and_not_rejected():
    assert set(S) - CLAIM_UNSENT - CLAIM_ENDS == {
        S.FILED, S.ACCEPTED, S.RECORDS_REQUESTED, S.PAID, S.DENIED, S.APPLIED_TO_DEDUCTIBLE, S.APPEALED,
    }  # fmt: skip
