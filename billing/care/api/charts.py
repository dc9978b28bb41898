"""What clinicians record of a visit, over HTTP. Each look is on the trail."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.care.queries import find_session
from billing.care.queries.charts import charts_of
from billing.care.records import Chart
from billing.care.schemas import AmendChart, ChartBody, ChartsView, ChartView
from billing.care.use_cases.charts import amend_chart, keep_chart, sign_chart
from billing.kernel.permissions import Permission
from billing.platform.data.database import Read
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import edge_deed


def add_chart_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/sessions/<session_id>/charts", methods=["GET"])
    @routes.response(200, ChartsView)
    @guard(Permission.CARE_READ)
    def get_charts(session_id: str) -> dict[str, Any]:
        """All that was ever recorded of a session, version by version."""
        actor = current_actor()

        def query(read: Read) -> tuple[Chart, ...]:
            return charts_of(read, find_session(read, session_id, actor).id)

        found = edge.audited_read(query, actor=actor, action="chart.read", subject_id=session_id)
        return {"items": found}

    @routes.route("/sessions/<session_id>/charts", methods=["POST"])
    @routes.arguments(ChartBody)
    @routes.response(201, ChartView)
    @guard(Permission.CARE_RECORD)
    def post_chart(body: dict[str, Any], session_id: str) -> Response:
        """Keep what is recorded so far of a patient who is checked in, unsigned."""
        return edge_deed(edge, keep_chart, ChartView, session_id=session_id, **body)

    @routes.route("/sessions/<session_id>/charts/sign", methods=["POST"])
    @routes.arguments(ChartBody)
    @routes.response(201, ChartView)
    @guard(Permission.CARE_RECORD)
    def post_signed_chart(body: dict[str, Any], session_id: str) -> Response:
        """Sign what was done; the session is given from then on."""
        return edge_deed(edge, sign_chart, ChartView, session_id=session_id, **body)

    @routes.route("/sessions/<session_id>/charts/amend", methods=["POST"])
    @routes.arguments(AmendChart)
    @routes.response(201, ChartView)
    @guard(Permission.CARE_RECORD)
    def post_amended_chart(body: dict[str, Any], session_id: str) -> Response:
        """Put another version in the place of what was signed, and say why; both stay on file."""
        return edge_deed(edge, amend_chart, ChartView, session_id=session_id, **body)
