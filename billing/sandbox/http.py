"""The API over HTTP: who may ask, what is known, performed once, answered in the processor's shape."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Blueprint, Response, request

from billing.sandbox import (
    balance,
    charges,
    customers,
    disputes,
    events,
    files,
    intent_calls,
    mandates,
    payment_methods,
    payouts,
    readers,
    refunds,
    sessions,
    setup_attempts,
    setups,
)
from billing.sandbox.calls import Call, Route
from billing.sandbox.errors import ApiError, NoSuch, unauthorized
from billing.sandbox.events import API_VERSION
from billing.sandbox.idempotency import KeptAnswer, claim, keep, release
from billing.sandbox.mischief import (
    Gate,
    refused_word,
    remember,
    remember_refusal,
    takes_forced_answer,
    takes_loss,
)
from billing.sandbox.parameters import nested
from billing.sandbox.passage import pass_time
from billing.sandbox.settings import Settings
from billing.sandbox.storage import Store, Thing, new_reference

ROUTES: list[Route] = [
    *sessions.ROUTES,
    *intent_calls.ROUTES,
    *setups.ROUTES,
    *setup_attempts.ROUTES,
    *customers.ROUTES,
    *payment_methods.ROUTES,
    *mandates.ROUTES,
    *readers.ROUTES,
    *charges.ROUTES,
    *refunds.ROUTES,
    *disputes.ROUTES,
    *payouts.ROUTES,
    *files.ROUTES,
    *balance.ROUTES,
    *events.ROUTES,
]


SEARCHED = ("charges", "customers", "payment_intents")
"""What the processor lets be searched, and the stand-in does not: `search` is no id."""

FORM = "application/x-www-form-urlencoded"
LARGEST_UPLOAD = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request, read and allowed. `route` is None for an address that no route has."""

    route: Route | None
    ids: dict[str, str]
    raw: Thing
    key: str | None
    request_id: str
    now: int


class Api:
    """Performs routes. `wake` tells the deliverer that events may be waiting."""

    def __init__(self, store: Store, settings: Settings, gate: Gate, wake: Callable[[], None]) -> None:
        self._store, self._settings, self._gate, self._wake = store, settings, gate, wake

    def answer(self, route: Route | None, ids: dict[str, str]) -> Response:
        request_id = new_reference("req", 14)
        now = int(self._settings.clock().timestamp())
        if request.path == "/v1/files":
            request.max_content_length = LARGEST_UPLOAD
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        raw: Thing = {}
        try:
            self._refuse_words(now)
            _authorize(self._settings.secret_key)
            _refuse_what_is_no_form()
            raw = nested([*request.args.items(multi=True), *request.form.items(multi=True), *_uploaded()])
            self._meet_trouble()
            response = self._perform(
                Asked(route=route, ids=ids, raw=raw, key=key, request_id=request_id, now=now)
            )
        except ApiError as error:
            response = _response(error.status, json.dumps(error.body))
        if response.status_code == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
        response.headers["Request-Id"] = request_id
        response.headers["Stripe-Version"] = API_VERSION
        self._conclude(response, raw, key, now)
        return response

    def _refuse_words(self, now: int) -> None:
        body = request.get_data(as_text=True)
        written = "\n".join([request.full_path, body, str(request.headers)])
        with self._store.transaction() as shelf:
            word = refused_word(shelf, written)
            if word:
                remember_refusal(shelf, method=request.method, path=request.path, word=word, now=now)
        if word:
            raise ApiError(f"The request holds a forbidden word: {word}", code="forbidden_word")

    def _meet_trouble(self) -> None:
        """What the control API has in store for this request instead of its being performed."""
        with self._store.transaction() as shelf:
            lost = takes_loss(shelf, method=request.method, path=request.path, when="before")
            forced = None if lost else takes_forced_answer(shelf, request.path)
        if lost:
            _hang_up()
            raise ApiError("Lost before it was performed.", status=500, kind="api_error")
        if forced:
            raise forced

    def _perform(self, asked: Asked) -> Response:
        if asked.route is None:
            message = f"Unrecognized request URL ({request.method}: {request.path})."
            raise ApiError(f"{message} The stand-in answers what docs/stand-in.md lists.", status=404)
        kept = self._claim(asked)
        if kept:
            return _replay(kept, asked.key)
        try:
            params = asked.route.form(asked.raw)
            self._gate.pass_through(request.path)
            status, body = self._execute(asked.route, params, asked)
        except BaseException:
            self._release(asked.key)
            raise
        return _response(status, body, asked.key, asked.request_id)

    def _claim(self, asked: Asked) -> KeptAnswer | None:
        if asked.key is None:
            return None
        with self._store.transaction() as shelf:
            return claim(
                shelf,
                key=asked.key,
                path=request.path,
                params=asked.raw,
                request_id=asked.request_id,
                now=asked.now,
            )

    def _release(self, key: str | None) -> None:
        if key is not None:
            with self._store.transaction() as shelf:
                release(shelf, key)

    def _execute(self, route: Route, params: Thing, asked: Asked) -> tuple[int, str]:
        """Perform it and keep the answer, in one transaction."""
        with self._store.transaction() as shelf:
            call = Call(
                shelf=shelf,
                now=asked.now,
                base_url=request.host_url.rstrip("/"),
                request_id=asked.request_id,
                idempotency_key=asked.key,
            )
            pass_time(Call(shelf=shelf, now=asked.now, base_url=""))
            try:
                with shelf.undone_by(ApiError):
                    status, answer = 200, route.operation(call, params, **asked.ids)
            except ApiError as error:
                status, answer = _status(error, asked.ids), error.body
            body = json.dumps(answer, indent=2)
            if asked.key is not None:
                keep(shelf, asked.key, status, body)
        return status, body

    def _conclude(self, response: Response, raw: Thing, key: str | None, now: int) -> None:
        """Remember the request, wake the deliverer, and lose the answer if that was asked for."""
        with self._store.transaction() as shelf:
            remember(
                shelf,
                method=request.method,
                path=request.path,
                params=raw,
                key=key,
                status=response.status_code,
                now=now,
            )
            lost = takes_loss(shelf, method=request.method, path=request.path, when="after")
        self._wake()
        if lost:
            _hang_up()


