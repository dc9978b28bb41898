"""/pay/<token>/letter: a patient sends in a letter of the insurer, by a link and the birth date.

The page shows nothing about anybody, whether or not the link is one. What is wrong with a try, the link or
the date, is never said. Nothing is posted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from flask import Blueprint, redirect, render_template, request
from werkzeug import Response

from billing.insurance.errors import LetterNotTaken
from billing.insurance.queries.letters import is_letter_link
from billing.insurance.records.letters import LetterOutcome, SentLetter
from billing.insurance.rules.letters import LARGEST_LETTER, media_type_of
from billing.insurance.use_cases.letters import take_letter
from billing.kernel.permissions import SYSTEM
from billing.people.rules import TRY_WINDOW
from billing.people.use_cases import take_public_try
from billing.platform.http.edge import Edge
from billing.platform.http.problems import problem
from billing.web.forms import looks_first, takes_files
from billing.web.letter_words import ASKED
from billing.web.portal.birth_dates import WRONG
from billing.web.portal.dates import date_of

PUBLIC_ENDPOINTS = frozenset({"letter.ask", "letter.send", "letter.thanks"})
PAGE, FORM = "portal/letter.html", "letter"
FORM_BYTES = 100_000
"""What a form may have beside its file."""
TOO_OFTEN = "Letters were sent from here too often. Wait a quarter of an hour, then send this one again."
NOT_TAKEN = f"This was not taken. {WRONG}; ask the clinic for a new one."


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("letter", __name__)

    @routes.get("/pay/<token>/letter")
    def ask(token: str) -> str:
        """The same for every link, also for one that never was."""
        return render_template(PAGE, token=token, outcomes=ASKED)

    def look(token: str) -> Response | None:
        """A link that never was is told so, and its file is not read; nor are too many from one address."""
        if not edge.read(lambda read: is_letter_link(read, token)):
            return Response(_page_again(token, {"born_on": NOT_TAKEN}), 422, mimetype="text/html")
        address, now = request.remote_addr or "", edge.clock()
        may = edge.database.in_transaction(
            lambda tx: take_public_try(tx, form=FORM, address=address, actor=SYSTEM, now=now)
        )
        return None if may else _too_often()

    @routes.post("/pay/<token>/letter")
    @looks_first(look)
    @takes_files(LARGEST_LETTER + FORM_BYTES)
    def send(token: str) -> Response | tuple[str, int]:
        letter, wrong = _typed()
        if letter is None:
            return _again(token, wrong)
        now = edge.clock()
        taken = edge.database.in_transaction(
            lambda tx: take_letter(tx, secret=token, letter=letter, actor=SYSTEM, now=now)
        )
        if taken is None:
            return _again(token, {"born_on": NOT_TAKEN})
        return redirect(f"/pay/{token}/letter/thanks", 303)

    @routes.get("/pay/<token>/letter/thanks")
    def thanks(token: str) -> str:
        return render_template("portal/letter_thanks.html", token=token)

    return routes


def _too_often() -> Response:
    answer = problem(429, "too-many-requests", TOO_OFTEN)
    answer.headers["Retry-After"] = str(int(TRY_WINDOW.total_seconds()))
    return answer


def _typed() -> tuple[SentLetter | None, dict[str, str]]:
    """What was sent, or what is wrong with which field."""
    form, wrong = request.form, {}
    born_on, visit_on = (date_of(form.get(name, "")) for name in ("born_on", "visit_on"))
    if born_on is None:
        wrong["born_on"] = "Type the date of birth, such as 05/17/1980."
    if visit_on is None:
        wrong["visit_on"] = "Type the day of the visit, such as 11/03/2026."
    outcome = form.get("outcome", "")
    if outcome not in list(LetterOutcome):
        wrong["outcome"] = "Choose what the letter says."
    sent = request.files.get("file")
    content = sent.read() if sent else b""
    media_type = ""
    try:
        media_type = media_type_of(content)
    except LetterNotTaken as error:
        wrong["file"] = error.detail if content else "Choose the letter: a PDF or a picture."
    if wrong or born_on is None or visit_on is None:
        return None, wrong
    return _letter(born_on, visit_on, outcome, media_type, content), {}


def _letter(born_on: date, visit_on: date, outcome: str, media_type: str, content: bytes) -> SentLetter:
    return SentLetter(
        born_on=born_on,
        visit_on=visit_on,
        outcome=LetterOutcome(outcome),
        media_type=media_type,
        content=content,
    )


def _again(token: str, wrong: dict[str, str]) -> tuple[str, int]:
    """What was typed stays, but for the file: a browser hands it over once."""
    return _page_again(token, wrong, request.form), 422


def _page_again(token: str, wrong: dict[str, str], entered: Mapping[str, str] | None = None) -> str:
    return render_template(PAGE, token=token, outcomes=ASKED, wrong=wrong, entered=entered)
