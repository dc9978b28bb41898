"""Cards at the reader of the desk: shown, declined, never shown, or shown when nobody listens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.scenarios.soak_desk import DECLINED, GOOD
from tests.scenarios.soak_model import READER, Bill
from tests.scenarios.soak_visit import Choose, Visit

ASKS_FOR = timedelta(minutes=15)


def card_at_the_reader(visit: Visit, choose: Choose) -> None:
    """Perhaps the desk cancels, too late."""
    paid = choose.of(visit.owing_more_than_credit)
    attempt = _ask(visit, paid)
    visit.clinic.show_card(GOOD)
    if choose.of((False, True)):
        assert _cancel(visit, attempt) == "paid"
    _book(visit, paid)


def declined_at_the_reader(visit: Visit, choose: Choose) -> None:
    """Then another card at the reader, cash, or nothing; the notices come at once, or too late for it.

    The desk looks, is told by a notice, cancels, asks for the next card without looking, or time passes.
    """
    paid = choose.of(visit.owing_more_than_credit)
    first = _ask(visit, paid)
    is_late = choose.of((False, True))
    if is_late:
        visit.clinic.control("hold-events")
    visit.clinic.show_card(DECLINED)
    then = choose.of(("card", "cash", "nothing"))
    if then != "card" or choose.of((False, True)):
        _learn(visit, first, choose)
    if then == "card":
        _ask(visit, paid)
    if is_late:
        visit.clinic.control("release-events", order=choose.of(("as_sent", "reversed")))
    assert _state(visit, first) == "declined"
    if then == "card":
        visit.clinic.show_card(GOOD)
        _book(visit, paid)
    elif then == "cash":
        cents = paid.owed
        visit.clinic.desk.post(f"/invoices/{paid.invoice_id}/cash-payments", {"amount_cents": cents})
        visit.model.pay_in_cash(paid, cents)


def _learn(visit: Visit, attempt: Any, choose: Choose) -> None:
    how = choose.of(("look", "cancel", "time"))
    if how == "cancel":
        assert _cancel(visit, attempt) == "declined"
    elif how == "time":
        visit.clinic.pass_time(ASKS_FOR)
    _await_state(visit, attempt, "declined")


def reader_that_takes_nothing(visit: Visit, choose: Choose) -> None:
    """Given up by the payer, or not looked at; the desk looks or cancels, or time does."""
    attempt = _ask(visit, choose.of(visit.owing_more_than_credit))
    gives_up = choose.of((False, True))
    if gives_up:
        visit.clinic.control("fail-reader-action", reader=visit.clinic.reader_id)
    if choose.of((False, True)):
        assert _cancel(visit, attempt) == "expired"
    elif not gives_up:
        visit.clinic.pass_time(ASKS_FOR)
    _await_state(visit, attempt, "expired")


def card_at_the_reader_unheard(visit: Visit, choose: Choose) -> None:
    """No notice comes until it was looked up."""
    paid = choose.of(visit.owing_more_than_credit)
    attempt = _ask(visit, paid)
    visit.clinic.control("hold-events")
    visit.clinic.show_card(GOOD)
    visit.clinic.pass_time(ASKS_FOR)
    _await_state(visit, attempt, "paid")
    visit.clinic.control("release-events", order="reversed")
    _book(visit, paid)


def _ask(visit: Visit, bill: Bill) -> Any:
    path = f"/invoices/{bill.invoice_id}/terminal-payments"
    return visit.clinic.desk.post(path, {"reader_id": visit.clinic.reader_id})


def _cancel(visit: Visit, attempt: Any) -> Any:
    return visit.clinic.desk.post(f"/checkouts/{attempt['id']}/cancel")["state"]


def _state(visit: Visit, attempt: Any) -> Any:
    return visit.clinic.desk.get(f"/checkouts/{attempt['id']}")["state"]


def _await_state(visit: Visit, attempt: Any, state: str) -> None:
    visit.clinic.office.until(f"the attempt is {state}", lambda: _state(visit, attempt) == state)


def _book(visit: Visit, bill: Bill) -> None:
    """Credit came off first; it is credit again where the reader takes nothing."""
    visit.model.take_credit(bill)
    card = visit.model.charge(bill, visit.clinic.stand_in.newest_charge(), by=READER)
    visit.cards.append(card)
    visit.await_booking(card)
