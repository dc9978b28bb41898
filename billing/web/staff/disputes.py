"""/staff/disputes: what banks took back, by when they want an answer, and the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug import Response

from billing.kernel.errors import Flaw
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import Actor, Permission
from billing.payments.api.dispute_answers import evidence_pdf
from billing.payments.errors import DisputeAnswered, DisputeOverdue
from billing.payments.ports import RenderEvidence
from billing.payments.queries.dispute_answers import list_answers
from billing.payments.queries.disputes import covered_with, find_dispute, list_disputes, taken_twice
from billing.payments.queries.evidence import evidence_needs
from billing.payments.queries.payments import find_payment
from billing.payments.records.dispute_answers import DisputeAnswer, EvidenceFact, EvidenceNeeds
from billing.payments.records.disputes import Dispute
from billing.payments.records.payments import Payment
from billing.payments.rules.dispute_answers import HEALTH_DATA, refuse_unless_answerable
from billing.payments.schemas.dispute_answers import LONGEST_STATEMENT
from billing.payments.states.disputes import ENDED, DisputeState
from billing.payments.use_cases.dispute_answers import (
    accept_dispute,
    approve_answer,
    draft_evidence,
    submit_evidence,
)
from billing.people.queries import list_staff
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.fields import Paragraphs
from billing.platform.http.guard import current_actor, guard
from billing.web import dispute_words
from billing.web.forms import written
from billing.web.patient_words import called, name_of, page_of_patients
from billing.web.refusals import REFUSED, believed, shown_again
from billing.web.words import payment_in_words

MOST = 200
LAST = datetime.max.replace(tzinfo=UTC)
WANTS_ANSWER = (DisputeState.INQUIRY, DisputeState.NEEDS_RESPONSE)


@dataclass(frozen=True, kw_only=True)
class Disputed:
    """A dispute with all that a person needs to answer it. `closed` is why it takes no answer, if so."""

    dispute: Dispute
    payment: Payment
    name: str
    needs: EvidenceNeeds
    answers: Sequence[DisputeAnswer]
    people: Mapping[str, str]
    closed: str | None
    is_given: bool
    """Whether anything that the payment paid for was given."""
    paid_twice: Money


def make_blueprint(edge: Edge, render: RenderEvidence, limit: Money) -> Blueprint:
    routes = Blueprint("staff_disputes", __name__)
    _add_looking(routes, edge, render)
    _add_evidence(routes, edge)
    _add_accepting(routes, edge, limit)
    return routes


def _add_looking(routes: Blueprint, edge: Edge, render: RenderEvidence) -> None:
    @routes.get("/staff/disputes")
    @guard(Permission.PAYMENTS_READ)
    def disputes() -> str:
        actor = current_actor()
        found, names = edge.audited_read(
            lambda read: _listed(read, actor), actor=actor, action="page.disputes", subject_id=actor.id
        )
        waiting = [each for each in found if each.state not in ENDED]
        ended = [each for each in found if each.state in ENDED]
        return render_template(
            "staff/disputes.html",
            waiting=waiting,
            ended=ended,
            names=names,
            patient_page=page_of_patients(actor),
            words=dispute_words,
            wants=WANTS_ANSWER,
        )

    @routes.get("/staff/disputes/<dispute_id>")
    @guard(Permission.PAYMENTS_READ)
    def dispute(dispute_id: str) -> str:
        return render_template("staff/dispute.html", **_page(edge, dispute_id))

    @routes.get("/staff/disputes/<dispute_id>/answers/<answer_id>.pdf")
    @guard(Permission.DISPUTES_ANSWER)
    def packet(dispute_id: str, answer_id: str) -> Response:
        return evidence_pdf(edge, render, dispute_id, answer_id)


def _add_evidence(routes: Blueprint, edge: Edge) -> None:
    @routes.post("/staff/disputes/<dispute_id>/evidence")
    @guard(Permission.DISPUTES_ANSWER)
    def draft(dispute_id: str) -> Any:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> None:
            find_dispute(tx, dispute_id, actor)
            draft_evidence(
                tx, dispute_id=dispute_id, facts=_chosen(), statement=_statement(), actor=actor, now=now
            )

        return _done_or_shown(edge, work, dispute_id, "The packet is drafted. Look at its PDF next.")

    @routes.post("/staff/disputes/<dispute_id>/answers/<answer_id>/approve")
    @guard(Permission.DISPUTES_APPROVE)
    def approve(dispute_id: str, answer_id: str) -> Any:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> None:
            approve_answer(tx, dispute_id=dispute_id, answer_id=answer_id, actor=actor, now=now)

        return _done_or_shown(edge, work, dispute_id, "The answer is approved.")

    @routes.post("/staff/disputes/<dispute_id>/answers/<answer_id>/submit")
    @guard(Permission.DISPUTES_ANSWER)
    def submit(dispute_id: str, answer_id: str) -> Any:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> None:
            submit_evidence(tx, dispute_id=dispute_id, answer_id=answer_id, actor=actor, now=now)

        return _done_or_shown(edge, work, dispute_id, "The packet is on its way to the bank.")


def _add_accepting(routes: Blueprint, edge: Edge, limit: Money) -> None:
    @routes.get("/staff/disputes/<dispute_id>/accept")
    @guard(Permission.DISPUTES_ANSWER)
    def look(dispute_id: str) -> str:
        """What would happen, in words; nothing does yet."""
        page = _page(edge, dispute_id)
        needs_approval = page["disputed"].dispute.amount > limit
        return render_template(
            "staff/dispute_accept.html", **page, needs_approval=needs_approval, limit=limit
        )

    @routes.post("/staff/disputes/<dispute_id>/accept")
    @guard(Permission.DISPUTES_ANSWER)
    def accept(dispute_id: str) -> Any:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> None:
            find_dispute(tx, dispute_id, actor)
            accept_dispute(
                tx, dispute_id=dispute_id, amount=believed("amount"), limit=limit, actor=actor, now=now
            )

        return _done_or_shown(edge, work, dispute_id, "It is recorded that the clinic accepts the loss.")


def _done_or_shown(edge: Edge, work: Callable[[Tx], None], dispute_id: str, done: str) -> Any:
    def write(tx: Tx) -> str:
        work(tx)
        return url_for("staff_disputes.dispute", dispute_id=dispute_id)

    try:
        to = written(edge, write)
    except REFUSED as error:
        return shown_again("staff/dispute.html", error, **_page(edge, dispute_id))
    flash(done, "done")
    return redirect(to, 303)


def _listed(read: Read, actor: Actor) -> tuple[list[Dispute], Mapping[str, str]]:
    """Those that have to be answered first come first."""
    found = sorted(list_disputes(read, actor, limit=MOST), key=lambda each: each.due_at or LAST)
    return found, called(read, {each.patient_id for each in found}, actor)


def _page(edge: Edge, dispute_id: str) -> dict[str, Any]:
    """Raises: NoSuchDispute."""
    actor, now = current_actor(), edge.clock()
    disputed = edge.audited_read(
        lambda read: _disputed(read, dispute_id, actor, now),
        actor=actor,
        action="page.dispute",
        subject_id=dispute_id,
    )
    return {
        "disputed": disputed,
        "paid_with": payment_in_words(disputed.payment),
        "words": dispute_words,
        "health_data": HEALTH_DATA,
        "services": EvidenceFact.SERVICES,
        "statement": EvidenceFact.STATEMENT,
        "longest": LONGEST_STATEMENT,
        "me": actor.person,
        "may": actor.may,
        "Permission": Permission,
    }


def _disputed(read: Read, dispute_id: str, actor: Actor, now: datetime) -> Disputed:
    needs = evidence_needs(read, dispute_id, actor)
    dispute, answers = needs.dispute, list_answers(read, dispute_id, actor)
    payment = find_payment(read, dispute.payment_id, actor)
    return Disputed(
        dispute=dispute,
        payment=payment,
        name=name_of(read, dispute.patient_id, actor),
        needs=needs,
        answers=answers,
        people={each.id: each.email for each in list_staff(read, actor)},
        closed=_why_closed(dispute, answers, now),
        is_given=any(covered.is_earned for covered in covered_with(read, payment)),
        paid_twice=taken_twice(read, payment.id) if dispute.lost else ZERO,
    )


def _why_closed(dispute: Dispute, answers: Sequence[DisputeAnswer], now: datetime) -> str | None:
    try:
        refuse_unless_answerable(dispute, answers, now)
    except (DisputeAnswered, DisputeOverdue) as error:
        return error.detail
    return None


def _chosen() -> list[EvidenceFact]:
    """Raises: InvalidRequest."""
    try:
        return [EvidenceFact(each) for each in request.form.getlist("facts")]
    except ValueError:
        message = "Choose from the list."
        raise InvalidRequest(message, [Flaw("/facts", message)]) from None


def _statement() -> str | None:
    """Raises: InvalidRequest."""
    text = request.form.get("statement", "").strip()
    if not text:
        return None
    try:
        return str(Paragraphs(max=LONGEST_STATEMENT).deserialize(text))
    except ValidationError as error:
        message = str(error.messages_dict if isinstance(error.messages, dict) else error.messages[0])
        raise InvalidRequest(message, [Flaw("/statement", message)]) from None
