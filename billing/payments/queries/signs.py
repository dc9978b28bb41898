"""When owners of held money last gave a sign: of many at once, a few statements for each batch of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, exists, func, or_, select

from billing.catalog.queries import site_dates
from billing.payments.models.credits import CreditApplicationRow, CreditReversalRow
from billing.payments.models.dormant import DormantCreditRow
from billing.payments.models.refunds import RefundRow
from billing.payments.records.credits import CreditLot
from billing.payments.records.refunds import Refund
from billing.platform.data.audit import AuditRow
from billing.platform.data.database import Read
from billing.platform.data.selects import batches


def last_signs(read: Read, held: Sequence[CreditLot | Refund]) -> Mapping[str, date]:
    """By id, the last day on which the owner chose, used, asked for or claimed it, or got it.

    A refund was asked for when the check that it replaces was, and a claim of that one was of the same money.
    """
    signs: dict[str, date] = {}
    lots = {of.id: of for of in held if isinstance(of, CreditLot)}
    signs |= {lot.id: lot.held_on for lot in lots.values()}
    refunds = [of for of in held if isinstance(of, Refund)]
    asked = site_dates(read, [(refund.site_id, refund.requested_at) for refund in refunds])
    signs |= {refund.id: on for refund, on in zip(refunds, asked, strict=True)}
    _move_on(signs, _on_days(read, lots, ((lot.id, lot.elected_at) for lot in lots.values())))
    for batch in batches(lots):
        for query in _of_credits(batch):
            _move_on(signs, read.session.execute(query))
        for moments in (_asked_for(batch), _taken_back(batch)):
            _move_on(signs, _on_days(read, lots, read.session.execute(moments)))
    for batch in batches(refund.id for refund in refunds):
        _move_on(signs, read.session.execute(_claims_of_refunds(batch)))
    return signs


def _on_days(read: Read, lots: Mapping[str, CreditLot], moments: Iterable[Any]) -> Iterable[tuple[str, date]]:
    """Of the clinic, at the site of each credit."""
    told = [(lot_id, at) for lot_id, at in moments if at is not None]
    days = site_dates(read, [(lots[lot_id].site_id, at) for lot_id, at in told])
    return [(lot_id, on) for (lot_id, _), on in zip(told, days, strict=True)]


def _move_on(signs: dict[str, date], found: Iterable[Any]) -> None:
    for subject_id, on in found:
        signs[subject_id] = max(signs[subject_id], on)


def _of_credits(lot_ids: Sequence[str]) -> Iterator[Select[*tuple[Any, ...]]]:
    """What was lent to an attempt and came back whole is a sign where the owner came to it by their own link.

    Of a saved card, a reader or a page of the staff's it is none: the clinic tried, the owner did nothing.
    """
    undone = (
        select(func.coalesce(func.sum(CreditReversalRow.amount_cents), 0))
        .where(CreditReversalRow.application_id == CreditApplicationRow.id)
        .scalar_subquery()
    )
    by_owner = exists().where(
        AuditRow.subject_id == CreditApplicationRow.checkout_id,
        AuditRow.action.in_(("checkout.begin", "checkout.open_again")),
        AuditRow.actor_id.startswith("lnk_"),
    )
    yield (
        select(CreditApplicationRow.lot_id, func.max(CreditApplicationRow.applied_on))
        .where(
            CreditApplicationRow.lot_id.in_(lot_ids),
            or_(
                CreditApplicationRow.checkout_id.is_(None),
                CreditApplicationRow.amount_cents > undone,
                by_owner,
            ),
        )
        .group_by(CreditApplicationRow.lot_id)
    )
    yield (
        select(DormantCreditRow.lot_id, func.max(DormantCreditRow.claimed_on))
        .where(DormantCreditRow.lot_id.in_(lot_ids), DormantCreditRow.claimed_on.is_not(None))
        .group_by(DormantCreditRow.lot_id)
    )


def _asked_for(lot_ids: Sequence[str]) -> Select[*tuple[Any, ...]]:
    return (
        select(RefundRow.lot_id, func.max(RefundRow.requested_at))
        .where(RefundRow.lot_id.in_(lot_ids))
        .group_by(RefundRow.lot_id)
    )


def _taken_back(lot_ids: Sequence[str]) -> Select[*tuple[Any, ...]]:
    return (
        select(AuditRow.subject_id, func.max(AuditRow.at))
        .where(AuditRow.subject_id.in_(lot_ids), AuditRow.action == "credit.elect.ask")
        .group_by(AuditRow.subject_id)
    )


def _claims_of_refunds(refund_ids: Sequence[str]) -> Select[*tuple[Any, ...]]:
    one = (
        select(RefundRow.id.label("first"), RefundRow.id, RefundRow.replaces_id)
        .where(RefundRow.id.in_(refund_ids))
        .cte(recursive=True)
    )
    before = select(one.c.first, RefundRow.id, RefundRow.replaces_id).join(
        one, RefundRow.id == one.c.replaces_id
    )
    each = one.union_all(before)
    return (
        select(each.c.first, func.max(DormantCreditRow.claimed_on))
        .join(DormantCreditRow, DormantCreditRow.refund_id == each.c.id)
        .where(DormantCreditRow.claimed_on.is_not(None))
        .group_by(each.c.first)
    )
