"""/staff/claims/<id>/demand: a payer wants money of a claim back, or gets back what it paid above."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.queries import site_date
from billing.kernel.permissions import Actor, Permission
from billing.payments.queries.takebacks import find_claim
from billing.payments.records.takebacks import PaidClaim, ShownClaim
from billing.payments.use_cases.takebacks import demand_takeback
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import amount_of, written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, believed, date_of, shown_again, text_of

PAGE = "staff/demand.html"
LONGEST_NUMBER = 60


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_demands", __name__)

    @routes.get("/staff/claims/<reimbursement_id>/demand")
    @guard(Permission.CREDITS_WRITE)
    def ask(reimbursement_id: str) -> str:
        return render_template(PAGE, **_page(edge, reimbursement_id))

    @routes.post("/staff/claims/<reimbursement_id>/demand")
    @guard(Permission.CREDITS_WRITE)
    def demand(reimbursement_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            taken = demand_takeback(
                tx,
                reimbursement_id=reimbursement_id,
                demand=text_of("demand", LONGEST_NUMBER),
                amount=amount_of(request.form.get("amount", "")),
                demanded_on=date_of("demanded_on"),
                shown=ShownClaim(left=believed("believed_left"), above=believed("believed_above")),
                actor=actor,
                now=now,
            )
            return url_for("staff_takebacks.takeback", takeback_id=taken.id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, reimbursement_id))
        flash("It is recorded. Book it here as repaid once it was sent.", "done")
        return redirect(to, 303)

    return routes


def _page(edge: Edge, reimbursement_id: str) -> dict[str, Any]:
    actor = current_actor()
    claim, name, today = edge.audited_read(
        lambda read: _found(read, edge, reimbursement_id, actor),
        actor=actor,
        action="page.demand",
        subject_id=reimbursement_id,
    )
    return {"claim": claim, "name": name, "today": today}


def _found(read: Read, edge: Edge, reimbursement_id: str, actor: Actor) -> tuple[PaidClaim, str, str]:
    """Raises: NoSuchReimbursement."""
    claim = find_claim(read, reimbursement_id, actor)
    name = name_of(read, claim.patient_id, actor)
    return claim, name, site_date(read, claim.site_id, edge.clock()).isoformat()
