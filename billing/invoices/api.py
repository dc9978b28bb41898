"""Invoices over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.invoices.queries import find_invoice, list_invoices
from billing.invoices.records import Invoice
from billing.invoices.schemas import InvoicesQuery, InvoiceView, IssueInvoice, VoidInvoice
from billing.invoices.use_cases.issue import issue_invoice
from billing.invoices.use_cases.void import void_invoice
from billing.kernel.permissions import Permission
from billing.platform.data.database import Tx
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write


def make_blueprint(edge: Edge) -> ApiBlueprint:
    routes = ApiBlueprint("invoices", __name__, description="What patients owe")

    @routes.route("/invoices", methods=["POST"])
    @routes.arguments(IssueInvoice)
    @routes.response(201, InvoiceView)
    @guard(Permission.INVOICES_ISSUE)
    def issue(body: dict[str, Any]) -> Response:
        actor, now = current_actor(), edge.clock()

        def issue_and_read(tx: Tx) -> Invoice:
            invoice = issue_invoice(tx, **body, actor=actor, now=now)
            tx.announce()  # elected credit comes off before the answer
            return find_invoice(tx, invoice.id, actor)

        return edge_write(edge, issue_and_read, InvoiceView)

    @routes.route("/invoices", methods=["GET"])
    @routes.arguments(InvoicesQuery, location="query")
    @routes.response(200, page_view(InvoiceView))
    @guard(Permission.INVOICES_READ)
    def show_all(query: dict[str, Any]) -> Any:
        """What was done for whom, and when: the trail names the reader."""
        actor, limit = current_actor(), query.pop("limit")
        invoices = edge.audited_read(
            lambda read: list_invoices(read, actor, limit=limit + 1, **query),
            actor=actor,
            action="invoice.list",
            subject_id=query["patient_id"] or actor.id,
        )
        return page_of(invoices, limit)

    @routes.route("/invoices/<invoice_id>", methods=["GET"])
    @routes.response(200, InvoiceView)
    @guard(Permission.INVOICES_READ)
    def show(invoice_id: str) -> Any:
        actor = current_actor()
        return edge.audited_read(
            lambda read: find_invoice(read, invoice_id, actor),
            actor=actor,
            action="invoice.read",
            subject_id=invoice_id,
        )

    @routes.route("/invoices/<invoice_id>/void", methods=["POST"])
    @routes.arguments(VoidInvoice)
    @routes.response(200, InvoiceView)
    @guard(Permission.INVOICES_VOID)
    def void(body: dict[str, Any], invoice_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: void_invoice(tx, invoice_id=invoice_id, **body, actor=actor, now=now),
            InvoiceView,
            status=200,
        )

    return routes
