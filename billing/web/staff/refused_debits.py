"""Debits of other payers that a bank did not pay, as the patient's page tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from billing.invoices.queries.payers import shares_of_patient
from billing.invoices.records import Invoice
from billing.kernel.permissions import Actor, Permission
from billing.payments.queries.checkouts import refused_debits_of_payers
from billing.payments.records.checkouts import Checkout
from billing.platform.data.database import Read
from billing.web.staff.refunds import ANOTHER_PAYER, payer_of


@dataclass(frozen=True, kw_only=True)
class RefusedOfPayer:
    """`number` is the invoice's, `payer` a name as far as the reader may know it."""

    number: int
    payer: str
    share_id: str
    checkout: Checkout


def refused_of_payers(
    read: Read, patient_id: str, invoices: Sequence[Invoice], actor: Actor
) -> Sequence[RefusedOfPayer]:
    """Of the invoices that are shown, for those who take payments and read about payers."""
    if not (actor.may(Permission.PAYMENTS_TAKE) and actor.may(Permission.PAYERS_READ)):
        return ()
    shares = shares_of_patient(read, patient_id, actor)
    refused = refused_debits_of_payers(read, shares)
    numbers = {invoice.id: invoice.number for invoice in invoices}
    return [
        RefusedOfPayer(
            number=numbers[share.invoice_id],
            payer=payer_of(read, share.payer_id, actor) or ANOTHER_PAYER,
            share_id=share.id,
            checkout=refused[share.id],
        )
        for share in shares
        if share.id in refused and share.invoice_id in numbers
    ]
