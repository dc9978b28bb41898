"""Refunds over several payments, over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.money import Money
from billing.kernel.permissions import Permission
from billing.payments.queries.refund_plans import refund_plan_of
from billing.payments.schemas.refund_plans import (
    PlacedRefundsView,
    RefundPatient,
    RefundPlanQuery,
    RefundPlanView,
)
from billing.payments.use_cases.refund_plans import refund_patient
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import edge_write


def add_refund_plan_routes(routes: ApiBlueprint, edge: Edge, limit: Money) -> None:
    @routes.route("/patients/<patient_id>/refund-plan", methods=["GET"])
    @routes.arguments(RefundPlanQuery, location="query")
    @routes.response(200, RefundPlanView)
    @guard(Permission.REFUNDS_READ)
    def show_plan(query: dict[str, Any], patient_id: str) -> Any:
        return edge.read(lambda read: refund_plan_of(read, patient_id, current_actor(), **query))

    @routes.route("/patients/<patient_id>/refunds", methods=["POST"])
    @routes.arguments(RefundPatient)
    @routes.response(201, PlacedRefundsView)
    @guard(Permission.REFUNDS_REQUEST)
    def give_back_planned(body: dict[str, Any], patient_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: refund_patient(tx, patient_id=patient_id, limit=limit, **body, actor=actor, now=now),
            PlacedRefundsView,
            moves_money=True,
        )
