"""Claims on paper over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.insurance.api.claims import CLAIMS
from billing.insurance.errors import ClaimFlawed, ClaimKept
from billing.insurance.ports import PrintClaims
from billing.insurance.queries.claims import facts_of_claim
from billing.insurance.queries.sending import refuse_to_send
from billing.insurance.records.claims import Offset
from billing.insurance.rules.claims import mark_of_copy
from billing.insurance.rules.cms1500 import paper_flaws
from billing.insurance.schemas.claims import PaperQuery
from billing.kernel.permissions import Permission
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import guard
from billing.platform.http.papers import PDF, pdf_answer


def add_claim_papers(routes: ApiBlueprint, edge: Edge, print_claims: PrintClaims) -> None:
    @routes.route("/claims/<claim_id>/cms1500", methods=["GET"])
    @routes.arguments(PaperQuery, location="query")
    @routes.doc(responses=PDF)  # type: ignore[untyped-decorator]
    @guard(Permission.CLAIMS_READ)
    def show_paper(query: dict[str, Any], claim_id: str) -> Response:
        """The data of the claim for a pre-printed CMS-1500; printing it files nothing."""
        offset = Offset(right=query["right"], down=query["down"])
        return printed_claim(edge, print_claims, claim_id, offset, is_view=query["view"])


def printed_claim(
    edge: Edge, print_claims: PrintClaims, claim_id: str, offset: Offset, *, is_view: bool
) -> Response:
    """Raises: NoSuchClaim; ClaimFlawed with what does not fit; ClaimKept, though it may be viewed."""
    claim = CLAIMS.look(edge, claim_id)
    mark = mark_of_copy(claim)
    with edge.database.reading() as read:
        if not is_view:
            if mark:
                raise ClaimKept(f"{claim.number} holds no more: {mark}. A copy of it is seen on screen.")
            refuse_to_send(read, claim)
        facts = facts_of_claim(read, claim)
    if flaws := paper_flaws(facts):
        raise ClaimFlawed("The claim does not fit on the red form: it has room for less.", flaws)
    return pdf_answer(print_claims([facts], offset, is_view=is_view, mark=mark), claim.number)
