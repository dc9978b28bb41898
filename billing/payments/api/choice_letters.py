"""Letters that ask patients to choose, over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.permissions import Permission
from billing.patients.queries import find_patient
from billing.payments.ports import RenderChoiceLetter
from billing.payments.queries.choice_letters import choice_letters_of, letter_on_paper
from billing.payments.records.choice_letters import PaperLetter
from billing.payments.schemas.choice_letters import (
    ChoiceLettersQuery,
    ChoiceLetterView,
    PaperLetterView,
    Posted,
)
from billing.payments.use_cases.choice_letters import keep_letter_posted
from billing.platform.data.documents import rendered_once
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.papers import PDF, pdf_answer
from billing.platform.http.writes import edge_write

FILE = "letter"
"""The name of the file, which names nobody."""


def add_choice_letter_routes(routes: ApiBlueprint, edge: Edge, render: RenderChoiceLetter) -> None:
    @routes.route("/patients/<patient_id>/choice-letters", methods=["GET"])
    @routes.arguments(ChoiceLettersQuery, location="query")
    @routes.response(200, page_view(ChoiceLetterView))
    @guard(Permission.CREDITS_READ)
    def show_choice_letters(query: dict[str, Any], patient_id: str) -> Any:
        """Newest first."""
        actor, limit = current_actor(), query.pop("limit")
        return page_of(
            edge.read(
                lambda read: choice_letters_of(
                    read, find_patient(read, patient_id, actor).id, actor, limit=limit + 1, **query
                )
            ),
            limit,
        )

    @routes.route("/choice-letters/<choice_letter_id>", methods=["GET"])
    @routes.response(200, PaperLetterView)
    @guard(Permission.CREDITS_WRITE)
    def show_choice_letter(choice_letter_id: str) -> Any:
        """With what was posted, or what would be printed now."""
        return look_at_letter(edge, choice_letter_id)

    @routes.route("/choice-letters/<choice_letter_id>.pdf", methods=["GET"])
    @routes.doc(responses=PDF)  # type: ignore[untyped-decorator]
    @guard(Permission.CREDITS_WRITE)
    def show_choice_letter_pdf(choice_letter_id: str) -> Response:
        return letter_pdf(edge, render, choice_letter_id)

    @routes.route("/choice-letters/<choice_letter_id>/posted", methods=["POST"])
    @routes.arguments(Posted)
    @routes.response(200, ChoiceLetterView)
    @guard(Permission.CREDITS_WRITE)
    def keep_posted(body: dict[str, str], choice_letter_id: str) -> Response:
        """It was printed and posted, as it is with this `sha256`; its task is done."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: keep_letter_posted(
                tx, letter_id=choice_letter_id, shown=body["sha256"], actor=actor, now=now
            ),
            ChoiceLetterView,
            status=200,
        )


def look_at_letter(edge: Edge, letter_id: str) -> PaperLetter:
    """Raises: NoSuchChoiceLetter."""
    actor = current_actor()
    return edge.audited_read(
        lambda read: letter_on_paper(read, letter_id, actor),
        actor=actor,
        action="choice_letter.read",
        subject_id=letter_id,
    )


def letter_pdf(edge: Edge, render: RenderChoiceLetter, letter_id: str) -> Response:
    """What was posted, the same bytes for ever; or what is true now. Raises: NoSuchChoiceLetter."""
    paper = look_at_letter(edge, letter_id)
    if paper.letter.document_id is None:
        return pdf_answer(render(paper.body), FILE)
    content = rendered_once(edge.database, render, document_id=paper.letter.document_id, now=edge.clock())
    return pdf_answer(content, FILE)
