"""Files of insurers over HTTP: posted or rehearsed, and what was posted of them."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.insurance.api.uploads import (
    LARGEST_FILE,
    is_for_the_worker,
    leave_to_worker,
    upload_of,
    uploaded,
)
from billing.insurance.flows.remittances import import_remittance
from billing.insurance.ports import RemittanceReader
from billing.insurance.queries import find_remittance, list_remittances
from billing.insurance.records import ImportedFile
from billing.insurance.schemas.remittances import ImportView, RemittancesQuery, RemittanceView
from billing.insurance.schemas.uploads import UploadView
from billing.kernel.permissions import Permission
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_flow


def add_upload(routes: ApiBlueprint, edge: Edge, reader: RemittanceReader) -> None:
    @routes.route("/remittances", methods=["POST"])
    @routes.doc(requestBody=upload_of("835 file"))  # type: ignore[untyped-decorator]
    @routes.response(200, ImportView)
    @routes.alt_response(202, schema=UploadView)  # type: ignore[untyped-decorator]
    @guard(Permission.REMITTANCES_WRITE)
    def upload() -> Response:
        """Post an 835 file of up to 25 MB, sent as the body.

        Each transaction is posted or parked whole, and once only. One of more than 2 MB or 1,000 claims is
        posted by the worker: the answer is 202, as of `/remittance-uploads/<upload_id>/post`, and its
        Location says how far it is.
        """
        content = uploaded("flask remittances import", LARGEST_FILE)
        if is_for_the_worker(content):
            return leave_to_worker(edge, content)

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


def add_remittance_reads(routes: ApiBlueprint, edge: Edge) -> None:
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
