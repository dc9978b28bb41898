"""Finding out what became of operations without an outcome."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.kernel.permissions import SYSTEM
from billing.payments.flows.charges import follow_charge
from billing.payments.flows.checkouts import (
    cancel_checkout,
    find_operation,
    look_up,
    open_page,
    record_outcome,
    settle_checkout,
)
from billing.payments.flows.dispute_answers import send_answer
from billing.payments.flows.refunds import send_refund, settle_refund
from billing.payments.flows.room import SETTLES_WITHIN, Payments, log, write_now
from billing.payments.flows.saved_methods import follow_removal, follow_saving
from billing.payments.queries.checkouts import find_checkout, has_use, may_be_sent, unresolved_checkouts
from billing.payments.queries.dispute_answers import unresolved_answers
from billing.payments.queries.refunds import unresolved_refunds
from billing.payments.queries.saved_methods import unresolved_removals, unresolved_savings
from billing.payments.queries.unknowns import looked_up_later
from billing.payments.records.checkouts import Checkout, Way
from billing.payments.records.dispute_answers import DisputeAnswer
from billing.payments.records.refunds import Refund
from billing.payments.records.saved_methods import SavedMethod
from billing.payments.states.checkouts import CheckoutState
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.unknowns import (
    A_BANK_WAITS,
    A_PERSON_LOOKS_AFTER,
    ask_about_checkout,
    ask_if_late,
    keep_look,
)
from billing.platform.data.tasks import Sited


@dataclass(frozen=True)
class Resolved:
    """What was looked up, and how many still have no outcome. `cards` were being saved or removed."""

    checkouts: int
    refunds: int
    cards: int
    answers: int
    unknown: int


@dataclass(frozen=True)
class Unresolved:
    """What has no outcome yet."""

    checkouts: Sequence[Checkout]
    refunds: Sequence[Refund]
    savings: Sequence[SavedMethod]
    removals: Sequence[SavedMethod]
    answers: Sequence[DisputeAnswer]

    def ids(self) -> list[str]:
        kinds = (self.checkouts, self.refunds, self.savings, self.removals, self.answers)
        return [each.id for kind in kinds for each in kind]

    def without(self, ids: Collection[str]) -> Unresolved:
        return Unresolved(
            checkouts=[each for each in self.checkouts if each.id not in ids],
            refunds=[each for each in self.refunds if each.id not in ids],
            savings=[each for each in self.savings if each.id not in ids],
            removals=[each for each in self.removals if each.id not in ids],
            answers=[each for each in self.answers if each.id not in ids],
        )


def resolve(room: Payments) -> Resolved:
    """Find out at once what became of everything whose outcome is not known."""
    return _look_up(room, _without_outcome(room))


def resolve_due(room: Payments) -> Resolved:
    """As `resolve`, but of what was looked up before only that whose time has come again."""
    unresolved = _without_outcome(room)
    with room.database.reading() as read:
        later = looked_up_later(read, unresolved.ids(), room.clock())
    return _look_up(room, unresolved.without(later))


def _without_outcome(room: Payments) -> Unresolved:
    now = room.clock()
    before = now - SETTLES_WITHIN
    with room.database.reading() as read:
        return Unresolved(
            checkouts=unresolved_checkouts(read, before=before, now=now),
            refunds=unresolved_refunds(read, before=before),
            savings=unresolved_savings(read, before=before, now=now),
            removals=unresolved_removals(read, before=before),
            answers=unresolved_answers(read, before=before),
        )


def _look_up(room: Payments, unresolved: Unresolved) -> Resolved:
    told = [_told_of_checkout(room, each) for each in unresolved.checkouts]
    told += [_told_of_refund(room, each) for each in unresolved.refunds]
    told += [_told_of_saving(room, each) for each in unresolved.savings]
    told += [_told_of_removal(room, each) for each in unresolved.removals]
    told += [_told_of_answer(room, each) for each in unresolved.answers]
    return Resolved(
        checkouts=len(unresolved.checkouts),
        refunds=len(unresolved.refunds),
        cards=len(unresolved.savings) + len(unresolved.removals),
        answers=len(unresolved.answers),
        unknown=told.count(False),
    )


def _told_of_checkout(room: Payments, checkout: Checkout) -> bool:
    told = tried(lambda: _resolve_checkout(room, checkout))
    if not told:
        write_now(room, lambda tx, now: ask_about_checkout(tx, checkout=checkout, actor=SYSTEM, now=now))
    _keep_look(room, checkout.id, checkout.expires_at if checkout.reference else checkout.opened_at)
    return told


def _told_of_refund(room: Payments, refund: Refund) -> bool:
    told = tried(lambda: _resolve_refund(room, refund))
    _keep_looking(room, refund, refund.approved_at or refund.requested_at, told=told)
    return told


def _told_of_saving(room: Payments, method: SavedMethod) -> bool:
    told = tried(lambda: follow_saving(room, method))
    _keep_look(room, method.id, method.expires_at if method.page_reference else method.opened_at)
    return told


def _told_of_removal(room: Payments, method: SavedMethod) -> bool:
    """Who asked for it is owed it: after a week somebody removes the card by hand."""
    told = tried(lambda: follow_removal(room, method))
    _keep_looking(room, method, method.removal_asked_at or method.opened_at, told=told)
    return told


def _told_of_answer(room: Payments, answer: DisputeAnswer) -> bool:
    told = tried(lambda: send_answer(room, answer_id=answer.id))
    _keep_looking(room, answer, answer.ordered_at or answer.asked_at, told=told, after=A_BANK_WAITS)
    return told


def _keep_looking(
    room: Payments, about: Sited, began_at: datetime, *, told: bool, after: timedelta = A_PERSON_LOOKS_AFTER
) -> None:
    if not told:
        write_now(
            room,
            lambda tx, now: ask_if_late(
                tx, about=about, began_at=began_at, actor=SYSTEM, now=now, after=after
            ),
        )
    _keep_look(room, about.id, began_at)


def _keep_look(room: Payments, subject_id: str, began_at: datetime) -> None:
    write_now(
        room,
        lambda tx, now: keep_look(tx, subject_id=subject_id, began_at=began_at, actor=SYSTEM, now=now),
    )


def _resolve_checkout(room: Payments, checkout: Checkout) -> None:
    """Nobody waits at a reader any more: it is closed. So is what may not be sent, and it never is anew."""
    with room.database.reading() as read:
        sendable = may_be_sent(read, checkout)
    if checkout.way is Way.SAVED:
        follow_charge(room, checkout)
    elif checkout.reference is None and not sendable:
        look_up(room, checkout)
    elif checkout.reader_id is not None or not sendable:
        cancel_checkout(room, checkout_id=checkout.id, actor=SYSTEM)
    elif checkout.reference is not None:
        settle_checkout(room, reference=checkout.reference)
    else:
        open_page(room, checkout, SYSTEM)


def close_useless(room: Payments, checkout_id: str) -> None:
    """Close a card page or reader, unless what it is to pay is owed by now and may be charged.

    Raises: NotBookedYet, GatewayTimeout, GatewayRefused: the caller tries again later.
    """
    with room.database.reading() as read:
        checkout = find_checkout(read, checkout_id, SYSTEM)
        is_useless = checkout.state is CheckoutState.OPEN and not has_use(read, checkout)
    if is_useless:
        cancel_checkout(room, checkout_id=checkout_id, actor=SYSTEM)


def settle_operation(room: Payments, checkout_id: str) -> None:
    """Read what the processor made of a checkout, though it has an outcome here, and record it.

    Raises: NoSuchCheckout, NotBookedYet, GatewayTimeout.
    """
    with room.database.reading() as read:
        checkout = find_checkout(read, checkout_id, SYSTEM)
    if checkout.reference is not None:
        settle_checkout(room, reference=checkout.reference)
    elif state := find_operation(room, checkout):
        record_outcome(room, checkout.id, state)


def _resolve_refund(room: Payments, refund: Refund) -> None:
    if refund.state is RefundState.APPROVED:
        send_refund(room, refund_id=refund.id)
    else:
        settle_refund(room, reference=str(refund.reference))


def tried(work: Callable[[], object]) -> bool:
    """One that cannot be told never keeps the others waiting."""
    try:
        work()
    except Exception as error:
        log.warning("still_unknown", error=type(error).__name__)
        return False
    return True
