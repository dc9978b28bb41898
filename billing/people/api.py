"""Who asks, found out from a request; and tokens over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Request, Response, session

from billing.kernel.permissions import Actor, Permission
from billing.people.queries import actor_for_token, actor_for_user, live_session
from billing.people.records import StaffSession
from billing.people.rules import TOUCH_EVERY
from billing.people.schemas import IssuedTokenView, NewToken
from billing.people.use_cases import issue_token, revoke_token, touch_session
from billing.platform.http.api import ApiBlueprint, no_content
from billing.platform.http.edge import Edge
from billing.platform.http.guard import Authenticate, current_actor, guard
from billing.platform.http.writes import edge_write_secret

SESSION_SECRET = "staff_session"  # noqa: S105 - the name under which the cookie keeps it
LONGEST_TOKEN = 200


def make_authenticate(edge: Edge) -> Authenticate:
    """How the guard learns who asks.

    Under /api only a bearer token counts, never a cookie: another site's page cannot make a browser send
    one, so that the API needs no form tokens. Pages know the signed-in member of staff by the cookie.
    """

    def authenticate(request: Request) -> Actor | None:
        if request.path.startswith("/api/"):
            return _bearer(edge, request)
        return _signed_in(edge)

    return authenticate


def current_session(edge: Edge) -> StaffSession | None:
    """The live session that this request's cookie names."""
    secret = session.get(SESSION_SECRET)
    return edge.read(lambda read: live_session(read, secret, edge.clock())) if secret else None


def make_blueprint(edge: Edge) -> ApiBlueprint:
    routes = ApiBlueprint("tokens", __name__, description="API tokens")

    @routes.route("/tokens", methods=["POST"])
    @routes.arguments(NewToken)
    @routes.response(201, IssuedTokenView)
    @guard(Permission.PEOPLE_WRITE)
    def issue(body: dict[str, Any]) -> Response:
        """Issue a token for the actor's own clinic; the secret is shown this once"""
        actor = current_actor()
        body["entity_id"] = body["entity_id"] or actor.entity_id
        return edge_write_secret(
            edge, lambda tx: issue_token(tx, **body, actor=actor, now=edge.clock()), IssuedTokenView
        )

    @routes.route("/tokens/<token_id>", methods=["DELETE"])
    @routes.response(204)
    @guard(Permission.PEOPLE_WRITE)
    def revoke(token_id: str) -> Response:
        """Revoke a token at once"""
        edge.database.in_transaction(
            lambda tx: revoke_token(tx, token_id=token_id, actor=current_actor(), now=edge.clock())
        )
        return no_content()

    return routes


def _bearer(edge: Edge, request: Request) -> Actor | None:
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token or len(given.token) > LONGEST_TOKEN:
        return None
    secret = given.token
    return edge.database.glance(lambda read: actor_for_token(read, secret, edge.clock()))


def _signed_in(edge: Edge) -> Actor | None:
    found = current_session(edge)
    actor = edge.read(lambda read: actor_for_user(read, found.staff_id)) if found else None
    if found is None or actor is None:
        return None
    now = edge.clock()
    if now - found.last_seen_at >= TOUCH_EVERY:
        edge.database.in_transaction(lambda tx: touch_session(tx, session_id=found.id, actor=actor, now=now))
    return actor
