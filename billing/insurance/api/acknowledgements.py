"""What is sent back for claims, over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.insurance.api.claims import CLAIMS
from billing.insurance.api.uploads import upload_of, uploaded
from billing.insurance.flows.acknowledgements import taken_file
from billing.insurance.ports import AcknowledgementReader
from billing.insurance.queries.acknowledgements import notices_of
from billing.insurance.schemas.claims import AcknowledgedFileView, ClaimNoticesView
from billing.insurance.use_cases.acknowledgements import acknowledge_claims
from billing.kernel.permissions import Permission
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import edge_write


def add_acknowledgements(routes: ApiBlueprint, edge: Edge, reader: AcknowledgementReader) -> None:
    @routes.route("/claims/acknowledgements", methods=["POST"])
    @routes.doc(requestBody=upload_of("999 or 277CA file"))  # type: ignore[untyped-decorator]
    @routes.response(200, AcknowledgedFileView)
    @guard(Permission.CLAIMS_WRITE)
    def upload() -> Response:
        """Take a 999 or 277CA of up to 2 MB, sent as the body: whole, or not at all.

        What came before changes nothing. Larger files go through `flask claims acknowledge`.
        """
        told = reader.read(uploaded("flask claims acknowledge"))
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: taken_file("upload", acknowledge_claims(tx, told=told, actor=actor, now=now)),
            AcknowledgedFileView,
            status=200,
        )

    @routes.route("/claims/<claim_id>/acknowledgements", methods=["GET"])
    @routes.response(200, ClaimNoticesView)
    @guard(Permission.CLAIMS_READ)
    def show_notices(claim_id: str) -> dict[str, Any]:
        """What was said of this claim on its way, the oldest first; X12's codes alone."""
        claim = CLAIMS.look(edge, claim_id)
        return {"items": edge.read(lambda read: notices_of(read, [claim.id])).get(claim.id, [])}
