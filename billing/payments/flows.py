"""Several transactions around one call to the processor: record the intent, call, record the outcome.

A process may die on any line here. What it leaves is an intent whose outcome `resolve` looks up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog

from billing.kernel.clock import Clock
from billing.kernel.permissions import SYSTEM, Actor
from billing.payments import ports
from billing.payments.errors import CheckoutStands, NotBookedYet, UnexplainedMoney
from billing.payments.ports import Gateway, GatewayRefused
from billing.payments.queries import (
    charge_of_payment,
    checkout_by_reference,
    find_checkout,
    find_refund,
    refund_by_reference,
    unresolved_checkouts,
    unresolved_refunds,
)
from billing.payments.records import Checkout, Refund
from billing.payments.states import STANDING, CheckoutState, RefundState
from billing.payments.use_cases.checkouts import (
    begin_checkout,
    close_checkout,
    keep_page,
    pay_checkout,
    refuse_checkout,
    take_credit_first,
)
from billing.payments.use_cases.refunds import fail_refund, keep_sent, succeed_refund
from billing.platform.data.database import Database
from billing.platform.data.idempotency import RequestKey

KEY_LIVES = timedelta(hours=24)
"""How long the processor knows one of our keys; after that an outcome is looked up, never sent again."""

SETTLES_WITHIN = timedelta(minutes=5)

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Payments:
    """What the flows of this room work with."""

    database: Database
    gateway: Gateway
    clock: Clock


@dataclass(frozen=True)
class Resolved:
    """What was looked up, and how many still have no outcome."""

    checkouts: int
    refunds: int
    unknown: int


def start_checkout(
    room: Payments, *, invoice_id: str, return_url: str, request: RequestKey | None, actor: Actor
) -> Checkout:
    """Open a page on which the patient pays what is owed now, or find the one that stands.

    A page of another amount is closed first; if it was paid meanwhile, that payment counts.
    Raises: NoSuchInvoice, InvoiceNotOpen, TooSmallForCard, GatewayTimeout, GatewayRefused.
    """

    def begin() -> Checkout:
        _write(room, lambda tx, now: take_credit_first(tx, invoice_id=invoice_id, actor=actor, now=now))
        return _write(
            room,
            lambda tx, now: begin_checkout(
                tx, invoice_id=invoice_id, return_url=return_url, request=request, actor=actor, now=now
            ),
        )

    try:
        checkout = begin()
    except CheckoutStands as standing:
        cancel_checkout(room, checkout_id=str(standing.more["checkout_id"]), actor=actor)
        checkout = begin()
    return _open_page(room, checkout, actor) if checkout.state is CheckoutState.CREATED else checkout


def cancel_checkout(room: Payments, *, checkout_id: str, actor: Actor) -> Checkout:
    """Close the processor's page, and answer with what became of the checkout: closed, or paid after all.

    Raises: NoSuchCheckout, NotBookedYet, GatewayRefused, GatewayTimeout.
    """
    with room.database.reading() as read:
        checkout = find_checkout(read, checkout_id, actor)
    if checkout.state not in STANDING:
        return checkout
    if checkout.reference is None:
        checkout = _open_page(room, checkout, actor)
    try:
        room.gateway.expire_checkout(str(checkout.reference))
    except GatewayRefused:
        log.info("checkout_not_open", checkout=checkout.id)
    return settle_checkout(room, reference=str(checkout.reference)) or checkout


def settle_checkout(room: Payments, *, reference: str) -> Checkout | None:
    """Read a checkout at the processor and record what became of it; None when it is none of ours.

    Raises: NotBookedYet, GatewayTimeout: the caller tries again later.
    """
    state = room.gateway.read_checkout(reference)
    with room.database.reading() as read:
        known = checkout_by_reference(read, reference)
    checkout_id = known.id if known else state.operation
    if checkout_id is None:
        log.warning("checkout_not_ours", reference=reference)
        return known
    return _record_outcome(room, checkout_id, state)


def send_refund(room: Payments, *, refund_id: str) -> Refund:
    """Send an approved refund to the processor, or look it up when its key is too old to send again.

    Raises: GatewayTimeout: the job comes again, under the same key.
    """
    with room.database.reading() as read:
        refund = find_refund(read, refund_id, SYSTEM)
        charge = charge_of_payment(read, str(refund.payment_id))
    if refund.state is not RefundState.APPROVED:
        return refund
    if room.clock() - (refund.approved_at or refund.requested_at) >= KEY_LIVES:
        sent = room.gateway.find_refund(refund.id, charge_reference=charge)
    else:
        sent = _send(room, refund, charge)
    if sent is None:
        return _write(room, lambda tx, now: fail_refund(tx, refund_id=refund_id, actor=SYSTEM, now=now))
    return _record_refund(room, refund_id, sent)


def settle_refund(room: Payments, *, reference: str) -> Refund:
    """Read a refund at the processor and record what became of it.

    Raises: UnexplainedMoney for one that was made elsewhere, so that its job waits for a person.
    """
    state = room.gateway.read_refund(reference)
    with room.database.reading() as read:
        known = refund_by_reference(read, reference)
    refund_id = known.id if known else state.operation
    if refund_id is None:
        raise UnexplainedMoney("A refund at the processor is none of ours: look it up in its dashboard.")
    return _record_refund(room, refund_id, state)


def work_event(room: Payments, *, kind: str, object_id: str) -> None:
    """Act on a notice: the object is read again, so that the order of notices does not matter."""
    if kind.startswith("checkout.session."):
        settle_checkout(room, reference=object_id)
    elif kind.startswith("refund."):
        settle_refund(room, reference=object_id)
    elif kind.startswith("charge.dispute."):
        raise UnexplainedMoney("A payment is disputed: answer it in the processor's dashboard.")


def resolve(room: Payments) -> Resolved:
    """Find out what became of everything whose outcome is not known."""
    now = room.clock()
    with room.database.reading() as read:
        checkouts = unresolved_checkouts(read, before=now - SETTLES_WITHIN, now=now)
        refunds = unresolved_refunds(read, before=now - SETTLES_WITHIN)
    unknown = sum(not _try(lambda c=each: _resolve_checkout(room, c)) for each in checkouts)  # type: ignore[misc]
    unknown += sum(not _try(lambda r=each: _resolve_refund(room, r)) for each in refunds)  # type: ignore[misc]
    return Resolved(checkouts=len(checkouts), refunds=len(refunds), unknown=unknown)


def _resolve_checkout(room: Payments, checkout: Checkout) -> None:
    if checkout.reference is not None:
        settle_checkout(room, reference=checkout.reference)
    elif room.clock() - checkout.opened_at < KEY_LIVES:
        _open_page(room, checkout, SYSTEM)
    elif state := room.gateway.find_checkout(checkout.id, opened_after=checkout.opened_at):
        _record_outcome(room, checkout.id, state)
    else:
        _write(room, lambda tx, now: close_checkout(tx, checkout_id=checkout.id, actor=SYSTEM, now=now))


def _resolve_refund(room: Payments, refund: Refund) -> None:
    if refund.state is RefundState.APPROVED:
        send_refund(room, refund_id=refund.id)
    else:
        settle_refund(room, reference=str(refund.reference))


def _open_page(room: Payments, checkout: Checkout, actor: Actor) -> Checkout:
    try:
        page = room.gateway.open_checkout(
            key=checkout.id,
            amount=checkout.amount,
            expires_at=checkout.expires_at,
            success_url=checkout.return_url,
            cancel_url=checkout.return_url,
        )
    except GatewayRefused:
        _write(room, lambda tx, now: refuse_checkout(tx, checkout_id=checkout.id, actor=actor, now=now))
        raise
    return _write(
        room,
        lambda tx, now: keep_page(
            tx, checkout_id=checkout.id, reference=page.reference, url=page.url, actor=actor, now=now
        ),
    )


def _record_outcome(room: Payments, checkout_id: str, state: ports.CheckoutState) -> Checkout:
    charge = state.charge
    if state.status is ports.CheckoutStatus.COMPLETE:
        if charge is None:
            raise NotBookedYet("The processor has not booked this payment yet.")
        return _write(
            room,
            lambda tx, now: pay_checkout(
                tx,
                checkout_id=checkout_id,
                reference=state.reference,
                charge=charge,
                actor=SYSTEM,
                now=now,
            ),
        )
    if state.status is ports.CheckoutStatus.EXPIRED:
        return _write(
            room, lambda tx, now: close_checkout(tx, checkout_id=checkout_id, actor=SYSTEM, now=now)
        )
    with room.database.reading() as read:
        return find_checkout(read, checkout_id, SYSTEM)


def _send(room: Payments, refund: Refund, charge: str) -> ports.RefundState | None:
    """None for a definite no."""
    try:
        return room.gateway.refund(key=refund.id, charge_reference=charge, amount=refund.amount)
    except GatewayRefused as refused:
        log.warning("refund_refused", refund=refund.id, reason=refused.reason)
        return None


def _record_refund(room: Payments, refund_id: str, state: ports.RefundState) -> Refund:
    refund = _write(
        room,
        lambda tx, now: keep_sent(tx, refund_id=refund_id, reference=state.reference, actor=SYSTEM, now=now),
    )
    if state.status is ports.RefundStatus.SUCCEEDED:
        return _write(room, lambda tx, now: succeed_refund(tx, refund_id=refund_id, actor=SYSTEM, now=now))
    if state.status is ports.RefundStatus.FAILED:
        return _write(room, lambda tx, now: fail_refund(tx, refund_id=refund_id, actor=SYSTEM, now=now))
    return refund


def _write(room: Payments, work: Callable[..., T]) -> T:
    return room.database.in_transaction(lambda tx: work(tx, room.clock()))


def _try(work: Callable[[], object]) -> bool:
    """One that cannot be told never keeps the others waiting."""
    try:
        work()
    except Exception as error:
        log.warning("still_unknown", error=type(error).__name__)
        return False
    return True
