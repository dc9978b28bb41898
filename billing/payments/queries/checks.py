"""Reads of checks that people handed over, and of transfers."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, select

from billing.kernel.clock import day_in_words
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.payments.errors.checks import CheckBookedBefore, TransferBookedBefore
from billing.payments.models.payments import PaymentRow
from billing.payments.queries.payments import payment_of
from billing.payments.records.payments import Owned, Payment, Tender
from billing.payments.states.payments import PaymentState
from billing.platform.data.database import Read

MOST_DIGITS = 12


def instrument_of(number: str) -> str:
    """How a payment names the check that it came by: `no. 1042`."""
    return f"no. {number}"


def refuse_booked_before(
    read: Read, of: Owned, number: str, *, payer_id: str | None = None, actor: Actor
) -> None:
    """A check is booked once. Amount and day are not compared: whoever books it again may mistype them.

    One that bounced, or was booked for the wrong patient, may come again. The patient is locked.
    Raises: CheckBookedBefore.
    """
    earlier = _standing(read, of, number, payer_id)
    if earlier is None:
        return
    who = "patient" if payer_id is None else "payer"
    said = f"A check {earlier.instrument} from the same {who} was booked before"
    if not actor.sees(entity_id=earlier.entity_id, site_id=earlier.site_id):
        raise CheckBookedBefore(f"{said}, at another site.", number=number)
    raise CheckBookedBefore(
        f"{said}: {earlier.amount} on {day_in_words(earlier.received_on)}.",
        number=number,
        payment_id=earlier.id,
    )


def refuse_transfer_booked_before(read: Read, share_id: str, amount: Money, reference: str) -> None:
    """The patient is locked. Raises: TransferBookedBefore."""
    row = read.session.scalar(
        select(PaymentRow).where(
            PaymentRow.share_id == share_id,
            PaymentRow.tender == Tender.BANK,
            PaymentRow.state == PaymentState.RECEIVED,
            PaymentRow.amount_cents == amount.cents,
            PaymentRow.instrument == reference,
        )
    )
    if row is not None:
        said = f"{amount} under {reference} was booked for this part on {day_in_words(row.received_on)}."
        raise TransferBookedBefore(f"{said} Look at the bank's statement again.", payment_id=row.id)


def _standing(read: Read, of: Owned, number: str, payer_id: str | None) -> Payment | None:
    """The newest payment that stands by a check of the same number and owner.

    Zeros before the number are printed on some checks and left out by some who type it.
    """
    digits = number.lstrip("0")
    row = read.session.scalar(
        select(PaymentRow)
        .where(
            _given_by(of, payer_id),
            PaymentRow.entity_id == of.entity_id,
            PaymentRow.tender == Tender.CHECK,
            PaymentRow.state == PaymentState.RECEIVED,
            PaymentRow.instrument.in_(
                instrument_of(digits.zfill(width)) for width in range(len(digits), MOST_DIGITS + 1)
            ),
        )
        .order_by(PaymentRow.id.desc())
        .limit(1)
    )
    return payment_of(row) if row else None


def _given_by(of: Owned, payer_id: str | None) -> ColumnElement[bool]:
    if payer_id is not None:
        return PaymentRow.payer_id == payer_id
    return and_(PaymentRow.patient_id == of.patient_id, PaymentRow.payer_id.is_(None))
