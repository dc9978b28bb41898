"""Reads of answers to disputes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.payments.errors import NoSuchAnswer
from billing.payments.models.dispute_answers import DisputeAnswerRow
from billing.payments.models.disputes import DisputeRow
from billing.payments.queries.disputes import dispute_of, find_dispute
from billing.payments.queries.reach import seen
from billing.payments.records.dispute_answers import AnswerKind, DisputeAnswer, EvidenceFact
from billing.payments.records.disputes import Dispute
from billing.payments.rules.dispute_answers import was_answered
from billing.payments.states.dispute_answers import AnswerEvent, AnswerState
from billing.payments.states.disputes import WANTS_ANSWER, DisputeState
from billing.platform.data.database import Read
from billing.platform.data.states import StateChange


def dispute_of_answer(read: Read, answer_id: str, actor: Actor) -> str:
    """The id of the dispute that an answer is to. Raises: NoSuchAnswer."""
    missing = NoSuchAnswer("There is no such answer to a dispute.")
    return answer_of(seen(read.session.get(DisputeAnswerRow, answer_id), actor, missing)).dispute_id


def find_answer(read: Read, dispute_id: str, answer_id: str, actor: Actor) -> DisputeAnswer:
    """Raises: NoSuchAnswer, also for one of another dispute."""
    missing = NoSuchAnswer("There is no such answer to this dispute.")
    row = seen(read.session.get(DisputeAnswerRow, answer_id), actor, missing)
    if row.dispute_id != dispute_id:
        raise missing
    return answer_of(row)


def list_answers(read: Read, dispute_id: str, actor: Actor) -> Sequence[DisputeAnswer]:
    """All of a dispute, newest first. Raises: NoSuchDispute."""
    find_dispute(read, dispute_id, actor)
    query = select(DisputeAnswerRow).where(DisputeAnswerRow.dispute_id == dispute_id)
    rows = read.session.scalars(query.order_by(DisputeAnswerRow.number.desc()))
    asked = _last_move(read, dispute_id, StateChange.after == DisputeState.NEEDS_RESPONSE)
    return [_beside(read, answer_of(row), asked) for row in rows]


def _beside(read: Read, answer: DisputeAnswer, asked: str) -> DisputeAnswer:
    left = _last_move(read, answer.id, StateChange.event.in_((AnswerEvent.SEND, AnswerEvent.CALL)))
    return replace(answer, was_to_the_inquiry=bool(left) and left < asked)


def _last_move(read: Read, subject_id: str, which: ColumnElement[bool]) -> str:
    """The id of the last such move, which sorts by its time; empty when there was none."""
    query = select(func.max(StateChange.id)).where(StateChange.subject_id == subject_id, which)
    return read.session.scalar(query) or ""


def answer_to_send(read: Read, answer_id: str) -> tuple[DisputeAnswer, Dispute]:
    """An answer as it is now, and the dispute that it is for."""
    answer = answer_of(read.session.get_one(DisputeAnswerRow, answer_id))
    return answer, find_dispute(read, answer.dispute_id, SYSTEM)


def unresolved_answers(read: Read, *, before: datetime) -> Sequence[DisputeAnswer]:
    """Those that were to go before, and have no outcome yet."""
    query = select(DisputeAnswerRow).where(
        DisputeAnswerRow.state == AnswerState.SENDING, DisputeAnswerRow.ordered_at < before
    )
    return [answer_of(row) for row in read.session.scalars(query)]


def unanswered_disputes(read: Read, *, due_before: datetime, now: datetime) -> Sequence[Dispute]:
    """Disputes and inquiries that want an answer before then, and have none, sent or on its way.

    What was told when the bank only asked is no answer once it took the money.
    """
    query = select(DisputeRow).where(
        DisputeRow.state.in_(WANTS_ANSWER),
        DisputeRow.due_at.between(now, due_before),
    )
    due = [dispute_of(row) for row in read.session.scalars(query)]
    return [dispute for dispute in due if not _is_answered(read, dispute)]


def _is_answered(read: Read, dispute: Dispute) -> bool:
    return was_answered(dispute, list_answers(read, dispute.id, SYSTEM))


def answer_of(row: DisputeAnswerRow) -> DisputeAnswer:
    return DisputeAnswer(
        id=row.id,
        entity_id=row.entity_id,
        site_id=row.site_id,
        patient_id=row.patient_id,
        dispute_id=row.dispute_id,
        number=row.number,
        kind=AnswerKind(row.kind),
        state=AnswerState(row.state),
        amount=Money(row.amount_cents),
        facts=_facts(row.facts),
        missing=_facts(row.missing),
        left_out=_facts(row.left_out),
        has_health_data=row.has_health_data,
        needs_approval=row.needs_approval,
        document_id=row.document_id,
        sha256=row.sha256,
        asked_by=row.asked_by,
        asked_by_person=row.asked_by_person,
        asked_at=row.asked_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        ordered_at=row.ordered_at,
        file_reference=row.file_reference,
        sent_at=row.sent_at,
    )


def _facts(listed: str) -> tuple[EvidenceFact, ...]:
    return tuple(map(EvidenceFact, listed.split()))
