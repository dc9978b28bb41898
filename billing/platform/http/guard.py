"""Who asks, and whether they may: every route declares its permission or is on the public list.

The check runs before anything of the request's body is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Request, abort, g, redirect, request
from werkzeug.exceptions import MethodNotAllowed

from billing.kernel.permissions import Actor, Permission
from billing.platform.http.errors import NotPermitted, SignInRequired

View = TypeVar("View", bound=Callable[..., Any])
Authenticate = Callable[[Request], Actor | None]


class UnguardedRoute(Exception):
    """The application refuses to start: a route has no permission."""


def guard(permission: Permission) -> Callable[[View], View]:
    """Declare what a view needs. Innermost, so that every wrapper around the view carries it too."""

    def declare(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return declare


def current_actor() -> Actor:
    """The actor of this request; only views call it, and only guarded ones have it."""
    actor: Actor = g.actor
    return actor


def permission_of(app: Flask, endpoint: str) -> Permission | None:
    return getattr(app.view_functions[endpoint], "permission", None)


def install_guard(
    app: Flask, authenticate: Authenticate, *, public: frozenset[str], sign_in_page: str
) -> None:
    """Check each request before its view runs. `public` holds endpoint names; call it last.

    Raises: UnguardedRoute when a route neither declares a permission nor is public.
    """
    for endpoint in app.view_functions:
        if permission_of(app, endpoint) is None and endpoint not in public:
            raise UnguardedRoute(f"{endpoint} declares no permission; add @guard or make it public")

    @app.before_request
    def check() -> Any:
        if not request.path.isprintable():
            abort(404)  # no id of ours holds a control character, and PostgreSQL takes no NUL
        if _is_public(app, public):
            return None
        actor = authenticate(request)
        if actor is None:
            return _send_away(sign_in_page)
        needed = permission_of(app, request.endpoint) if request.endpoint else None
        if needed is not None and not actor.may(needed):
            raise NotPermitted(f"This needs the permission {needed}.", permission=str(needed))
        g.actor = actor
        return None


def _is_public(app: Flask, public: frozenset[str]) -> bool:
    """Also when a public address is asked in a way that it does not take: who asks is told so (405)."""
    refused = request.routing_exception
    if not isinstance(refused, MethodNotAllowed):
        return request.endpoint in public
    at = app.create_url_adapter(request)
    return any(at.match(method=method)[0] in public for method in refused.valid_methods or () if at)


def _send_away(sign_in_page: str) -> Any:
    """A stranger gets the same answer whether or not the thing exists."""
    if request.path.startswith("/api/"):
        raise SignInRequired("Send a valid token as Authorization: Bearer.")
    return redirect(sign_in_page, 303)
