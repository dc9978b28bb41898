"""An answer to a dispute, around the calls to the processor."""

from __future__ import annotations

from billing.kernel.permissions import SYSTEM
from billing.payments.errors import EvidenceNotDrawn
from billing.payments.flows.disputes import follow_dispute
from billing.payments.flows.room import KEY_LIVES, Payments, log, may_yet_arrive, write_now
from billing.payments.ports import GatewayRefused, GatewayTimeout
from billing.payments.queries.dispute_answers import answer_to_send
from billing.payments.records.dispute_answers import AnswerKind, DisputeAnswer
from billing.payments.records.disputes import Dispute
from billing.payments.states.dispute_answers import AnswerState
from billing.payments.states.disputes import DisputeEvent
from billing.payments.use_cases.dispute_answers import keep_answer_sent, refuse_answer
from billing.platform.data.documents import find_rendering


def send_answer(room: Payments, *, answer_id: str) -> None:
    """Give an answer to the processor, or look it up when its key is too old to send again.

    What became of the dispute is read again in either case, also when the answer had arrived before.
    Raises: GatewayTimeout, EvidenceNotDrawn: the job comes again, under the same key.
    """
    with room.database.reading() as read:
        answer, dispute = answer_to_send(read, answer_id)
    if answer.state is AnswerState.SENDING:
        _deliver(room, answer, dispute)
    follow_dispute(room, reference=dispute.reference)


def _deliver(room: Payments, answer: DisputeAnswer, dispute: Dispute) -> None:
    began_at = answer.ordered_at or answer.asked_at
    if room.clock() - began_at >= KEY_LIVES:
        arrived, file_reference = _was_taken(room, answer, dispute), None
        if not arrived and may_yet_arrive(room, began_at):
            raise GatewayTimeout
    else:
        arrived, file_reference = _send(room, answer, dispute)
    if arrived:
        write_now(
            room,
            lambda tx, now: keep_answer_sent(
                tx, answer_id=answer.id, file_reference=file_reference, actor=SYSTEM, now=now
            ),
        )
    else:
        write_now(room, lambda tx, now: refuse_answer(tx, answer_id=answer.id, actor=SYSTEM, now=now))


def _send(room: Payments, answer: DisputeAnswer, dispute: Dispute) -> tuple[bool, str | None]:
    """Whether the processor took it, and the id of the file there."""
    try:
        if answer.kind is AnswerKind.ACCEPTANCE:
            room.gateway.accept_dispute(key=answer.id, reference=dispute.reference)
            return True, None
        content = _packet(room, answer)
        return True, room.gateway.send_evidence(key=answer.id, reference=dispute.reference, packet=content)
    except GatewayRefused as refused:
        log.warning("dispute_answer_refused", answer=answer.id, reason=refused.reason)
        return False, None


def _packet(room: Payments, answer: DisputeAnswer) -> bytes:
    """The bytes that were kept, which are those that were looked at. Raises: EvidenceNotDrawn."""
    with room.database.reading() as read:
        content = find_rendering(read, str(answer.document_id))
    if content is None:
        raise EvidenceNotDrawn("The PDF of this packet is still being drawn.")
    return content


def _was_taken(room: Payments, answer: DisputeAnswer, dispute: Dispute) -> bool:
    facts = room.gateway.read_dispute(dispute.reference)
    if answer.kind is AnswerKind.ACCEPTANCE:
        return facts.told is DisputeEvent.LOSE
    return facts.operation == answer.id
