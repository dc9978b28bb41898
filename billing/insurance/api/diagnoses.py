"""The codes of ICD-10-CM over HTTP."""

from __future__ import annotations

from typing import Any

from billing.insurance.queries import find_diagnoses
from billing.insurance.schemas import DiagnosesQuery, DiagnosesView
from billing.kernel.permissions import Permission
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import guard


def add_diagnoses(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/diagnoses", methods=["GET"])
    @routes.arguments(DiagnosesQuery, location="query")
    @routes.response(200, DiagnosesView)
    @guard(Permission.CATALOG_READ)
    def search(query: dict[str, Any]) -> Any:
        """Codes of ICD-10-CM by their beginning, with or without the dot, or by words; billable ones first.

        Nothing of any patient is in them.
        """
        text, on, limit = query["search"], query["on"], query["limit"]
        return edge.read(lambda read: find_diagnoses(read, text, on, limit=limit))
