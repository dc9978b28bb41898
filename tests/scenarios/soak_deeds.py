"""What staff, payers, banks and bad luck do: each deed does it over HTTP, and tells the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from tests.scenarios.soak_desk import (
    bill,
    cancel,
    check_that_bounces,
    count_the_drawer,
    give,
    move_credit,
    open_a_drawer,
    pay_by_card,
    pay_from_bank,
    pay_in_cash,
    pay_in_cash_and_by_check,
)
from tests.scenarios.soak_model import BANK, Card
from tests.scenarios.soak_payers import (
    another_payer_takes_a_part,
    ask_refund_to_payer,
    payer_pays_at_the_desk,
    payer_pays_by_link,
)
from tests.scenarios.soak_reader import (
    card_at_the_reader,
    card_at_the_reader_unheard,
    declined_at_the_reader,
    reader_that_takes_nothing,
)
from tests.scenarios.soak_saved import charge_the_saved_card, save_a_card, saved_card_that_is_declined
from tests.scenarios.soak_visit import Choose, Visit

STAND_IN = "sandbox"
CHECKOUTS, REFUNDS = "/v1/checkout/sessions", "/v1/refunds"
LOSABLE = (CHECKOUTS, REFUNDS, "/v1/payment_intents", "/v1/terminal/readers")


@dataclass(frozen=True)
class Deed:
    """`may` says whether there is something to do it to; `do` answers False when there was not after all."""

    name: str
    may: Callable[[Visit], object]
    do: Callable[[Visit, Choose], bool | None]


# --- money that goes back --------------------------------------------------------------------------------


def refund_whole(visit: Visit, choose: Choose) -> None:
    card = choose.of(visit.refundable)
    _end_refund(visit, card, _ask_refund(visit, card, card.left))


def refund_in_part(visit: Visit, choose: Choose) -> None:
    card = choose.of(visit.refundable)
    _end_refund(visit, card, _ask_refund(visit, card, choose.part(card.left)))


def refund_to_payer(visit: Visit, choose: Choose) -> bool:
    asked = ask_refund_to_payer(visit, choose)
    if asked is None:
        return False
    card, refund = asked
    _approve(visit, refund)
    _end_refund(visit, card, refund)
    return True


def refund_whose_answer_is_lost_for_a_day(when: str, visit: Visit, choose: Choose) -> None:
    """When its key is too old it is looked up: found, or held for the patient when it was never made.

    No notice comes meanwhile, since one would tell of the refund before anybody has to look it up.
    """
    card, clinic = choose.of(visit.refundable), visit.clinic
    clinic.control("hold-events")
    clinic.control("lose-response", path=REFUNDS, times=1, when=when)
    armed = _losses(visit)
    refund = _ask_refund(visit, card, choose.part(card.left))
    clinic.office.until("the answer is lost", lambda: _losses(visit) < armed)
    clinic.pass_time(timedelta(hours=25))
    _end_refund(visit, card, refund)
    clinic.control("release-events", order="as_sent")


def _losses(visit: Visit) -> int:
    """How many answers about refunds are still to be lost."""
    return sum(loss["path"] == REFUNDS for loss in visit.clinic.stand_in.state()["lost_responses"])


def refund_that_fails_later(visit: Visit, choose: Choose) -> None:
    sent = choose.of(visit.sent)
    card, reference, cents = sent
    visit.clinic.control("fail-refund", refund=reference, reason="expired_or_canceled_card")
    visit.sent.remove(sent)
    visit.model.refund_fails(card, cents)


def _ask_refund(visit: Visit, card: Card, cents: int) -> Any:
    """By one person who saw what is left, and approved by another above the limit."""
    path = f"/payments/{card.payment_id}"
    shown = visit.clinic.billing.get(f"{path}/refundable")["refundable_cents"]
    assert shown == card.left, f"{shown} can go back of what has {card.left} left"
    body = {"amount_cents": cents, "refundable_cents": shown, "reason": "other"}
    refund = visit.clinic.billing.post(f"{path}/refunds", body)
    _approve(visit, refund)
    return refund


def _approve(visit: Visit, refund: Any) -> None:
    if refund["state"] == "requested":
        visit.clinic.staff["supervisor"].post(f"/refunds/{refund['id']}/approve")


def _end_refund(visit: Visit, card: Card, refund: Any) -> None:
    """Wait for its end, half a minute of the clinic's at a time: an answer that was lost is looked up.

    What a bank account gets back is under way for two days.
    """

    def look() -> Any:
        state = visit.clinic.billing.get(f"/refunds/{refund['id']}")["state"]
        if state in ("succeeded", "failed"):
            return state
        is_under_way = state == "sent" and card.by == BANK
        visit.clinic.pass_time(timedelta(hours=12) if is_under_way else timedelta(seconds=30))
        return None

    state, cents = visit.clinic.office.until("the refund has ended", look), refund["amount_cents"]
    visit.model.refund(card, cents)
    if state == "failed":
        visit.model.refund_fails(card, cents)
        return
    made = visit.clinic.stand_in.listed("refunds", charge=card.charge, limit="100")["data"]
    known = [reference for _, reference, _ in visit.sent]
    (reference,) = [each["id"] for each in made if each["metadata"].get("operation") == refund["id"]]
    assert reference not in known
    visit.sent.append((card, reference, cents))


# --- banks -----------------------------------------------------------------------------------------------


def dispute(visit: Visit, choose: Choose) -> None:
    card = choose.of(visit.disputable)
    card.dispute = visit.clinic.control("open-dispute", charge=card.charge, reason="fraudulent")["id"]
    visit.model.dispute(card, card.left)


def dispute_of_what_went_back(visit: Visit, choose: Choose) -> None:
    """All of a payment, as if none of it had been given back."""
    card = choose.of(visit.disputable_twice)
    opened = visit.clinic.control(
        "open-dispute", charge=card.charge, reason="credit_not_processed", amount=card.paid
    )
    card.dispute = opened["id"]
    visit.model.dispute(card, card.paid)


def dispute_won(visit: Visit, choose: Choose) -> None:
    card = choose.of(visit.disputed)
    visit.clinic.control("decide-dispute", dispute=card.dispute, outcome="won")
    visit.model.decide(card, lost=0)


def dispute_won_in_part(visit: Visit, choose: Choose) -> None:
    card = choose.of(visit.disputed)
    back = choose.part(card.disputed)
    visit.clinic.control("decide-dispute", dispute=card.dispute, outcome="won", amount=back)
    visit.model.decide(card, lost=card.disputed - back)


def dispute_lost(visit: Visit, choose: Choose) -> None:
    card = choose.of(visit.disputed)
    visit.clinic.control("decide-dispute", dispute=card.dispute, outcome="lost")
    visit.model.decide(card, lost=card.disputed)


def payout(visit: Visit, choose: Choose) -> bool:
    """At once, or by itself days later when nothing has settled yet."""
    before = visit.clinic.stand_in.listed("payouts", limit="1")["data"]
    if visit.clinic.control("pay-out", arrives=choose.of((True, False))) is None:
        days_pass(visit, choose)
    return bool(visit.clinic.stand_in.listed("payouts", limit="1")["data"] != before)


def payout_that_comes_back(visit: Visit, _choose: Choose) -> bool:
    newest = visit.clinic.stand_in.listed("payouts", limit="1")["data"]
    if not newest or newest[0]["status"] == "failed":
        return False
    visit.clinic.control("fail-payout", payout=newest[0]["id"], reason="account_closed")
    return True


# --- bad luck --------------------------------------------------------------------------------------------


def kill(name: str, visit: Visit, choose: Choose) -> None:
    """Now, or under what is done next; on any machine that runs it."""
    machines = len(visit.clinic.office.urls) if name != STAND_IN else 1
    number = choose.of(range(1, machines + 1))
    which = name if number == 1 else f"{name}{number}"
    visit.clinic.kill(which, after_ms=choose.of((0, 50, 200, 600)))


def lost_answer(visit: Visit, choose: Choose) -> None:
    path, when = choose.of(LOSABLE), choose.of(("after", "before"))
    visit.clinic.control("lose-response", path=path, times=1, when=when)


def doubled_events(visit: Visit, _choose: Choose) -> None:
    visit.events_are_doubled = not visit.events_are_doubled
    visit.clinic.control("duplicate-events", on=visit.events_are_doubled)


def old_event_again(visit: Visit, choose: Choose) -> bool:
    events = visit.clinic.stand_in.listed("events", limit="100")["data"]
    if not events:
        return False
    visit.clinic.control("resend-event", event=choose.of(events)["id"], times=choose.of((1, 3)))
    return True


def held_events(visit: Visit, _choose: Choose) -> None:
    visit.clinic.control("hold-events")
    visit.events_are_held = True


def late_events(order: str, visit: Visit, _choose: Choose) -> None:
    visit.release_events(order)


def hours_pass(visit: Visit, choose: Choose) -> None:
    visit.clinic.pass_time(timedelta(minutes=choose.of((6, 70, 11 * 60))))


def days_pass(visit: Visit, choose: Choose) -> None:
    visit.clinic.pass_time(timedelta(hours=choose.of((25, 3 * 24))))


def _always(_visit: Visit) -> bool:
    return True


def _held(visit: Visit) -> bool:
    return visit.events_are_held


DEEDS = (
    Deed("bill", lambda visit: visit.has_room, bill),
    Deed("pay by card", lambda visit: visit.owing, pay_by_card),
    Deed("pay from a bank account", lambda visit: visit.owing_undisputed, pay_from_bank),
    Deed("card at the reader", lambda visit: visit.owing_more_than_credit, card_at_the_reader),
    Deed(
        "card at the reader, no notice",
        lambda visit: visit.owing_more_than_credit,
        card_at_the_reader_unheard,
    ),
    Deed("declined at the reader", lambda visit: visit.owing_more_than_credit, declined_at_the_reader),
    Deed("reader that takes nothing", lambda visit: visit.owing_more_than_credit, reader_that_takes_nothing),
    Deed("save a card", lambda visit: visit.is_calm and not visit.saved, save_a_card),
    Deed("charge the saved card", lambda visit: visit.owing_to_the_saved_card, charge_the_saved_card),
    Deed(
        "saved card that is declined",
        lambda visit: visit.saved and visit.owing_more_than_credit,
        saved_card_that_is_declined,
    ),
    Deed("another payer takes a part", lambda visit: visit.shareable, another_payer_takes_a_part),
    Deed("payer pays at the desk", lambda visit: visit.owed_by_payers, payer_pays_at_the_desk),
    Deed("payer pays by link", lambda visit: visit.owed_by_payers_on_a_page, payer_pays_by_link),
    Deed("refund to another payer", lambda visit: visit.refundable_to_payers, refund_to_payer),
    Deed("pay in cash", lambda visit: visit.owing_at_the_desk, pay_in_cash),
    Deed("pay in cash and by check", lambda visit: visit.owing_two, pay_in_cash_and_by_check),
    Deed("check that bounces", lambda visit: visit.bounceable, check_that_bounces),
    Deed("move credit", lambda visit: visit.owing_at_the_desk, move_credit),
    Deed("open a drawer", lambda visit: visit.model.drawer is None, open_a_drawer),
    Deed("count the drawer", lambda visit: visit.model.drawer is not None, count_the_drawer),
    Deed("refund in part", lambda visit: visit.refundable, refund_in_part),
    Deed("refund whole", lambda visit: visit.refundable, refund_whole),
    Deed(
        "refund made, its answer lost for 25 hours",
        lambda visit: visit.refundable,
        partial(refund_whose_answer_is_lost_for_a_day, "after"),
    ),
    Deed(
        "refund lost before it was made, for 25 hours",
        lambda visit: visit.refundable,
        partial(refund_whose_answer_is_lost_for_a_day, "before"),
    ),
    Deed("refund that fails later", lambda visit: visit.sent, refund_that_fails_later),
    Deed("dispute", lambda visit: visit.disputable, dispute),
    Deed("dispute of what went back, too", lambda visit: visit.disputable_twice, dispute_of_what_went_back),
    Deed("dispute won", lambda visit: visit.disputed, dispute_won),
    Deed("dispute won in part", lambda visit: visit.disputed, dispute_won_in_part),
    Deed("dispute lost", lambda visit: visit.disputed, dispute_lost),
    Deed("give", lambda visit: visit.payable, give),
    Deed("cancel", lambda visit: len(visit.cancellable) > 1 and visit.cancellable, cancel),
    Deed("payout", _always, payout),
    Deed("payout that comes back", _always, payout_that_comes_back),
    Deed("hours pass", _always, hours_pass),
    Deed("days pass", _always, days_pass),
    Deed("lost answer", _always, lost_answer),
    Deed("doubled events", _always, doubled_events),
    Deed("old event again", _always, old_event_again),
    Deed("held events", lambda visit: visit.is_calm, held_events),
    Deed("late events, as sent", _held, partial(late_events, "as_sent")),
    Deed("late events, reversed", _held, partial(late_events, "reversed")),
    Deed("late events, shuffled", _held, partial(late_events, "shuffled")),
    Deed("kill -9 of web", _always, partial(kill, "web")),
    Deed("kill -9 of worker", _always, partial(kill, "worker")),
    Deed("kill -9 of stand-in", _always, partial(kill, STAND_IN)),
)
