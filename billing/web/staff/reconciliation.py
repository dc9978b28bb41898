"""/staff/reconciliation: where the processor and the books differ, and what a person finds it to be."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.kernel.errors import Flaw
from billing.kernel.permissions import Permission
from billing.ledger.records import Account
from billing.ledger.rules import CHART
from billing.payments.queries.reconciliation import find_exception, last_held, list_exceptions
from billing.payments.records.reconciliation import BookedPart, ExceptionKind
from billing.payments.rules import BOOKABLE
from billing.payments.use_cases.exceptions import book_exception
from billing.platform.data.database import Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import signed_amount_of, written
from billing.web.refusals import REFUSED, choice_of, shown_again
from billing.web.task_words import EXCEPTIONS

PAGE = "staff/exception.html"
MOST_OPEN, MOST_ENDED = 200, 20
PARTS = (1, 2, 3)
"""The page books up to so many parts; the API takes more."""
CHOOSE_ACCOUNT = "Choose what it was."


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_reconciliation", __name__)

    @routes.get("/staff/reconciliation")
    @guard(Permission.PAYMENTS_READ)
    def exceptions() -> str:
        actor = current_actor()
        with edge.database.reading() as read:
            found = list_exceptions(read, actor, is_open=True, limit=MOST_OPEN)
            ended = list_exceptions(read, actor, is_open=False, limit=MOST_ENDED)
            held = last_held(read)
        return render_template(
            "staff/reconciliation.html",
            found=found,
            ended=ended,
            held=held,
            most=MOST_OPEN,
            words=EXCEPTIONS,
        )

    @routes.get("/staff/reconciliation/<exception_id>")
    @guard(Permission.PAYMENTS_READ)
    def exception(exception_id: str) -> str:
        return render_template(PAGE, **_page(edge, exception_id))

    @routes.post("/staff/reconciliation/<exception_id>/book")
    @guard(Permission.LEDGER_WRITE)
    def book(exception_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            book_exception(tx, exception_id=exception_id, parts=_parts(), actor=actor, now=now)
            return url_for("staff_reconciliation.exception", exception_id=exception_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, exception_id))
        flash("It is booked, and the exception has ended.", "done")
        return redirect(to, 303)

    return routes


def _parts() -> list[BookedPart]:
    """The rows that were filled in. Raises: InvalidRequest."""
    filled = [place for place in PARTS if request.form.get(f"amount_{place}", "").strip()]
    if not filled:
        message = "Type at least one amount."
        raise InvalidRequest(message, [Flaw("/amount_1", message)])
    return [_part(place) for place in filled]


def _part(place: int) -> BookedPart:
    """Raises: InvalidRequest."""
    account = choice_of(Account, f"account_{place}", CHOOSE_ACCOUNT)
    if account not in BOOKABLE:
        raise InvalidRequest(CHOOSE_ACCOUNT, [Flaw(f"/account_{place}", CHOOSE_ACCOUNT)])
    amount = signed_amount_of(request.form[f"amount_{place}"], f"amount_{place}")
    return BookedPart(account=account, amount=amount)


def _page(edge: Edge, exception_id: str) -> dict[str, Any]:
    actor = current_actor()
    named = edge.read(lambda read: find_exception(read, exception_id, actor))
    is_bookable = named.resolved_at is None and named.kind is not ExceptionKind.TWICE
    return {
        "named": named,
        "told": EXCEPTIONS[named.kind],
        "accounts": [(account, CHART[account].name) for account in BOOKABLE],
        "places": PARTS,
        "may_book": is_bookable and actor.may(Permission.LEDGER_WRITE),
    }
