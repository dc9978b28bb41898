"""A package that is stopped: /staff/invoices/<id>/stop/new says what that does before it does anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug import Response

from billing.care.queries import find_session
from billing.invoices.errors import GivenSessionsOwed, NothingToStop, PackageUnderWay
from billing.invoices.queries import find_invoice, shares_of_invoice, what_a_stop_does
from billing.invoices.records import Invoice, Stop
from billing.invoices.use_cases.stop import stop_package
from billing.kernel.permissions import Actor, Permission
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, believed, shown_again
from billing.web.visit_words import days_of

PAGE = "staff/stop.html"


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """A package and what stopping it would do; `why_not` where it cannot be stopped now."""

    invoice: Invoice
    name: str
    stop: Stop | None
    why_not: str | None
    days: Sequence[date]
    """Those of the visits that are called off."""
    given: Mapping[str, date]
    """The days of those that were given and cost more, by session."""
    has_other_payers: bool


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_stops", __name__)

    @routes.get("/staff/invoices/<invoice_id>/stop/new")
    @guard(Permission.INVOICES_VOID)
    def look(invoice_id: str) -> str:
        return render_template(PAGE, **_page(edge, invoice_id))

    @routes.post("/staff/invoices/<invoice_id>/stop")
    @guard(Permission.INVOICES_VOID)
    def stop(invoice_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            stop_package(
                tx,
                invoice_id=invoice_id,
                freed=believed("freed"),
                charged=believed("charged"),
                actor=actor,
                now=now,
            )
            patient_id = find_invoice(tx, invoice_id, actor).patient_id
            return url_for("staff_account.account", patient_id=patient_id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, invoice_id))
        flash("The package is stopped. What is left stands under Credit, and can go back from here.", "done")
        return redirect(to, 303)

    return routes


def _page(edge: Edge, invoice_id: str) -> dict[str, Any]:
    actor = current_actor()
    stopping = edge.audited_read(
        lambda read: _stopping(read, invoice_id, actor),
        actor=actor,
        action="page.stop",
        subject_id=invoice_id,
    )
    return {"stopping": stopping}


def _stopping(read: Read, invoice_id: str, actor: Actor) -> Stopping:
    """Raises: NoSuchInvoice."""
    invoice, stop, why_not = find_invoice(read, invoice_id, actor), None, None
    try:
        stop = what_a_stop_does(read, invoice)
    except (NothingToStop, PackageUnderWay, GivenSessionsOwed) as error:
        why_not = error.detail
    called_off = stop.cancelled if stop else ()
    return Stopping(
        invoice=invoice,
        name=name_of(read, invoice.patient_id, actor),
        stop=stop,
        why_not=why_not,
        days=sorted(find_session(read, each, actor).planned_on for each in called_off),
        given=days_of(read, stop.difference if stop else ()),
        has_other_payers=bool(shares_of_invoice(read, invoice_id, actor)),
    )
