from billing.kernel.errors import Conflict, Denied, NotFound, Unavailable


class NoSuchPayment(NotFound):
    code = "no-such-payment"


class NoSuchCheckout(NotFound):
    code = "no-such-checkout"


class NoSuchCredit(NotFound):
    code = "no-such-credit"


class NoSuchRefund(NotFound):
    code = "no-such-refund"


class NoSuchPayLink(NotFound):
    """Unknown, expired, or mistyped: all look the same."""

    code = "no-such-pay-link"


class CheckoutStands(Conflict):
    """Another checkout of this invoice may still take money."""

    code = "checkout-stands"


class TooSmallForCard(Conflict):
    """The processor takes no card payment below 50 cents."""

    code = "too-small-for-card"


class NotBookedYet(Unavailable):
    """The processor took the money and has not booked it yet; look again in a moment."""

    code = "not-booked-yet"


class NothingToApply(Conflict):
    """The patient has no credit that could be used, or the invoice owes nothing."""

    code = "nothing-to-apply"


class MoreThanAvailable(Conflict):
    """More than the credit, or the payment it goes back to, still holds."""

    code = "more-than-available"


class CreditNotElected(Conflict):
    """The patient chose a refund, or has not chosen yet."""

    code = "credit-not-elected"


class OwnRefund(Denied):
    """Nobody approves what they asked for themselves."""

    code = "own-refund"


class RefundTargetMissing(Conflict):
    """A refund to a card names the card payment; a check names none."""

    code = "refund-target"
