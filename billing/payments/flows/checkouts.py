"""An attempt to pay, around the calls to the processor."""

from __future__ import annotations

from collections.abc import Callable

from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.errors import AccountOnHold
from billing.payments import ports
from billing.payments.errors import BeingCharged, CheckoutStands, NotBookedYet
from billing.payments.flows.room import KEY_LIVES, Payments, log, may_yet_arrive, write_now
from billing.payments.ports import GatewayRefused, GatewayTimeout
from billing.payments.queries.checkouts import (
    checkout_by_reference,
    find_checkout,
    refuse_unless_sendable,
)
from billing.payments.records.checkouts import Checkout, Way
from billing.payments.states.checkouts import STANDING, CheckoutState
from billing.payments.use_cases.checkouts import (
    await_debit,
    begin_checkout,
    close_checkout,
    decline_checkout,
    keep_page,
    pay_checkout,
    refuse_checkout,
)
from billing.platform.data.idempotency import RequestKey

NO_OUTCOME_YET = "This charge has no outcome yet. It is looked up by itself; wait for it."


def start_checkout(
    room: Payments,
    *,
    invoice_id: str,
    return_url: str,
    request: RequestKey | None,
    is_health_account: bool = False,
    share_id: str | None = None,
    actor: Actor,
) -> Checkout:
    """Open a page on which the patient, or the payer of a share, pays what they owe now, or find theirs.

    Credit comes off first, unless the page takes nothing; when it pays all, there is no page. A page of
    another amount is closed first; if it was paid meanwhile, that payment counts.
    Raises: NoSuchInvoice, InvoiceNotOpen, TooSmallForCard, GatewayTimeout, GatewayRefused.
    """

    def begin() -> Checkout:
        return write_now(
            room,
            lambda tx, now: begin_checkout(
                tx,
                invoice_id=invoice_id,
                return_url=return_url,
                request=request,
                is_health_account=is_health_account,
                share_id=share_id,
                actor=actor,
                now=now,
            ),
        )

    return opened(room, instead_of_standing(room, begin, actor), actor)


def instead_of_standing(room: Payments, begin: Callable[[], Checkout], actor: Actor) -> Checkout:
    """Begin, after what stands for the same was closed. Raises: what `begin` and `cancel_checkout` raise."""
    try:
        return begin()
    except CheckoutStands as standing:
        cancel_checkout(room, checkout_id=str(standing.more["checkout_id"]), actor=actor)
        return begin()


def opened(room: Payments, checkout: Checkout, actor: Actor) -> Checkout:
    """One that a repeated request found, or that credit paid, is left as it is."""
    return open_page(room, checkout, actor) if checkout.state is CheckoutState.CREATED else checkout


def ask_for_rest(room: Payments, *, checkout_id: str, actor: Actor) -> Checkout:
    """Open what other tenders left to a card; asked again, what became of it.

    A refusal is a state of the answer, since the other tenders are taken. So is silence: the attempt is
    then looked up by itself. Raises: NoSuchCheckout.
    """
    with room.database.reading() as read:
        checkout = find_checkout(read, checkout_id, actor)
    if checkout.state is not CheckoutState.CREATED:
        return checkout
    try:
        return open_page(room, checkout, actor)
    except (AccountOnHold, GatewayRefused, GatewayTimeout):
        with room.database.reading() as read:
            return find_checkout(read, checkout_id, actor)


def settle_known(room: Payments, *, reference: str) -> Checkout | None:
    """As `settle_checkout`, for what may be a part of something else; None when we keep no such reference."""
    with room.database.reading() as read:
        known = checkout_by_reference(read, reference)
    return settle_checkout(room, reference=reference) if known else None


def cancel_checkout(room: Payments, *, checkout_id: str, actor: Actor) -> Checkout:
    """Close the processor's page, and answer with what became of the checkout: closed, or paid after all.

    Raises: NoSuchCheckout, NotBookedYet, BeingCharged, GatewayRefused, GatewayTimeout.
    """
    with room.database.reading() as read:
        checkout = find_checkout(read, checkout_id, actor)
    if checkout.state in STANDING and checkout.reference is None:
        try:
            checkout = open_page(room, checkout, actor)
        except AccountOnHold:
            raise BeingCharged(NO_OUTCOME_YET) from None
    if checkout.state not in STANDING:
        return checkout
    _close(room, checkout, str(checkout.reference))
    return settle_checkout(room, reference=str(checkout.reference)) or checkout


def settle_checkout(room: Payments, *, reference: str) -> Checkout | None:
    """Read a checkout at the processor and record what became of it; None when it is none of ours.

    What a reader asks no more for is closed there first: no card may pay it after its outcome is recorded.
    Raises: NotBookedYet, GatewayTimeout, GatewayRefused: the caller tries again later.
    """
    state = room.gateway.read_checkout(reference)
    with room.database.reading() as read:
        known = checkout_by_reference(read, reference)
    if known and state.status is ports.CheckoutStatus.OPEN and _reader_gave_up(room, known, reference):
        _close(room, known, reference)
        state = room.gateway.read_checkout(reference)
    checkout_id = known.id if known else state.operation
    if checkout_id is None:
        log.warning("checkout_not_ours", reference=reference)
        return known
    return record_outcome(room, checkout_id, state)


