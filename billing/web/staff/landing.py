"""Where staff arrive: on to the first page that they may read."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug import Response

from billing.kernel.permissions import Actor, Permission
from billing.platform.http.guard import Authenticate, current_actor, guard
from billing.web.staff.shell import places_of
from billing.web.staff.sign_in import AFTER_SIGN_IN, SIGN_IN_PAGE

PUBLIC_ENDPOINTS = frozenset({"staff_landing.after_sign_in"})
"""It shows nothing, and finds out itself who asks; whoever has no page is sent back to sign in."""


def make_blueprint(authenticate: Authenticate) -> Blueprint:
    routes = Blueprint("staff_landing", __name__)

    @routes.get(AFTER_SIGN_IN)
    def after_sign_in() -> Response:
        return _onward(authenticate(request))

    @routes.get("/staff/")
    @guard(Permission.STAFF_PAGES)
    def office() -> Response:
        return _onward(current_actor())

    return routes


def _onward(actor: Actor | None) -> Response:
    places = places_of(actor) if actor else ()
    return redirect(places[0].path if places else SIGN_IN_PAGE, 303)
