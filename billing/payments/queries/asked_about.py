"""Reads of what people are asked about: as many statements for two hundred of a kind as for one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor
from billing.payments.models.checkouts import CheckoutRow
from billing.payments.models.choices import ChoiceLetterRow
from billing.payments.models.credits import CreditLotRow
from billing.payments.models.dispute_answers import DisputeAnswerRow
from billing.payments.models.disputes import DisputeRow
from billing.payments.models.drawers import CashDrawerRow
from billing.payments.models.payments import PaymentRow
from billing.payments.models.payouts import PayoutRow
from billing.payments.models.receipts import ReceiptRow
from billing.payments.models.reconciliation import NamedExceptionRow
from billing.payments.models.refunds import RefundRow
from billing.payments.models.saved_methods import SavedMethodRow
from billing.payments.models.takebacks import TakebackRow
from billing.payments.queries.disputes import taken_twice_among
from billing.payments.queries.dormant import dormant_among, still_owed_of
from billing.payments.queries.saved_methods import card_of
from billing.payments.queries.takebacks import takeback_of
from billing.payments.records.asked_about import AskedAbout
from billing.platform.data.database import Read
from billing.platform.data.reach import within_reach


def asked_about(
    read: Read, prefix: str, subject_ids: Collection[str], actor: Actor
) -> Mapping[str, AskedAbout]:
    """By id, those with one prefix; what is not there, or not for the actor, is left out."""
    return dict(SUBJECTS[prefix](read, subject_ids, actor))


def _of(
    table: Any, about: Callable[[Any], AskedAbout]
) -> Callable[[Read, Collection[str], Actor], Iterator[tuple[str, AskedAbout]]]:
    def find(read: Read, subject_ids: Collection[str], actor: Actor) -> Iterator[tuple[str, AskedAbout]]:
        query = select(table).where(table.id.in_(subject_ids), *within_reach(actor, table))
        return ((row.id, about(row)) for row in read.session.scalars(query))

    return find


def _answers(read: Read, subject_ids: Collection[str], actor: Actor) -> Iterator[tuple[str, AskedAbout]]:
    """An answer is to a dispute."""
    query = (
        select(DisputeAnswerRow.id, DisputeRow)
        .join(DisputeRow, DisputeRow.id == DisputeAnswerRow.dispute_id)
        .where(DisputeAnswerRow.id.in_(subject_ids), *within_reach(actor, DisputeRow))
    )
    return ((answer_id, _dispute(row)) for answer_id, row in read.session.execute(query))


def _disputes(read: Read, subject_ids: Collection[str], actor: Actor) -> Iterator[tuple[str, AskedAbout]]:
    """Beside a lost one stands what a person has to say to the bank, the patient or an insurer."""
    query = select(DisputeRow).where(DisputeRow.id.in_(subject_ids), *within_reach(actor, DisputeRow))
    rows = read.session.scalars(query).all()
    twice = taken_twice_among(read, [row.payment_id for row in rows])
    for row in rows:
        yield (
            row.id,
            replace(
                _dispute(row),
                paid_twice=twice.get(row.payment_id, ZERO) if row.lost_cents else ZERO,
                reimbursed=Money(row.reimbursed_cents),
            ),
        )


def _checkouts(read: Read, subject_ids: Collection[str], actor: Actor) -> Iterator[tuple[str, AskedAbout]]:
    """Whose they are is known by what they pay, at whose site the person is asked."""
    for row in read.session.scalars(select(CheckoutRow).where(CheckoutRow.id.in_(subject_ids))):
        amount = Money(row.amount_cents)
        yield row.id, AskedAbout(amount=amount, on=row.opened_at, patient_id=row.patient_id)


def _dormant(read: Read, subject_ids: Collection[str], actor: Actor) -> Iterator[tuple[str, AskedAbout]]:
    """What was set aside, or is left to be."""
    found: Sequence[Any] = dormant_among(read, subject_ids, actor)
    owed = still_owed_of(read, [each for each in found if not each.amount])
    for each in found:
        amount = each.amount or owed[each.id].amount
        yield each.id, AskedAbout(amount=amount, on=each.dormant_on, patient_id=each.patient_id)


def _dispute(row: DisputeRow) -> AskedAbout:
    return AskedAbout(amount=Money(row.amount_cents), on=row.opened_at, patient_id=row.patient_id)


def _drawer(row: CashDrawerRow) -> AskedAbout:
    found = row.difference_cents
    return AskedAbout(amount=None if found is None else Money(found), on=row.opened_on)


SUBJECTS: dict[str, Callable[[Read, Collection[str], Actor], Iterator[tuple[str, AskedAbout]]]] = {
    "chk": _checkouts,
    "clt": _of(ChoiceLetterRow, lambda row: AskedAbout(on=row.written_on, patient_id=row.patient_id)),
    "crl": _of(
        CreditLotRow,
        lambda row: AskedAbout(amount=Money(row.available_cents), on=row.held_on, patient_id=row.patient_id),
    ),
    "dan": _answers,
    "drm": _dormant,
    "drw": _of(CashDrawerRow, _drawer),
    "dsp": _disputes,
    "nex": _of(NamedExceptionRow, lambda row: AskedAbout(amount=Money(row.cents), on=row.first_seen_at)),
    "pay": _of(
        PaymentRow,
        lambda row: AskedAbout(amount=Money(row.amount_cents), on=row.received_on, patient_id=row.patient_id),
    ),
    "pyo": _of(PayoutRow, lambda row: AskedAbout(amount=Money(row.amount_cents), on=row.arrives_on)),
    "rcp": _of(
        ReceiptRow,
        lambda row: AskedAbout(amount=Money(row.amount_cents), on=row.issued_on, patient_id=row.patient_id),
    ),
    "ref": _of(
        RefundRow,
        lambda row: AskedAbout(
            amount=Money(row.amount_cents),
            on=row.refunded_on or row.requested_at,
            patient_id=row.patient_id,
        ),
    ),
    "svm": _of(
        SavedMethodRow,
        lambda row: AskedAbout(on=row.opened_at, patient_id=row.patient_id, card=card_of(row)),
    ),
    "tkb": _of(
        TakebackRow,
        lambda row: AskedAbout(
            amount=takeback_of(row).owed or None, on=row.demanded_on, patient_id=row.patient_id
        ),
    ),
}
