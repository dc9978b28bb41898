"""Answering a dispute: evidence drafted, approved and sent, or the money given up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from billing.catalog.queries import find_entity, find_site, site_date
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.use_cases import lock_patient
from billing.payments.errors import AnswerNotApproved, DisputeChanged, NoSuchAnswer, OwnAnswer
from billing.payments.models.dispute_answers import DisputeAnswerRow
from billing.payments.queries.dispute_answers import answer_of, find_answer, list_answers, unanswered_disputes
from billing.payments.queries.disputes import became_dispute_at, find_dispute
from billing.payments.queries.evidence import facts_on_file
from billing.payments.queries.unknowns import first_called_at
from billing.payments.records.dispute_answers import AnswerKind, DisputeAnswer, EvidenceFact
from billing.payments.records.disputes import Dispute
from billing.payments.rules.dispute_answers import (
    choose_facts,
    holds_health_data,
    missing_of,
    refuse_second_acceptance,
    refuse_unless_answerable,
    was_answered,
)
from billing.payments.states.dispute_answers import ANSWER_MOVES, AnswerEvent, AnswerState
from billing.payments.use_cases.dispute_tasks import (
    ANSWER_DUE,
    ANSWER_REFUSED,
    end_asking,
    end_doubt,
    end_repeating,
)
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.platform.data.documents import freeze
from billing.platform.data.jobs import enqueue
from billing.platform.data.states import advance
from billing.platform.data.tasks import ask_again, open_task

EVIDENCE = "evidence"
"""The kind of a packet's document."""
RENDER_EVIDENCE, SEND_ANSWER = "render-evidence", "send-answer"
"""The jobs that draw a packet (its key is the document's id) and send an answer (its key is the answer's)."""
DUE_WITHIN = timedelta(days=3)


def draft_evidence(
    tx: Tx,
    *,
    dispute_id: str,
    facts: Sequence[EvidenceFact] | None,
    statement: str | None,
    actor: Actor,
    now: datetime,
) -> DisputeAnswer:
    """Freeze a packet of chosen facts, or of all that its reason calls for short of health data.

    A packet with days of service or a statement waits for another person's approval.
    Raises: NoSuchDispute, DisputeAnswered, DisputeOverdue, FactNotOnFile.
    """
    dispute, answers = _locked(tx, dispute_id, actor)
    refuse_unless_answerable(dispute, answers, now)
    on_file = dict(facts_on_file(tx, dispute))
    if statement:
        on_file[EvidenceFact.STATEMENT] = statement
    chosen = choose_facts(dispute.reason, on_file, facts)
    missing = missing_of(dispute.reason, on_file)
    body = {
        **_about(tx, dispute, number=len(answers) + 1, now=now),
        "has_health_data": holds_health_data(chosen),
        "facts": {fact.value: on_file[fact] for fact in chosen},
    }
    answer_id = new_id("dan")
    document = freeze(tx, kind=EVIDENCE, subject_id=answer_id, version=1, body=body, now=now)
    enqueue(tx, kind=RENDER_EVIDENCE, key=document.id, due_at=now)
    row = _new(
        answer_id,
        dispute,
        answers,
        AnswerKind.EVIDENCE,
        actor,
        now,
        facts=" ".join(chosen),
        missing=" ".join(missing),
        left_out=" ".join(missing_of(dispute.reason, {*chosen, *missing})),
        has_health_data=holds_health_data(chosen),
        needs_approval=holds_health_data(chosen),
        document_id=document.id,
        sha256=document.sha256,
    )
    return _keep(tx, row, "dispute.draft", actor, now)


def accept_dispute(
    tx: Tx, *, dispute_id: str, amount: Money, limit: Money, actor: Actor, now: datetime
) -> DisputeAnswer:
    """Let the bank keep the money, for good: at once up to `limit`, above it when another person approves.

    `amount` is what the caller believes is disputed.
    Raises: NoSuchDispute, DisputeAnswered, DisputeOverdue, DisputeChanged.
    """
    dispute, answers = _locked(tx, dispute_id, actor)
    refuse_unless_answerable(dispute, answers, now)
    refuse_second_acceptance(answers)
    if amount != dispute.amount:
        raise DisputeChanged(
            "The bank disputes another amount. Look at it, then accept again.",
            amount_cents=dispute.amount.cents,
        )
    row = _new(
        new_id("dan"),
        dispute,
        answers,
        AnswerKind.ACCEPTANCE,
        actor,
        now,
        facts="",
        missing="",
        left_out="",
        has_health_data=False,
        needs_approval=amount > limit,
    )
    kept = _keep(tx, row, "dispute.accept", actor, now)
    return kept if row.needs_approval else _order(tx, row, actor, now)


