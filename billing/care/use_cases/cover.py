"""What a session costs its patient, and who covers how much of it.

Counters that guard money: each change is one conditional UPDATE with a CHECK behind it. The callers are the
money use cases of upper rooms, which have locked the patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, select, update

from billing.care.errors import (
    InvalidCoverAmount,
    NothingToUncover,
    SessionNotPriced,
    SessionOvercovered,
)
from billing.care.models import CoverageMoveRow, CoverageRow, SessionRow
from billing.care.queries import find_session, no_such_session, session_of
from billing.care.records import Session
from billing.care.rules import missing_cover
from billing.care.states import CoverMoved, SessionState
from billing.kernel.ids import new_id
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor
from billing.platform.data.audit import record_audit, record_audits
from billing.platform.data.database import Tx
from billing.platform.data.statements import Statement

SET_DUE = Statement(
    update(cast(Table, SessionRow.__table__))
    .where(SessionRow.id == bindparam("of_session"), SessionRow.covered_cents <= bindparam("cents"))
    .values(due_cents=bindparam("cents"))
)


def set_due(tx: Tx, *, session_id: str, due: Money | None, actor: Actor, now: datetime) -> Session:
    """Say what a session costs its patient; None takes the price away again.

    Raises: NoSuchSession, SessionOvercovered when more is covered already, InvalidCoverAmount.
    """
    find_session(tx, session_id, actor)
    cents = None if due is None else due.cents
    if cents is not None and cents < 0:
        raise InvalidCoverAmount("A session cannot cost less than nothing.")
    changed = tx.session.scalar(
        update(SessionRow)
        .where(SessionRow.id == session_id, SessionRow.covered_cents <= (cents or 0))
        .values(due_cents=cents)
        .returning(SessionRow.id)
        .execution_options(synchronize_session=False)
    )
    session = _reread(tx, session_id)
    if changed is None:
        raise _more_is_covered()
    detail: dict[str, str | int] = {"due": "none"} if cents is None else {"due_cents": cents}
    record_audit(tx, actor=actor, action="session.price", subject_id=session_id, now=now, detail=detail)
    return session


def set_dues(tx: Tx, *, dues: Sequence[tuple[Session, Money]], actor: Actor, now: datetime) -> list[Session]:
    """Say what sessions cost their patient, all of them or none. They were read under the patient's lock.

    Raises: NoSuchSession, SessionOvercovered when more is covered already, InvalidCoverAmount.
    """
    for session, due in dues:
        if not actor.sees(entity_id=session.entity_id, site_id=session.site_id):
            raise no_such_session()
        if due < ZERO:
            raise InvalidCoverAmount("A session cannot cost less than nothing.")
    told = [{"of_session": session.id, "cents": due.cents} for session, due in dues]
    if SET_DUE.many(tx.about(SessionRow), told) != len(dues):
        raise _more_is_covered()
    tx.forget()
    details = {session.id: {"due_cents": due.cents} for session, due in dues}
    record_audits(tx, actor=actor, action="session.price", details=details, now=now)
    return [replace(session, due=due) for session, due in dues]


def cover(
    tx: Tx,
    *,
    session_id: str,
    source_kind: str,
    source_id: str,
    amount: Money,
    actor: Actor,
    now: datetime,
) -> Session:
    """Let a payment, a credit, a package or a lender cover some of a session; the same source may add more.

    Announces CoverMoved of a session that was given.
    Raises: NoSuchSession, SessionNotPriced, SessionOvercovered, InvalidCoverAmount.
    """
    find_session(tx, session_id, actor)
    _check_positive(amount)
    covered = tx.session.scalar(
        update(SessionRow)
        .where(SessionRow.id == session_id, SessionRow.covered_cents + amount.cents <= SessionRow.due_cents)
        .values(covered_cents=SessionRow.covered_cents + amount.cents)
        .returning(SessionRow.covered_cents)
        .execution_options(synchronize_session=False)
    )
    session = _reread(tx, session_id)
    if covered is None:
        raise _cannot_cover(session)
    _add_cover(tx, session_id, source_kind, source_id, amount)
    _keep_move(tx, session_id, source_kind, source_id, amount, now)
    detail: dict[str, str | int] = {"source_kind": source_kind, "source_id": source_id, "cents": amount.cents}
    record_audit(tx, actor=actor, action="session.cover", subject_id=session_id, now=now, detail=detail)
    _announce(tx, session, actor, now)
    return session


def uncover(
    tx: Tx,
    *,
    session_id: str,
    source_kind: str,
    source_id: str,
    amount: Money,
    actor: Actor,
    now: datetime,
) -> Session:
    """Take back some of what a source covers of a session. Announces CoverMoved of one that was given.

    Raises: NoSuchSession, NothingToUncover, InvalidCoverAmount.
    """
    find_session(tx, session_id, actor)
    _check_positive(amount)
    left = tx.session.scalar(
        update(CoverageRow)
        .where(
            CoverageRow.session_id == session_id,
            CoverageRow.source_kind == source_kind,
            CoverageRow.source_id == source_id,
            CoverageRow.amount_cents >= amount.cents,
        )
        .values(amount_cents=CoverageRow.amount_cents - amount.cents)
        .returning(CoverageRow.amount_cents)
        .execution_options(synchronize_session=False)
    )
    if left is None:
        raise NothingToUncover(f"That source covers less than {amount} of this session.")
    _keep_move(tx, session_id, source_kind, source_id, -amount, now)
    tx.session.execute(
        update(SessionRow)
        .where(SessionRow.id == session_id)
        .values(covered_cents=SessionRow.covered_cents - amount.cents)
        .execution_options(synchronize_session=False)
    )
    detail: dict[str, str | int] = {"source_kind": source_kind, "source_id": source_id, "cents": amount.cents}
    record_audit(tx, actor=actor, action="session.uncover", subject_id=session_id, now=now, detail=detail)
    session = _reread(tx, session_id)
    _announce(tx, session, actor, now)
    return session


def _announce(tx: Tx, session: Session, actor: Actor, now: datetime) -> None:
    """Of what is still to come nobody was told yet."""
    if session.state is SessionState.GIVEN:
        tx.emit(CoverMoved(session_id=session.id, actor=actor, now=now))


def _more_is_covered() -> SessionOvercovered:
    return SessionOvercovered("Take cover back first: more is covered than would be due.", missing_cents=0)


def _check_positive(amount: Money) -> None:
    if amount <= ZERO:
        raise InvalidCoverAmount("Cover a session, or take cover back, by a positive amount.")


def _cannot_cover(session: Session) -> SessionNotPriced | SessionOvercovered:
    if session.due is None:
        return SessionNotPriced("This session has no price yet. Invoice it first.")
    missing = missing_cover(session.due, session.covered)
    return SessionOvercovered(
        f"Only {missing} of this session can still be covered.", missing_cents=missing.cents
    )


def _add_cover(tx: Tx, session_id: str, source_kind: str, source_id: str, amount: Money) -> None:
    """The session's row is locked by its own update, so that two of one source wait for each other."""
    added = tx.session.scalar(
        update(CoverageRow)
        .where(
            CoverageRow.session_id == session_id,
            CoverageRow.source_kind == source_kind,
            CoverageRow.source_id == source_id,
        )
        .values(amount_cents=CoverageRow.amount_cents + amount.cents)
        .returning(CoverageRow.amount_cents)
        .execution_options(synchronize_session=False)
    )
    if added is None:
        row = {
            "session_id": session_id,
            "source_kind": source_kind,
            "source_id": source_id,
            "amount_cents": amount.cents,
        }
        tx.insert(CoverageRow, [row])


def _keep_move(
    tx: Tx, session_id: str, source_kind: str, source_id: str, amount: Money, now: datetime
) -> None:
    row = {
        "id": new_id("cvm"),
        "session_id": session_id,
        "source_kind": source_kind,
        "source_id": source_id,
        "cents": amount.cents,
        "moved_at": now,
    }
    tx.insert(CoverageMoveRow, [row])


def _reread(tx: Tx, session_id: str) -> Session:
    """The session as the database has it after an UPDATE that went past the identity map."""
    row = tx.session.scalars(
        select(SessionRow).where(SessionRow.id == session_id).execution_options(populate_existing=True)
    ).one()
    return session_of(tx.vault, row)
