"""What cannot be done any more is said in words of the office, whatever it is."""

import importlib
import pkgutil
from itertools import product

import pytest

import billing.payments.states
from billing.care.states import MOVES as SESSION_MOVES
from billing.care.states import SessionEvent, SessionState
from billing.kernel.errors import IllegalMove
from billing.kernel.state_words import CANNOT_BE, IS, THINGS
from billing.kernel.states import next_state
from billing.payments.states.dormant import DORMANT_MOVES, DormantEvent, DormantState
from billing.payments.states.refunds import REFUND_MOVES, RefundEvent, RefundState

PLACES = (
    "billing.care.states",
    "billing.invoices.states",
    "billing.insurance.states",
    "billing.platform.data.tasks",
    *(
        f"billing.payments.states.{each.name}"
        for each in pkgutil.iter_modules(billing.payments.states.__path__)
    ),
)


def tables():
    """Every table of moves that there is."""
    for place in PLACES:
        for name, table in vars(importlib.import_module(place)).items():
            if name.endswith("MOVES"):
                yield pytest.param(table, id=f"{place}.{name}")


def refusal(moves, state, event):
    with pytest.raises(IllegalMove) as refused:
        next_state(moves, state, event)
    return refused.value


@pytest.mark.parametrize("moves", list(tables()))
def test_every_move_that_a_table_does_not_have_is_refused_in_words(moves):
    state, event = next(iter(moves))
    for before, told in product(type(state), type(event)):
        if (before, told) not in moves:
            error = refusal(moves, before, told)
            assert error.detail.startswith(f"This {THINGS[type(state).__name__]} is {IS[before]}")
            assert "_" not in error.detail
            assert error.more == {"state": str(before), "event": str(told)}


def test_there_are_words_for_nothing_that_is_not_there():
    moves = [each for table in tables() for each in table.values[0]]
    assert {type(state).__name__ for state, _ in moves} == set(THINGS)
    assert {str(each) for state, _ in moves for each in type(state)} == set(IS)
    assert {str(each) for _, event in moves for each in type(event)} == set(CANNOT_BE)


@pytest.mark.parametrize(
    ("moves", "state", "event", "said"),
    [
        (
            DORMANT_MOVES,
            DormantState.SET_ASIDE,
            DormantEvent.WRITE,
            "This money is set aside for the state, and cannot be told to its owner by letter.",
        ),
        (
            REFUND_MOVES,
            RefundState.UNCLAIMED,
            RefundEvent.SEND,
            "This refund is set aside for the state, and cannot be sent.",
        ),
        (
            SESSION_MOVES,
            SessionState.PLANNED,
            SessionEvent.GIVE,
            "This visit is planned, and cannot be recorded as given.",
        ),
        (REFUND_MOVES, RefundState.APPROVED, RefundEvent.APPROVE, "This refund is approved already."),
    ],
)
def test_the_sentence_is_one_that_a_clerk_would_say(moves, state, event, said):
    assert refusal(moves, state, event).detail == said
