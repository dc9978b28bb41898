"""The life of money received."""

from enum import StrEnum


class PaymentState(StrEnum):
    """BOUNCED: the bank took it back. MOVED: it was booked again, for the right patient."""

    RECEIVED = "received"
    BOUNCED = "bounced"
    MOVED = "moved"


class PaymentEvent(StrEnum):
    BOUNCE = "bounce"
    MOVE = "move"


PAYMENT_MOVES: dict[tuple[PaymentState, PaymentEvent], PaymentState] = {
    (PaymentState.RECEIVED, PaymentEvent.BOUNCE): PaymentState.BOUNCED,
    (PaymentState.RECEIVED, PaymentEvent.MOVE): PaymentState.MOVED,
}
