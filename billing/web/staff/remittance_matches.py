"""/staff/remittances/<id>/claims/<id>/visit: which visit a claim is about that has no number of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug import Response

from billing.care.queries import plans_of, sessions_among, sessions_on
from billing.care.records import Session
from billing.care.states import SessionState
from billing.insurance.errors import RemittanceNotParked
from billing.insurance.queries import find_remittance_alone
from billing.insurance.queries.remittances import sessions_with_papers, told_claim
from billing.insurance.records.remittances import ToldClaim
from billing.insurance.states import RemittanceState
from billing.insurance.use_cases.remittance_decisions.matches import match_claim, unmatch_claim
from billing.kernel.errors import Flaw
from billing.kernel.money import Money
from billing.kernel.permissions import Actor, Permission
from billing.patients.queries import names_of, search_patients
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web import remittance_words as words
from billing.web.forms import amount_of, written
from billing.web.refusals import REFUSED, date_of, shown_again, text_of
from billing.web.staff.remittances import LONGEST_REASON, tell_how_it_stands
from billing.web.visit_words import days_of_sessions

PAGE = "staff/remittance_match.html"
MOST_FOUND = 50
MOST_OF_A_DAY = 200
CHOOSE = "Choose the visit that the claim is about."


@dataclass(frozen=True, kw_only=True)
class Sought:
    """What a visit is looked for by; each that is given has to fit."""

    text: str = ""
    on: date | None = None
    charge: Money | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.on or self.charge)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A visit that was given, as it is offered."""

    session: Session
    on: date
    name: str


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_remittance_matches", __name__)
    place = "/staff/remittances/<remittance_id>/claims/<remittance_claim_id>"

    @routes.get(f"{place}/visit")
    @guard(Permission.REMITTANCES_WRITE)
    def ask(remittance_id: str, remittance_claim_id: str) -> str:
        """With the visits that fit the insurer's own words, so that often nothing has to be typed."""
        return render_template(PAGE, **_page(edge, remittance_id, remittance_claim_id, None))

    @routes.post(f"{place}/search")
    @guard(Permission.REMITTANCES_WRITE)
    def search(remittance_id: str, remittance_claim_id: str) -> str | tuple[str, int]:
        """A POST, so that no name or birth date stands in an address; nothing is written."""
        try:
            return render_template(
                PAGE, entered=request.form, **_page(edge, remittance_id, remittance_claim_id, _sought())
            )
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, remittance_id, remittance_claim_id, Sought()))

    @routes.post(f"{place}/match")
    @guard(Permission.REMITTANCES_WRITE)
    def match(remittance_id: str, remittance_claim_id: str) -> Response | tuple[str, int]:
        return _decided(edge, remittance_id, remittance_claim_id, match_claim, _chosen)

    @routes.post(f"{place}/unmatch")
    @guard(Permission.REMITTANCES_WRITE)
    def unmatch(remittance_id: str, remittance_claim_id: str) -> Response | tuple[str, int]:
        return _decided(edge, remittance_id, remittance_claim_id, unmatch_claim, dict)

    return routes


def _decided(
    edge: Edge, remittance_id: str, claim_id: str, decide: Any, entered: Callable[[], dict[str, str]]
) -> Response | tuple[str, int]:
    """`entered` is what the form says beside the reason."""
    actor, now = current_actor(), edge.clock()

    def work(tx: Tx) -> str:
        told = entered() | {"reason": text_of("reason", LONGEST_REASON)}
        decide(tx, remittance_id=remittance_id, claim_id=claim_id, **told, actor=actor, now=now)
        return url_for("staff_remittances.remittance", remittance_id=remittance_id)

    try:
        to = written(edge, work)
    except REFUSED as error:
        sought = _sought_again()
        return shown_again(PAGE, error, **_page(edge, remittance_id, claim_id, sought))
    tell_how_it_stands(edge, remittance_id, actor)
    return redirect(to, 303)


def _chosen() -> dict[str, str]:
    """Raises: InvalidRequest."""
    session_id = request.form.get("session_id", "")
    if not session_id:
        raise InvalidRequest(CHOOSE, [Flaw("/session_id", CHOOSE)])
    return {"session_id": session_id[:40]}