def approve_answer(tx: Tx, *, dispute_id: str, answer_id: str, actor: Actor, now: datetime) -> DisputeAnswer:
    """Evidence may leave from now on; an acceptance leaves at once.

    Raises: NoSuchAnswer, OwnAnswer, DisputeAnswered, DisputeOverdue, IllegalMove.
    """
    row = _answerable(tx, dispute_id, answer_id, actor, now)
    if row.asked_by_person == actor.person:
        raise OwnAnswer("Somebody else has to approve the answer that you asked for.")
    row.approved_by, row.approved_by_person, row.approved_at = actor.id, actor.person, now
    advance(tx, row, ANSWER_MOVES, AnswerEvent.APPROVE, actor=actor, now=now)
    record_audit(tx, actor=actor, action="dispute.approve", subject_id=row.id, now=now)
    if row.kind == AnswerKind.ACCEPTANCE:
        return _order(tx, row, actor, now)
    tx.session.flush()
    return answer_of(row)


def submit_evidence(tx: Tx, *, dispute_id: str, answer_id: str, actor: Actor, now: datetime) -> DisputeAnswer:
    """Have a packet sent to the bank, which takes one only.

    Raises: NoSuchAnswer, AnswerNotApproved, DisputeAnswered, DisputeOverdue, IllegalMove.
    """
    row = _answerable(tx, dispute_id, answer_id, actor, now)
    if row.state == AnswerState.WAITING:
        raise AnswerNotApproved("Another person has to approve this before it leaves.")
    return _order(tx, row, actor, now)


def call_answer(tx: Tx, *, answer_id: str, actor: Actor, now: datetime) -> None:
    """Keep the moment from which on a call to the processor may be on its way; later ones change nothing."""
    row = _locked_row(tx, answer_id)
    if first_called_at(tx, answer_id) is None:
        advance(tx, row, ANSWER_MOVES, AnswerEvent.CALL, actor=actor, now=now)


def keep_answer_sent(
    tx: Tx, *, answer_id: str, file_reference: str | None, actor: Actor, now: datetime
) -> DisputeAnswer:
    """The processor has it. Told again, it changes nothing."""
    row = _locked_row(tx, answer_id)
    if row.state != AnswerState.SENT:
        advance(tx, row, ANSWER_MOVES, AnswerEvent.ARRIVE, actor=actor, now=now)
        row.file_reference, row.sent_at = file_reference, now
        record_audit(tx, actor=actor, action="dispute.answer", subject_id=row.id, now=now)
        tx.session.flush()
        end_doubt(tx, answer_id=row.id, actor=actor, now=now)
        _end_asking_if_answered(tx, row.dispute_id, actor, now)
    return answer_of(row)


def refuse_answer(tx: Tx, *, answer_id: str, actor: Actor, now: datetime) -> DisputeAnswer:
    """The processor did not take it: a person looks. Told again, it changes nothing."""
    row = _locked_row(tx, answer_id)
    if row.state != AnswerState.REFUSED:
        advance(tx, row, ANSWER_MOVES, AnswerEvent.REFUSE, actor=actor, now=now)
        end_doubt(tx, answer_id=row.id, actor=actor, now=now)
        _ask(tx, answer_of(row), ANSWER_REFUSED, row.id, actor, now)
        tx.session.flush()
    return answer_of(row)


def remind_of_disputes(tx: Tx, *, actor: Actor, now: datetime) -> int:
    """Make a task of each dispute whose time to answer ends soon; how many there are.

    Who was reminded of an inquiry is reminded anew of the dispute that it became.
    """
    due = unanswered_disputes(tx, due_before=now + DUE_WITHIN, now=now)
    for dispute in due:
        if since := became_dispute_at(tx, dispute.id):
            ask_again(tx, kind=ANSWER_DUE, about=dispute, closed_before=since, actor=actor, now=now)
        else:
            _ask(tx, dispute, ANSWER_DUE, dispute.id, actor, now)
    return len(due)


