"""/staff/reconciliation: where the processor and the books differ, and what a person finds it to be."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.kernel.errors import Flaw
from billing.kernel.money import Money
from billing.kernel.permissions import Permission
from billing.ledger.records import Account
from billing.ledger.rules import CHART
from billing.payments.queries.reconciliation import (
    find_exception,
    given_back_by_hand,
    last_held,
    list_exceptions,
)
from billing.payments.queries.refunds import refund_by_reference
from billing.payments.records.reconciliation import BookedPart, ExceptionKind
from billing.payments.records.refunds import RefundReason
from billing.payments.rules.reconciliation import BOOKABLE
from billing.payments.use_cases.exceptions import book_exception
from billing.payments.use_cases.foreign_refunds import ask_to_book_foreign_refund
from billing.platform.data.database import Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import signed_amount_of, written
from billing.web.refusals import REFUSED, choice_of, shown_again
from billing.web.task_words import EXCEPTIONS
from billing.web.words import REASONS

PAGE = "staff/exception.html"
MOST_OPEN, MOST_ENDED = 200, 20
PARTS = (1, 2, 3)
"""The page books up to so many parts; the API takes more."""
CHOOSE_REASON = "Choose why the money went back."
CHOOSE_ACCOUNT = "Choose what it was."


def make_blueprint(edge: Edge, limit: Money) -> Blueprint:
    """`limit` is the largest refund that needs no second person."""
    routes = Blueprint("staff_reconciliation", __name__)
    _add_reading(routes, edge)
    _add_booking(routes, edge, limit)
    return routes


def _add_reading(routes: Blueprint, edge: Edge) -> None:
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


def _add_booking(routes: Blueprint, edge: Edge, limit: Money) -> None:
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

    @routes.post("/staff/reconciliation/<exception_id>/refund")
    @guard(Permission.REFUNDS_REQUEST)
    def ask_for_refund(exception_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            reason = choice_of(RefundReason, "reason", CHOOSE_REASON)
            refund = ask_to_book_foreign_refund(
                tx, exception_id=exception_id, reason=reason, limit=limit, actor=actor, now=now
            )
            return url_for("staff_refunds.refund", refund_id=refund.id)

        try:
            return redirect(written(edge, work), 303)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, exception_id))


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
    with edge.database.reading() as read:
        named = find_exception(read, exception_id, actor)
        is_open = named.resolved_at is None
        given_back = given_back_by_hand(read, named) if is_open else None
        asked = refund_by_reference(read, named.object_id) if given_back else None
    is_bookable = is_open and named.kind is not ExceptionKind.TWICE and not given_back
    return {
        "named": named,
        "told": EXCEPTIONS[named.kind],
        "accounts": [(account, CHART[account].name) for account in BOOKABLE],
        "places": PARTS,
        "may_book": is_bookable and actor.may(Permission.LEDGER_WRITE),
        "given_back": given_back and given_back[1],
        "asked": asked,
        "may_ask": actor.may(Permission.REFUNDS_REQUEST),
        "reasons": REASONS,
    }