def _refuse_what_is_no_form() -> None:
    """A body that would be read as empty, or with other letters. Raises: ApiError."""
    body = request.get_data()
    if not body or request.mimetype == "multipart/form-data":
        return
    if request.mimetype != FORM:
        raise ApiError(f"Invalid request (check that your POST content type is {FORM}).")
    try:
        unquote_to_bytes(body).decode()
    except UnicodeDecodeError:
        raise ApiError("Invalid request: its body is no UTF-8.") from None


def _uploaded() -> Iterator[tuple[str, str]]:
    """What is known of each file in the request, as parameters."""
    for name, file in request.files.items(multi=True):
        content = file.read()
        yield f"{name}[name]", file.filename or ""
        yield f"{name}[size]", str(len(content))
        yield f"{name}[sha256]", hashlib.sha256(content).hexdigest()


def _authorize(secret_key: str) -> None:
    given = request.authorization
    key = (given.token or given.username or "") if given else ""
    if not key:
        raise unauthorized("You did not provide an API key.")
    if key != secret_key:
        raise unauthorized(f"Invalid API Key provided: {key[:8]}****")


def _status(error: ApiError, ids: dict[str, str]) -> int:
    """What is missing was named by the address, or by a parameter."""
    return 400 if isinstance(error, NoSuch) and error.reference not in ids.values() else error.status


def _response(status: int, body: str, key: str | None = None, first_asked: str = "") -> Response:
    """`first_asked`: the request that this was the answer to, where it brought a key."""
    response = Response(body, status, content_type="application/json")
    if key is not None:
        response.headers["Idempotency-Key"] = key
        response.headers["Original-Request"] = first_asked
    return response


def _replay(kept: KeptAnswer, key: str | None) -> Response:
    response = _response(kept.status, kept.body, key, kept.request_id)
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _hang_up() -> None:
    """Close the connection, so that the caller never learns what happened."""
    connection: Any = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)


def make_blueprint(api: Api) -> Blueprint:
    routes = Blueprint("api", __name__, url_prefix="/v1")
    for number, route in enumerate(ROUTES):
        routes.add_url_rule(
            route.path.removeprefix("/v1"),
            endpoint=f"route_{number}",
            view_func=_view(api, route),
            methods=[route.method],
            provide_automatic_options=False,
        )
    for kind in SEARCHED:
        routes.add_url_rule(
            f"/{kind}/search",
            endpoint=f"search_{kind}",
            view_func=_nowhere(api),
            defaults={"rest": "search"},
            provide_automatic_options=False,
        )
    routes.add_url_rule(
        "/<path:rest>", view_func=_nowhere(api), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]
    )
    return routes


def _view(api: Api, route: Route) -> Callable[..., Response]:
    def view(**ids: str) -> Response:
        return api.answer(route, ids)

    return view


def _nowhere(api: Api) -> Callable[..., Response]:
    def view(rest: str) -> Response:
        return api.answer(None, {"rest": rest})

    return view
