"""An answer to a dispute, around the calls to the processor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing.kernel.permissions import SYSTEM
from billing.payments.errors import EvidenceNotDrawn
from billing.payments.flows.disputes import follow_dispute
from billing.payments.flows.room import Payments, log, sent_or_found, write_now
from billing.payments.ports import GatewayRefused
from billing.payments.queries.dispute_answers import answer_to_send
from billing.payments.queries.unknowns import first_called_at
from billing.payments.records.dispute_answers import AnswerKind, DisputeAnswer
from billing.payments.records.disputes import Dispute
from billing.payments.states.dispute_answers import AnswerState
from billing.payments.states.disputes import DisputeEvent
from billing.payments.use_cases.dispute_answers import call_answer, keep_answer_sent, refuse_answer
from billing.platform.data.documents import find_rendering


@dataclass(frozen=True)
class Arrived:
    """The processor has an answer; the id of its file there, where that is told."""

    file_reference: str | None = None


def send_answer(room: Payments, *, answer_id: str) -> None:
    """Give an answer to the processor, or look it up when its key is too old to send again.

    What became of the dispute is read again in either case, also when the answer had arrived before.
    Raises: GatewayTimeout, EvidenceNotDrawn: the job comes again, under the same key.
    """
    with room.database.reading() as read:
        answer, dispute = answer_to_send(read, answer_id)
        called_at = first_called_at(read, answer_id)
    if answer.state is AnswerState.SENDING:
        _deliver(room, answer, dispute, called_at)
    follow_dispute(room, reference=dispute.reference)


def _deliver(room: Payments, answer: DisputeAnswer, dispute: Dispute, called_at: datetime | None) -> None:
    arrived = sent_or_found(
        room,
        ordered_at=answer.ordered_at or answer.asked_at,
        called_at=called_at,
        find=lambda: _find(room, answer, dispute),
        send=lambda: _send(room, answer, dispute),
    )
    if arrived is None:
        write_now(room, lambda tx, now: refuse_answer(tx, answer_id=answer.id, actor=SYSTEM, now=now))
        return
    write_now(
        room,
        lambda tx, now: keep_answer_sent(
            tx, answer_id=answer.id, file_reference=arrived.file_reference, actor=SYSTEM, now=now
        ),
    )


def _send(room: Payments, answer: DisputeAnswer, dispute: Dispute) -> Arrived | None:
    """None when the processor did not take it."""
    packet = _packet(room, answer) if answer.kind is AnswerKind.EVIDENCE else None
    write_now(room, lambda tx, now: call_answer(tx, answer_id=answer.id, actor=SYSTEM, now=now))
    try:
        if packet is None:
            room.gateway.accept_dispute(key=answer.id, reference=dispute.reference)
            return Arrived()
        sent = room.gateway.send_evidence(key=answer.id, reference=dispute.reference, packet=packet)
        return Arrived(file_reference=sent)
    except GatewayRefused as refused:
        log.warning("dispute_answer_refused", answer=answer.id, reason=refused.reason)
        return None


def _packet(room: Payments, answer: DisputeAnswer) -> bytes:
    """The bytes that were kept, which are those that were looked at. Raises: EvidenceNotDrawn."""
    with room.database.reading() as read:
        content = find_rendering(read, str(answer.document_id))
    if content is None:
        raise EvidenceNotDrawn("The PDF of this packet is still being drawn.")
    return content


def _find(room: Payments, answer: DisputeAnswer, dispute: Dispute) -> Arrived | None:
    facts = room.gateway.read_dispute(dispute.reference)
    if answer.kind is AnswerKind.ACCEPTANCE:
        return Arrived() if facts.told is DisputeEvent.LOSE else None
    return Arrived() if facts.operation == answer.id else None
