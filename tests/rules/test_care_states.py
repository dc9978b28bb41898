"""The life of a session: every state met by every event."""

from itertools import product

import pytest

from billing.care.states import MOVES, SessionEvent, SessionState
from billing.kernel.errors import IllegalMove
from billing.kernel.states import next_state

S, E = SessionState, SessionEvent

ALLOWED = {
    S.PLANNED: {
        E.RESCHEDULE: S.PLANNED,
        E.CHECK_IN: S.CHECKED_IN,
        E.CANCEL: S.CANCELLED,
        E.MISS: S.NO_SHOW,
        E.TURN_AWAY: S.TURNED_AWAY,
    },
    S.CHECKED_IN: {E.GIVE: S.GIVEN, E.CANCEL: S.CANCELLED, E.TURN_AWAY: S.TURNED_AWAY},
    S.GIVEN: {},
    S.CANCELLED: {},
    S.NO_SHOW: {},
    S.TURNED_AWAY: {},
}


@pytest.mark.parametrize(("state", "event"), list(product(S, E)))
def test_a_session_moves_along_its_table_only(state, event):
    if event in ALLOWED[state]:
        assert next_state(MOVES, state, event) == ALLOWED[state][event]
    else:
        with pytest.raises(IllegalMove):
            next_state(MOVES, state, event)


def test_only_who_was_checked_in_can_be_given_anything():
    assert {state for (state, _), after in MOVES.items() if after == S.GIVEN} == {S.CHECKED_IN}
