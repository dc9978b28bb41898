"""/staff/choice-letters/<id>: a letter that asks a patient to choose, printed and posted by a person."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.kernel.money import Money
from billing.kernel.permissions import Permission
from billing.payments.api.choice_letters import letter_pdf, look_at_letter
from billing.payments.ports import RenderChoiceLetter
from billing.payments.use_cases.choice_letters import keep_letter_posted
from billing.platform.data.database import Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.choice_words import LETTERS
from billing.web.forms import written
from billing.web.refusals import REFUSED

PAGE = "staff/choice_letter.html"


def make_blueprint(edge: Edge, render: RenderChoiceLetter) -> Blueprint:
    routes = Blueprint("staff_choice_letters", __name__)

    @routes.get("/staff/choice-letters/<choice_letter_id>")
    @guard(Permission.CREDITS_WRITE)
    def letter(choice_letter_id: str) -> str:
        paper = look_at_letter(edge, choice_letter_id)
        credits = [(Money(each["cents"]), each) for each in paper.body["credits"]]
        return render_template(PAGE, paper=paper, credits=credits, told=LETTERS[paper.letter.state])

    @routes.get("/staff/choice-letters/<choice_letter_id>.pdf")
    @guard(Permission.CREDITS_WRITE)
    def pdf(choice_letter_id: str) -> Response:
        return letter_pdf(edge, render, choice_letter_id)

    @routes.post("/staff/choice-letters/<choice_letter_id>/posted")
    @guard(Permission.CREDITS_WRITE)
    def posted(choice_letter_id: str) -> Response:
        actor, now, shown = current_actor(), edge.clock(), request.form.get("shown", "")
        page = url_for("staff_choice_letters.letter", choice_letter_id=choice_letter_id)

        def work(tx: Tx) -> str:
            keep_letter_posted(tx, letter_id=choice_letter_id, shown=shown, actor=actor, now=now)
            return page

        try:
            written(edge, work)
        except REFUSED as error:
            flash(error.detail, "refused")
        else:
            flash("It is recorded that the letter was posted, and its task is closed.", "done")
        return redirect(page, 303)

    return routes
