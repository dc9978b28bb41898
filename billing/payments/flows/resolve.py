"""Finding out what became of operations without an outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from billing.kernel.permissions import SYSTEM
from billing.payments import ports
from billing.payments.flows.checkouts import cancel_checkout, open_page, record_outcome, settle_checkout
from billing.payments.flows.refunds import send_refund, settle_refund
from billing.payments.flows.room import KEY_LIVES, SETTLES_WITHIN, Payments, log, write_now
from billing.payments.queries.checkouts import unresolved_checkouts
from billing.payments.queries.refunds import unresolved_refunds
from billing.payments.queries.unknowns import looked_up_later
from billing.payments.records.checkouts import Checkout
from billing.payments.records.refunds import Refund
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.checkouts import close_checkout
from billing.payments.use_cases.unknowns import ask_about_checkout, ask_about_refund, keep_look


@dataclass(frozen=True)
class Resolved:
    """What was looked up, and how many still have no outcome."""

    checkouts: int
    refunds: int
    unknown: int


def resolve(room: Payments) -> Resolved:
    """Find out at once what became of everything whose outcome is not known."""
    return _look_up(room, *_without_outcome(room))


def resolve_due(room: Payments) -> Resolved:
    """As `resolve`, but of what was looked up before only that whose time has come again."""
    checkouts, refunds = _without_outcome(room)
    found = [*(each.id for each in checkouts), *(each.id for each in refunds)]
    with room.database.reading() as read:
        later = looked_up_later(read, found, room.clock())
    return _look_up(
        room,
        [each for each in checkouts if each.id not in later],
        [each for each in refunds if each.id not in later],
    )


def _without_outcome(room: Payments) -> tuple[Sequence[Checkout], Sequence[Refund]]:
    now = room.clock()
    with room.database.reading() as read:
        return (
            unresolved_checkouts(read, before=now - SETTLES_WITHIN, now=now),
            unresolved_refunds(read, before=now - SETTLES_WITHIN),
        )


def _look_up(room: Payments, checkouts: Sequence[Checkout], refunds: Sequence[Refund]) -> Resolved:
    unknown = sum(not _told_of_checkout(room, each) for each in checkouts)
    unknown += sum(not _told_of_refund(room, each) for each in refunds)
    return Resolved(checkouts=len(checkouts), refunds=len(refunds), unknown=unknown)


def _told_of_checkout(room: Payments, checkout: Checkout) -> bool:
    told = _try(lambda: _resolve_checkout(room, checkout))
    if not told:
        write_now(room, lambda tx, now: ask_about_checkout(tx, checkout=checkout, actor=SYSTEM, now=now))
    _keep_look(room, checkout.id, checkout.expires_at if checkout.reference else checkout.opened_at)
    return told


def _told_of_refund(room: Payments, refund: Refund) -> bool:
    told = _try(lambda: _resolve_refund(room, refund))
    if not told:
        write_now(room, lambda tx, now: ask_about_refund(tx, refund=refund, actor=SYSTEM, now=now))
    _keep_look(room, refund.id, refund.approved_at or refund.requested_at)
    return told


def _keep_look(room: Payments, subject_id: str, began_at: datetime) -> None:
    write_now(
        room,
        lambda tx, now: keep_look(tx, subject_id=subject_id, began_at=began_at, actor=SYSTEM, now=now),
    )


def _resolve_checkout(room: Payments, checkout: Checkout) -> None:
    fresh = room.clock() - checkout.opened_at < KEY_LIVES
    if checkout.reader_id is not None and (fresh or checkout.reference is not None):
        cancel_checkout(room, checkout_id=checkout.id, actor=SYSTEM)
    elif checkout.reference is not None:
        settle_checkout(room, reference=checkout.reference)
    elif fresh:
        open_page(room, checkout, SYSTEM)
    elif state := _find(room, checkout):
        record_outcome(room, checkout.id, state)
    else:
        write_now(room, lambda tx, now: close_checkout(tx, checkout_id=checkout.id, actor=SYSTEM, now=now))


def _find(room: Payments, checkout: Checkout) -> ports.CheckoutState | None:
    """What was asked on a reader so long ago is closed before it is believed."""
    if checkout.reader_id is None:
        return room.gateway.find_checkout(checkout.id, opened_after=checkout.opened_at)
    found = room.gateway.find_on_reader(checkout.id, opened_after=checkout.opened_at)
    if found is None or found.status is not ports.CheckoutStatus.OPEN:
        return found
    room.gateway.cancel_on_reader(found.reference, reader_id=checkout.reader_id)
    return room.gateway.read_checkout(found.reference)


def _resolve_refund(room: Payments, refund: Refund) -> None:
    if refund.state is RefundState.APPROVED:
        send_refund(room, refund_id=refund.id)
    else:
        settle_refund(room, reference=str(refund.reference))


def _try(work: Callable[[], object]) -> bool:
    """One that cannot be told never keeps the others waiting."""
    try:
        work()
    except Exception as error:
        log.warning("still_unknown", error=type(error).__name__)
        return False
    return True