def _reader_gave_up(room: Payments, checkout: Checkout, reference: str) -> bool:
    """A card was declined, or none came: while the reader waits for one, this is not over."""
    return checkout.reader_id is not None and not room.gateway.is_asking(
        reference, reader_id=checkout.reader_id
    )


def open_page(room: Payments, checkout: Checkout, actor: Actor) -> Checkout:
    """Ask the processor for what was recorded, under its own key; look it up when that key is too old.

    Raises: BeingCharged for a saved card, which has no page; AccountOnHold when charges were stopped since;
    GatewayTimeout, GatewayRefused.
    """
    if checkout.way is Way.SAVED:
        raise BeingCharged(NO_OUTCOME_YET)
    if room.clock() - checkout.opened_at >= KEY_LIVES:
        return look_up(room, checkout)
    with room.database.reading() as read:
        refuse_unless_sendable(read, checkout)
    try:
        page = _open(room, checkout)
    except GatewayRefused:
        write_now(room, lambda tx, now: refuse_checkout(tx, checkout_id=checkout.id, actor=actor, now=now))
        raise
    return write_now(
        room,
        lambda tx, now: keep_page(
            tx, checkout_id=checkout.id, reference=page.reference, url=page.url, actor=actor, now=now
        ),
    )


def _open(room: Payments, checkout: Checkout) -> ports.OpenedCheckout:
    if checkout.reader_id is not None:
        return room.gateway.ask_on_reader(
            key=checkout.id,
            amount=checkout.amount,
            reader_id=checkout.reader_id,
            descriptor=checkout.descriptor,
        )
    return room.gateway.open_checkout(
        key=checkout.id,
        amount=checkout.amount,
        expires_at=checkout.expires_at,
        success_url=checkout.return_url,
        cancel_url=checkout.return_url,
        descriptor=checkout.descriptor,
    )


def look_up(room: Payments, checkout: Checkout) -> Checkout:
    """Find what became of an attempt without its reference; what the processor never had is closed.

    Raises: GatewayTimeout, also while a call of ours may be on its way there.
    """
    if state := find_operation(room, checkout):
        return keep_outcome(room, checkout, state)
    if may_yet_arrive(room, checkout.opened_at):
        raise GatewayTimeout
    return write_now(room, lambda tx, now: close_checkout(tx, checkout_id=checkout.id, actor=SYSTEM, now=now))


def find_operation(room: Payments, checkout: Checkout) -> ports.CheckoutState | None:
    """What the processor made under the key of an attempt.

    What was asked on a page or a reader is closed before it is believed: nobody follows it any more.
    Raises: GatewayTimeout.
    """
    find = room.gateway.find_checkout if checkout.way is Way.PAGE else room.gateway.find_intent
    found = find(checkout.id, opened_after=checkout.opened_at)
    if found is None or checkout.way is Way.SAVED or found.status is not ports.CheckoutStatus.OPEN:
        return found
    _close(room, checkout, found.reference)
    return room.gateway.read_checkout(found.reference)


def _close(room: Payments, checkout: Checkout, reference: str) -> None:
    """What is not open any more is left as it is: the caller reads it."""
    try:
        if checkout.reader_id is not None:
            room.gateway.cancel_on_reader(reference, reader_id=checkout.reader_id)
        elif checkout.way is Way.SAVED:
            room.gateway.cancel_charge(reference)
        else:
            room.gateway.expire_checkout(reference)
    except GatewayRefused:
        log.info("checkout_not_open", checkout=checkout.id)


def keep_outcome(room: Payments, checkout: Checkout, state: ports.CheckoutState) -> Checkout:
    """What has no outcome yet keeps its reference, so that the processor's notice finds it."""
    try:
        if state.status is not ports.CheckoutStatus.OPEN:
            return record_outcome(room, checkout.id, state)
    except NotBookedYet:
        pass
    return write_now(
        room,
        lambda tx, now: keep_page(
            tx, checkout_id=checkout.id, reference=state.reference, url=None, actor=SYSTEM, now=now
        ),
    )


def record_outcome(room: Payments, checkout_id: str, state: ports.CheckoutState) -> Checkout:
    charge = state.charge
    if state.status is ports.CheckoutStatus.COMPLETE:
        if charge is None:
            raise NotBookedYet("The processor has not booked this payment yet.")
        return write_now(
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
        return write_now(
            room, lambda tx, now: close_checkout(tx, checkout_id=checkout_id, actor=SYSTEM, now=now)
        )
    return _record_debit(room, checkout_id, state)


def _record_debit(room: Payments, checkout_id: str, state: ports.CheckoutState) -> Checkout:
    """What is known of money that does not come at once."""
    if state.status is ports.CheckoutStatus.PROCESSING:
        return write_now(
            room,
            lambda tx, now: await_debit(
                tx, checkout_id=checkout_id, reference=state.reference, actor=SYSTEM, now=now
            ),
        )
    if state.status is ports.CheckoutStatus.DECLINED:
        return write_now(
            room,
            lambda tx, now: decline_checkout(
                tx,
                checkout_id=checkout_id,
                reference=state.reference,
                lost_fee=state.lost_fee,
                decline=state.decline,
                actor=SYSTEM,
                now=now,
            ),
        )
    with room.database.reading() as read:
        return find_checkout(read, checkout_id, SYSTEM)
