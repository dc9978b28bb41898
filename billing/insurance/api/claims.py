"""Claims over HTTP. Each look at one is on the trail."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.insurance.api.papers import Papers
from billing.insurance.flows import claim_bytes
from billing.insurance.ports import X12_TYPE, RenderClaims
from billing.insurance.queries.claim_answers import answers_of_session
from billing.insurance.queries.claims import find_claim, list_claims
from billing.insurance.queries.sending import refuse_to_send
from billing.insurance.schemas.claims import (
    ClaimAnswersView,
    ClaimsQuery,
    ClaimView,
    CorrectClaim,
    IssueClaim,
    MarkClaim,
    MarkFiled,
    VoidClaim,
)
from billing.insurance.use_cases.claims import (
    correct_claim,
    issue_claim,
    mark_claim,
    mark_filed,
    void_claim,
)
from billing.kernel.permissions import Permission
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import guard
from billing.platform.http.pages import page_view
from billing.platform.http.papers import file_answer
from billing.platform.http.writes import edge_deed

X12: dict[str, Any] = {"200": {"description": "The file as it was issued.", "content": {X12_TYPE: {}}}}
CLAIMS = Papers("claim", "claims", find_claim, list_claims)


def add_claim_writes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/sessions/<session_id>/claim", methods=["POST"])
    @routes.arguments(IssueClaim)
    @routes.response(201, ClaimView)
    @guard(Permission.CLAIMS_WRITE)
    def issue_a_claim(body: dict[str, Any], session_id: str) -> Response:
        """Issue the claim of a session; unchanged facts answer with the present version."""
        return edge_deed(edge, issue_claim, ClaimView, session_id=session_id, **body)

    @routes.route("/claims/<claim_id>/correct", methods=["POST"])
    @routes.arguments(CorrectClaim)
    @routes.response(201, ClaimView)
    @guard(Permission.CLAIMS_WRITE)
    def correct(body: dict[str, Any], claim_id: str) -> Response:
        """Replace a claim that the insurer has, by the facts as they stand now."""
        return edge_deed(edge, correct_claim, ClaimView, claim_id=claim_id, **body)

    @routes.route("/claims/<claim_id>/void", methods=["POST"])
    @routes.arguments(VoidClaim)
    @routes.response(201, ClaimView)
    @guard(Permission.CLAIMS_WRITE)
    def take_back(body: dict[str, Any], claim_id: str) -> Response:
        """Withdraw a claim that was not sent; else issue the one that takes it back, which is the answer."""
        return edge_deed(edge, void_claim, ClaimView, claim_id=claim_id, **body)


def add_claim_marks(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/claims/<claim_id>/filed", methods=["POST"])
    @routes.arguments(MarkFiled)
    @routes.response(200, ClaimView)
    @guard(Permission.CLAIMS_WRITE)
    def file_by_hand(body: dict[str, Any], claim_id: str) -> Response:
        """Say that a person has sent the claim, and when; nothing is sent by it."""
        return edge_deed(edge, mark_filed, ClaimView, status=200, claim_id=claim_id, **body)

    @routes.route("/claims/<claim_id>/mark", methods=["POST"])
    @routes.arguments(MarkClaim)
    @routes.response(200, ClaimView)
    @guard(Permission.CLAIMS_WRITE)
    def mark(body: dict[str, Any], claim_id: str) -> Response:
        """Say that it was appealed, that records were asked for or sent, or that it ends here."""
        return edge_deed(edge, mark_claim, ClaimView, status=200, claim_id=claim_id, **body)


def add_claim_reads(routes: ApiBlueprint, edge: Edge, render: RenderClaims) -> None:
    @routes.route("/claims", methods=["GET"])
    @routes.arguments(ClaimsQuery, location="query")
    @routes.response(200, page_view(ClaimView))
    @guard(Permission.CLAIMS_READ)
    def show_claims(query: dict[str, Any]) -> Any:
        """All versions, newest first; `from` and `to` are days of service."""
        return CLAIMS.page(edge, query)

    @routes.route("/claims/<claim_id>", methods=["GET"])
    @routes.response(200, ClaimView)
    @guard(Permission.CLAIMS_READ)
    def show_claim(claim_id: str) -> Any:
        return CLAIMS.look(edge, claim_id)

    @routes.route("/claims/<claim_id>/answers", methods=["GET"])
    @routes.response(200, ClaimAnswersView)
    @guard(Permission.CLAIMS_READ)
    def show_answers(claim_id: str) -> dict[str, Any]:
        """What the insurer answered of this claim's session, in payments that were posted; oldest first."""
        session_id = CLAIMS.look(edge, claim_id).session_id
        return {"items": edge.read(lambda read: answers_of_session(read, session_id))}

    @routes.route("/claims/<claim_id>/837p", methods=["GET"])
    @routes.doc(responses=X12)  # type: ignore[untyped-decorator]
    @guard(Permission.CLAIMS_READ)
    def show_claim_file(claim_id: str) -> Response:
        """The claim as X12 837P in a file of its own, the same bytes for ever.

        One that is still to be sent is refused while the plan is not to be told, once its visit was
        amended, or while the books say another charge or payment.
        """
        return claim_file(edge, render, claim_id)


def claim_file(edge: Edge, render: RenderClaims, claim_id: str) -> Response:
    """The file, under a name that names nobody. Raises: NoSuchClaim, ClaimKept."""
    claim = CLAIMS.look(edge, claim_id)
    edge.read(lambda read: refuse_to_send(read, claim))
    content = claim_bytes(edge.database, render, document_id=claim.document_id, now=edge.clock())
    return file_answer(content, f"{claim.number}.837", X12_TYPE)
