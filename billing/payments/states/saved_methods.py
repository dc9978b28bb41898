"""The life of a saved card."""

from __future__ import annotations

from enum import StrEnum


class SavedState(StrEnum):
    """PENDING: the patient agreed and is on the processor's page, as far as we know; ABANDONED: nothing came.

    BLOCKED: its bank said no for good; it is charged again only once it was renewed. REMOVING: somebody
    asked for its removal, and the processor has not confirmed it yet.
    """

    PENDING = "pending"
    ABANDONED = "abandoned"
    ACTIVE = "active"
    BLOCKED = "blocked"
    REMOVING = "removing"
    DETACHED = "detached"


class SavedEvent(StrEnum):
    ACTIVATE = "activate"
    ABANDON = "abandon"
    BLOCK = "block"
    RENEW = "renew"
    REMOVE = "remove"
    DETACH = "detach"


KEPT = (SavedState.ACTIVE, SavedState.BLOCKED)
"""A card that the processor keeps for the patient."""
SAVED_MOVES: dict[tuple[SavedState, SavedEvent], SavedState] = {
    (SavedState.PENDING, SavedEvent.ACTIVATE): SavedState.ACTIVE,
    (SavedState.PENDING, SavedEvent.ABANDON): SavedState.ABANDONED,
    (SavedState.ABANDONED, SavedEvent.ACTIVATE): SavedState.ACTIVE,
    (SavedState.ACTIVE, SavedEvent.BLOCK): SavedState.BLOCKED,
    (SavedState.BLOCKED, SavedEvent.RENEW): SavedState.ACTIVE,
    (SavedState.ACTIVE, SavedEvent.REMOVE): SavedState.REMOVING,
    (SavedState.BLOCKED, SavedEvent.REMOVE): SavedState.REMOVING,
    (SavedState.REMOVING, SavedEvent.DETACH): SavedState.DETACHED,
    (SavedState.ACTIVE, SavedEvent.DETACH): SavedState.DETACHED,
    (SavedState.BLOCKED, SavedEvent.DETACH): SavedState.DETACHED,
}
