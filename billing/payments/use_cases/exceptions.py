"""What a person found an exception of the reconciliation to be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from billing.catalog.queries import site_date
from billing.kernel.money import ZERO, total
from billing.kernel.permissions import Actor
from billing.ledger.records import Account, Line, Posting, Source
from billing.ledger.use_cases import post
from billing.payments.errors import ExceptionEnded, PartsDoNotAddUp, PatientsMoney
from billing.payments.models.reconciliation import ExceptionBookingRow, NamedExceptionRow
from billing.payments.queries.differences import EXCEPTION
from billing.payments.queries.reconciliation import (
    find_exception,
    gone_among,
    gross_of,
    is_of_a_checkout,
    is_of_a_payment,
)
from billing.payments.records.reconciliation import BookedPart, ExceptionKind, NamedException
from billing.payments.use_cases.reconciliation import end_exceptions
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx


def book_exception(
    tx: Tx, *, exception_id: str, parts: Sequence[BookedPart], actor: Actor, now: datetime
) -> NamedException:
    """Post an exception as what it was, all of it, and end it.

    A patient's money is not booked away: what went back of a payment is a refund, and what was paid to a
    checkout of ours is held on 2240 until it goes back.
    Raises: NoSuchException, ExceptionEnded, PatientsMoney, PartsDoNotAddUp.
    """
    named = lock_exception(tx, exception_id, actor)
    _refuse_to_keep_a_patients_money(tx, named, parts)
    if total(part.amount for part in parts) != named.amount:
        raise PartsDoNotAddUp(f"The parts are not {named.amount} together.", cents=named.amount.cents)
    lines = (
        Line(Account.PROCESSOR_CLEARING, named.amount),
        *(Line(part.account, -part.amount) for part in parts),
    )
    moved = sum(max(line.amount.cents, 0) for line in lines)
    if moved > (most := gross_of(tx, named)).cents:
        raise PartsDoNotAddUp(f"No more than {most} moved at the processor.", cents=named.amount.cents)
    tx.session.add(
        ExceptionBookingRow(exception_id=named.id, moved_cents=moved, booked_by=actor.id, booked_at=now)
    )
    tx.session.flush()
    on = site_date(tx, named.site_id, now)
    post(tx, Posting.of(named, Source(EXCEPTION, named.id, "booked"), on, lines), actor=actor, now=now)
    detail = {"cents": named.amount.cents}
    record_audit(tx, actor=actor, action="exception.book", subject_id=named.id, now=now, detail=detail)
    end_exceptions(tx, gone=[named], actor=actor, now=now)
    return find_exception(tx, exception_id, actor)


def lock_exception(tx: Tx, exception_id: str, actor: Actor) -> NamedException:
    """One that still stands, so that it is booked once. Raises: NoSuchException, ExceptionEnded."""
    tx.session.get(NamedExceptionRow, exception_id, with_for_update=True, populate_existing=True)
    named = find_exception(tx, exception_id, actor)
    if named.resolved_at is not None or named.kind is ExceptionKind.TWICE or gone_among(tx, [named]):
        raise ExceptionEnded(
            "There is nothing to book: the difference is gone, or stands under another name."
        )
    return named


def _refuse_to_keep_a_patients_money(tx: Tx, named: NamedException, parts: Sequence[BookedPart]) -> None:
    """Raises: PatientsMoney."""
    kept = [
        part for part in parts if part.amount > ZERO and part.account is not Account.UNAPPLIED_PAYER_MONEY
    ]
    if is_of_a_payment(tx, named) or (kept and is_of_a_checkout(tx, named)):
        raise PatientsMoney("This is a patient's money: hold it on 2240, give it back, or record the refund.")
