"""/staff/takebacks/<id>: what a payer wants back, billed to the patient, forgiven, or repaid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.queries import site_date
from billing.insurance.queries.taken_back import took_back
from billing.insurance.records.remittances import TookBack
from billing.kernel.errors import IllegalMove
from billing.kernel.money import Money
from billing.kernel.permissions import Actor, Permission
from billing.payments.queries.takebacks import find_takeback
from billing.payments.records.takebacks import Takeback
from billing.payments.states.takebacks import TakebackState
from billing.payments.use_cases.takebacks import bill_takeback, forgive_takeback, repay_takeback
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import amount_of, written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, believed, date_of, shown_again
from billing.web.words import TAKEBACKS

PAGE = "staff/takeback.html"
CHANGED = "This demand changed meanwhile. Look at it again, then decide."
FORGIVABLE = (TakebackState.DEMANDED, TakebackState.BILLED)


def make_blueprint(edge: Edge, limit: Money) -> Blueprint:
    routes = Blueprint("staff_takebacks", __name__)
    _add_decisions(routes, edge, limit)

    @routes.get("/staff/takebacks/<takeback_id>")
    @guard(Permission.CREDITS_READ)
    def takeback(takeback_id: str) -> str:
        return render_template(PAGE, **_page(edge, takeback_id))

    @routes.post("/staff/takebacks/<takeback_id>/repay")
    @guard(Permission.CREDITS_WRITE)
    def repay(takeback_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            repay_takeback(
                tx,
                takeback_id=takeback_id,
                amount=amount_of(request.form.get("amount", "")),
                repaid_on=date_of("repaid_on"),
                limit=limit,
                shown=believed("believed"),
                actor=actor,
                now=now,
            )
            return url_for("staff_takebacks.takeback", takeback_id=takeback_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, takeback_id))
        flash("It is booked as repaid to the payer.", "done")
        return redirect(to, 303)

    return routes


def _add_decisions(routes: Blueprint, edge: Edge, limit: Money) -> None:
    @routes.post("/staff/takebacks/<takeback_id>/bill")
    @guard(Permission.CREDITS_WRITE)
    def bill(takeback_id: str) -> Response:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> None:
            bill_takeback(tx, takeback_id=takeback_id, shown=believed("believed"), actor=actor, now=now)

        return _decided(edge, takeback_id, work, "The invoices that the money had paid owe it again.")

    @routes.post("/staff/takebacks/<takeback_id>/forgive")
    @guard(Permission.REFUNDS_APPROVE)
    def forgive(takeback_id: str) -> Response:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> None:
            forgive_takeback(
                tx,
                takeback_id=takeback_id,
                limit=limit,
                shown=believed("believed"),
                actor=actor,
                now=now,
            )

        return _decided(edge, takeback_id, work, "It is forgiven. The patient owes nothing of it.")


def _decided(edge: Edge, takeback_id: str, work: Callable[[Tx], None], done: str) -> Response:
    page = url_for("staff_takebacks.takeback", takeback_id=takeback_id)

    def lead(tx: Tx) -> str:
        work(tx)
        return page

    try:
        written(edge, lead)
    except REFUSED as error:
        flash(CHANGED if isinstance(error, IllegalMove) else error.detail, "refused")
    else:
        flash(done, "done")
    return redirect(page, 303)


def _page(edge: Edge, takeback_id: str) -> dict[str, Any]:
    actor = current_actor()
    found, told, name, today = edge.audited_read(
        lambda read: _found(read, edge, takeback_id, actor),
        actor=actor,
        action="page.takeback",
        subject_id=takeback_id,
    )
    return {
        "takeback": found,
        "told": told,
        "stands": TAKEBACKS[found.state],
        "name": name,
        "today": today,
        "left": found.amount - found.returned,
        "may_bill": found.state is TakebackState.DEMANDED and actor.may(Permission.CREDITS_WRITE),
        "may_forgive": found.state in FORGIVABLE and found.owed and actor.may(Permission.REFUNDS_APPROVE),
        "may_repay": actor.may(Permission.CREDITS_WRITE),
    }


def _found(
    read: Read, edge: Edge, takeback_id: str, actor: Actor
) -> tuple[Takeback, TookBack | None, str, str]:
    """Raises: NoSuchTakeback."""
    takeback = find_takeback(read, takeback_id, actor)
    name = name_of(read, takeback.patient_id, actor)
    told = took_back(read, [takeback_id]).get(takeback_id)
    return takeback, told, name, site_date(read, takeback.site_id, edge.clock()).isoformat()
