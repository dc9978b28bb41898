"""Answers to disputes over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.money import Money
from billing.kernel.permissions import Permission
from billing.payments.errors import NoSuchAnswer
from billing.payments.ports import RenderEvidence
from billing.payments.queries.dispute_answers import find_answer, list_answers
from billing.payments.queries.evidence import evidence_needs
from billing.payments.schemas.dispute_answers import (
    AcceptDispute,
    DisputeAnswersView,
    DisputeAnswerView,
    DraftEvidence,
    EvidenceNeedsView,
)
from billing.payments.use_cases.dispute_answers import (
    accept_dispute,
    approve_answer,
    draft_evidence,
    submit_evidence,
)
from billing.platform.data.documents import rendered_once
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.papers import PDF, pdf_answer
from billing.platform.http.writes import edge_write


def add_evidence_routes(routes: ApiBlueprint, edge: Edge, render: RenderEvidence) -> None:
    @routes.route("/disputes/<dispute_id>/evidence", methods=["GET"])
    @routes.response(200, EvidenceNeedsView)
    @guard(Permission.PAYMENTS_READ)
    def show_needs(dispute_id: str) -> Any:
        """What the reason calls for, what of that is on file, and what is not."""
        return edge.read(lambda read: evidence_needs(read, dispute_id, current_actor()))

    @routes.route("/disputes/<dispute_id>/evidence", methods=["POST"])
    @routes.arguments(DraftEvidence)
    @routes.response(201, DisputeAnswerView)
    @guard(Permission.DISPUTES_ANSWER)
    def draft(body: dict[str, Any], dispute_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: draft_evidence(tx, dispute_id=dispute_id, **body, actor=actor, now=now),
            DisputeAnswerView,
        )

    @routes.route("/disputes/<dispute_id>/answers", methods=["GET"])
    @routes.response(200, DisputeAnswersView)
    @guard(Permission.PAYMENTS_READ)
    def show_answers(dispute_id: str) -> Any:
        """All of a dispute, newest first."""
        return {"items": edge.read(lambda read: list_answers(read, dispute_id, current_actor()))}

    @routes.route("/disputes/<dispute_id>/answers/<answer_id>.pdf", methods=["GET"])
    @routes.doc(responses=PDF)  # type: ignore[untyped-decorator]
    @guard(Permission.DISPUTES_ANSWER)
    def show_packet(dispute_id: str, answer_id: str) -> Response:
        """The PDF that is sent, the same bytes for ever."""
        return evidence_pdf(edge, render, dispute_id, answer_id)


def add_answer_deeds(routes: ApiBlueprint, edge: Edge, limit: Money) -> None:
    @routes.route("/disputes/<dispute_id>/accept", methods=["POST"])
    @routes.arguments(AcceptDispute)
    @routes.response(201, DisputeAnswerView)
    @guard(Permission.DISPUTES_ANSWER)
    def accept(body: dict[str, Any], dispute_id: str) -> Response:
        """Let the bank keep the money, for good."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: accept_dispute(tx, dispute_id=dispute_id, limit=limit, **body, actor=actor, now=now),
            DisputeAnswerView,
            moves_money=True,
        )

    @routes.route("/disputes/<dispute_id>/answers/<answer_id>/approve", methods=["POST"])
    @routes.response(200, DisputeAnswerView)
    @guard(Permission.DISPUTES_APPROVE)
    def approve(dispute_id: str, answer_id: str) -> Response:
        """Evidence may leave from now on; an acceptance leaves at once."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: approve_answer(tx, dispute_id=dispute_id, answer_id=answer_id, actor=actor, now=now),
            DisputeAnswerView,
            status=200,
            moves_money=True,
        )

    @routes.route("/disputes/<dispute_id>/answers/<answer_id>/submit", methods=["POST"])
    @routes.response(200, DisputeAnswerView)
    @guard(Permission.DISPUTES_ANSWER)
    def submit(dispute_id: str, answer_id: str) -> Response:
        """Send the packet to the bank, which takes one only."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: submit_evidence(tx, dispute_id=dispute_id, answer_id=answer_id, actor=actor, now=now),
            DisputeAnswerView,
            status=200,
            moves_money=True,
        )


def evidence_pdf(edge: Edge, render: RenderEvidence, dispute_id: str, answer_id: str) -> Response:
    """Raises: NoSuchAnswer, also for an acceptance, which has no packet."""
    actor = current_actor()
    answer = edge.audited_read(
        lambda read: find_answer(read, dispute_id, answer_id, actor),
        actor=actor,
        action="dispute.read",
        subject_id=answer_id,
    )
    if answer.document_id is None:
        raise NoSuchAnswer("That answer has no packet of evidence.")
    content = rendered_once(edge.database, render, document_id=answer.document_id, now=edge.clock())
    return pdf_answer(content, f"evidence-{answer.number}")
