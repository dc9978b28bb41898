"""What was paid by a link, for who holds it."""

from __future__ import annotations

from sqlalchemy import select

from billing.payments.models.checkouts import CheckoutRow
from billing.payments.models.payments import PaymentRow
from billing.payments.models.receipts import ReceiptRow
from billing.payments.queries.receipts import receipt_of
from billing.payments.records.checkouts import PayLink, Way
from billing.payments.records.receipts import Receipt
from billing.payments.states.payments import PaymentState
from billing.platform.data.database import Read


def receipt_paid_by(read: Read, link: PayLink) -> Receipt | None:
    """The receipt of the newest payment on a card page of what the link is for, as long as it stands.

    Cash, checks and readers are another's doing than who holds the link.
    """
    row = read.session.scalar(
        select(ReceiptRow)
        .join(PaymentRow, PaymentRow.id == ReceiptRow.payment_id)
        .join(CheckoutRow, CheckoutRow.id == PaymentRow.checkout_id)
        .where(
            CheckoutRow.way == Way.PAGE,
            CheckoutRow.invoice_id == link.invoice_id,
            CheckoutRow.deposit_request_id == link.deposit_request_id,
            CheckoutRow.share_id == link.share_id,
            PaymentRow.state == PaymentState.RECEIVED,
        )
        .order_by(ReceiptRow.id.desc())
        .limit(1)
    )
    return None if row is None else receipt_of(read, row)
