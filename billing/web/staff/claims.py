"""/staff/claims: what was asked of insurers, how each claim stands, and what is to be done about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.queries import site_date
from billing.insurance.api.appeals import appeal_pdf
from billing.insurance.api.claims import claim_file
from billing.insurance.errors import ClaimKept
from billing.insurance.ports import RenderAppeal, RenderClaims
from billing.insurance.queries.acknowledgements import notices_of
from billing.insurance.queries.appeals import letters_of
from billing.insurance.queries.claim_answers import answers_of_session, answers_to
from billing.insurance.queries.claims import (
    claims_of_session,
    facts_of_claim,
    find_claim,
    list_claims,
    payers_number,
    reason_sent,
)
from billing.insurance.queries.reason_codes import words_of
from billing.insurance.queries.sending import CLAIM_AMENDED, why_not_sent
from billing.insurance.records.claims import Claim, ClaimAnswer, Frequency, IssuedClaim
from billing.insurance.records.denials import AppealLetter, CodeList, NextStep
from billing.insurance.rules.claim_answers import standing_answers
from billing.insurance.rules.claim_checks import MOST_REFERENCE
from billing.insurance.rules.claims import LONGEST_SENT_REASON, mark_of_copy
from billing.insurance.rules.denials import next_step
from billing.insurance.states import CLAIM_ENDS, CLAIM_MARKS, ClaimMark, ClaimState
from billing.insurance.use_cases.appeals import write_appeal
from billing.insurance.use_cases.claims import correct_claim, mark_claim, mark_filed, void_claim
from billing.insurance.use_cases.filing_days import enter_filing_days
from billing.kernel.ids import id_pattern
from billing.kernel.permissions import Actor, Permission
from billing.patients.rules.entitlements import MOST_FILING_DAYS
from billing.platform.data.database import Read, Tx
from billing.platform.data.states import moves_of
from billing.platform.data.tasks import stands_open
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web import claim_words
from billing.web.forms import written
from billing.web.patient_words import called, name_of, page_of_patients
from billing.web.refusals import REFUSED, choice_of, date_of, days_of, text_of
from billing.web.staff.claim_issues import add_issuing, page_of, refused

A_CLAIM = re.compile(id_pattern("clm"))
LIST, PAGE = "staff/claims.html", "staff/claim.html"
MOST = 50


@dataclass(frozen=True, kw_only=True)
class Told:
    """A line of a claim's history."""

    at: datetime
    words: str
    number: str
    """Of the version that it is about, or empty."""
    codes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A claim with what a person needs to decide what is next."""

    claim: IssuedClaim
    facts: Claim
    name: str
    today: date
    versions: Sequence[IssuedClaim]
    answers: Sequence[ClaimAnswer]
    history: Sequence[Told]
    standing: Sequence[ClaimAnswer]
    """The answers to this version that were not reversed, the oldest first."""
    reasons: Mapping[str, str]
    remarks: Mapping[str, str]
    """What the clinic's own list says of the answers' codes."""
    letters: Sequence[AppealLetter]
    is_amended: bool
    """Whether its visit was amended since, and nothing was done about that."""
    known_number: str
    """The payer's own number of it, or empty."""
    kept: str | None
    """Why it is not to be sent as it is, when it was not sent yet."""
    sent_reason: str | None
    """Why it was sent by hand all the same."""
    mark: str
    """What its copies say when it holds no more."""

    @property
    def is_present(self) -> bool:
        return self.claim.state not in CLAIM_ENDS

    @property
    def may_be_followed(self) -> bool:
        """By a correction, or by what takes it back."""
        is_closed = self.claim.state is ClaimState.CLOSED and self.claim.frequency is not Frequency.VOID
        return self.is_present or (is_closed and self.claim.id == self.versions[-1].id)

    @property
    def may_be_appealed(self) -> bool:
        return ClaimMark.APPEALED in self.marks and self.claim.frequency is not Frequency.VOID

    @property
    def step(self) -> NextStep | None:
        """What the last answer calls for when it denies."""
        is_denied = self.claim.state is ClaimState.DENIED and self.standing
        return next_step(self.standing[-1]) if is_denied else None

    @property
    def marks(self) -> Sequence[ClaimMark]:
        return [mark for mark, (states, _) in CLAIM_MARKS.items() if self.claim.state in states]


