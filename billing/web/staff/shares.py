"""What other payers take of an invoice: /staff/invoices/<id>/payers, and the page of one part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from billing.catalog.queries import site_date
from billing.invoices.queries import (
    find_invoice,
    find_payer,
    find_share,
    list_payers,
    shares_of_invoice,
    standing_lines,
)
from billing.invoices.records import TAKES_ALL, Invoice, InvoiceLine, Payer, PayerShare, ShareOrder
from billing.invoices.states import ShareState
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.errors import Flaw
from billing.kernel.permissions import Actor, Permission
from billing.payments.queries.checkouts import refused_debits_of_payers
from billing.payments.queries.payments import list_payments
from billing.payments.records.checkouts import Checkout
from billing.payments.records.payments import Payment
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.errors import InvalidRequest
from billing.platform.http.guard import current_actor, guard
from billing.web import payer_words, words
from billing.web.forms import amount_of, written
from billing.web.patient_words import name_of
from billing.web.refusals import REFUSED, date_of, shown_again, text_of
from billing.web.staff.money import marks_of_all
from billing.web.visit_words import days_of
from billing.web.words import became_of

PAGE = "staff/shares.html"
MOST_PAYERS = 500
MOST_PAYMENTS = 50


@dataclass(frozen=True, kw_only=True)
class Shared:
    """An invoice, what others take of it, and who could take more."""

    invoice: Invoice
    name: str
    shares: Sequence[PayerShare]
    lines: Sequence[InvoiceLine]
    days: Mapping[str, date]
    """By session, the day on which it is, also where that is not the invoice's any more."""
    payers: Mapping[str, Payer]
    refused: Mapping[str, Checkout]
    """By part, the debit that a bank did not pay, until something else was tried."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One payer's part, with whom it is of and for, and what paid it, as far as the actor may know."""

    share: PayerShare
    payments: Sequence[Payment]
    marks: Mapping[str, Sequence[tuple[str, str]]]
    """What became of each payment."""
    payer: Payer
    invoice: Invoice
    name: str
    refused: Checkout | None
    """The debit that a bank did not pay, until something else was tried."""
    today: str

    @property
    def takes_all(self) -> bool:
        return self.share.kind in TAKES_ALL

    @property
    def is_open(self) -> bool:
        return bool(self.share.open_balance) and self.share.state is not ShareState.ENDED


def make_blueprint(edge: Edge) -> Blueprint:
    routes = Blueprint("staff_shares", __name__)

    @routes.get("/staff/invoices/<invoice_id>/payers")
    @guard(Permission.PAYERS_READ)
    def shares(invoice_id: str) -> str:
        return render_template(PAGE, **_page(edge, invoice_id))

    @routes.post("/staff/invoices/<invoice_id>/payers")
    @guard(Permission.PAYERS_WRITE)
    def agree(invoice_id: str) -> Response | tuple[str, int]:
        actor, now = current_actor(), edge.clock()

        def work(tx: Tx) -> str:
            share = agree_share(tx, invoice_id=invoice_id, order=_order(), actor=actor, now=now)
            return url_for("staff_shares.share", share_id=share.id)

        try:
            to = written(edge, work)
        except REFUSED as error:
            return shown_again(PAGE, error, **_page(edge, invoice_id))
        flash("The part is agreed. The patient owes what remains.", "done")
        return redirect(to, 303)

    @routes.get("/staff/payer-shares/<share_id>")
    @guard(Permission.PAYERS_READ)
    def share(share_id: str) -> str:
        return render_template("staff/share.html", **part_page(edge, share_id))

    return routes


def part_page(edge: Edge, share_id: str) -> dict[str, Any]:
    """What the page of one part shows, with what its reader may do."""
    actor = current_actor()
    part = edge.audited_read(
        lambda read: _part(read, edge, share_id, actor),
        actor=actor,
        action="page.payer_share",
        subject_id=share_id,
    )
    return {
        "part": part,
        "words": payer_words,
        "paid_with": words.payment_in_words,
        "told_of_debit": words.told_of_debit,
        "may": actor.may,
        "Permission": Permission,
        "is_own": part.share.asked_by_person == actor.person,
    }


def _order() -> ShareOrder:
    """Raises: InvalidRequest."""
    entered = request.form
    payer_id = entered.get("payer_id", "")
    if not payer_id:
        message = "Choose who pays."
        raise InvalidRequest(message, [Flaw("/payer_id", message)])
    return ShareOrder(
        payer_id=payer_id,
        amount=amount_of(entered["amount"]) if entered.get("amount", "").strip() else None,
        session_ids=tuple(entered.getlist("session_ids")),
        reference=text_of("reference", 60) if entered.get("reference", "").strip() else None,
        from_on=_day_of("from_on"),
        until_on=_day_of("until_on"),
    )


def _day_of(field: str) -> date | None:
    """Raises: InvalidRequest."""
    return date_of(field) if request.form.get(field) else None


def _page(edge: Edge, invoice_id: str) -> dict[str, Any]:
    actor = current_actor()
    shared = edge.audited_read(
        lambda read: _shared(read, invoice_id, actor),
        actor=actor,
        action="page.payer_shares",
        subject_id=invoice_id,
    )
    may_agree = actor.may(Permission.PAYERS_WRITE) and shared.invoice.open_balance
    return {
        "shared": shared,
        "words": payer_words,
        "told_of_debit": words.told_of_debit,
        "may_agree": may_agree,
        "knows": actor.may(Permission.PATIENTS_READ),
    }


def _shared(read: Read, invoice_id: str, actor: Actor) -> Shared:
    """Raises: NoSuchInvoice."""
    invoice, shares = find_invoice(read, invoice_id, actor), shares_of_invoice(read, invoice_id, actor)
    lines = standing_lines(read, invoice)
    named = [find_payer(read, share.payer_id, actor) for share in shares]
    known = [*list_payers(read, actor, limit=MOST_PAYERS), *named]
    return Shared(
        invoice=invoice,
        name=name_of(read, invoice.patient_id, actor),
        shares=shares,
        lines=lines,
        days=days_of(read, lines),
        payers={payer.id: payer for payer in sorted(known, key=lambda payer: payer.name)},
        refused=refused_debits_of_payers(read, shares),
    )


def _part(read: Read, edge: Edge, share_id: str, actor: Actor) -> Part:
    """Raises: NoSuchShare."""
    share = find_share(read, share_id, actor)
    payments: Sequence[Payment] = ()
    if actor.may(Permission.PAYMENTS_READ):
        payments = list_payments(read, actor, share_id=share.id, limit=MOST_PAYMENTS)
    return Part(
        share=share,
        payments=payments,
        marks=marks_of_all(read, payments, actor, became_of),
        payer=find_payer(read, share.payer_id, actor),
        invoice=find_invoice(read, share.invoice_id, actor),
        name=name_of(read, share.patient_id, actor),
        refused=refused_debits_of_payers(read, [share]).get(share.id),
        today=site_date(read, share.site_id, edge.clock()).isoformat(),
    )
