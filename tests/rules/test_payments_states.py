"""The life of an attempt to pay: every state met by every event."""

from itertools import product

import pytest

from billing.kernel.errors import IllegalMove
from billing.kernel.states import next_state
from billing.payments.states.checkouts import CHECKOUT_MOVES, STANDING, CheckoutEvent, CheckoutState

S, E = CheckoutState, CheckoutEvent

ALLOWED = {
    S.CREATED: {
        E.OPEN: S.OPEN,
        E.PROCESS: S.PROCESSING,
        E.PAY: S.PAID,
        E.EXPIRE: S.EXPIRED,
        E.REFUSE: S.REFUSED,
        E.DECLINE: S.DECLINED,
    },
    S.OPEN: {E.PROCESS: S.PROCESSING, E.PAY: S.PAID, E.EXPIRE: S.EXPIRED, E.DECLINE: S.DECLINED},
    S.PROCESSING: {E.PAY: S.PAID, E.DECLINE: S.DECLINED},
    S.PAID: {},
    S.EXPIRED: {E.PAY: S.PAID},
    S.REFUSED: {E.PAY: S.PAID},
    S.DECLINED: {E.PAY: S.PAID},
}


@pytest.mark.parametrize(("state", "event"), list(product(S, E)))
def test_an_attempt_moves_along_its_table_only(state, event):
    if event in ALLOWED[state]:
        assert next_state(CHECKOUT_MOVES, state, event) == ALLOWED[state][event]
    else:
        with pytest.raises(IllegalMove):
            next_state(CHECKOUT_MOVES, state, event)


def test_money_that_comes_is_booked_whatever_was_thought_of_the_attempt():
    assert all(next_state(CHECKOUT_MOVES, state, E.PAY) is S.PAID for state in S if state is not S.PAID)


def test_what_may_still_take_money_stands():
    assert set(STANDING) == {S.CREATED, S.OPEN, S.PROCESSING}
