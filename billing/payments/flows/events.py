"""What to do when the processor tells us something."""

from __future__ import annotations

from billing.payments.flows.checkouts import settle_checkout, settle_known
from billing.payments.flows.disputes import follow_dispute
from billing.payments.flows.payouts import follow_payout
from billing.payments.flows.refunds import settle_refund
from billing.payments.flows.room import Payments
from billing.payments.flows.saved_methods import follow_card, settle_saving


def work_event(room: Payments, *, kind: str, object_id: str) -> None:
    """Act on a notice: the object is read again, so that the order of notices does not matter."""
    if kind.startswith("checkout.session."):
        _follow_page(room, object_id)
    elif kind.startswith("payment_method."):
        follow_card(room, reference=object_id)
    elif kind.startswith("payment_intent."):
        settle_known(room, reference=object_id)
    elif kind.startswith("refund."):
        settle_refund(room, reference=object_id)
    elif kind.startswith("charge.dispute."):
        follow_dispute(room, reference=object_id)
    elif kind.startswith("payout."):
        follow_payout(room, reference=object_id)


def _follow_page(room: Payments, reference: str) -> None:
    """Pages to pay on are by far the most; one that we do not know may be of either kind."""
    if settle_known(room, reference=reference) is None and not settle_saving(room, reference=reference):
        settle_checkout(room, reference=reference)
