"""A visit's claim is issued: /staff/sessions/<id>/claim/new, unless the insurer has one already."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug import Response

from billing.care.queries import find_session
from billing.insurance.errors import ClaimFlawed, ClaimNotPossible
from billing.insurance.queries import body_of_superbill, present_superbill
from billing.insurance.queries.claims import claims_of_session, facts_of_claim, standing_claim
from billing.insurance.queries.diagnoses import standing_diagnoses
from billing.insurance.records.claims import Frequency, IssuedClaim
from billing.insurance.records.superbills import AS_BEFORE
from billing.insurance.rules.claims import wishes_of_claim
from billing.insurance.rules.superbill import wishes_of
from billing.insurance.states import CLAIM_UNSENT
from billing.insurance.use_cases.claims import issue_claim
from billing.kernel.errors import BillingError
from billing.kernel.permissions import Actor, Permission
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import claim_words
from billing.web.forms import written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, shown_again

ISSUE = "staff/claim_issue.html"


def add_issuing(routes: Blueprint, edge: Edge) -> None:
    @routes.get("/staff/sessions/<session_id>/claim/new")
    @guard(Permission.CLAIMS_WRITE)
    def ask(session_id: str) -> str:
        return render_template(ISSUE, **_asked(edge, session_id))

    @routes.post("/staff/sessions/<session_id>/claim")
    @guard(Permission.CLAIMS_WRITE)
    def issue(session_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            find_session(tx, session_id, actor)
            if instead := _instead(standing_claim(claims_of_session(tx, session_id))):
                raise ClaimNotPossible(instead)
            return page_of(issue_claim(tx, session_id=session_id, actor=actor, now=now))

        try:
            to = written(edge, work)
        except REFUSED as error:
            return refused(ISSUE, error, _asked(edge, session_id))
        flash("The claim is issued. It is sent with the next file of claims.", "done")
        return redirect(to, 303)


def page_of(claim: IssuedClaim) -> str:
    return url_for("staff_claims.claim", claim_id=claim.id)


def refused(template: str, error: BillingError, page: dict[str, Any]) -> tuple[str, int]:
    flaws = error.flaws if isinstance(error, ClaimFlawed) else []
    return shown_again(template, error, **page, flaws=flaws)


def _instead(present: IssuedClaim | None) -> str | None:
    """What is done in place of issuing a claim, or None when one may be issued."""
    if present is None:
        return None
    if present.frequency is Frequency.VOID:
        is_waiting = present.state in CLAIM_UNSENT
        waits = f"{present.number} takes the former claim back and waits to be sent. Send it first."
        return waits if is_waiting else None
    if not present.is_with_insurer:
        return None
    return f"The insurer has {present.number} of this visit. Correct it, or take it back (void), on its page."


def _asked(edge: Edge, session_id: str) -> dict[str, Any]:
    actor = current_actor()
    return edge.audited_read(
        lambda read: _read_asked(read, session_id, actor),
        actor=actor,
        action="page.claim-issue",
        subject_id=session_id,
    )


def _read_asked(read: Read, session_id: str, actor: Actor) -> dict[str, Any]:
    """Raises: NoSuchSession."""
    session = find_session(read, session_id, actor)
    superbill = present_superbill(read, session_id)
    present = standing_claim(claims_of_session(read, session_id))
    told = facts_of_claim(read, present) if present else None
    shown = body_of_superbill(read, session_id)
    return {
        "session": session,
        "name": name_of(read, session.patient_id, actor),
        "superbill": superbill,
        "present": present,
        "instead": _instead(present),
        "codes": told.diagnoses if told else standing_diagnoses(read, session),
        "wished": wishes_of(shown) if shown else wishes_of_claim(told) if told else AS_BEFORE,
        "words": claim_words,
    }
