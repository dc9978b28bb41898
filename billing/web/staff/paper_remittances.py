"""/staff/remittances/paper: an explanation of benefits that came on paper, with its check, is typed in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.insurance.queries.remittances import known_payers
from billing.insurance.records import Remittance
from billing.insurance.records.remittances import ClaimAnswer
from billing.insurance.use_cases.paper_remittances import key_in_eob
from billing.insurance.use_cases.remittances import DUPLICATE
from billing.kernel.errors import BillingError, Flaw, Invalid
from billing.kernel.permissions import Permission
from billing.platform.data.database import Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web import remittance_words as words
from billing.web.forms import written
from billing.web.paper_forms import FIRST_OF_LINE, eob_of, field_of, shape_of
from billing.web.refusals import REFUSED, shown_again

PAGE = "staff/paper_remittance.html"
TYPED_BEFORE = "This EOB was typed in before, or its file came. Nothing was booked again."


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_paper_remittances", __name__)

    @routes.get("/staff/remittances/paper")
    @guard(Permission.REMITTANCES_WRITE)
    def ask() -> str:
        return render_template(PAGE, **_page(edge))

    @routes.post("/staff/remittances/paper/look")
    @guard(Permission.REMITTANCES_WRITE)
    def look() -> str | tuple[str, int]:
        """Room for one more claim, line or adjustment; or what posting would do. Nothing is written."""
        if request.form.get("add"):
            return render_template(PAGE, entered=request.form, **_page(edge))
        try:
            seen = edge.database.rehearse(lambda tx: _keyed_in(tx, edge))
        except REFUSED as error:
            return _refused(edge, error)
        return render_template(PAGE, entered=request.form, seen=seen, **_page(edge))

    @routes.post("/staff/remittances/paper")
    @guard(Permission.REMITTANCES_WRITE)
    def key_in() -> Response | tuple[str, int]:
        told = []

        def work(tx: Tx) -> str:
            kept = _keyed_in(tx, edge)
            told.append(kept.status)
            return url_for("staff_remittances.remittance", remittance_id=kept.id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return _refused(edge, error)
        flash(TYPED_BEFORE if DUPLICATE in told else "It is on file.", "done")
        return redirect(to, 303)

    return routes


def _keyed_in(tx: Tx, edge: Edge) -> Remittance:
    return key_in_eob(tx, eob=eob_of(request.form), actor=current_actor(), now=edge.clock())


def _refused(edge: Edge, error: BillingError) -> tuple[str, int]:
    """Each flaw of the EOB belongs beside its field, of which the page shows the first."""
    if isinstance(error, Invalid) and not isinstance(error, InvalidRequest) and error.flaws:
        first = error.flaws[0]
        field = field_of(first.pointer, request.form)
        error = InvalidRequest(first.message, [Flaw(f"/{field}", first.message)])
    return shown_again(PAGE, error, **_page(edge))


def _page(edge: Edge) -> dict[str, Any]:
    actor = current_actor()
    payers = edge.read(lambda read: known_payers(read, actor))
    return {
        "shape": shape_of(request.form).grown(request.form.get("add", "")),
        "payers": sorted({payer.name for payer in payers if payer.name}),
        "statuses": [(each, words.STATUSES[each]) for each in ClaimAnswer],
        "groups": [(group, words.GROUPS[group]) for group in words.GROUPS],
        "of_line": FIRST_OF_LINE,
        "words": words,
    }