def make_blueprint(edge: Edge, render: RenderClaims, render_appeal: RenderAppeal) -> Blueprint:
    routes = Blueprint("staff_claims", __name__)
    _add_deadline(routes, edge)
    _add_appealing(routes, edge, render_appeal)
    _add_looking(routes, edge, render)
    add_issuing(routes, edge)
    _add_deeds(routes, edge)
    return routes


def _add_looking(routes: Blueprint, edge: Edge, render: RenderClaims) -> None:
    @routes.get("/staff/claims")
    @guard(Permission.CLAIMS_READ)
    def claims() -> str:
        """A page of them by state and day of the visit, those before the one that `after` names."""
        actor, after = current_actor(), A_CLAIM.fullmatch(request.args.get("after", ""))
        which = {
            "state": next((each for each in ClaimState if each == request.args.get("state")), None),
            "starts_on": _day("from"),
            "ends_on": _day("to"),
        }
        found, names = edge.audited_read(
            lambda read: _listed(read, actor, after and after[0], which),
            actor=actor,
            action="page.claims",
            subject_id=actor.id,
        )
        return render_template(
            LIST,
            claims=found[:MOST],
            names=names,
            patient_page=page_of_patients(actor),
            may_reissue=actor.may(Permission.CLAIMS_WRITE),
            goes_on=len(found) > MOST,
            is_first=after is None,
            **which,
            words=claim_words,
        )

    @routes.get("/staff/claims/<claim_id>")
    @guard(Permission.CLAIMS_READ)
    def claim(claim_id: str) -> str:
        return render_template(PAGE, **_page(edge, claim_id))

    @routes.get("/staff/claims/<claim_id>.837")
    @guard(Permission.CLAIMS_READ)
    def file(claim_id: str) -> Response:
        """One that is not to be sent any more is told on its page."""
        try:
            return claim_file(edge, render, claim_id)
        except ClaimKept as error:
            flash(error.detail, "refused")
            return redirect(url_for("staff_claims.claim", claim_id=claim_id), 303)


