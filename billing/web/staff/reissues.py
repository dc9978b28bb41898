"""/staff/outdated-papers: superbills and claims that the books have overtaken, and all issued again."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template

from billing.insurance.flows.reissues import MOST_AT_ONCE, outdated_now, reissue_outdated
from billing.kernel.permissions import Actor, Permission
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.claim_words import field_in_words
from billing.web.patient_words import called, page_of_patients

PAGE = "staff/outdated_papers.html"


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_reissues", __name__)

    @routes.get("/staff/outdated-papers")
    @guard(Permission.CLAIMS_WRITE)
    def outdated() -> str:
        return render_template(PAGE, **_looked_at(edge, current_actor()))

    @routes.post("/staff/outdated-papers")
    @guard(Permission.CLAIMS_WRITE)
    def issue_again() -> str:
        """The answer tells what became of each; to send it twice finds nothing more to do."""
        actor = current_actor()
        done = reissue_outdated(edge.database, actor=actor, clock=edge.clock)
        return render_template(PAGE, done=done, **_looked_at(edge, actor))

    return routes


def _looked_at(edge: Edge, actor: Actor) -> dict[str, Any]:
    def look(read: Read) -> dict[str, Any]:
        papers = outdated_now(read, actor)
        return {"papers": papers, "names": called(read, {each.patient_id for each in papers}, actor)}

    looked = edge.audited_read(look, actor=actor, action="outdated_papers.read", subject_id=actor.id)
    return looked | {
        "most": MOST_AT_ONCE,
        "in_words": field_in_words,
        "patient_page": page_of_patients(actor),
    }
