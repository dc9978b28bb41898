"""/staff/superbills: the superbills of some days in one file, as one PDF or as a ZIP with a manifest."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response, render_template, request

from billing.insurance.api.batches import MOST_IN_A_REQUEST, batch_answer
from billing.insurance.errors import NoSuperbills
from billing.insurance.flows import Press, batch_of
from billing.insurance.records import BatchForm, WhichSuperbills
from billing.kernel.errors import Flaw
from billing.kernel.permissions import Permission
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web.refusals import REFUSED, choice_of, shown_again

PAGE = "staff/superbill_batches.html"


def make_blueprint(edge: Edge, press: Press) -> Blueprint:
    routes = Blueprint("staff_superbill_batches", __name__)

    @routes.get("/staff/superbills")
    @guard(Permission.SUPERBILLS_WRITE)
    def ask() -> str:
        return render_template(PAGE, **_page())

    @routes.get("/staff/superbills/file")
    @guard(Permission.SUPERBILLS_WRITE)
    def download() -> Response | str | tuple[str, int]:
        """A look that is on the trail: nothing but days stands in the address.

        Whoever would get less than they think is told first, and takes the rest knowing it.
        """
        try:
            which, form = _which(), choice_of(BatchForm, "format", "Choose a form.")
            actor = current_actor()
            batch = edge.read(lambda read: batch_of(read, actor, which))
            if batch.count and batch.left_out and request.args.get("without") != str(len(batch.left_out)):
                return render_template(PAGE, batch=batch, **_page())
            return batch_answer(edge, press, which, form)
        except (*REFUSED, NoSuperbills) as error:
            return shown_again(PAGE, error, **_page())

    return routes


def _page() -> dict[str, Any]:
    return {"most": MOST_IN_A_REQUEST, "forms": BatchForm}


def _which() -> WhichSuperbills:
    """Raises: InvalidRequest."""
    starts_on, ends_on = _day("from"), _day("to")
    if ends_on < starts_on:
        message = "Choose a day that is not before the first."
        raise InvalidRequest(message, [Flaw("/to", message)])
    return WhichSuperbills(starts_on=starts_on, ends_on=ends_on)


def _day(field: str) -> date:
    """Raises: InvalidRequest."""
    try:
        return date.fromisoformat(request.args.get(field, ""))
    except ValueError:
        message = "Choose a day."
        raise InvalidRequest(message, [Flaw(f"/{field}", message)]) from None
