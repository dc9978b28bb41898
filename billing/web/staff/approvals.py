"""/staff/approvals: refunds, and ends of payers' parts, that wait for another person than who asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.invoices.queries import find_payer, shares_to_end
from billing.invoices.records import Payer, PayerShare
from billing.kernel.errors import BillingError, Flaw, IllegalMove
from billing.kernel.permissions import Actor, Permission
from billing.payments.queries.refunds import find_refund, list_refunds
from billing.payments.records.refunds import CHOSEN_REJECTIONS, Rejection
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.refunds import approve_refund, reject_refund
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web import payer_words, words
from billing.web.forms import written
from billing.web.refusals import REFUSED, choice_of
from billing.web.staff.refunds import Followed, followed_of

MOST = 200
CHOOSE_REASON = "Choose why it is refused. Who asked for it reads that."
DECIDED = (
    "Somebody decided about this refund meanwhile. Its page says what, and calls off a check not written yet."
)


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_approvals", __name__)

    @routes.get("/staff/approvals")
    @guard(Permission.REFUNDS_READ)
    def approvals() -> str:
        actor = current_actor()
        waiting, parts = edge.audited_read(
            lambda read: (_waiting(read, actor), _parts(read, actor)),
            actor=actor,
            action="page.approvals",
            subject_id=actor.id,
        )
        return render_template(
            "staff/approvals.html",
            waiting=waiting,
            parts_to_end=parts,
            person=actor.person,
            may_decide=actor.may(Permission.REFUNDS_APPROVE),
            may_open_patients=actor.may(Permission.PAYMENTS_READ),
            words=words,
            payer_words=payer_words,
        )

    @routes.post("/staff/refunds/<refund_id>/approve")
    @guard(Permission.REFUNDS_APPROVE)
    def approve(refund_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return _decided(
            edge,
            lambda tx: approve_refund(tx, refund_id=refund_id, actor=actor, now=now),
            "The refund is approved.",
        )

    @routes.post("/staff/refunds/<refund_id>/reject")
    @guard(Permission.REFUNDS_APPROVE)
    def reject(refund_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        asked = edge.read(lambda read: find_refund(read, refund_id, actor))
        return _decided(
            edge,
            lambda tx: reject_refund(
                tx,
                refund_id=refund_id,
                reason=_why(),
                actor=actor,
                now=now,
            ),
            f"The refund is refused. {words.money_of_refused(asked)}",
        )

    return routes


def _why() -> Rejection | None:
    """Nobody is asked why they withdraw what they asked for. Raises: InvalidRequest."""
    if "reason" not in request.form:
        return None
    reason = choice_of(Rejection, "reason", CHOOSE_REASON)
    if reason not in CHOSEN_REJECTIONS:
        raise InvalidRequest(CHOOSE_REASON, [Flaw("/reason", CHOOSE_REASON)])
    return reason


def _waiting(read: Read, actor: Actor) -> Sequence[Followed]:
    """Who has waited longest comes first."""
    refunds = list_refunds(read, actor, state=RefundState.REQUESTED, limit=MOST)
    return followed_of(read, list(reversed(refunds)), actor)


def _parts(read: Read, actor: Actor) -> Sequence[tuple[PayerShare, Payer]]:
    """Other payers' parts that somebody wants ended."""
    if not actor.may(Permission.PAYERS_READ):
        return ()
    return [
        (share, find_payer(read, share.payer_id, actor)) for share in shares_to_end(read, actor, limit=MOST)
    ]


def _decided(edge: Edge, work: Callable[[Tx], object], done: str) -> Response:
    page = url_for("staff_approvals.approvals")

    def lead(tx: Tx) -> str:
        work(tx)
        return page

    try:
        written(edge, lead)
    except REFUSED as error:
        flash(_in_words(error), "refused")
    else:
        flash(done, "done")
    return redirect(page, 303)


def _in_words(error: BillingError) -> str:
    return DECIDED if isinstance(error, IllegalMove) else error.detail
