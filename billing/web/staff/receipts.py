"""/staff/receipts/<id>: what a payer is given."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from billing.kernel.permissions import Permission
from billing.payments.api.receipts import look_at_receipt, receipt_pdf
from billing.payments.ports import RenderReceipt
from billing.payments.queries.receipts import refund_receipts
from billing.platform.http.edge import Edge
from billing.platform.http.guard import guard


def make_blueprint(edge: Edge, render: RenderReceipt) -> Blueprint:
    routes = Blueprint("staff_receipts", __name__)

    @routes.get("/staff/receipts/<receipt_id>")
    @guard(Permission.RECEIPTS_READ)
    def receipt(receipt_id: str) -> str:
        found = look_at_receipt(edge, receipt_id)
        refunds = edge.read(lambda read: refund_receipts(read, found.id))
        return render_template("staff/receipt.html", receipt=found, refunds=refunds)

    @routes.get("/staff/receipts/<receipt_id>.pdf")
    @guard(Permission.RECEIPTS_READ)
    def pdf(receipt_id: str) -> Response:
        return receipt_pdf(edge, render, receipt_id)

    return routes