def _sought() -> Sought:
    """Raises: InvalidRequest, also for nothing at all."""
    sought = Sought(
        text=request.form.get("text", "").strip()[:200],
        on=date_of("on") if request.form.get("on", "").strip() else None,
        charge=amount_of(request.form["charge"], "charge")
        if request.form.get("charge", "").strip()
        else None,
    )
    if sought.is_empty:
        message = "Type a patient, a day or an amount."
        raise InvalidRequest(message, [Flaw("/text", message)])
    return sought


def _sought_again() -> Sought | None:
    """What was looked for when a visit was chosen among what was found."""
    try:
        return _sought()
    except InvalidRequest:
        return None


def _page(edge: Edge, remittance_id: str, claim_id: str, sought: Sought | None) -> dict[str, Any]:
    """Raises: NoSuchRemittance, RemittanceNotParked, AnswerChanged, UnusableSearch."""
    actor = current_actor()
    return edge.audited_read(
        lambda read: _look(read, remittance_id, claim_id, sought, actor),
        actor=actor,
        action="page.remittance-match",
        subject_id=remittance_id,
    )


def _look(
    read: Read, remittance_id: str, claim_id: str, sought: Sought | None, actor: Actor
) -> dict[str, Any]:
    remittance = find_remittance_alone(read, remittance_id, actor)
    if remittance.status != RemittanceState.PARKED:
        raise RemittanceNotParked("This payment does not wait any more: no visit is to be named.")
    claim = told_claim(read, remittance_id, claim_id)
    wanted = _suggested(claim) if sought is None else sought
    visits = _found(read, wanted, actor)
    named = _shown(read, sessions_among(read, {claim.session_id}).values(), actor) if claim.session_id else []
    return {
        "remittance": remittance,
        "claim": claim,
        "named": named[0] if named else None,
        "visits": visits[:MOST_FOUND],
        "more": len(visits) > MOST_FOUND,
        "sought": wanted,
        "is_suggestion": sought is None,
        "words": words,
    }


def _suggested(claim: ToldClaim) -> Sought:
    """The insurer's own day and charge."""
    days = [line.served_on for line in claim.lines if line.served_on]
    return Sought(on=days[0] if days else None, charge=claim.charge or None)


def _found(read: Read, sought: Sought, actor: Actor) -> list[Visit]:
    """Visits that were given and fit all that is sought, the newest first."""
    if sought.is_empty:
        return []
    if sought.text:
        patients = search_patients(read, sought.text, actor)
        plans = [plan for patient in patients for plan in plans_of(read, patient.id)]
        candidates = [session for plan in plans for session in plan.sessions]
    else:
        candidates = _without_a_name(read, sought, actor)
    given = [
        each
        for each in candidates
        if each.state is SessionState.GIVEN
        and actor.sees(entity_id=each.entity_id, site_id=each.site_id)
        and sought.charge in (None, each.due)
    ]
    shown = [each for each in _shown(read, given, actor) if sought.on in (None, each.on)]
    return sorted(shown, key=lambda visit: (visit.on, visit.session.id), reverse=True)


def _without_a_name(read: Read, sought: Sought, actor: Actor) -> list[Session]:
    """By what is on papers, and of a day also what has none."""
    ids = sessions_with_papers(read, actor, on=sought.on, charge=sought.charge, limit=MOST_OF_A_DAY)
    found = sessions_among(read, ids)
    if sought.on:
        planned = sessions_on(read, sought.on, actor=actor, site_id=None, cursor=None, limit=MOST_OF_A_DAY)
        found |= {each.id: each for each in planned}
    return list(found.values())


def _shown(read: Read, sessions: Iterable[Session], actor: Actor) -> Sequence[Visit]:
    listed = list(sessions)
    names = names_of(read, {each.patient_id for each in listed}, actor)
    days = days_of_sessions(read, listed)
    return [
        Visit(session=each, on=days[each.id], name=names[each.patient_id])
        for each in listed
        if each.patient_id in names
    ]
