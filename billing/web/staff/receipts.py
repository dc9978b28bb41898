"""/staff/receipts/<id>: what a payer is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for

from billing.kernel.permissions import SYSTEM, Permission
from billing.patients.queries import find_patient
from billing.payments.api.receipts import look_at_receipt, receipt_pdf
from billing.payments.ports import RenderReceipt
from billing.payments.queries.gone import how_gone
from billing.payments.queries.mail import standing_mail
from billing.payments.queries.receipts import refund_receipts
from billing.payments.records.receipts import Receipt
from billing.payments.use_cases.mail import mail_if_set_up
from billing.platform.data.database import Read, Tx
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.web.forms import written
from billing.web.refusals import REFUSED
from billing.web.words import AFTER_FAILURE

ON_ITS_WAY = ("A link to the receipt goes to the patient by mail.", "done")
MAILED = "mailed"
"""Kept with the form's key in the place of where it leads, so that a second click says the same."""
MAILED_BEFORE = (
    "Nothing was sent: a link that still opens was mailed before. You may send another.",
    "refused",
)


def make_blueprint(edge: Edge, render: RenderReceipt, *, sends_mail: bool) -> Blueprint:
    routes = Blueprint("staff_receipts", __name__)

    @routes.get("/staff/receipts/<receipt_id>")
    @guard(Permission.RECEIPTS_READ)
    def receipt(receipt_id: str) -> str:
        found, actor, now = look_at_receipt(edge, receipt_id), current_actor(), edge.clock()
        refunds = edge.read(lambda read: refund_receipts(read, found.id, actor))
        can_mail = sends_mail and found.stands and actor.may(Permission.PAYMENTS_TAKE)
        mailed = edge.read(lambda read: _mailed(read, found, now)) if can_mail else None
        return render_template(
            "staff/receipt.html",
            receipt=found,
            refunds=refunds,
            failed=edge.read(lambda read: _failed(read, [found, *refunds])),
            can_mail=can_mail,
            mailed=mailed,
        )

    @routes.get("/staff/receipts/<receipt_id>.pdf")
    @guard(Permission.RECEIPTS_READ)
    def pdf(receipt_id: str) -> Response:
        return receipt_pdf(edge, render, receipt_id)

    @routes.post("/staff/receipts/<receipt_id>/mail")
    @guard(Permission.PAYMENTS_TAKE)
    def mail(receipt_id: str) -> Any:
        """Once, unless who sends the form saw that it was mailed, and wants it again."""
        actor, now = current_actor(), edge.clock()
        again = bool(request.form.get("again"))
        page = url_for("staff_receipts.receipt", receipt_id=receipt_id)

        def work(tx: Tx) -> str:
            sent = mail_if_set_up(
                tx, receipt_id=receipt_id, again=again, sends_mail=sends_mail, actor=actor, now=now
            )
            return page if sent.is_new else MAILED

        try:
            to = written(edge, work)
        except REFUSED as error:
            flash(error.detail, "refused")
        else:
            flash(*(MAILED_BEFORE if to == MAILED else ON_ITS_WAY))
        return redirect(page, 303)

    return routes


def _failed(read: Read, receipts: Sequence[Receipt]) -> Mapping[str, str]:
    """By receipt of a refund that came back, what became of the money."""
    fallen = {str(each.refund_id): each.id for each in receipts if each.refund_id and not each.stands}
    return {fallen[refund_id]: AFTER_FAILURE[now.way] for refund_id, now in how_gone(read, fallen).items()}


def _mailed(read: Read, receipt: Receipt, now: datetime) -> datetime | None:
    """Since when a link to the receipt that still opens is with the patient, or on its way there."""
    address = find_patient(read, receipt.patient_id, SYSTEM).email
    mail = standing_mail(read, receipt.id, address, now) if address else None
    return (mail.sent_at or mail.queued_at) if mail else None
