"""The pages on which a payer types a test card or account, and proves who they are; they lead back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request

from billing.kernel.clock import Clock
from billing.kernel.money import Money
from billing.sandbox import banks, intents, mandates, sessions, setups
from billing.sandbox.calls import Call, lookup
from billing.sandbox.cards import BY_NUMBER, Card, passes_luhn
from billing.sandbox.errors import ApiError, no_such
from billing.sandbox.payment_methods import billing_details, new_bank_account, new_card
from billing.sandbox.sessions import find_session
from billing.sandbox.storage import Shelf, Store, Thing


class Mistake(Exception):
    """The payer's, said to the payer."""


def make_blueprint(store: Store, clock: Clock, wake: Callable[[], None]) -> Blueprint:
    pages = Blueprint("card_page", __name__, url_prefix="/c")

    @pages.get("/pay/<reference>")
    def show(reference: str) -> Response:
        with store.transaction() as shelf:
            call = _call(shelf, clock())
            page = _page(call, find_session(call, reference))
        wake()
        return page

    @pages.post("/pay/<reference>")
    def submit(reference: str) -> Response:
        """Paying twice, by a double click, is paying once."""
        now = clock()
        with store.transaction() as shelf:
            call = _call(shelf, now)
            session = find_session(call, reference)
            mistake = _submit(call, session, now) if session["status"] == "open" else None
            page = _back(session) if session["status"] == "complete" else _page(call, session, mistake)
        wake()
        return page

    _add_authentication(pages, store, clock, wake)

    @pages.errorhandler(ApiError)
    def unknown(_error: ApiError) -> Response:
        return strict(make_response(render_template("gone.html", words="There is no such page."), 404))

    return pages


def _add_authentication(pages: Blueprint, store: Store, clock: Clock, wake: Callable[[], None]) -> None:
    """Where an intent of the API sends its payer, when it is told where they shall come back to."""

    @pages.get("/authenticate/<reference>")
    def ask(reference: str) -> Response:
        with store.transaction() as shelf:
            intent = _waiting(_call(shelf, clock()), reference)
        return _authentication_page(intent["_return_url"])

    @pages.post("/authenticate/<reference>")
    def answer(reference: str) -> Response:
        with store.transaction() as shelf:
            call = _call(shelf, clock())
            intent = _waiting(call, reference)
            succeeds = request.form.get("authentication") == "complete"
            if intent["object"] == "setup_intent":
                setups.authenticated(call, intent, succeeds=succeeds)
            else:
                intents.authenticated(call, intent, succeeds=succeeds)
        wake()
        return _return_from(intent)


def _waiting(call: Call, reference: str) -> Thing:
    kind = "setup_intent" if reference.startswith("seti_") else "payment_intent"
    intent = lookup(call, kind, reference)
    if intent["status"] != "requires_action" or not intent.get("_return_url"):
        raise no_such("page", reference)
    return intent


def _return_from(intent: Thing) -> Response:
    failed = intent["status"] == "requires_payment_method"
    told = urlencode(
        {
            intent["object"]: intent["id"],
            f"{intent['object']}_client_secret": intent["client_secret"],
            "redirect_status": "failed" if failed else "succeeded",
        }
    )
    url = intent["_return_url"]
    return strict(make_response(redirect(f"{url}{'&' if '?' in url else '?'}{told}", 303)))


def _call(shelf: Shelf, now: datetime) -> Call:
    return Call(shelf=shelf, now=int(now.timestamp()), base_url=request.host_url.rstrip("/"))


def _submit(call: Call, session: Thing, now: datetime) -> str | None:
    """Why it was not paid, or None."""
    if sessions.is_authenticating(call, session):
        return sessions.authenticate(call, session, succeeds=request.form.get("authentication") == "complete")
    try:
        method = _method(call, session, now)
    except Mistake as mistake:
        return str(mistake)
    acceptance = mandates.online(request.remote_addr, request.headers.get("User-Agent"))
    return sessions.submit(call, session, method, acceptance)


def _method(call: Call, session: Thing, now: datetime) -> Thing:
    """What the payer typed. Raises: Mistake."""
    kind = "us_bank_account" if "account_number" in request.form else "card"
    if kind not in session["payment_method_types"]:
        raise Mistake("This page does not take that.")
    if kind == "us_bank_account":
        holder = request.form.get("account_holder", "").strip()
        account = _account(request.form["account_number"], request.form.get("routing_number", ""))
        if not holder:
            raise Mistake("Write the name that the account is held in.")
        details = billing_details({"name": holder})
        return new_bank_account(call, account, verified=True, billing_details=details)
    card = _card(request.form.get("card_number", ""))
    expires = _expiry(request.form.get("expiry", ""), now)
    _check_cvc(request.form.get("cvc", ""), card)
    return new_card(call, card, expires)


def _account(number: str, routing: str) -> banks.Account:
    if re.sub(r"\s", "", routing) != banks.ROUTING_NUMBER:
        raise Mistake(f"The routing number of the test bank is {banks.ROUTING_NUMBER}.")
    account = banks.BY_NUMBER.get(re.sub(r"\s", "", number))
    if account is None:
        raise Mistake("This page takes test accounts only, never a real one.")
    return account


def _card(text: str) -> Card:
    number = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"[0-9]{12,19}", number) or not passes_luhn(number):
        raise Mistake("Your card number is incomplete or wrong.")
    if number not in BY_NUMBER:
        raise Mistake("Your card was declined: this page takes test cards only, never a real one.")
    return BY_NUMBER[number]


def _expiry(text: str, now: datetime) -> tuple[int, int]:
    """(month, year) of `12 / 34` or `12/2034`."""
    match = re.fullmatch(r"\s*([0-9]{1,2})\s*/\s*((?:20)?[0-9]{2})\s*", text, re.ASCII)
    month, year = (int(match[1]), 2000 + int(match[2]) % 100) if match else (0, 0)
    if not 1 <= month <= 12:
        raise Mistake("Your card's expiration date is incomplete. Write it as MM / YY.")
    if (year, month) < (now.year, now.month):
        raise Mistake("Your card's expiration date is in the past.")
    return month, year


def _check_cvc(text: str, card: Card) -> None:
    length = 4 if card.brand == "amex" else 3
    if not re.fullmatch(f"[0-9]{{{length}}}", text.strip(), re.ASCII):
        raise Mistake(f"Your card's security code has {length} digits.")


def _back(session: Thing) -> Response:
    target = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return strict(make_response(redirect(target, 303)))


def _page(call: Call, session: Thing, mistake: str | None = None) -> Response:
    if session["status"] != "open":
        words = {"complete": "This payment has been made.", "expired": "This page has expired."}
        return strict(make_response(render_template("gone.html", words=words[session["status"]]), 410))
    if sessions.is_authenticating(call, session):
        return _authentication_page(session["success_url"])
    pays = session["mode"] == "payment"
    page = render_template(
        "pay.html",
        deed=f"Pay {Money(session['amount_total'])}" if pays else "Save for later payments",
        kinds=session["payment_method_types"],
        items=[item["description"] for item in session["_line_items"]["data"]],
        mistake=mistake,
        cancel_url=session["cancel_url"],
    )
    return strict(make_response(page, 402 if mistake else 200), _origin(session["success_url"]))


def _authentication_page(target: str) -> Response:
    return strict(make_response(render_template("authenticate.html")), _origin(target))


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
