"""Appeal letters over HTTP. Each look at one is on the trail."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.insurance.api.claims import CLAIMS
from billing.insurance.ports import RenderAppeal
from billing.insurance.queries.appeals import find_letter, letters_of
from billing.insurance.schemas.claims import AppealLettersView, AppealLetterView, WriteAppeal
from billing.insurance.use_cases.appeals import write_appeal
from billing.kernel.permissions import Permission
from billing.platform.data.documents import rendered_once
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.papers import PDF, pdf_answer
from billing.platform.http.writes import edge_write


def add_appeals(routes: ApiBlueprint, edge: Edge, render: RenderAppeal) -> None:
    @routes.route("/claims/<claim_id>/appeal-letters", methods=["POST"])
    @routes.arguments(WriteAppeal)
    @routes.response(201, AppealLetterView)
    @guard(Permission.CLAIMS_WRITE)
    def write(body: dict[str, Any], claim_id: str) -> Response:
        """Write the letter that asks to review the last answer; unchanged facts give the last letter."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: write_appeal(tx, claim_id=claim_id, actor=actor, now=now, **body),
            AppealLetterView,
        )

    @routes.route("/claims/<claim_id>/appeal-letters", methods=["GET"])
    @routes.response(200, AppealLettersView)
    @guard(Permission.CLAIMS_READ)
    def show_letters(claim_id: str) -> dict[str, Any]:
        """Those of this claim, the oldest first."""
        claim = CLAIMS.look(edge, claim_id)
        return {"items": edge.read(lambda read: letters_of(read, claim))}

    @routes.route("/claims/<claim_id>/appeal-letters/<appeal_id>/pdf", methods=["GET"])
    @routes.doc(responses=PDF)  # type: ignore[untyped-decorator]
    @guard(Permission.CLAIMS_READ)
    def show_letter(claim_id: str, appeal_id: str) -> Response:
        """The PDF, the same bytes for ever."""
        return appeal_pdf(edge, render, claim_id, appeal_id)


def appeal_pdf(edge: Edge, render: RenderAppeal, claim_id: str, appeal_id: str) -> Response:
    """The file, under a name that names nobody. Raises: NoSuchClaim, NoSuchAppeal."""
    actor = current_actor()
    letter = edge.audited_read(
        lambda read: find_letter(read, claim_id, appeal_id, actor),
        actor=actor,
        action="claim.read-appeal",
        subject_id=claim_id,
    )
    content = rendered_once(edge.database, render, document_id=letter.id, now=edge.clock())
    return pdf_answer(content, f"{letter.number}-appeal-{letter.version}")
