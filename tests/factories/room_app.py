"""A small application of one or two rooms, for tests of their routes as a known actor."""

from dataclasses import dataclass
from datetime import datetime

from flask import Flask
from flask.testing import FlaskClient

from billing.kernel.permissions import Actor
from billing.platform.data.database import Database
from billing.platform.http.api import make_api
from billing.platform.http.edge import Edge
from billing.platform.http.guard import install_guard
from billing.platform.http.problems import answer_with_problems

PUBLIC = frozenset({"api-docs.openapi_json", "static"})


@dataclass
class Door:
    """Who asks, and at which moment; a test may change both."""

    actor: Actor | None
    now: datetime


def room_client(database: Database, door: Door, *makers) -> FlaskClient:
    """A client of the rooms whose `makers` are called with the Edge."""
    app = Flask("rooms")
    app.config["TESTING"] = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer_with_problems(app)
    api = make_api(app)
    edge = Edge(database=database, clock=lambda: door.now, public_url="http://localhost")
    for make in makers:
        api.register_blueprint(make(edge))
    install_guard(app, lambda _request: door.actor, public=PUBLIC, sign_in_page="/staff/sign-in")
    return app.test_client()
