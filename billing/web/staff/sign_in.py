"""Staff sign in by Flask-Security: its view, our accounts, our sessions, our limit on tries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask, Response, abort, after_this_request, g, request, session
from flask_login import user_logged_out
from flask_security import (
    FormInfo,
    LoginForm,
    RoleMixin,
    Security,
    UserDatastore,
    UserMixin,
    user_authenticated,
)
from wtforms import EmailField
from wtforms.validators import DataRequired, Length

from billing.kernel.permissions import SYSTEM
from billing.people.api import SESSION_SECRET, current_session
from billing.people.queries import actor_for_user, credentials_of_email, credentials_of_uniquifier
from billing.people.records import Credentials
from billing.people.rules import TRY_WINDOW, UNICODE_FORM
from billing.people.use_cases import end_session, keep_password_hash, start_session, take_sign_in_try
from billing.platform.data.database import Tx
from billing.platform.http.edge import Edge

SIGN_IN_PAGE = "/staff/sign-in"
AFTER_SIGN_IN = "/staff/sign-in/done"
PUBLIC_ENDPOINTS = frozenset({"security.login", "security.logout"})

SETTINGS: dict[str, Any] = {
    "SECURITY_LOGIN_URL": SIGN_IN_PAGE,
    "SECURITY_LOGIN_USER_TEMPLATE": "staff/sign_in.html",
    "SECURITY_POST_LOGIN_VIEW": AFTER_SIGN_IN,
    "SECURITY_LOGOUT_URL": "/staff/sign-in/out",
    "SECURITY_LOGOUT_METHODS": ["POST"],
    "SECURITY_POST_LOGOUT_VIEW": SIGN_IN_PAGE,
    "SECURITY_PASSWORD_HASH": "argon2",
    "SECURITY_PASSWORD_SCHEMES": ["argon2"],
    "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
    "SECURITY_PASSWORD_SINGLE_HASH": True,
    "SECURITY_PASSWORD_NORMALIZE_FORM": UNICODE_FORM,
    "SECURITY_RETURN_GENERIC_RESPONSES": True,
    "SECURITY_API_ENABLED_METHODS": ["session"],
    "SECURITY_FRESHNESS": timedelta(seconds=-1),
    "SECURITY_STATIC_FOLDER": None,
    "SECURITY_FLASH_MESSAGES": False,
    "SECURITY_CACHE_CONTROL": None,
    "SECURITY_CLI_USERS_NAME": False,
    "SECURITY_CLI_ROLES_NAME": False,
}


class SignedInStaff(UserMixin):
    """A member of staff as Flask-Security knows one."""

    fs_uniquifier: str = ""

    def __init__(self, credentials: Credentials) -> None:
        self.staff_id = credentials.staff_id
        self.email = credentials.email
        self.password = credentials.password_hash
        self.fs_uniquifier = credentials.uniquifier
        self.active = credentials.active
        self.roles: list[RoleMixin] = []


class StaffDatastore(UserDatastore):
    """Flask-Security's reads and its one write, through the doors of the people room."""

    def __init__(self, edge: Edge) -> None:
        super().__init__(SignedInStaff, RoleMixin)
        self._edge = edge

    def find_user(self, case_insensitive: bool = False, **by: Any) -> UserMixin | None:  # noqa: FBT001, FBT002
        """By `email`, for a sign-in; by `fs_uniquifier`, for somebody whose session must still live."""
        if email := by.get("email"):
            found = self._edge.read(lambda read: credentials_of_email(read, email))
        else:
            found = self._of_live_session(by["fs_uniquifier"])
        return SignedInStaff(found) if found else None

    def put(self, model: UserMixin) -> None:
        """Called when a password was hashed under older settings than ours."""
        assert isinstance(model, SignedInStaff)
        password_hash = model.password or ""
        self._edge.database.in_transaction(
            lambda tx: keep_password_hash(
                tx,
                staff_id=model.staff_id,
                password_hash=password_hash,
                actor=SYSTEM,
                now=self._edge.clock(),
            )
        )

    def commit(self) -> None:
        """Each write has committed already."""

    def _of_live_session(self, uniquifier: str) -> Credentials | None:
        live = current_session(self._edge)
        if live is None or live.uniquifier != uniquifier:
            return None
        return self._edge.read(lambda read: credentials_of_uniquifier(read, uniquifier))


class SignInForm(LoginForm):
    """Address and password; nothing is remembered beyond the session."""

    email = EmailField("E-mail", [DataRequired(), Length(max=300)])
    remember = None  # type: ignore[assignment]

    def __init__(self, edge: Edge, **options: Any) -> None:
        super().__init__(**options)
        self._edge = edge
        self.had_too_many_tries = False

    def validate(self, **options: Any) -> bool:
        """Count the try first; after too many, the password is not even looked at."""
        email, address = self.email.data or "", request.remote_addr or ""
        may_try = self._edge.database.in_transaction(
            lambda tx: take_sign_in_try(
                tx, email=email, address=address, actor=SYSTEM, now=self._edge.clock()
            )
        )
        if may_try:
            return bool(super().validate(**options))
        self.had_too_many_tries = True
        after_this_request(_too_many_tries)
        return False


def install_sign_in(app: Flask, edge: Edge) -> None:
    """Add the sign-in and sign-out routes, and keep sessions on the server."""
    app.config.update(SETTINGS)
    security = Security(app, StaffDatastore(edge))
    security.set_form_info(
        "login_form", FormInfo(instantiator=lambda _name, _cls, **options: SignInForm(edge, **options))
    )
    # Requests are authenticated by the guard; these two would look up each of them a second time.
    security.login_manager.request_loader(lambda _request: None)
    security.principal.identity_loaders.clear()
    _keep_sessions_on_server(app, edge)

    @app.before_request
    def refuse_json_sign_in() -> None:
        if request.endpoint in PUBLIC_ENDPOINTS and request.is_json:
            abort(415)


def _keep_sessions_on_server(app: Flask, edge: Edge) -> None:
    """A sign-in makes a new session row and form token; a sign-out ends the row."""

    def begin(_app: Flask, user: SignedInStaff, **_more: Any) -> None:
        address = request.remote_addr or ""

        def start(tx: Tx) -> str:
            actor = actor_for_user(tx, user.staff_id) or SYSTEM
            return start_session(tx, staff_id=user.staff_id, address=address, actor=actor, now=edge.clock())

        session.pop("csrf_token", None)
        g.pop("csrf_token", None)
        session[SESSION_SECRET] = edge.database.in_transaction(start)

    def end(_app: Flask, **_more: Any) -> None:
        secret = session.pop(SESSION_SECRET, "")
        edge.database.in_transaction(
            lambda tx: end_session(tx, secret=secret, actor=SYSTEM, now=edge.clock())
        )

    user_authenticated.connect(begin, app, weak=False)
    user_logged_out.connect(end, app, weak=False)


def _too_many_tries(response: Response) -> Response:
    response.status_code = 429
    response.headers["Retry-After"] = str(int(TRY_WINDOW.total_seconds()))
    return response
