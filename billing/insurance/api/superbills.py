"""Superbills over HTTP. Each look at one is on the trail."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.insurance.api.papers import Papers
from billing.insurance.ports import RenderSuperbill
from billing.insurance.queries import find_superbill, list_superbills, superbill_after
from billing.insurance.rules.superbill import mark_of_copy
from billing.insurance.schemas import IssueSuperbill, SuperbillsQuery, SuperbillView, VoidSuperbill
from billing.insurance.use_cases.superbills import issue_superbill, void_superbill
from billing.kernel.permissions import Permission
from billing.platform.data.documents import find_document, rendered_once
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import guard
from billing.platform.http.pages import page_view
from billing.platform.http.papers import PDF, pdf_answer
from billing.platform.http.writes import edge_deed

SUPERBILLS = Papers("superbill", "superbills", find_superbill, list_superbills)


def add_superbill_writes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/sessions/<session_id>/superbill", methods=["POST"])
    @routes.arguments(IssueSuperbill)
    @routes.response(201, SuperbillView)
    @guard(Permission.SUPERBILLS_WRITE)
    def issue(body: dict[str, Any], session_id: str) -> Response:
        """Issue the superbill of a session; unchanged facts answer with the present version."""
        return edge_deed(edge, issue_superbill, SuperbillView, session_id=session_id, **body)

    @routes.route("/superbills/<superbill_id>/void", methods=["POST"])
    @routes.arguments(VoidSuperbill)
    @routes.response(200, SuperbillView)
    @guard(Permission.SUPERBILLS_WRITE)
    def void(body: dict[str, Any], superbill_id: str) -> Response:
        """Withdraw a superbill. It stays on file."""
        return edge_deed(edge, void_superbill, SuperbillView, status=200, superbill_id=superbill_id)


def add_superbill_reads(routes: ApiBlueprint, edge: Edge, render: RenderSuperbill) -> None:
    @routes.route("/superbills", methods=["GET"])
    @routes.arguments(SuperbillsQuery, location="query")
    @routes.response(200, page_view(SuperbillView))
    @guard(Permission.SUPERBILLS_READ)
    def show_all(query: dict[str, Any]) -> Any:
        """All versions, newest first; `from` and `to` are days of service."""
        return SUPERBILLS.page(edge, query)

    @routes.route("/superbills/<superbill_id>", methods=["GET"])
    @routes.response(200, SuperbillView)
    @guard(Permission.SUPERBILLS_READ)
    def show(superbill_id: str) -> Any:
        return SUPERBILLS.look(edge, superbill_id)

    @routes.route("/superbills/<superbill_id>/pdf", methods=["GET"])
    @routes.doc(responses=PDF)  # type: ignore[untyped-decorator]
    @guard(Permission.SUPERBILLS_READ)
    def show_pdf(superbill_id: str) -> Response:
        """The PDF, the same bytes as long as it holds; a copy of what was withdrawn or replaced says so."""
        return superbill_pdf(edge, render, superbill_id)


def superbill_pdf(edge: Edge, render: RenderSuperbill, superbill_id: str) -> Response:
    """The file, under a name that names nobody. What was issued is kept as it is: only copies are marked.

    Raises: NoSuchSuperbill.
    """
    superbill = SUPERBILLS.look(edge, superbill_id)
    with edge.database.reading() as read:
        mark = mark_of_copy(superbill, after=superbill_after(read, superbill))
        body = find_document(read, superbill.document_id).body
    if mark:
        return pdf_answer(render(body, mark=mark), superbill.number)
    content = rendered_once(edge.database, render, document_id=superbill.document_id, now=edge.clock())
    return pdf_answer(content, superbill.number)
