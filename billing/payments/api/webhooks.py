"""What the processor tells us, over HTTP."""

from __future__ import annotations

from flask import Blueprint, Response, request

from billing.kernel.permissions import SYSTEM
from billing.payments.ports import Gateway
from billing.payments.use_cases.inbox import keep_event
from billing.platform.http.edge import Edge

LARGEST_EVENT = 256 * 1024
"""Bytes of one webhook."""


def make_webhook_blueprint(edge: Edge, gateway: Gateway) -> Blueprint:
    """Where the processor tells us things. Its signature is the permission."""
    routes = Blueprint("webhooks", __name__)

    @routes.post("/webhooks/stripe")
    def stripe() -> Response:
        """Verify, keep, answer 200; the work is done later. Over LARGEST_EVENT bytes: 413."""
        request.max_content_length = LARGEST_EVENT
        payload, now = request.get_data(cache=False), edge.clock()
        event = gateway.read_event(payload, request.headers.get("Stripe-Signature", ""), now)
        edge.database.in_transaction(
            lambda tx: keep_event(tx, event=event, payload=payload, actor=SYSTEM, now=now)
        )
        return Response(status=200)

    return routes
