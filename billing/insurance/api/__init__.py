"""Superbills, claims and remittances over HTTP. Each look at a superbill or claim is on the trail."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.insurance.api.acknowledgements import add_acknowledgements
from billing.insurance.api.appeals import add_appeals
from billing.insurance.api.claim_papers import add_claim_papers
from billing.insurance.api.claims import add_claim_marks, add_claim_reads, add_claim_writes
from billing.insurance.api.coding import add_coding_routes
from billing.insurance.api.papers import Papers
from billing.insurance.api.remittances import add_paper_remittances, add_remittance_decisions
from billing.insurance.api.undo import add_undo
from billing.insurance.api.uploads import upload_of, uploaded
from billing.insurance.flows.remittances import import_remittance
from billing.insurance.ports import (
    Outside,
    RemittanceReader,
    RenderSuperbill,
)
from billing.insurance.queries import (
    find_diagnoses,
    find_remittance,
    find_superbill,
    list_remittances,
    list_superbills,
)
from billing.insurance.records import ImportedFile
from billing.insurance.schemas import (
    DiagnosesQuery,
    DiagnosesView,
    IssueSuperbill,
    SuperbillsQuery,
    SuperbillView,
    VoidSuperbill,
)
from billing.insurance.schemas.remittances import ImportView, RemittancesQuery, RemittanceView
from billing.insurance.use_cases.superbills import issue_superbill, void_superbill
from billing.kernel.permissions import Permission
from billing.platform.data.documents import rendered_once
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.papers import PDF, pdf_answer
from billing.platform.http.writes import edge_flow, edge_write

SUPERBILLS = Papers("superbill", "superbills", find_superbill, list_superbills)


def make_blueprint(edge: Edge, outside: Outside) -> ApiBlueprint:
    routes = ApiBlueprint("insurance", __name__, description="Superbills, claims, and what insurers answer")
    _add_superbill_writes(routes, edge)
    _add_superbill_reads(routes, edge, outside.print_superbill)
    _add_diagnoses(routes, edge)
    add_coding_routes(routes, edge)
    add_claim_writes(routes, edge)
    add_claim_marks(routes, edge)
    add_claim_reads(routes, edge, outside.write_claims)
    add_claim_papers(routes, edge, outside.print_claims)
    add_acknowledgements(routes, edge, outside.acknowledgements)
    add_appeals(routes, edge, outside.print_appeal)
    _add_upload(routes, edge, outside.remittances)
    _add_remittance_reads(routes, edge)
    add_undo(routes, edge)
    add_remittance_decisions(routes, edge)
    add_paper_remittances(routes, edge)
    return routes


def _add_superbill_writes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/sessions/<session_id>/superbill", methods=["POST"])
    @routes.arguments(IssueSuperbill)
    @routes.response(201, SuperbillView)
    @guard(Permission.SUPERBILLS_WRITE)
    def issue(body: dict[str, Any], session_id: str) -> Response:
        """Issue the superbill of a session; unchanged facts answer with the present version."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: issue_superbill(tx, session_id=session_id, **body, actor=actor, now=now),
            SuperbillView,
        )

    @routes.route("/superbills/<superbill_id>/void", methods=["POST"])
    @routes.arguments(VoidSuperbill)
    @routes.response(200, SuperbillView)
    @guard(Permission.SUPERBILLS_WRITE)
    def void(body: dict[str, Any], superbill_id: str) -> Response:
        """Withdraw a superbill. It stays on file."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: void_superbill(tx, superbill_id=superbill_id, actor=actor, now=now),
            SuperbillView,
            status=200,
        )


def _add_superbill_reads(routes: ApiBlueprint, edge: Edge, render: RenderSuperbill) -> None:
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
        """The PDF, the same bytes for ever; drawn now when the worker has not come to it."""
        return superbill_pdf(edge, render, superbill_id)


def _add_diagnoses(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/diagnoses", methods=["GET"])
    @routes.arguments(DiagnosesQuery, location="query")
    @routes.response(200, DiagnosesView)
    @guard(Permission.CATALOG_READ)
    def search(query: dict[str, Any]) -> Any:
        """Codes of ICD-10-CM by their beginning, with or without the dot, or by words; billable ones first.

        Nothing of any patient is in them.
        """
        text, on, limit = query["search"], query["on"], query["limit"]
        return edge.read(lambda read: find_diagnoses(read, text, on, limit=limit))


def superbill_pdf(edge: Edge, render: RenderSuperbill, superbill_id: str) -> Response:
    """The file, under a name that names nobody. Raises: NoSuchSuperbill."""
    superbill = SUPERBILLS.look(edge, superbill_id)
    content = rendered_once(edge.database, render, document_id=superbill.document_id, now=edge.clock())
    return pdf_answer(content, superbill.number)


def _add_upload(routes: ApiBlueprint, edge: Edge, reader: RemittanceReader) -> None:
    @routes.route("/remittances", methods=["POST"])
    @routes.doc(requestBody=upload_of("835 file"))  # type: ignore[untyped-decorator]
    @routes.response(200, ImportView)
    @guard(Permission.REMITTANCES_WRITE)
    def upload() -> Response:
        """Post an 835 file of up to 2 MB, sent as the body.

        Each transaction is posted or parked whole, and once only. Larger files go through
        `flask remittances import`.
        """
        content = uploaded("flask remittances import")

        def post() -> dict[str, list[ImportedFile]]:
            run, actor = edge.database.in_transaction, current_actor()
            file = import_remittance(
                run, reader, name="upload", content=content, actor=actor, clock=edge.clock
            )
            return {"files": [file]}

        return edge_flow(edge, post, ImportView)

    @routes.route("/remittances/preview", methods=["POST"])
    @routes.doc(requestBody=upload_of("835 file"))  # type: ignore[untyped-decorator]
    @routes.response(200, ImportView)
    @guard(Permission.REMITTANCES_WRITE)
    def preview() -> dict[str, list[ImportedFile]]:
        """What an upload would do: all of it is done, shown, and rolled back. Its ids name nothing."""
        content, actor = uploaded("flask remittances import"), current_actor()
        file = edge.database.rehearse(
            lambda tx: import_remittance(
                lambda work: work(tx), reader, name="upload", content=content, actor=actor, clock=edge.clock
            )
        )
        return {"files": [file]}


def _add_remittance_reads(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/remittances", methods=["GET"])
    @routes.arguments(RemittancesQuery, location="query")
    @routes.response(200, page_view(RemittanceView))
    @guard(Permission.REMITTANCES_READ)
    def show_remittances(query: dict[str, Any]) -> Any:
        """Posted, parked and those set aside, newest first, without their claims."""
        actor, limit = current_actor(), query.pop("limit")
        found = edge.read(lambda read: list_remittances(read, actor, limit=limit + 1, **query))
        return page_of(found, limit)

    @routes.route("/remittances/<remittance_id>", methods=["GET"])
    @routes.response(200, RemittanceView)
    @guard(Permission.REMITTANCES_READ)
    def show_remittance(remittance_id: str) -> Any:
        actor = current_actor()
        return edge.audited_read(
            lambda read: find_remittance(read, remittance_id, actor),
            actor=actor,
            action="remittance.read",
            subject_id=remittance_id,
        )