def _end_asking_if_answered(tx: Tx, dispute_id: str, actor: Actor, now: datetime) -> None:
    """Not when the bank took the money while what it was told of its question was on its way."""
    answers = list_answers(tx, dispute_id, SYSTEM)
    if was_answered(find_dispute(tx, dispute_id, SYSTEM), answers):
        end_asking(tx, dispute_id=dispute_id, actor=actor, now=now)
        end_repeating(tx, answer_ids=[answer.id for answer in answers], actor=actor, now=now)


def _locked(tx: Tx, dispute_id: str, actor: Actor) -> tuple[Dispute, Sequence[DisputeAnswer]]:
    """A dispute and its answers, its patient locked. Raises: NoSuchDispute."""
    lock_patient(tx, find_dispute(tx, dispute_id, actor).patient_id)
    return find_dispute(tx, dispute_id, actor), list_answers(tx, dispute_id, actor)


def _answerable(tx: Tx, dispute_id: str, answer_id: str, actor: Actor, now: datetime) -> DisputeAnswerRow:
    """Raises: NoSuchAnswer, DisputeAnswered, DisputeOverdue."""
    find_answer(tx, dispute_id, answer_id, actor)
    refuse_unless_answerable(*_locked(tx, dispute_id, actor), now)
    return tx.session.get_one(DisputeAnswerRow, answer_id)


def _locked_row(tx: Tx, answer_id: str) -> DisputeAnswerRow:
    found = tx.session.get(DisputeAnswerRow, answer_id)
    if found is None:
        raise NoSuchAnswer(f"There is no answer {answer_id}.")
    lock_patient(tx, found.patient_id)
    tx.session.refresh(found)
    return found


def _about(tx: Tx, dispute: Dispute, *, number: int, now: datetime) -> dict[str, Any]:
    """The head of a packet, which names no patient."""
    entity, site = find_entity(tx, dispute.entity_id), find_site(tx, dispute.site_id)
    return {
        "number": number,
        "prepared_on": site_date(tx, dispute.site_id, now),
        "clinic": {"name": entity.name, "trade_name": entity.trade_name, "phone": entity.phone},
        "site": site.name,
        "dispute": {
            "reference": dispute.reference,
            "reason": dispute.reason,
            "amount_cents": dispute.amount.cents,
            "opened_on": site_date(tx, dispute.site_id, dispute.opened_at),
        },
    }


def _new(
    answer_id: str,
    dispute: Dispute,
    answers: Sequence[DisputeAnswer],
    kind: AnswerKind,
    actor: Actor,
    now: datetime,
    **told: Any,
) -> DisputeAnswerRow:
    return DisputeAnswerRow(
        id=answer_id,
        entity_id=dispute.entity_id,
        site_id=dispute.site_id,
        patient_id=dispute.patient_id,
        dispute_id=dispute.id,
        number=len(answers) + 1,
        kind=kind,
        state=AnswerState.WAITING,
        amount_cents=dispute.amount.cents,
        asked_by=actor.id,
        asked_by_person=actor.person,
        asked_at=now,
        **told,
    )


def _keep(tx: Tx, row: DisputeAnswerRow, action: str, actor: Actor, now: datetime) -> DisputeAnswer:
    """What needs nobody else is ready at once, approved by the product itself."""
    tx.session.add(row)
    tx.session.flush()
    record_audit(tx, actor=actor, action=action, subject_id=row.id, now=now)
    if not row.needs_approval:
        advance(tx, row, ANSWER_MOVES, AnswerEvent.APPROVE, actor=SYSTEM, now=now)
        tx.session.flush()
    return answer_of(row)


def _order(tx: Tx, row: DisputeAnswerRow, actor: Actor, now: datetime) -> DisputeAnswer:
    """Raises: IllegalMove."""
    advance(tx, row, ANSWER_MOVES, AnswerEvent.SEND, actor=actor, now=now)
    row.ordered_at = now
    enqueue(tx, kind=SEND_ANSWER, key=row.id, due_at=now)
    record_audit(tx, actor=actor, action="dispute.send", subject_id=row.id, now=now)
    tx.session.flush()
    return answer_of(row)


def _ask(tx: Tx, of: Any, kind: str, subject_id: str, actor: Actor, now: datetime) -> None:
    open_task(
        tx,
        kind=kind,
        subject_id=subject_id,
        entity_id=of.entity_id,
        site_id=of.site_id,
        actor=actor,
        now=now,
    )
