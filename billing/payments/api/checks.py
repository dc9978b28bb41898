"""Checks over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.permissions import Permission
from billing.payments.schemas.bounces import BounceCheck, BounceView
from billing.payments.schemas.payments import PaymentView, TakeCheck
from billing.payments.use_cases.bounce import bounce_check
from billing.payments.use_cases.receive import take_check
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import edge_write


def add_check_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/invoices/<invoice_id>/check-payments", methods=["POST"])
    @routes.arguments(TakeCheck)
    @routes.response(201, PaymentView)
    @guard(Permission.PAYMENTS_TAKE)
    def check(body: dict[str, Any], invoice_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: take_check(tx, invoice_id=invoice_id, **body, actor=actor, now=now),
            PaymentView,
            moves_money=True,
        )

    @routes.route("/payments/<payment_id>/bounce", methods=["POST"])
    @routes.arguments(BounceCheck)
    @routes.response(201, BounceView)
    @guard(Permission.CREDITS_WRITE)
    def bounce(body: dict[str, Any], payment_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: bounce_check(tx, payment_id=payment_id, **body, actor=actor, now=now),
            BounceView,
            moves_money=True,
        )
