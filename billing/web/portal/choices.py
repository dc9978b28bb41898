"""/pay/<token>/choice: what becomes of an insurer's money, by a letter's link and the birth date.

How it opens: birth_dates. Each look at it is on the trail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from werkzeug import Response

from billing.kernel.errors import Conflict
from billing.kernel.permissions import Actor
from billing.payments.queries.choice_letters import LINK_PURPOSE
from billing.payments.queries.own_choices import own_choices
from billing.payments.records.credits import Election
from billing.payments.use_cases.own_choices import (
    ask_each_time,
    choose_from_now_on,
    choose_once,
    open_choice_link,
    take_back_own_choice,
)
from billing.platform.http.edge import Edge
from billing.web import choice_words
from billing.web.portal.birth_dates import WRONG, Door

PUBLIC_ENDPOINTS = frozenset(
    {"choice.ask", "choice.open_it", "choice.choose", "choice.take_back", "choice.each_time"}
)


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("choice", __name__)
    door = Door(
        edge=edge,
        name="choice",
        purpose=LINK_PURPOSE,
        open_link=open_choice_link,
        title="Please choose",
        heading="Money that we hold for you",
        button="Go on",
        refused=f"This did not open. {WRONG}. You can choose by phone as well: call the clinic.",
    )

    @routes.get("/pay/<token>/choice")
    def ask(token: str) -> str:
        letter_id = door.opened(token)
        if letter_id is None:
            return door.ask(token)
        own = edge.audited_read(
            lambda read: own_choices(read, letter_id),
            actor=_holder(letter_id),
            action="choice_letter.read",
            subject_id=letter_id,
        )
        return render_template("portal/choice.html", token=token, own=own, words=choice_words)

    @routes.post("/pay/<token>/choice")
    def open_it(token: str) -> Response | tuple[str, int]:
        return door.open_it(token)

    @routes.post("/pay/<token>/choice/<lot_id>")
    def choose(token: str, lot_id: str) -> Response:
        if (chosen := request.form.get("election")) not in list(Election):
            flash("Nothing was chosen yet. Please pick one of the two.", "refused")
            return redirect(f"/pay/{token}/choice", 303)
        deed = choose_from_now_on if "always" in request.form else choose_once
        shown = request.form.get("shown", "")
        return _done(door, token, deed, lot_id=lot_id, election=Election(chosen), shown=shown)

    @routes.post("/pay/<token>/choice/<lot_id>/take-back")
    def take_back(token: str, lot_id: str) -> Response:
        return _done(door, token, take_back_own_choice, lot_id=lot_id, shown=request.form.get("shown", ""))

    @routes.post("/pay/<token>/choice/each-time")
    def each_time(token: str) -> Response:
        return _done(door, token, ask_each_time)

    return routes


def _done(door: Door, token: str, deed: Callable[..., Any], **named: Any) -> Response:
    """Do it for who opened this link, then show how it stands; to anybody else the page asks for the date."""
    letter_id, edge = door.opened(token), door.edge
    now = edge.clock()
    if letter_id is not None:
        holder = _holder(letter_id)
        try:
            edge.database.in_transaction(
                lambda tx: deed(tx, letter_id=letter_id, **named, actor=holder, now=now)
            )
        except Conflict as refused:
            flash(refused.detail, "refused")
        else:
            flash("Thank you. It is recorded.", "done")
    return redirect(f"/pay/{token}/choice", 303)


def _holder(letter_id: str) -> Actor:
    return Actor(id=letter_id, entity_id=None, permissions=frozenset())
