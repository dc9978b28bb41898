"""Refunds over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.money import Money
from billing.kernel.permissions import Permission
from billing.payments.queries.refunds import find_refund, list_refunds, refundable_now
from billing.payments.schemas.refunds import (
    RefundableView,
    RefundPayment,
    RefundsQuery,
    RefundView,
    RejectRefund,
    RequestRefund,
)
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import approve_refund, reject_refund, request_refund
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write


def add_refund_routes(routes: ApiBlueprint, edge: Edge, limit: Money) -> None:
    @routes.route("/credits/<lot_id>/refunds", methods=["POST"])
    @routes.arguments(RequestRefund)
    @routes.response(201, RefundView)
    @guard(Permission.REFUNDS_REQUEST)
    def ask(body: dict[str, Any], lot_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: request_refund(tx, lot_id=lot_id, limit=limit, **body, actor=actor, now=now),
            RefundView,
            moves_money=True,
        )

    @routes.route("/refunds", methods=["GET"])
    @routes.arguments(RefundsQuery, location="query")
    @routes.response(200, page_view(RefundView))
    @guard(Permission.REFUNDS_READ)
    def show_refunds(query: dict[str, Any]) -> Any:
        limit = query.pop("limit")
        return page_of(
            edge.read(lambda read: list_refunds(read, current_actor(), limit=limit + 1, **query)), limit
        )

    @routes.route("/refunds/<refund_id>", methods=["GET"])
    @routes.response(200, RefundView)
    @guard(Permission.REFUNDS_READ)
    def show_refund(refund_id: str) -> Any:
        return edge.read(lambda read: find_refund(read, refund_id, current_actor()))


def add_payment_refund_routes(routes: ApiBlueprint, edge: Edge, limit: Money) -> None:
    @routes.route("/payments/<payment_id>/refundable", methods=["GET"])
    @routes.response(200, RefundableView)
    @guard(Permission.REFUNDS_READ)
    def show_refundable(payment_id: str) -> Any:
        return edge.read(lambda read: refundable_now(read, payment_id, current_actor()))

    @routes.route("/payments/<payment_id>/refunds", methods=["POST"])
    @routes.arguments(RefundPayment)
    @routes.response(201, RefundView)
    @guard(Permission.REFUNDS_REQUEST)
    def give_back(body: dict[str, Any], payment_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: refund_payment(tx, payment_id=payment_id, limit=limit, **body, actor=actor, now=now),
            RefundView,
            moves_money=True,
        )


def add_refund_decisions(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/refunds/<refund_id>/approve", methods=["POST"])
    @routes.response(200, RefundView)
    @guard(Permission.REFUNDS_APPROVE)
    def approve(refund_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: approve_refund(tx, refund_id=refund_id, actor=actor, now=now),
            RefundView,
            status=200,
            moves_money=True,
        )

    @routes.route("/refunds/<refund_id>/reject", methods=["POST"])
    @routes.arguments(RejectRefund)
    @routes.response(200, RefundView)
    @guard(Permission.REFUNDS_APPROVE)
    def reject(body: dict[str, Any], refund_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: reject_refund(tx, refund_id=refund_id, **body, actor=actor, now=now),
            RefundView,
            status=200,
            moves_money=True,
        )
