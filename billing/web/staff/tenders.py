"""Several tenders taken at once: /staff/invoices/<id>/tenders/new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.queries import site_date
from billing.invoices.queries import find_invoice
from billing.invoices.records import Invoice
from billing.kernel.errors import BillingError
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import Actor, Permission
from billing.payments.errors.checks import CheckBookedBefore
from billing.payments.flows.checkouts import ask_for_rest
from billing.payments.flows.room import Payments
from billing.payments.queries.checkouts import checkout_of_request
from billing.payments.queries.credits import elected_credits
from billing.payments.records.checkouts import Way
from billing.payments.records.payments import Tender
from billing.payments.records.tenders import Handed, Rest
from billing.payments.states.checkouts import CheckoutState
from billing.payments.use_cases.tenders import take_tenders
from billing.platform.data.database import Read, Tx
from billing.platform.data.idempotency import RequestKey
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import amount_of, form_sha256, written
from billing.web.patient_words import name_of
from billing.web.readers import chosen_reader, readers_online, taken_after_reader
from billing.web.refusals import REFUSED, check_number, date_of, shown_again

FORM = "staff/tenders.html"
CHECKS = ("check-1", "check-2")
SAID_OF_REST = {
    CheckoutState.CREATED: ("The processor has not answered yet; it is looked up by itself.", "refused"),
    CheckoutState.REFUSED: ("The reader does not take it; ask for it in another way.", "refused"),
}
"""Of one that the reader asks for the waiting page tells, of one that ended meanwhile the patient's."""
NOTHING_TYPED = "Type what the patient hands over beside at least one of them."


@dataclass(frozen=True, kw_only=True)
class Owed:
    """`credit` is what may come off here: elected, and the actor's to apply."""

    invoice: Invoice
    name: str
    today: str
    credit: Money


def make_blueprint(edge: Edge, room: Payments) -> Blueprint:
    routes = Blueprint("staff_tenders", __name__)

    @routes.get("/staff/invoices/<invoice_id>/tenders/new")
    @guard(Permission.PAYMENTS_TAKE)
    def ask(invoice_id: str) -> str:
        return render_template(FORM, **_page(edge, room, invoice_id))

    @routes.post("/staff/invoices/<invoice_id>/tenders")
    @guard(Permission.PAYMENTS_TAKE)
    def take(invoice_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()
        key = RequestKey(f"{actor.id}/{request.form.get('key', '')}", form_sha256())

        def work(tx: Tx) -> str:
            taken = take_tenders(
                tx,
                invoice_id=invoice_id,
                tenders=_handed(),
                rest=_rest(),
                request=key,
                actor=actor,
                now=now,
            )
            return url_for("staff_patients.patient", patient_id=taken.patient_id)

        try:
            to = taken_after_reader(room, lambda: written(edge, work))
        except REFUSED as error:
            return shown_again(FORM, error, row=_row_of(error), **_page(edge, room, invoice_id))
        flash("What the patient handed over is booked, each with a receipt of its own.", "done")
        return redirect(_asked_for_rest(edge, room, key) or to, 303)

    return routes


def _asked_for_rest(edge: Edge, room: Payments, key: RequestKey) -> str | None:
    """Where to wait for the card, when a reader asks for it now.

    Only for what this form left to a reader: another attempt may stand when it is sent again.
    """
    own = edge.read(lambda read: checkout_of_request(read, key.name))
    if own is None:
        return None
    asked = ask_for_rest(room, checkout_id=own.id, actor=current_actor())
    if asked.state is CheckoutState.OPEN:
        return url_for("staff_reader_payments.wait", checkout_id=asked.id)
    if said := SAID_OF_REST.get(asked.state):
        flash(f"{asked.amount} is left. {said[0]}", said[1])
    return None


def _handed() -> Sequence[Handed]:
    """Raises: InvalidRequest."""
    handed = list(_typed())
    if not handed:
        raise InvalidRequest(NOTHING_TYPED)
    return handed


def _typed() -> Iterator[Handed]:
    """A row without an amount was not handed over. Raises: InvalidRequest."""
    for tender in (Tender.CREDIT, Tender.CASH):
        if text := _text(tender):
            yield Handed(tender=tender, amount=amount_of(text, tender))
    for row in CHECKS:
        if text := _text(row):
            yield Handed(
                tender=Tender.CHECK,
                amount=amount_of(text, row),
                number=check_number(f"{row}-number"),
                dated_on=date_of(f"{row}-dated_on"),
                is_health_account=f"{row}-health_account" in request.form,
                is_another=f"{row}-another" in request.form,
            )


def _row_of(error: BillingError) -> str:
    """The check that is refused because its number is booked; other errors name their field themselves."""
    refused = (
        row
        for row in reversed(CHECKS)
        if _text(f"{row}-number") == error.more.get("number") and f"{row}-another" not in request.form
    )
    return next(refused, "") if isinstance(error, CheckBookedBefore) else ""


def _text(field: str) -> str:
    return request.form.get(field, "").strip()


def _rest() -> Rest | None:
    """What is left stays owed unless a reader was chosen. Raises: InvalidRequest."""
    reader_id = chosen_reader("rest")
    return Rest(way=Way.READER, reader_id=reader_id) if reader_id else None


def _page(edge: Edge, room: Payments, invoice_id: str) -> dict[str, Any]:
    actor = current_actor()
    owed = edge.audited_read(
        lambda read: _owed(read, edge, invoice_id, actor),
        actor=actor,
        action="page.tenders",
        subject_id=invoice_id,
    )
    return {"owed": owed, "readers": readers_online(room), "checks": CHECKS}


def _owed(read: Read, edge: Edge, invoice_id: str, actor: Actor) -> Owed:
    """Raises: NoSuchInvoice."""
    invoice = find_invoice(read, invoice_id, actor)
    may_apply = actor.may(Permission.CREDITS_WRITE)
    credit = total(lot.available for lot in elected_credits(read, invoice.patient_id)) if may_apply else ZERO
    return Owed(
        invoice=invoice,
        name=name_of(read, invoice.patient_id, actor),
        today=site_date(read, invoice.site_id, edge.clock()).isoformat(),
        credit=credit,
    )
