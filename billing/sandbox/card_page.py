"""The page on which a payer types a test card, and which sends them back afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request

from billing.kernel.clock import Clock
from billing.kernel.money import Money
from billing.sandbox.calls import Call
from billing.sandbox.cards import BY_NUMBER, Card, passes_luhn
from billing.sandbox.errors import ApiError
from billing.sandbox.sessions import find_session, pay
from billing.sandbox.storage import Shelf, Store, Thing


class BadCard(Exception):
    """The payer's mistake, said to the payer."""


def make_blueprint(store: Store, clock: Clock, wake: Callable[[], None]) -> Blueprint:
    pages = Blueprint("card_page", __name__, url_prefix="/c/pay")

    @pages.get("/<reference>")
    def show(reference: str) -> Response:
        with store.transaction() as shelf:
            session = find_session(_call(shelf, clock()), reference)
        wake()
        return _page(session)

    @pages.post("/<reference>")
    def submit(reference: str) -> Response:
        """Paying twice, by a double click, is paying once."""
        now = clock()
        with store.transaction() as shelf:
            call = _call(shelf, now)
            session = find_session(call, reference)
            mistake = _pay(call, session, now) if session["status"] == "open" else None
        wake()
        if session["status"] == "complete":
            return _back(session)
        return _page(session, mistake)

    @pages.errorhandler(ApiError)
    def unknown(_error: ApiError) -> Response:
        return strict(make_response(render_template("gone.html", words="There is no such page."), 404))

    return pages


def _call(shelf: Shelf, now: datetime) -> Call:
    return Call(shelf=shelf, now=int(now.timestamp()), base_url=request.host_url.rstrip("/"))


def _pay(call: Call, session: Thing, now: datetime) -> str | None:
    """Why it was not paid, or None."""
    try:
        card = _card(request.form.get("card_number", ""))
        expires = _expiry(request.form.get("expiry", ""), now)
        _check_cvc(request.form.get("cvc", ""), card)
    except BadCard as mistake:
        return str(mistake)
    return pay(call, session, card, expires)


def _card(text: str) -> Card:
    number = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"[0-9]{12,19}", number) or not passes_luhn(number):
        raise BadCard("Your card number is incomplete or wrong.")
    if number not in BY_NUMBER:
        raise BadCard("Your card was declined: this page takes test cards only, never a real one.")
    return BY_NUMBER[number]


def _expiry(text: str, now: datetime) -> tuple[int, int]:
    """(month, year) of `12 / 34` or `12/2034`."""
    match = re.fullmatch(r"\s*([0-9]{1,2})\s*/\s*((?:20)?[0-9]{2})\s*", text, re.ASCII)
    month, year = (int(match[1]), 2000 + int(match[2]) % 100) if match else (0, 0)
    if not 1 <= month <= 12:
        raise BadCard("Your card's expiration date is incomplete. Write it as MM / YY.")
    if (year, month) < (now.year, now.month):
        raise BadCard("Your card's expiration date is in the past.")
    return month, year


def _check_cvc(text: str, card: Card) -> None:
    length = 4 if card.brand == "amex" else 3
    if not re.fullmatch(f"[0-9]{{{length}}}", text.strip(), re.ASCII):
        raise BadCard(f"Your card's security code has {length} digits.")


def _back(session: Thing) -> Response:
    target = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return strict(make_response(redirect(target, 303)))


def _page(session: Thing, mistake: str | None = None) -> Response:
    if session["status"] != "open":
        words = {"complete": "This payment has been made.", "expired": "This page has expired."}
        return strict(make_response(render_template("gone.html", words=words[session["status"]]), 410))
    page = render_template(
        "pay.html",
        amount=str(Money(session["amount_total"])),
        items=[item["description"] for item in session["_line_items"]["data"]],
        mistake=mistake,
        cancel_url=session["cancel_url"],
    )
    return strict(make_response(page, 402 if mistake else 200), _origin(session["success_url"]))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def strict(response: Response, form_target: str = "") -> Response:
    """No script, nothing from elsewhere; the form may lead to the page it redirects to."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {form_target}".rstrip()
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
