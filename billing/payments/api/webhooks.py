"""What the processor tells us, over HTTP."""

from __future__ import annotations

from datetime import datetime

import structlog
from flask import Blueprint, Response, abort, request

from billing.kernel.permissions import SYSTEM
from billing.payments.ports import BadSignature, Gateway
from billing.payments.records.checkouts import Event
from billing.payments.use_cases.inbox import keep_event
from billing.platform.http.edge import Edge

LARGEST_EVENT = 256 * 1024
"""Bytes of one webhook."""
log = structlog.get_logger(__name__)


def make_webhook_blueprint(edge: Edge, gateway: Gateway) -> Blueprint:
    """Where the processor tells us things. Its signature is the permission."""
    routes = Blueprint("webhooks", __name__)

    @routes.post("/webhooks/stripe")
    def stripe() -> Response:
        """Verify, keep, answer 200; the work is done later. Over LARGEST_EVENT bytes: 413."""
        payload, now = _read_body(), edge.clock()
        event = _read_event(gateway, payload, now)
        edge.database.in_transaction(
            lambda tx: keep_event(tx, event=event, payload=payload, actor=SYSTEM, now=now)
        )
        return Response(status=200)

    return routes


def _read_body() -> bytes:
    """A chunked body is cut at Werkzeug's limit without a word: one byte more is read to see it."""
    request.max_content_length = LARGEST_EVENT + 1
    payload = request.get_data(cache=False)
    if len(payload) > LARGEST_EVENT:
        abort(413)
    return payload


def _read_event(gateway: Gateway, payload: bytes, now: datetime) -> Event:
    """While a clock is wrong every webhook is lost, so that somebody has to hear of it."""
    try:
        return gateway.read_event(payload, request.headers.get("Stripe-Signature", ""), now)
    except BadSignature as refused:
        if refused.skewed:
            log.error("webhook_out_of_time")
        raise
