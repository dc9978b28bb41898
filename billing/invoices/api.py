"""Invoices, and what other payers take of them, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from billing.invoices.queries import (
    as_it_stands,
    find_invoice,
    find_payer,
    find_share,
    list_invoices,
    list_payers,
    shares_of_invoice,
    shares_of_payer,
    what_a_stop_does,
)
from billing.invoices.records import Invoice, PayerShare, ShareOrder
from billing.invoices.schemas import (
    AgreeShare,
    EndShare,
    InvoicesQuery,
    InvoiceView,
    IssueInvoice,
    NewPayer,
    PayerSharesView,
    PayerShareView,
    PayersQuery,
    PayerStatementView,
    PayerView,
    StopPackage,
    StopView,
    VoidInvoice,
)
from billing.invoices.use_cases.end_share import agree_to_end, ask_to_end, deny_share, keep_share
from billing.invoices.use_cases.issue import issue_invoice
from billing.invoices.use_cases.no_show import bill_no_show
from billing.invoices.use_cases.payers import add_payer
from billing.invoices.use_cases.shares import agree_share
from billing.invoices.use_cases.stop import stop_package
from billing.invoices.use_cases.void import void_invoice
from billing.kernel.money import total
from billing.kernel.permissions import Permission
from billing.platform.data.database import Read, Tx
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write


def make_blueprint(edge: Edge) -> ApiBlueprint:
    routes = ApiBlueprint("invoices", __name__, description="What patients and other payers owe")
    _add_invoice_routes(routes, edge)
    _add_stop_routes(routes, edge)
    _add_fee_routes(routes, edge)
    _add_payer_routes(routes, edge)
    _add_share_routes(routes, edge)
    _add_share_deeds(routes, edge)
    return routes


def _add_invoice_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/invoices", methods=["POST"])
    @routes.arguments(IssueInvoice)
    @routes.response(201, InvoiceView)
    @guard(Permission.INVOICES_ISSUE)
    def issue(body: dict[str, Any]) -> Response:
        actor, now = current_actor(), edge.clock()

        def issue_and_read(tx: Tx) -> Invoice:
            invoice = issue_invoice(tx, **body, actor=actor, now=now)
            tx.announce()  # elected credit comes off before the answer
            return as_it_stands(tx, invoice)

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


def _add_fee_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/sessions/<session_id>/no-show-fee", methods=["POST"])
    @routes.response(201, InvoiceView)
    @guard(Permission.INVOICES_ISSUE)
    def bill_missed(session_id: str) -> Response:
        """Charge the fee for a session that the patient missed; a deposit pays of it what it can."""
        actor, now = current_actor(), edge.clock()

        def bill_and_read(tx: Tx) -> Invoice:
            invoice = bill_no_show(tx, session_id=session_id, actor=actor, now=now)
            tx.announce()  # the deposit comes off before the answer
            return as_it_stands(tx, invoice)

        return edge_write(edge, bill_and_read, InvoiceView)


def _add_stop_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/invoices/<invoice_id>/stop", methods=["GET"])
    @routes.response(200, StopView)
    @guard(Permission.INVOICES_READ)
    def look_at_stop(invoice_id: str) -> Any:
        """What stopping the package would do now."""
        actor = current_actor()
        return edge.audited_read(
            lambda read: what_a_stop_does(read, find_invoice(read, invoice_id, actor)),
            actor=actor,
            action="invoice.read",
            subject_id=invoice_id,
        )

    @routes.route("/invoices/<invoice_id>/stop", methods=["POST"])
    @routes.arguments(StopPackage)
    @routes.response(200, StopView)
    @guard(Permission.INVOICES_VOID)
    def stop(body: dict[str, Any], invoice_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: stop_package(tx, invoice_id=invoice_id, **body, actor=actor, now=now),
            StopView,
            status=200,
            moves_money=True,
        )


def _add_payer_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/payers", methods=["POST"])
    @routes.arguments(NewPayer)
    @routes.response(201, PayerView)
    @guard(Permission.PAYERS_WRITE)
    def add(body: dict[str, Any]) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(edge, lambda tx: add_payer(tx, **body, actor=actor, now=now), PayerView)

    @routes.route("/payers", methods=["GET"])
    @routes.arguments(PayersQuery, location="query")
    @routes.response(200, page_view(PayerView))
    @guard(Permission.PAYERS_READ)
    def show_payers(query: dict[str, Any]) -> Any:
        actor, limit = current_actor(), query.pop("limit")
        found = edge.audited_read(
            lambda read: list_payers(read, actor, limit=limit + 1, **query),
            actor=actor,
            action="payer.list",
            subject_id=actor.id,
        )
        return page_of(found, limit)

    @routes.route("/payers/<payer_id>", methods=["GET"])
    @routes.response(200, PayerView)
    @guard(Permission.PAYERS_READ)
    def show_payer(payer_id: str) -> Any:
        actor = current_actor()
        return edge.audited_read(
            lambda read: find_payer(read, payer_id, actor),
            actor=actor,
            action="payer.read",
            subject_id=payer_id,
        )

    @routes.route("/payers/<payer_id>/statement", methods=["GET"])
    @routes.response(200, PayerStatementView)
    @guard(Permission.PAYERS_READ)
    def show_statement(payer_id: str) -> Any:
        """What may be sent to the payer: amounts, and nothing of any patient."""
        actor = current_actor()

        def look(read: Read) -> dict[str, Any]:
            payer, shares = find_payer(read, payer_id, actor), shares_of_payer(read, payer_id, actor)
            owed = total(share.open_balance for share in shares)
            return {"payer_id": payer.id, "name": payer.name, "open_balance": owed, "items": shares}

        return edge.audited_read(look, actor=actor, action="payer.state", subject_id=payer_id)


def _add_share_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/invoices/<invoice_id>/payer-shares", methods=["POST"])
    @routes.arguments(AgreeShare)
    @routes.response(201, PayerShareView)
    @guard(Permission.PAYERS_WRITE)
    def agree(body: ShareOrder, invoice_id: str) -> Response:
        """Another payer takes a part of an issued invoice; the patient owes what remains."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: agree_share(tx, invoice_id=invoice_id, order=body, actor=actor, now=now),
            PayerShareView,
            moves_money=True,
        )

    @routes.route("/invoices/<invoice_id>/payer-shares", methods=["GET"])
    @routes.response(200, PayerSharesView)
    @guard(Permission.PAYERS_READ)
    def show_shares(invoice_id: str) -> Any:
        actor = current_actor()
        items = edge.audited_read(
            lambda read: shares_of_invoice(read, invoice_id, actor),
            actor=actor,
            action="payer_share.list",
            subject_id=invoice_id,
        )
        return {"items": items}

    @routes.route("/payer-shares/<share_id>", methods=["GET"])
    @routes.response(200, PayerShareView)
    @guard(Permission.PAYERS_READ)
    def show_share(share_id: str) -> Any:
        return edge.read(lambda read: find_share(read, share_id, current_actor()))


