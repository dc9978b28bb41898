"""A check taken at the desk: /staff/invoices/<id>/checks/new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.queries import site_date
from billing.invoices.queries import find_invoice
from billing.invoices.records import Invoice
from billing.kernel.permissions import Actor, Permission
from billing.payments.flows.room import Payments
from billing.payments.use_cases.receive import take_check
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import amount_of, written
from billing.web.patient_words import name_of
from billing.web.readers import taken_after_reader
from billing.web.refusals import REFUSED, check_number, date_of, shown_again

FORM = "staff/check.html"


@dataclass(frozen=True, kw_only=True)
class Owed:
    invoice: Invoice
    name: str
    today: str


def make_blueprint(edge: Edge, room: Payments) -> Blueprint:
    routes = Blueprint("staff_checks", __name__)

    @routes.get("/staff/invoices/<invoice_id>/checks/new")
    @guard(Permission.PAYMENTS_TAKE)
    def ask(invoice_id: str) -> str:
        return render_template(FORM, **_page(edge, invoice_id))

    @routes.post("/staff/invoices/<invoice_id>/checks")
    @guard(Permission.PAYMENTS_TAKE)
    def take(invoice_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            payment = take_check(
                tx,
                invoice_id=invoice_id,
                amount=amount_of(request.form.get("amount", "")),
                number=check_number(),
                dated_on=date_of("dated_on"),
                is_health_account="health_account" in request.form,
                is_another="another" in request.form,
                actor=actor,
                now=now,
            )
            return url_for("staff_patients.patient", patient_id=payment.patient_id)

        try:
            to = taken_after_reader(room, lambda: written(edge, work))
        except REFUSED as error:
            return shown_again(FORM, error, **_page(edge, invoice_id))
        flash("The check is booked. It waits to be taken to the bank.", "done")
        return redirect(to, 303)

    return routes


def _page(edge: Edge, invoice_id: str) -> dict[str, Any]:
    actor = current_actor()
    owed = edge.audited_read(
        lambda read: _owed(read, edge, invoice_id, actor),
        actor=actor,
        action="page.check",
        subject_id=invoice_id,
    )
    return {"owed": owed}


def _owed(read: Read, edge: Edge, invoice_id: str, actor: Actor) -> Owed:
    """Raises: NoSuchInvoice."""
    invoice = find_invoice(read, invoice_id, actor)
    today = site_date(read, invoice.site_id, edge.clock()).isoformat()
    return Owed(invoice=invoice, name=name_of(read, invoice.patient_id, actor), today=today)
