"""What is done about a remittance after it was posted."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.insurance.schemas.remittances import RemittanceView, UndoRemittance
from billing.insurance.use_cases.remittances.undo import undo_remittance
from billing.kernel.permissions import Permission
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import guard
from billing.platform.http.writes import edge_deed


def add_undo(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/remittances/<remittance_id>/undo", methods=["POST"])
    @routes.arguments(UndoRemittance)
    @routes.response(200, RemittanceView)
    @guard(Permission.REMITTANCES_UNDO)
    def undo(body: dict[str, Any], remittance_id: str) -> Response:
        """Reverse all that a posted payment did, with today's date; the same file can then be posted again.

        What it had paid and the patient spent is owed until a person decides (a `takeback-review` task).
        """
        return edge_deed(
            edge,
            undo_remittance,
            RemittanceView,
            status=200,
            moves_money=True,
            remittance_id=remittance_id,
            **body,
        )