def _add_share_deeds(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/payer-shares/<share_id>/deny", methods=["POST"])
    @routes.response(200, PayerShareView)
    @guard(Permission.PAYERS_WRITE)
    def deny(share_id: str) -> Response:
        """The payer refuses or pays short: a task for a person; the patient owes no more than before."""
        return _decided(edge, deny_share, share_id)

    @routes.route("/payer-shares/<share_id>/end", methods=["POST"])
    @routes.arguments(EndShare)
    @routes.response(200, PayerShareView)
    @guard(Permission.PAYERS_WRITE)
    def ask(body: dict[str, Any], share_id: str) -> Response:
        """End what was not paid; where somebody loses by it, a second person has to agree."""
        return _decided(edge, ask_to_end, share_id, **body)

    @routes.route("/payer-shares/<share_id>/end/approve", methods=["POST"])
    @routes.response(200, PayerShareView)
    @guard(Permission.REFUNDS_APPROVE)
    def approve(share_id: str) -> Response:
        return _decided(edge, agree_to_end, share_id)

    @routes.route("/payer-shares/<share_id>/end/reject", methods=["POST"])
    @routes.response(200, PayerShareView)
    @guard(Permission.REFUNDS_APPROVE)
    def reject(share_id: str) -> Response:
        return _decided(edge, keep_share, share_id)


def _decided(edge: Edge, decide: Callable[..., PayerShare], share_id: str, **body: Any) -> Response:
    actor, now = current_actor(), edge.clock()
    return edge_write(
        edge,
        lambda tx: decide(tx, share_id=share_id, **body, actor=actor, now=now),
        PayerShareView,
        status=200,
        moves_money=True,
    )
