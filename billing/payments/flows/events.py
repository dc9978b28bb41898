"""What to do when the processor tells us something."""

from __future__ import annotations

from billing.kernel.money import Money
from billing.payments.flows.checkouts import settle_checkout, settle_known
from billing.payments.flows.disputes import follow_dispute
from billing.payments.flows.foreign_refunds import follow_refund
from billing.payments.flows.payouts import follow_payout
from billing.payments.flows.readers import follow_reader
from billing.payments.flows.room import Payments
from billing.payments.flows.saved_methods import follow_card, settle_saving


def work_event(room: Payments, *, kind: str, object_id: str, refund_limit: Money) -> None:
    """Act on a notice: the object is read again, so that the order of notices does not matter.

    `refund_limit` is the largest refund that needs no second person.
    """
    if kind.startswith("checkout.session."):
        _follow_page(room, object_id)
    elif kind.startswith("payment_method."):
        follow_card(room, reference=object_id)
    elif kind.startswith("payment_intent."):
        settle_known(room, reference=object_id)
    elif kind.startswith("terminal.reader."):
        follow_reader(room, reader_id=object_id)
    elif kind.startswith("refund."):
        follow_refund(room, reference=object_id, limit=refund_limit)
    elif kind.startswith("charge.dispute."):
        follow_dispute(room, reference=object_id)
    elif kind.startswith("payout."):
        follow_payout(room, reference=object_id)


def _follow_page(room: Payments, reference: str) -> None:
    """Pages to pay on are by far the most; one that we do not know may be of either kind."""
    if settle_known(room, reference=reference) is None and not settle_saving(room, reference=reference):
        settle_checkout(room, reference=reference)
