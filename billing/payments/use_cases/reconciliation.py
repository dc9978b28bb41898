"""Keeping what the processor lists, and naming what of it cannot be explained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from billing.catalog.queries import entities
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import Actor
from billing.payments.models.reconciliation import (
    ExceptionEndRow,
    MovementRow,
    NamedExceptionRow,
    ReconciliationRow,
)
from billing.payments.queries.reconciliation import (
    exceptions_of,
    owner_of_difference,
    owner_of_operation,
)
from billing.payments.records.reconciliation import (
    Difference,
    ExceptionKind,
    MovementFacts,
    NamedException,
    Standing,
)
from billing.payments.rules.reconciliation import held_against, kind_of
from billing.payments.use_cases.excess import share_what_came_back
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.inserts import insert_unless_there
from billing.platform.data.tasks import ask_a_person, end_tasks

LONGEST_OPERATION = 40
"""Of our ids; a longer one in the metadata is somebody else's."""


def keep_movements(tx: Tx, *, movements: Sequence[MovementFacts], actor: Actor, now: datetime) -> int:
    """Keep those that are not kept yet; answer how many these were."""
    listed = [each.reference for each in movements]
    known = set(tx.session.scalars(select(MovementRow.reference).where(MovementRow.reference.in_(listed))))
    fresh = [each for each in movements if each.reference not in known]
    for each in fresh:
        insert_unless_there(tx, MovementRow, _values(each), ["reference"])
    return len(fresh)


def name_exceptions(tx: Tx, *, found: Sequence[Difference], actor: Actor, now: datetime) -> None:
    """Name each difference that is no matter of time, once as long as it stays the same.

    Without any legal entity there is nobody to name it to.
    """
    for difference in found:
        if not difference.under_way and entities(tx):
            owner = owner_of_difference(tx, difference)
            _name(tx, owner, kind_of(difference), difference.object_id, difference.gap, actor, now)


def name_operations_made_twice(
    tx: Tx, *, found: Sequence[tuple[str, Money]], actor: Actor, now: datetime
) -> None:
    """Name each operation of ours of which the processor made more than one thing, once and for all."""
    for operation, surplus in found:
        if any(each.amount == surplus for each in exceptions_of(tx, operation, is_open=None)):
            continue
        owner = owner_of_operation(tx, operation)
        _name(tx, owner, ExceptionKind.TWICE, operation, surplus, actor, now)


def end_exceptions(tx: Tx, *, gone: Sequence[NamedException], actor: Actor, now: datetime) -> None:
    """They are not there any more, and nobody has to look. Told again, it changes nothing.

    What an insurer paid while a refund of the dashboard was gone is shared anew, when it came back.
    """
    share_what_came_back(tx, gone=gone, actor=actor, now=now)
    for each in gone:
        _end(tx, each, actor, now)


def keep_reconciliation(
    tx: Tx, *, standing: Standing, since: datetime | None, until: datetime, actor: Actor, now: datetime
) -> None:
    """Keep that the processor was held against the books to the end, and how they stood."""
    row = ReconciliationRow(
        id=new_id("rcn"),
        since=since,
        until=until,
        balance_cents=standing.balance.cents,
        clearing_cents=standing.clearing.cents,
        under_way_cents=standing.under_way.cents,
        named_cents=standing.named.cents,
        done_at=now,
    )
    tx.session.add(row)
    detail = {"unexplained_cents": standing.unexplained.cents}
    record_audit(tx, actor=actor, action="reconcile", subject_id=row.id, now=now, detail=detail)


def _values(movement: MovementFacts) -> dict[str, object]:
    reference, source, operation = movement.reference, movement.source, movement.operation
    return {
        "id": new_id("mov"),
        "reference": reference,
        "object_id": held_against(reference, source, movement.reporting_category),
        "source": source,
        "reporting_category": movement.reporting_category,
        "amount_cents": movement.amount.cents,
        "fee_cents": movement.fee.cents,
        "charge": movement.charge,
        "operation": operation if operation and len(operation) <= LONGEST_OPERATION else None,
        "moved_at": movement.moved_at,
    }


def _name(
    tx: Tx,
    owner: tuple[str, str],
    kind: ExceptionKind,
    object_id: str,
    amount: Money,
    actor: Actor,
    now: datetime,
) -> None:
    """One that was named before stays; the same thing under another name, or of another amount, is new."""
    standing = exceptions_of(tx, object_id, is_open=True)
    if any((each.kind, each.amount) == (kind, amount) for each in standing):
        return
    for each in standing:
        if (each.kind is ExceptionKind.TWICE) == (kind is ExceptionKind.TWICE):
            _end(tx, each, actor, now)
    entity_id, site_id = owner
    values = {
        "id": new_id("nex"),
        "entity_id": entity_id,
        "site_id": site_id,
        "kind": kind,
        "object_id": object_id,
        "occurrence": _times_seen(tx, kind, object_id),
        "cents": amount.cents,
        "first_seen_at": now,
    }
    insert_unless_there(tx, NamedExceptionRow, values, ["kind", "object_id", "occurrence"])
    for each in exceptions_of(tx, object_id, is_open=True):
        if each.id == values["id"]:
            _ask(tx, each, actor, now)


def _times_seen(tx: Tx, kind: ExceptionKind, object_id: str) -> int:
    query = select(func.count()).where(
        NamedExceptionRow.kind == kind, NamedExceptionRow.object_id == object_id
    )
    return tx.session.scalar(query) or 0


def _ask(tx: Tx, named: NamedException, actor: Actor, now: datetime) -> None:
    ask_a_person(tx, kind=named.kind, about=named, actor=actor, now=now)
    detail: dict[str, str | int] = {"kind": named.kind, "cents": named.amount.cents}
    record_audit(tx, actor=actor, action="exception.name", subject_id=named.id, now=now, detail=detail)


def _end(tx: Tx, named: NamedException, actor: Actor, now: datetime) -> None:
    values = {"exception_id": named.id, "resolved_at": now}
    insert_unless_there(tx, ExceptionEndRow, values, ["exception_id"])
    end_tasks(tx, kind=named.kind, subject_ids=[named.id], actor=actor, now=now)
    record_audit(tx, actor=actor, action="exception.resolve", subject_id=named.id, now=now)
