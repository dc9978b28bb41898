"""/staff/receipts/<id>: what a payer is given."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, url_for

from billing.kernel.permissions import Permission
from billing.payments.api.receipts import look_at_receipt, mail_if_set_up, receipt_pdf
from billing.payments.ports import RenderReceipt
from billing.payments.queries.receipts import refund_receipts
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import attempt


def make_blueprint(edge: Edge, render: RenderReceipt, *, sends_mail: bool) -> Blueprint:
    routes = Blueprint("staff_receipts", __name__)

    @routes.get("/staff/receipts/<receipt_id>")
    @guard(Permission.RECEIPTS_READ)
    def receipt(receipt_id: str) -> str:
        found = look_at_receipt(edge, receipt_id)
        refunds = edge.read(lambda read: refund_receipts(read, found.id, current_actor()))
        can_mail = sends_mail and found.stands and current_actor().may(Permission.PAYMENTS_TAKE)
        return render_template("staff/receipt.html", receipt=found, refunds=refunds, can_mail=can_mail)

    @routes.get("/staff/receipts/<receipt_id>.pdf")
    @guard(Permission.RECEIPTS_READ)
    def pdf(receipt_id: str) -> Response:
        return receipt_pdf(edge, render, receipt_id)

    @routes.post("/staff/receipts/<receipt_id>/mail")
    @guard(Permission.PAYMENTS_TAKE)
    def mail(receipt_id: str) -> Any:
        actor, now = current_actor(), edge.clock()
        attempt(
            edge,
            lambda tx: mail_if_set_up(tx, sends_mail, receipt_id=receipt_id, actor=actor, now=now),
            done="A link to the receipt goes to the patient by mail.",
        )
        return redirect(url_for("staff_receipts.receipt", receipt_id=receipt_id), 303)

    return routes
