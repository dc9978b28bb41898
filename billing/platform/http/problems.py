"""The one place that knows HTTP statuses. Every error under /api leaves as problem+json (RFC 9457)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from flask import Flask, Response, request
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException

from billing.kernel.errors import BillingError, Conflict, Denied, Flaw, Invalid, NotFound, Unavailable
from billing.platform.data.errors import KeyReused
from billing.platform.http.errors import KeyRequired, SignInRequired

log = structlog.get_logger(__name__)

STATUS: dict[type[BillingError], int] = {
    KeyReused: 422,
    KeyRequired: 400,
    SignInRequired: 401,
    Denied: 403,
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    Unavailable: 503,
}
HTTP_CODES = {
    400: "malformed-request",
    401: "sign-in-required",
    403: "not-permitted",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    408: "request-timeout",
    412: "changed-meanwhile",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid-request",
    428: "if-match-required",
    429: "too-many-requests",
}
RETRY_AFTER_SECONDS = "2"


def status_of(error: BillingError) -> int:
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


@dataclass(frozen=True)
class Meaning:
    """What a code says, in general."""

    status: int
    text: str


def meanings() -> dict[str, Meaning]:
    """Every code that an answer can carry, with its status and its class's own words."""
    told = {code: Meaning(status, f"HTTP's own {status}.") for status, code in HTTP_CODES.items()}
    for error in _kinds_below(BillingError):
        if "code" in vars(error):
            status = next(status for kind, status in STATUS.items() if issubclass(error, kind))
            told[error.code] = Meaning(status, " ".join((inspect.getdoc(error) or "").split()))
    return told


def meaning_of(code: str) -> Meaning | None:
    return meanings().get(code)


def _kinds_below(parent: type[BillingError]) -> Iterator[type[BillingError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _kinds_below(child)


def problem(status: int, code: str, detail: str, **more: object) -> Response:
    """An application/problem+json answer; `more` adds members such as `errors` or `missing_cents`."""
    body = {"type": f"/problems/{code}", "status": status, "code": code, "detail": detail, **more}
    return Response(orjson.dumps(body), status=status, mimetype="application/problem+json")


def problem_of(error: BillingError) -> Response:
    more: dict[str, object] = dict(error.more)
    if isinstance(error, Invalid):
        more["errors"] = [{"pointer": flaw.pointer, "message": flaw.message} for flaw in error.flaws]
    answer = problem(status_of(error), error.code, error.detail, **more)
    if isinstance(error, Unavailable):
        answer.headers["Retry-After"] = RETRY_AFTER_SECONDS
    if isinstance(error, SignInRequired):
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def problem_of_http(error: HTTPException) -> Response:
    """Flask's own errors, and webargs' validation errors, in the same shape."""
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    messages = data.get("messages")
    if isinstance(messages, Mapping):
        flaws = list(flaws_of(messages.get("json", messages.get("query", messages))))
        listed = [{"pointer": flaw.pointer, "message": flaw.message} for flaw in flaws]
        answer = problem(
            status, HTTP_CODES.get(status, "error"), "The request has mistakes; see errors.", errors=listed
        )
    else:
        answer = problem(status, HTTP_CODES.get(status, "error"), error.description or error.name)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            answer.headers[name] = value
    return answer


def flaws_of(messages: object, path: str = "") -> Iterator[Flaw]:
    """Marshmallow's nested messages as JSON pointers (RFC 6901)."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            step = "" if name == "_schema" else "/" + str(name).replace("~", "~0").replace("/", "~1")
            yield from flaws_of(inner, path + step)
    elif isinstance(messages, list):
        for message in messages:
            yield from flaws_of(message, path)
    else:
        yield Flaw(path, str(messages))


def answer_with_problems(app: Flask) -> None:
    """Domain errors become problems everywhere; anything unforeseen under /api becomes a plain 500."""

    @app.errorhandler(BillingError)
    def refused(error: BillingError) -> Any:
        return problem_of(error)

    @app.errorhandler(IntegrityError)
    def overtaken(error: IntegrityError) -> Any:
        """A constraint had the last word: somebody else did the same thing at the same moment."""
        log.warning("constraint_refused", endpoint=request.endpoint, error=type(error.orig).__name__)
        return problem(
            409, "changed-meanwhile", "Somebody changed this at the same moment. Nothing was changed here."
        )

    @app.errorhandler(500)
    def broken(error: Exception) -> Any:
        cause = getattr(error, "original_exception", None) or error
        log.error("request_failed", endpoint=request.endpoint, error=type(cause).__name__, exc_info=cause)
        return problem(500, "internal-error", "Something went wrong here. Nothing was changed.")
