"""A saved card charged while its owner is away, around the call to the processor."""

from __future__ import annotations

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.errors import BeingCharged
from billing.payments.flows.checkouts import (
    NO_OUTCOME_YET,
    cancel_checkout,
    find_operation,
    keep_outcome,
)
from billing.payments.flows.room import KEY_LIVES, Payments, may_yet_arrive, write_now
from billing.payments.ports import GatewayRefused
from billing.payments.queries.checkouts import may_be_sent
from billing.payments.queries.saved_methods import consent_lives, find_saved_method, processor_customer
from billing.payments.records.checkouts import Checkout
from billing.payments.records.saved_methods import Purpose
from billing.payments.states import checkouts as states
from billing.payments.use_cases.checkouts import (
    begin_charge,
    close_checkout,
    refuse_checkout,
)
from billing.platform.data.idempotency import RequestKey


def charge_saved_card(
    room: Payments,
    *,
    invoice_id: str,
    saved_method_id: str,
    due: Money,
    purpose: Purpose,
    request: RequestKey,
    actor: Actor,
) -> Checkout:
    """Take what an invoice owes from a saved card; credit comes off first. Answers paid or declined.

    Raises: what `begin_charge` raises, BeingCharged, GatewayTimeout, GatewayRefused.
    """
    checkout = write_now(
        room,
        lambda tx, now: begin_charge(
            tx,
            invoice_id=invoice_id,
            saved_method_id=saved_method_id,
            due=due,
            purpose=purpose,
            request=request,
            actor=actor,
            now=now,
        ),
    )
    return follow_charge(room, checkout) if checkout.state is states.CheckoutState.CREATED else checkout


def follow_charge(room: Payments, checkout: Checkout) -> Checkout:
    """Find out what became of a charge: while its key is young and the card may be charged, by sending it.

    Otherwise it is looked up; what the processor does not know was never taken, and is closed, once no call
    of ours can still be on its way there.
    Raises: BeingCharged until then.
    """
    if checkout.reference is not None:
        return cancel_checkout(room, checkout_id=checkout.id, actor=SYSTEM)
    if room.clock() - checkout.opened_at < KEY_LIVES and _may_be_sent(room, checkout):
        return _send(room, checkout)
    if state := find_operation(room, checkout):
        return keep_outcome(room, checkout, state)
    if may_yet_arrive(room, checkout.opened_at):
        raise BeingCharged(NO_OUTCOME_YET)
    return write_now(room, lambda tx, now: close_checkout(tx, checkout_id=checkout.id, actor=SYSTEM, now=now))


def _may_be_sent(room: Payments, checkout: Checkout) -> bool:
    with room.database.reading() as read:
        return consent_lives(read, str(checkout.consent_id)) and may_be_sent(read, checkout)


def _send(room: Payments, checkout: Checkout) -> Checkout:
    with room.database.reading() as read:
        method = find_saved_method(read, str(checkout.saved_method_id), SYSTEM)
        customer = processor_customer(read, method.customer_id)
    assert method.card, "an active card is known"
    try:
        state = room.gateway.charge_card(
            key=checkout.id,
            amount=checkout.amount,
            customer=str(customer.reference),
            card=method.card.reference,
            descriptor=checkout.descriptor,
        )
    except GatewayRefused:
        write_now(room, lambda tx, now: refuse_checkout(tx, checkout_id=checkout.id, actor=SYSTEM, now=now))
        raise
    return keep_outcome(room, checkout, state)
