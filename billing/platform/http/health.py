"""What a load balancer asks, and what an error's `type` leads to."""

from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from billing.platform.http.edge import Edge

PUBLIC_ENDPOINTS = frozenset({"health.healthz", "health.readyz"})


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        """The process is alive."""
        return Response("ok\n", mimetype="text/plain")

    @routes.get("/readyz")
    def readyz() -> Response:
        """The process can serve: the database answers, and its schema is there."""
        try:
            edge.read(lambda read: read.session.execute(text("SELECT 1 FROM job LIMIT 1")).first())
        except SQLAlchemyError:
            return Response("the database does not answer\n", status=503, mimetype="text/plain")
        return Response("ready\n", mimetype="text/plain")

    return routes