def _add_deeds(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/claims/<claim_id>/filed")
    @guard(Permission.CLAIMS_WRITE)
    def filed(claim_id: str) -> Response | tuple[str, int]:
        def deed(tx: Tx, **whose: Any) -> IssuedClaim:
            sent_on = date_of("sent_on") if request.form.get("sent_on") else None
            is_told = bool(request.form.get("reason", "").strip())
            reason = text_of("reason", LONGEST_SENT_REASON) if is_told else None
            return mark_filed(tx, sent_on=sent_on, reason=reason, **whose)

        return _done(edge, claim_id, deed, "The claim is marked as filed.")

    @routes.post("/staff/claims/<claim_id>/correct")
    @guard(Permission.CLAIMS_WRITE)
    def correct(claim_id: str) -> Response | tuple[str, int]:
        def deed(tx: Tx, **whose: Any) -> IssuedClaim:
            return correct_claim(tx, payer_claim_number=_number(), **whose)

        return _done(edge, claim_id, deed, "This one replaces the former. Send it with the next file.")

    @routes.post("/staff/claims/<claim_id>/void")
    @guard(Permission.CLAIMS_WRITE)
    def take_back(claim_id: str) -> Response | tuple[str, int]:
        def deed(tx: Tx, **whose: Any) -> IssuedClaim:
            return void_claim(tx, payer_claim_number=_number(), **whose)

        return _done(edge, claim_id, deed, "The claim is taken back.")

    @routes.post("/staff/claims/<claim_id>/mark")
    @guard(Permission.CLAIMS_WRITE)
    def mark(claim_id: str) -> Response | tuple[str, int]:
        def deed(tx: Tx, **whose: Any) -> IssuedClaim:
            return mark_claim(tx, event=choice_of(ClaimMark, "event", "Choose what happened."), **whose)

        return _done(edge, claim_id, deed, "It is noted.")


def _add_deadline(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/claims/<claim_id>/filing-days")
    @guard(Permission.CLAIMS_WRITE)
    def filing_days(claim_id: str) -> Response | tuple[str, int]:
        def deed(tx: Tx, **whose: Any) -> IssuedClaim:
            return enter_filing_days(tx, days=days_of("filing_days", MOST_FILING_DAYS), **whose)

        return _done(edge, claim_id, deed, "The insurance has the days now, and the claim its last day.")


def _add_appealing(routes: Blueprint, edge: Edge, render: RenderAppeal) -> None:
    @routes.post("/staff/claims/<claim_id>/appeal-letters")
    @guard(Permission.CLAIMS_WRITE)
    def write(claim_id: str) -> Response | tuple[str, int]:
        def deed(tx: Tx, **whose: Any) -> IssuedClaim:
            write_appeal(tx, **whose)
            return find_claim(tx, claim_id, current_actor())

        return _done(edge, claim_id, deed, "The letter is written. Sign and send it, then note it here.")

    @routes.get("/staff/claims/<claim_id>/appeal-letters/<appeal_id>.pdf")
    @guard(Permission.CLAIMS_READ)
    def letter(claim_id: str, appeal_id: str) -> Response:
        return appeal_pdf(edge, render, claim_id, appeal_id)


def _done(
    edge: Edge, claim_id: str, deed: Callable[..., IssuedClaim], told: str
) -> Response | tuple[str, int]:
    """To the claim that there is then, or to the page again with what refuses it."""
    actor, now = current_actor(), edge.clock()
    try:
        to = written(edge, lambda tx: page_of(deed(tx, claim_id=claim_id, actor=actor, now=now)))
    except REFUSED as error:
        return refused(PAGE, error, _page(edge, claim_id))
    flash(told, "done")
    return redirect(to, 303)


def _number() -> str | None:
    """The payer's own number as typed, or None to take the one that is known."""
    if not request.form.get("payer_claim_number", "").strip():
        return None
    return text_of("payer_claim_number", MOST_REFERENCE)


def _day(field: str) -> date | None:
    """A day of the address; none for what is not one."""
    try:
        return date.fromisoformat(request.args.get(field, ""))
    except ValueError:
        return None


def _listed(
    read: Read, actor: Actor, after: str | None, which: Mapping[str, Any]
) -> tuple[Sequence[IssuedClaim], Any]:
    found = list_claims(read, actor, cursor=after, limit=MOST + 1, **which)
    return found, called(read, {each.patient_id for each in found}, actor)


def _page(edge: Edge, claim_id: str) -> dict[str, Any]:
    actor, now = current_actor(), edge.clock()
    looked = edge.audited_read(
        lambda read: _look(read, claim_id, actor, now),
        actor=actor,
        action="page.claim",
        subject_id=claim_id,
    )
    return {
        "looked": looked,
        "words": claim_words,
        "patient_page": page_of_patients(actor),
        "may": actor.may,
        "Permission": Permission,
    }


def _look(read: Read, claim_id: str, actor: Actor, now: datetime) -> Looked:
    """Raises: NoSuchClaim."""
    claim = find_claim(read, claim_id, actor)
    versions = claims_of_session(read, claim.session_id)
    answers = answers_of_session(read, claim.session_id)
    return Looked(
        claim=claim,
        facts=facts_of_claim(read, claim),
        name=name_of(read, claim.patient_id, actor),
        today=site_date(read, claim.site_id, now),
        versions=versions,
        answers=answers,
        history=_history(read, versions, answers),
        standing=standing_answers(answers_to(read, claim)),
        reasons=words_of(read, CodeList.CARC, {reason.code for each in answers for reason in each.reasons}),
        remarks=words_of(read, CodeList.RARC, {code for each in answers for code in each.remarks}),
        letters=letters_of(read, claim),
        is_amended=stands_open(read, kind=CLAIM_AMENDED, subject_id=claim.id),
        known_number=claim.original_reference or payers_number(read, claim.session_id) or "",
        kept=why_not_sent(read, claim),
        sent_reason=reason_sent(read, claim.id),
        mark=mark_of_copy(claim),
    )


def _history(read: Read, versions: Sequence[IssuedClaim], answers: Sequence[ClaimAnswer]) -> Sequence[Told]:
    """Of all versions, the newest first: moves, what came back on the way, and what the insurer answered."""
    numbers = {each.id: each.number for each in versions}
    told = [
        Told(at=move.at, words=claim_words.EVENTS[move.event], number=numbers[move.subject_id])
        for move in moves_of(read, list(numbers))
    ]
    for claim_id, notices in notices_of(read, list(numbers)).items():
        told += [
            Told(
                at=each.received_at,
                words=claim_words.notice_in_words(each.kind, each.verdict),
                number=numbers[claim_id],
                codes=each.codes,
            )
            for each in notices
        ]
    told += [
        Told(at=each.received_at, words=claim_words.answer_in_words(each), number="") for each in answers
    ]
    return sorted(told, key=lambda each: each.at)[::-1]
