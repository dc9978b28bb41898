"""Stopping a package: what is still to come is called off, what was given costs what it costs alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from billing.care.queries import find_session
from billing.care.use_cases import cancel_session, set_due
from billing.invoices.errors import StopChanged
from billing.invoices.queries import find_invoice, line_of_session, what_a_stop_does
from billing.invoices.records import Invoice, InvoiceKind, InvoiceLine, Stop
from billing.invoices.states import CostsMore, InvoiceIssued
from billing.invoices.use_cases.earn import earn_difference
from billing.invoices.use_cases.give_back import return_line
from billing.invoices.use_cases.issue import write_invoice
from billing.invoices.use_cases.locks import lock_invoice
from billing.kernel.ids import new_id
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.audit import record_audit
from billing.platform.data.database import Tx
from billing.quotes.queries import find_quote


def stop_package(
    tx: Tx,
    *,
    invoice_id: str,
    freed: Money | None = None,
    charged: Money | None = None,
    actor: Actor,
    now: datetime,
) -> Stop:
    """Call off the sessions of a package that are still to come, and charge the difference for the others.

    The difference is an invoice of its own, under the package's quote; what was paid for the sessions that
    are called off is the patient's credit, which that invoice takes of first.
    `freed` and `charged` are what the stop was shown with, where somebody looked first.
    Raises: NoSuchInvoice, NothingToStop, PackageUnderWay, GivenSessionsOwed, StopChanged.
    """
    invoice = lock_invoice(tx, invoice_id, actor)
    stop = what_a_stop_does(tx, invoice)
    _refuse_unless_as_shown(stop, freed, charged)
    for session_id in stop.cancelled:
        _call_off(tx, session_id, actor, now)
    if stop.difference:
        issued = _charge(tx, invoice, stop.difference, actor, now)
        stop = replace(stop, difference=issued.lines, invoice_id=issued.id)
    detail = {"freed_cents": stop.freed.cents, "charged_cents": stop.charged.cents}
    record_audit(tx, actor=actor, action="package.stop", subject_id=invoice.id, now=now, detail=detail)
    return stop


def _refuse_unless_as_shown(stop: Stop, freed: Money | None, charged: Money | None) -> None:
    if freed not in (None, stop.freed) or charged not in (None, stop.charged):
        raise StopChanged(
            f"By now {stop.freed} would be freed and {stop.charged} charged. Look at it again, then stop it."
        )


def _call_off(tx: Tx, session_id: str, actor: Actor, now: datetime) -> None:
    found = line_of_session(tx, session_id)
    if found:
        return_line(tx, *found, find_session(tx, session_id, SYSTEM), actor, now)
    cancel_session(tx, session_id=session_id, actor=actor, now=now)


def _charge(
    tx: Tx, package: Invoice, difference: tuple[InvoiceLine, ...], actor: Actor, now: datetime
) -> Invoice:
    quote = find_quote(tx, package.quote_id, SYSTEM)
    lines = [replace(line, id=new_id("inl")) for line in difference]
    invoice = write_invoice(tx, quote, InvoiceKind.DIFFERENCE, lines, now, reprices_id=package.id)
    for line in invoice.lines:
        due = find_session(tx, line.session_id, SYSTEM).due
        if due is not None:
            set_due(tx, session_id=line.session_id, due=due + line.net, actor=actor, now=now)
    earn_difference(tx, invoice, actor, now)
    detail = {"total_cents": invoice.total.cents}
    record_audit(tx, actor=actor, action="invoice.issue", subject_id=invoice.id, now=now, detail=detail)
    tx.emit(InvoiceIssued(invoice_id=invoice.id, patient_id=invoice.patient_id, actor=actor, now=now))
    session_ids = tuple(line.session_id for line in invoice.lines)
    tx.emit(CostsMore(session_ids=session_ids, actor=actor, now=now))
    return find_invoice(tx, invoice.id, SYSTEM)
