"""What a reader at the desk is asked for, and what becomes of it there."""

from __future__ import annotations

from collections.abc import Callable

from billing.kernel.errors import Unavailable
from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.errors import CheckoutStands
from billing.payments.flows.checkouts import opened, settle_checkout
from billing.payments.flows.room import Payments, write_now
from billing.payments.ports import GatewayRefused
from billing.payments.queries.checkouts import asked_on_reader, find_checkout
from billing.payments.records.checkouts import Checkout, Way
from billing.payments.states.checkouts import STANDING, CheckoutState
from billing.payments.use_cases.checkouts import begin_reader_payment
from billing.platform.data.idempotency import RequestKey


def start_reader_payment(
    room: Payments, *, invoice_id: str, reader_id: str, request: RequestKey, actor: Actor
) -> Checkout:
    """Let a reader at the desk ask for what is owed now; credit comes off first, unless it takes nothing.

    So it asks for the next card, after one was declined.
    Raises: NoSuchInvoice, InvoiceNotOpen, TooSmallForCard, CheckoutStands, GatewayTimeout, GatewayRefused.
    """

    def begin() -> Checkout:
        return write_now(
            room,
            lambda tx, now: begin_reader_payment(
                tx, invoice_id=invoice_id, reader_id=reader_id, request=request, actor=actor, now=now
            ),
        )

    return opened(room, after_a_reader(room, begin), actor)


def after_a_reader(room: Payments, begin: Callable[[], Checkout]) -> Checkout:
    """Begin, also where a reader that asks no more only seemed to stand in the way. Raises: as `begin`."""
    try:
        return begin()
    except CheckoutStands as standing:
        with room.database.reading() as read:
            known = find_checkout(read, str(standing.more["checkout_id"]), SYSTEM)
        if _looked_up(room, known).state in STANDING:
            raise
        return begin()


def look_at_reader(room: Payments, checkout: Checkout) -> Checkout:
    """What became of an attempt that a reader asks for, for whoever looks at it now.

    As it was known, while the processor does not tell.
    """
    try:
        return _looked_up(room, checkout)
    except (Unavailable, GatewayRefused):
        return checkout


def _looked_up(room: Payments, checkout: Checkout) -> Checkout:
    """Raises: as `settle_checkout`."""
    if checkout.way is not Way.READER or checkout.state is not CheckoutState.OPEN:
        return checkout
    return settle_checkout(room, reference=str(checkout.reference)) or checkout


def follow_reader(room: Payments, *, reader_id: str) -> None:
    """A reader is done with something: read what it was asked for. Raises: as `settle_checkout`."""
    with room.database.reading() as read:
        asked = asked_on_reader(read, reader_id)
    for checkout in asked:
        settle_checkout(room, reference=str(checkout.reference))
