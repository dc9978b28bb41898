"""Saving a card and removing one, around the calls to the processor."""

from __future__ import annotations

from collections.abc import Sequence

from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.flows.room import KEY_LIVES, Payments, log, write_now
from billing.payments.ports import GatewayRefused, SavingState, SavingStatus
from billing.payments.queries.saved_methods import (
    pending_saving,
    processor_customer,
    saved_by_reference,
    saving_by_page,
)
from billing.payments.records.saved_methods import CardLink, SavedMethod
from billing.payments.states.saved_methods import SavedState
from billing.payments.use_cases.card_saving import (
    abandon_saving,
    begin_saving,
    complete_saving,
    keep_customer,
    keep_saving_page,
)
from billing.payments.use_cases.saved_methods import begin_removal, finish_removal, note_card


def start_saving(
    room: Payments, *, link: CardLink, agreed: Sequence[str], return_url: str, actor: Actor
) -> SavedMethod:
    """Keep what the patient agreed to and open the processor's page, or find the one that stands.

    Raises: ConsentMissing, ConsentChanged, GatewayTimeout, GatewayRefused.
    """
    with room.database.reading() as read:
        standing = pending_saving(read, link.patient_id)
    if standing and standing.expires_at <= room.clock():
        follow_saving(room, standing)
    method = write_now(
        room,
        lambda tx, now: begin_saving(
            tx, link=link, agreed=agreed, return_url=return_url, actor=actor, now=now
        ),
    )
    return method if method.url else _open_page(room, method)


def settle_saving(room: Payments, *, reference: str) -> bool:
    """Read a page at the processor and record what came of it; whether it is one to save a card on."""
    state = room.gateway.read_saving(reference)
    if state is None:
        return False
    with room.database.reading() as read:
        known = saving_by_page(read, reference)
    saved_method_id = known.id if known else state.operation
    if saved_method_id is None:
        log.warning("saving_not_ours", reference=reference)
    else:
        _record(room, saved_method_id, state)
    return True


def follow_saving(room: Payments, method: SavedMethod) -> None:
    """Find out what became of a card that was about to be saved."""
    if method.page_reference is not None:
        settle_saving(room, reference=method.page_reference)
    elif room.clock() < method.expires_at:
        _open_page(room, method)
    elif state := room.gateway.find_saving(method.id, opened_after=method.opened_at):
        _record(room, method.id, state)
    else:
        _abandon(room, method)


def remove_saved_card(room: Payments, *, saved_method_id: str, actor: Actor) -> SavedMethod:
    """Let the processor keep a card no more.

    Raises: NoSuchSavedMethod, NotChargeable, BeingCharged, GatewayTimeout, GatewayRefused.
    """
    method = write_now(
        room, lambda tx, now: begin_removal(tx, saved_method_id=saved_method_id, actor=actor, now=now)
    )
    return follow_removal(room, method) if method.state is SavedState.REMOVING else method


def follow_removal(room: Payments, method: SavedMethod) -> SavedMethod:
    assert method.card, "only a card that was saved is removed"
    room.gateway.detach_card(method.card.reference)
    return write_now(
        room, lambda tx, now: finish_removal(tx, saved_method_id=method.id, actor=SYSTEM, now=now)
    )


def follow_card(room: Payments, *, reference: str) -> None:
    """The processor changed a card, or keeps it no more: read it again, when it is one of ours."""
    with room.database.reading() as read:
        known = saved_by_reference(read, reference)
    if known is None:
        return
    card = room.gateway.read_card(reference)
    if card is None:
        write_now(room, lambda tx, now: finish_removal(tx, saved_method_id=known.id, actor=SYSTEM, now=now))
    else:
        write_now(
            room, lambda tx, now: note_card(tx, saved_method_id=known.id, card=card, actor=SYSTEM, now=now)
        )


def _open_page(room: Payments, method: SavedMethod) -> SavedMethod:
    try:
        page = room.gateway.open_saving(
            key=method.id,
            customer=_customer(room, method),
            expires_at=method.expires_at,
            success_url=method.return_url,
            cancel_url=method.return_url,
        )
    except GatewayRefused:
        _abandon(room, method)
        raise
    return write_now(
        room,
        lambda tx, now: keep_saving_page(
            tx, saved_method_id=method.id, reference=page.reference, url=page.url, actor=SYSTEM, now=now
        ),
    )


def _customer(room: Payments, method: SavedMethod) -> str:
    """The patient at the processor: known, or made now, or found by our key where it may have been made."""
    with room.database.reading() as read:
        known = processor_customer(read, method.customer_id)
    if known.reference is not None:
        return known.reference
    reference = None
    if room.clock() - known.made_at >= KEY_LIVES:
        reference = room.gateway.find_customer(known.id, opened_after=known.made_at)
    made = reference or room.gateway.open_customer(key=known.id)
    return write_now(
        room, lambda tx, now: keep_customer(tx, customer_id=known.id, reference=made, actor=SYSTEM, now=now)
    )


def _record(room: Payments, saved_method_id: str, state: SavingState) -> None:
    card = state.card
    if state.status is SavingStatus.COMPLETE and card:
        write_now(
            room,
            lambda tx, now: complete_saving(
                tx,
                saved_method_id=saved_method_id,
                reference=state.reference,
                card=card,
                actor=SYSTEM,
                now=now,
            ),
        )
    elif state.status is SavingStatus.EXPIRED:
        write_now(
            room, lambda tx, now: abandon_saving(tx, saved_method_id=saved_method_id, actor=SYSTEM, now=now)
        )


def _abandon(room: Payments, method: SavedMethod) -> None:
    write_now(room, lambda tx, now: abandon_saving(tx, saved_method_id=method.id, actor=SYSTEM, now=now))
