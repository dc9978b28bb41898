"""/staff/letters: what insurers wrote to patients, who sent it in; each opening is on the trail."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template

from billing.insurance.queries.letters import content_of_letter, find_letter, letters_of
from billing.insurance.rules.letters import SUFFIXES
from billing.insurance.use_cases.letters import make_letter_link
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import find_patient
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.papers import file_answer
from billing.web import letter_words as words


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_letters", __name__)

    @routes.get("/staff/patients/<patient_id>/letters")
    @guard(Permission.CLAIMS_READ)
    def letters(patient_id: str) -> str:
        return render_template("staff/letters.html", **_page(edge, patient_id))

    @routes.post("/staff/patients/<patient_id>/letter-link")
    @guard(Permission.CLAIMS_WRITE)
    def link(patient_id: str) -> str:
        """Show a new link, this once; only its hash is kept."""
        actor, now = current_actor(), edge.clock()
        made, secret = edge.database.in_transaction(
            lambda tx: make_letter_link(tx, patient_id=patient_id, actor=actor, now=now)
        )
        return render_template(
            "staff/letter_link.html", link=made, url=f"{edge.public_url}/pay/{secret}/letter"
        )

    @routes.get("/staff/letters/<letter_id>")
    @guard(Permission.CLAIMS_READ)
    def letter(letter_id: str) -> str:
        actor = current_actor()
        patient_id = edge.read(lambda read: find_letter(read, letter_id, actor)).patient_id
        return render_template("staff/letters.html", chosen=letter_id, **_page(edge, patient_id))

    @routes.get("/staff/letters/<letter_id>/file")
    @guard(Permission.CLAIMS_READ)
    def file(letter_id: str) -> Response:
        """To be saved, under a name that names nobody; never shown as a page of ours."""
        actor = current_actor()
        found, content = edge.audited_read(
            lambda read: (find_letter(read, letter_id, actor), content_of_letter(read, letter_id, actor)),
            actor=actor,
            action="letter.disclose",
            subject_id=letter_id,
        )
        return file_answer(content, f"letter.{SUFFIXES[found.media_type]}", found.media_type)

    return routes


def _page(edge: Edge, patient_id: str) -> dict[str, Any]:
    """Raises: NoSuchPatient."""
    actor = current_actor()

    def look(read: Read, actor: Actor) -> dict[str, Any]:
        return {
            "patient": find_patient(read, patient_id, actor),
            "letters": letters_of(read, patient_id, actor),
        }

    found = edge.audited_read(
        lambda read: look(read, actor), actor=actor, action="page.letters", subject_id=patient_id
    )
    return found | {"words": words, "may_write": actor.may(Permission.CLAIMS_WRITE)}
