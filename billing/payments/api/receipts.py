"""Receipts over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.permissions import Permission
from billing.patients.queries import find_patient
from billing.payments.ports import RenderReceipt
from billing.payments.queries.receipts import find_receipt, list_receipts
from billing.payments.records.receipts import Receipt
from billing.payments.schemas.receipts import MailReceipt, MailView, ReceiptsQuery, ReceiptView
from billing.payments.use_cases.mail import mail_if_set_up
from billing.platform.data.documents import rendered_once
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.papers import PDF, pdf_answer
from billing.platform.http.writes import edge_write


def add_receipt_routes(routes: ApiBlueprint, edge: Edge, render: RenderReceipt, *, sends_mail: bool) -> None:
    @routes.route("/patients/<patient_id>/receipts", methods=["GET"])
    @routes.arguments(ReceiptsQuery, location="query")
    @routes.response(200, page_view(ReceiptView))
    @guard(Permission.RECEIPTS_READ)
    def show_receipts(query: dict[str, Any], patient_id: str) -> Any:
        """Of payments and refunds, newest first."""
        actor, limit = current_actor(), query.pop("limit")

        def look(read: Any) -> Any:
            of = find_patient(read, patient_id, actor).id
            return list_receipts(read, actor, patient_id=of, limit=limit + 1, **query)

        found = edge.audited_read(look, actor=actor, action="receipt.list", subject_id=patient_id)
        return page_of(found, limit)

    @routes.route("/receipts/<receipt_id>", methods=["GET"])
    @routes.response(200, ReceiptView)
    @guard(Permission.RECEIPTS_READ)
    def show_receipt(receipt_id: str) -> Any:
        return look_at_receipt(edge, receipt_id)

    @routes.route("/receipts/<receipt_id>.pdf", methods=["GET"])
    @routes.doc(responses=PDF)  # type: ignore[untyped-decorator]
    @guard(Permission.RECEIPTS_READ)
    def show_receipt_pdf(receipt_id: str) -> Response:
        """The PDF, the same bytes for ever; drawn now when the worker has not come to it.

        Of one that stands no more it is a copy that says so on each page.
        """
        return receipt_pdf(edge, render, receipt_id)

    @routes.route("/receipts/<receipt_id>/mail", methods=["POST"])
    @routes.arguments(MailReceipt)
    @routes.response(200, MailView)
    @guard(Permission.PAYMENTS_TAKE)
    def mail(body: dict[str, Any], receipt_id: str) -> Response:
        """Mail the patient a link to the receipt: once for as long as that link opens, unless `again`."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: mail_if_set_up(
                tx, receipt_id=receipt_id, again=body["again"], sends_mail=sends_mail, actor=actor, now=now
            ),
            MailView,
            status=200,
        )


def receipt_pdf(edge: Edge, render: RenderReceipt, receipt_id: str) -> Response:
    """What was issued, or a marked copy of what stands no more. Raises: NoSuchReceipt."""
    receipt = look_at_receipt(edge, receipt_id)
    if not receipt.stands:
        return pdf_answer(render({**receipt.body, "why_fell": receipt.why_fell}), receipt.number)
    content = rendered_once(edge.database, render, document_id=receipt.document_id, now=edge.clock())
    return pdf_answer(content, receipt.number)


def look_at_receipt(edge: Edge, receipt_id: str) -> Receipt:
    """Raises: NoSuchReceipt."""
    actor = current_actor()
    return edge.audited_read(
        lambda read: find_receipt(read, receipt_id, actor),
        actor=actor,
        action="receipt.read",
        subject_id=receipt_id,
    )
