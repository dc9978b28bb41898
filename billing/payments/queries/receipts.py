"""Reads of receipts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select

from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.payments.errors import NoSuchReceipt
from billing.payments.models.payments import PaymentRow
from billing.payments.models.receipts import ReceiptRow
from billing.payments.models.refunds import RefundRow
from billing.payments.queries.reach import seen, visible
from billing.payments.records.receipts import Fell, Receipt
from billing.payments.states.payments import PaymentState
from billing.payments.states.refunds import RefundState
from billing.platform.data.database import Read
from billing.platform.data.documents import find_document
from billing.platform.data.reach import within_reach

BY_PAYMENT = {PaymentState.BOUNCED: Fell.BOUNCED, PaymentState.MOVED: Fell.MOVED}


def find_receipt(read: Read, receipt_id: str, actor: Actor) -> Receipt:
    """Raises: NoSuchReceipt."""
    row = seen(read.session.get(ReceiptRow, receipt_id), actor, NoSuchReceipt("There is no such receipt."))
    return receipt_of(read, row)


def list_receipts(
    read: Read, actor: Actor, *, patient_id: str, cursor: str | None = None, limit: int
) -> Sequence[Receipt]:
    """A patient's, newest first, those before the cursor."""
    query = visible(ReceiptRow, actor, cursor, limit).where(ReceiptRow.patient_id == patient_id)
    return _receipts(read, query)


def refund_receipts(read: Read, receipt_id: str, actor: Actor) -> Sequence[Receipt]:
    """The receipts of what was given back of a payment, oldest first."""
    query = select(ReceiptRow).where(ReceiptRow.refers_to_id == receipt_id, *within_reach(actor, ReceiptRow))
    return _receipts(read, query.order_by(ReceiptRow.id))


def receipts_by_payment(read: Read, payment_ids: Sequence[str]) -> dict[str, str]:
    """The receipt's id of each payment; payments of the time before receipts have none."""
    query = select(ReceiptRow.payment_id, ReceiptRow.id).where(ReceiptRow.payment_id.in_(payment_ids))
    return {str(payment_id): receipt_id for payment_id, receipt_id in read.session.execute(query)}


def receipts_by_refund(read: Read, refund_ids: Sequence[str]) -> dict[str, str]:
    """The receipt's id of each refund that was sent."""
    query = select(ReceiptRow.refund_id, ReceiptRow.id).where(ReceiptRow.refund_id.in_(refund_ids))
    return {str(refund_id): receipt_id for refund_id, receipt_id in read.session.execute(query)}


def receipt_of(read: Read, row: ReceiptRow) -> Receipt:
    return Receipt(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        number=row.number,
        payment_id=row.payment_id,
        refund_id=row.refund_id,
        refers_to_id=row.refers_to_id,
        amount=Money(row.amount_cents),
        document_id=row.document_id,
        sha256=row.sha256,
        issued_on=row.issued_on,
        fell=_fell(read, row),
        body=find_document(read, row.document_id).body,
    )


def _receipts(read: Read, query: Select[Any]) -> Sequence[Receipt]:
    return [receipt_of(read, row) for row in read.session.scalars(query)]


def _fell(read: Read, row: ReceiptRow) -> Fell | None:
    if row.payment_id is not None:
        return BY_PAYMENT.get(PaymentState(read.session.get_one(PaymentRow, row.payment_id).state))
    failed = read.session.get_one(RefundRow, row.refund_id).state == RefundState.FAILED
    return Fell.FAILED if failed else None
