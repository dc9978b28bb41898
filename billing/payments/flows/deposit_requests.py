"""A deposit that is asked for by card, around the calls to the processor."""

from __future__ import annotations

from billing.kernel.permissions import Actor
from billing.payments.flows.checkouts import cancel_checkout, instead_of_standing, opened
from billing.payments.flows.readers import after_a_reader
from billing.payments.flows.room import Payments, write_now
from billing.payments.queries.checkouts import standing_checkout
from billing.payments.queries.deposit_requests import find_deposit_request
from billing.payments.records.checkouts import Checkout, Way
from billing.payments.records.deposit_requests import DepositRequest
from billing.payments.records.tenders import Rest
from billing.payments.use_cases.checkouts import begin_deposit
from billing.payments.use_cases.deposit_requests import withdraw_deposit_request
from billing.platform.data.idempotency import RequestKey


def start_deposit(
    room: Payments,
    *,
    deposit_request_id: str,
    asked: Rest,
    is_health_account: bool = False,
    request: RequestKey | None,
    actor: Actor,
) -> Checkout:
    """Open a page for a deposit that was asked for, or find its own, or let a reader at the desk ask for it.

    A page closes what else stood open for it. Raises: NoSuchDepositRequest, DepositNotAsked,
    TooSmallForCard, CheckoutStands for a reader, GatewayTimeout, GatewayRefused.
    """

    def begin() -> Checkout:
        return write_now(
            room,
            lambda tx, now: begin_deposit(
                tx,
                deposit_request_id=deposit_request_id,
                asked=asked,
                is_health_account=is_health_account,
                request=request,
                actor=actor,
                now=now,
            ),
        )

    if asked.way is Way.PAGE:
        return opened(room, instead_of_standing(room, begin, actor), actor)
    return opened(room, after_a_reader(room, begin), actor)


def withdraw_deposit(room: Payments, *, request_id: str, actor: Actor) -> DepositRequest:
    """A deposit is not asked for any more, once no page or reader can take it.

    Raises: NoSuchDepositRequest, CheckoutStands while money of a bank account is on its way, IllegalMove
    when it is paid, GatewayTimeout, GatewayRefused.
    """
    with room.database.reading() as read:
        find_deposit_request(read, request_id, actor)
        standing = standing_checkout(read, deposit_request_id=request_id)
    if standing:
        cancel_checkout(room, checkout_id=standing.id, actor=actor)
    return write_now(
        room, lambda tx, now: withdraw_deposit_request(tx, request_id=request_id, actor=actor, now=now)
    )
