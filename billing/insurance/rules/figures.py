"""The two figures of a visit that every paper says, and whether a paper still says what the books do."""

from __future__ import annotations

from collections.abc import Sequence

from billing.insurance.records.figures import Figures
from billing.kernel.money import Money, total
from billing.payments.records.payments import Paid, Tender


def figures_of(charge: Money, payments: Sequence[Paid]) -> Figures:
    """What a superbill and a claim say; what the insurer itself has paid is not told it as paid."""
    paid = total(payment.amount for payment in payments if payment.tender is not Tender.INSURER)
    return Figures(charge=charge, paid=paid)


def still_holds(told: Figures, now: Figures, *, is_out: bool) -> bool:
    """Whether a paper may stay as it is; one that is out may tell of less than was paid since.

    It tells what was paid when it was issued. One that is still to be sent says what the books do.
    """
    if told.charge != now.charge:
        return False
    return told.paid <= now.paid if is_out else told.paid == now.paid
