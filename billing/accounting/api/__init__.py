"""The books looked at, and handed out: `verify`, the exports and patients' statements over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response

from billing.accounting.api.statements import add_statement_routes
from billing.accounting.ports import RenderStatement, RenderYearEnd
from billing.accounting.queries.exports import exported
from billing.accounting.queries.verify import verify
from billing.accounting.records import Export, ExportFormat, ExportKind, Verdict
from billing.accounting.rules.offers import OFFERED, export_of
from billing.accounting.rules.verdicts import told, without_objects
from billing.accounting.schemas import VerdictView, export_query
from billing.accounting.use_cases import disclose
from billing.catalog.queries import entities
from billing.kernel.money import Money
from billing.kernel.permissions import Actor, Permission
from billing.platform.data.database import Read
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard

PERMISSIONS = {
    ExportKind.JOURNAL: Permission.EXPORT_LEDGER,
    ExportKind.PAYMENTS: Permission.EXPORT_LEDGER,
    ExportKind.CREDITS: Permission.EXPORT_LEDGER,
    ExportKind.REFUNDS: Permission.EXPORT_REFUNDS,
    ExportKind.SUPERBILLS: Permission.EXPORT_SUPERBILLS,
}
MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8; header=present",
    ExportFormat.BEANCOUNT: "text/plain; charset=utf-8",
    ExportFormat.HLEDGER: "text/plain; charset=utf-8",
}
TEXT = {"type": "string"}


def make_blueprint(
    edge: Edge, refund_limit: Money, render: RenderStatement, render_year: RenderYearEnd
) -> ApiBlueprint:
    """`refund_limit` is the largest refund that needs no second person."""
    routes = ApiBlueprint("accounting", __name__, description="Verify, exports and statements")

    @routes.route("/verify", methods=["GET"])
    @routes.response(200, VerdictView)
    @guard(Permission.LEDGER_READ)
    def show_verdict() -> Any:
        return told(edge.read(lambda read: _verdict(read, edge, refund_limit, current_actor())))

    for kind in ExportKind:
        _add_export_route(routes, edge, kind)
    add_statement_routes(routes, edge, render, render_year)
    return routes


def _add_export_route(routes: ApiBlueprint, edge: Edge, kind: ExportKind) -> None:
    def hand_out(query: dict[str, Any]) -> Response:
        """Stream the export; it is on the audit trail as a disclosure before its first byte."""
        export, actor = export_of(kind, **query), current_actor()
        edge.database.in_transaction(lambda tx: disclose(tx, export=export, actor=actor, now=edge.clock()))
        return Response(
            _stream(edge, export, actor),
            content_type=MEDIA_TYPES[export.format],
            headers={"Content-Disposition": f'attachment; filename="{export.file_name}"'},
        )

    view = guard(PERMISSIONS[kind])(hand_out)
    for media_type in sorted({MEDIA_TYPES[form].partition(";")[0] for form in OFFERED[kind]}):
        view = routes.response(200, TEXT, content_type=media_type)(view)  # type: ignore[arg-type]
    view = routes.arguments(export_query(kind), location="query")(view)
    routes.route(f"/exports/{kind}", methods=["GET"], endpoint=f"export_{kind}")(view)


def _stream(edge: Edge, export: Export, actor: Actor) -> Iterator[bytes]:
    with edge.database.reading() as read:
        for piece in exported(read, export, actor):
            yield piece.encode()


def _verdict(read: Read, edge: Edge, refund_limit: Money, actor: Actor) -> Verdict:
    """The whole installation is looked at; who does not see all of it learns how many, not which."""
    verdict = verify(read, now=edge.clock(), refund_limit=refund_limit)
    sees_all = actor.entity_id is None or {actor.entity_id} >= {entity.id for entity in entities(read)}
    return verdict if sees_all and actor.site_ids is None else without_objects(verdict)
