"""A card after it was saved: its removal, its block after a hard decline, what the processor tells of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from billing.kernel.permissions import Actor
from billing.payments.errors import BeingCharged, NotChargeable
from billing.payments.models.checkouts import CheckoutRow
from billing.payments.queries.saved_methods import find_saved_method, saved_method_of
from billing.payments.records.saved_methods import CardFacts, SavedMethod
from billing.payments.states.checkouts import STANDING
from billing.payments.states.saved_methods import KEPT, SAVED_MOVES, SavedEvent, SavedState
from billing.payments.use_cases.consents import lock_method
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.states import advance


def begin_removal(tx: Tx, *, saved_method_id: str, actor: Actor, now: datetime) -> SavedMethod:
    """Record that a card is to be removed; from this moment it is not charged. Twice is once.

    Raises: NoSuchSavedMethod, NotChargeable for one that was never saved, BeingCharged.
    """
    find_saved_method(tx, saved_method_id, actor)
    row = lock_method(tx, saved_method_id)
    if row.state in KEPT:
        _refuse_while_charged(tx, row.id)
        advance(tx, row, SAVED_MOVES, SavedEvent.REMOVE, actor=actor, now=now)
        row.removal_asked_at = now
        tx.session.flush()
        record_audit(tx, actor=actor, action="saved_method.remove", subject_id=row.id, now=now)
    elif row.state not in (SavedState.REMOVING, SavedState.DETACHED):
        raise NotChargeable("This card was never saved.", state=row.state)
    return saved_method_of(tx, row)


def finish_removal(tx: Tx, *, saved_method_id: str, actor: Actor, now: datetime) -> SavedMethod:
    """The processor does not keep the card any more, whoever asked for it."""
    row = lock_method(tx, saved_method_id)
    if (SavedState(row.state), SavedEvent.DETACH) in SAVED_MOVES:
        advance(tx, row, SAVED_MOVES, SavedEvent.DETACH, actor=actor, now=now)
        tx.session.flush()
        record_audit(tx, actor=actor, action="saved_method.detach", subject_id=row.id, now=now)
    return saved_method_of(tx, row)


def note_card(tx: Tx, *, saved_method_id: str, card: CardFacts, actor: Actor, now: datetime) -> SavedMethod:
    """Keep what the processor shows of the card now; a later expiry renews one that was blocked."""
    row = lock_method(tx, saved_method_id)
    is_later = (card.exp_year, card.exp_month) > (row.exp_year or 0, row.exp_month or 0)
    if row.state == SavedState.BLOCKED and is_later:
        advance(tx, row, SAVED_MOVES, SavedEvent.RENEW, actor=actor, now=now)
        row.blocked_for = None
    row.brand, row.last4 = card.brand, card.last4
    row.exp_month, row.exp_year = card.exp_month, card.exp_year
    tx.session.flush()
    record_audit(tx, actor=actor, action="saved_method.note", subject_id=row.id, now=now)
    return saved_method_of(tx, row)


def block_card(tx: Tx, *, saved_method_id: str, decline: str, actor: Actor, now: datetime) -> None:
    """Its bank said no for good: it is not charged again until it was renewed."""
    row = lock_method(tx, saved_method_id)
    if row.state == SavedState.ACTIVE:
        advance(tx, row, SAVED_MOVES, SavedEvent.BLOCK, actor=actor, now=now)
        row.blocked_for = decline
        tx.session.flush()
        record_audit(tx, actor=actor, action="saved_method.block", subject_id=row.id, now=now)


def _refuse_while_charged(tx: Tx, saved_method_id: str) -> None:
    """Raises: BeingCharged."""
    charge = tx.session.scalar(
        select(CheckoutRow.id).where(
            CheckoutRow.saved_method_id == saved_method_id, CheckoutRow.state.in_(STANDING)
        )
    )
    if charge is not None:
        raise BeingCharged("A charge of this card has no outcome yet. Wait for it.", checkout_id=charge)
