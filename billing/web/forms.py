"""Forms of pages: the token that proves them ours, and amounts as people type them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, flash, request, session
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import IntegrityError

from billing.kernel.errors import Conflict, Flaw, Invalid
from billing.kernel.money import LARGEST_CENTS, Money
from billing.people.api import SESSION_SECRET
from billing.platform.data.database import Tx
from billing.platform.data.idempotency import Answer, find_answer, keep_answer
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor
from billing.platform.http.problems import problem
from billing.platform.http.writes import request_sha256

WITHOUT_COOKIES = ("/api/", "/webhooks/")
"""Where a cookie never counts (tokens and signatures do), so that no form token is needed."""

LONGEST_KEY = 100
DONE = Answer(status=303, body=b"")

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
    def check() -> None:
        stranger = request.endpoint not in public and SESSION_SECRET not in session
        if not stranger and not request.path.startswith(WITHOUT_COOKIES):
            tokens.protect()

    @app.errorhandler(CSRFError)
    def refuse(_error: CSRFError) -> Response:
        return problem(400, "form-expired", "This page was open for too long. Load it again and repeat.")


def amount_of(text: str) -> Money:
    """`450`, `450.00` or `$1,250.00`; more than nothing.

    Raises: InvalidRequest.
    """
    typed = DOLLARS.fullmatch(text.strip())
    cents = int(typed[1].replace(",", "")) * 100 + int(typed[2] or 0) if typed else 0
    if not 0 < cents <= LARGEST_CENTS:
        message = "Type an amount above zero in dollars and cents, such as 450.00."
        raise InvalidRequest(message, [Flaw("/amount", message)])
    return Money(cents)


def attempt(edge: Edge, work: Callable[[Tx], Any], *, done: str) -> None:
    """Run one write of a page; the next page shows that it is done, or the sentence that refuses it.

    A form that carries a `key` does its work once, however often it is sent.
    """
    key = request.form.get("key", "")[:LONGEST_KEY]
    with refusals_shown():
        if key:
            _once(edge, key, work)
        else:
            edge.database.in_transaction(work)
        flash(done, "done")


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


def _once(edge: Edge, key: str, work: Callable[[Tx], Any]) -> None:
    asked = {"actor_id": current_actor().id, "key": key, "request_sha256": request_sha256()}

    def do(tx: Tx) -> None:
        if find_answer(tx, **asked) is None:
            work(tx)
            keep_answer(tx, **asked, answer=DONE)

    try:
        edge.database.in_transaction(do)
    except IntegrityError:
        # The same form was taken by another process meanwhile, or this was not about the key at all.
        if edge.read(lambda read: find_answer(read, **asked)) is None:
            raise
