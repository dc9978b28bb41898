"""Forms of pages: the token that proves them ours, and amounts as people type them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Flask, Response, flash, request, session
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug import Response as AnyResponse

from billing.kernel.errors import Conflict, Flaw, Invalid
from billing.kernel.money import LARGEST_CENTS, Money
from billing.people.api import SESSION_SECRET
from billing.platform.data.database import Tx
from billing.platform.data.errors import KeyReused
from billing.platform.data.idempotency import Answer
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.problems import problem
from billing.platform.http.writes import once, sha256_with, usable_key

WITHOUT_COOKIES = ("/api/", "/webhooks/")
"""Where a cookie never counts (tokens and signatures do), so that no form token is needed."""

View = TypeVar("View", bound=Callable[..., Any])

DONE = Answer(status=303, body=b"")
TOKEN_FIELD = "csrf_token"  # noqa: S105 - the name of the field

SENT_BEFORE = "This form was sent before with another entry. See what is booked, then enter it again."

DOLLARS = re.compile(r"\$?(\d{1,9}|\d{1,3}(?:,\d{3}){1,2})(?:\.(\d{2}))?", re.ASCII)


def protect_forms(app: Flask, public: frozenset[str]) -> None:
    """Every unsafe request of a page must carry its session's token. `public` needs no sign-in.

    A stranger at any other page is left to the guard, who sends them to sign in. Browsers send no referrer
    from our pages, so that Flask-WTF's check of it would refuse everybody: the token stands in its place,
    and lives as long as its session.
    """
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    app.jinja_env.globals["new_form_key"] = new_form_key
    tokens = CSRFProtect(app)

    @app.before_request
    def check() -> AnyResponse | None:
        view = app.view_functions.get(request.endpoint or "")
        if most := getattr(view, "most_bytes", None):
            request.max_content_length = most
        look = getattr(view, "look_first", None)
        refusal: AnyResponse | None = look(**(request.view_args or {})) if look else None
        if refusal is not None:
            return refusal
        stranger = request.endpoint not in public and SESSION_SECRET not in session
        if not stranger and not request.path.startswith(WITHOUT_COOKIES):
            tokens.protect()
        return None

    @app.errorhandler(CSRFError)
    def refuse(_error: CSRFError) -> Response:
        return problem(400, "form-expired", "This page was open for too long. Load it again and repeat.")


def takes_files(most_bytes: int) -> Callable[[View], View]:
    """Let a form of this view have files, up to so many bytes with all its fields."""

    def declare(view: View) -> View:
        view.most_bytes = most_bytes  # type: ignore[attr-defined]
        return view

    return declare


def looks_first(look: Callable[..., AnyResponse | None]) -> Callable[[View], View]:
    """Ask `look`, which is told what stands in the address, before anything of the body is read.

    What it answers is the answer; None lets the request go on.
    """

    def declare(view: View) -> View:
        view.look_first = look  # type: ignore[attr-defined]
        return view

    return declare


def amount_of(text: str, field: str = "amount") -> Money:
    """`450`, `450.00` or `$1,250.00`; more than nothing.

    Raises: InvalidRequest.
    """
    cents = _cents(text)
    if not cents:
        message = "Type an amount above zero in dollars and cents, such as 450.00."
        raise InvalidRequest(message, [Flaw(f"/{field}", message)])
    return Money(cents)


def amount_or_zero_of(text: str, field: str) -> Money:
    """As `amount_of`, or nothing at all: `0.00`. Raises: InvalidRequest."""
    cents = _cents(text)
    if cents is None:
        message = "Type an amount of zero or more in dollars and cents, such as 0.00 or 20.00."
        raise InvalidRequest(message, [Flaw(f"/{field}", message)])
    return Money(cents)


def _cents(text: str) -> int | None:
    typed = DOLLARS.fullmatch(text.strip())
    cents = int(typed[1].replace(",", "")) * 100 + int(typed[2] or 0) if typed else None
    return None if cents is None or cents > LARGEST_CENTS else cents


def signed_amount_of(text: str, field: str) -> Money:
    """As `amount_of`, or less than nothing: `-450.00`. Raises: InvalidRequest."""
    typed = text.strip()
    amount = amount_of(typed.removeprefix("-"), field)
    return -amount if typed.startswith("-") else amount


def attempt(edge: Edge, work: Callable[[Tx], Any], *, done: str) -> None:
    """Run one write of a page; the next page shows that it is done, or the sentence that refuses it.

    A form that carries a `key` does its work once, however often it is sent.
    """

    def do(tx: Tx) -> Answer:
        work(tx)
        return DONE

    with refusals_shown():
        key = request.form.get("key")
        try:
            once(edge, usable_key(key) if key else None, form_sha256(), do)
        except KeyReused:
            raise KeyReused(SENT_BEFORE) from None
        flash(done, "done")


def written(edge: Edge, work: Callable[[Tx], str]) -> str:
    """Run one write of a form that carries a key, and say where it leads.

    Sent again, it leads there once more and nothing else happens.
    Raises: KeyReused, InvalidRequest for a form without a usable key, and what the work raises.
    """

    def do(tx: Tx) -> Answer:
        return Answer(status=303, body=work(tx).encode())

    try:
        return once(edge, usable_key(request.form.get("key", "")), form_sha256(), do).body.decode()
    except KeyReused:
        raise KeyReused(SENT_BEFORE) from None


@contextmanager
def refusals_shown() -> Iterator[None]:
    """What the present state or the input does not allow is shown on the next page, not as an error page."""
    try:
        yield
    except (Conflict, Invalid) as refusal:
        flash(refusal.detail, "refused")


def new_form_key() -> str:
    """What makes two clicks on one button one deed."""
    return secrets.token_urlsafe(16)


def form_sha256() -> str:
    """What the key of a form stands for: where it goes and all that was entered."""
    entered = sorted(pair for pair in request.form.items(multi=True) if pair[0] != TOKEN_FIELD)
    return sha256_with(urlencode(entered).encode())
