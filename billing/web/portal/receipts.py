"""/pay/<token>/receipt: a receipt for who has the link and knows the patient's birth date.

The link is one that was mailed, or the patient's own pay link once it was paid by.
Opening the link looks nothing up, so that a link that never was looks like any other. What is wrong with a
try, the link or the date, is never said. Who knows the date is told when a receipt does not stand any more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, redirect, render_template, request, session
from werkzeug import Response

from billing.catalog.queries import find_entity
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.ports import RenderReceipt
from billing.payments.queries.mail import link_print, receipt_of_link
from billing.payments.queries.receipts import find_receipt
from billing.payments.queries.refunds import find_refund, list_refunds
from billing.payments.records.receipts import Receipt
from billing.payments.use_cases.mail import open_link
from billing.platform.data.database import Read
from billing.platform.data.documents import rendered_once
from billing.platform.http.edge import Edge
from billing.platform.http.papers import pdf_answer
from billing.web import words
from billing.web.portal.dates import date_of

PUBLIC_ENDPOINTS = frozenset({"receipt.ask", "receipt.open_it", "receipt.pdf"})
OPENED = "receipt"
"""The name under which the visitor's own cookie keeps which link they opened, and until when."""
MOST_REFUNDS = 100
STAYS_OPEN = timedelta(minutes=15)


def make_blueprint(edge: Edge, render: RenderReceipt) -> Blueprint:
    routes = Blueprint("receipt", __name__)

    @routes.get("/pay/<token>/receipt")
    def ask(token: str) -> str:
        receipt = _opened(edge, token)
        if receipt is None:
            return render_template("portal/receipt_ask.html", token=token, refused=False)
        if not receipt.stands:
            return _fallen(edge, receipt)
        refunds = edge.read(lambda read: _refunds(read, receipt))
        return render_template("portal/receipt.html", token=token, receipt=receipt, refunds=refunds)

    @routes.post("/pay/<token>/receipt")
    def open_it(token: str) -> Response | tuple[str, int]:
        born_on, now = date_of(request.form.get("born_on", "")), edge.clock()
        link_id = None
        if born_on is not None:
            link_id = edge.database.in_transaction(
                lambda tx: open_link(tx, secret=token, born_on=born_on, actor=SYSTEM, now=now)
            )
        if link_id is None:
            return render_template("portal/receipt_ask.html", token=token, refused=True), 422
        session[OPENED] = {
            "link": link_id,
            "print": link_print(edge.database.vault, token),
            "until": (now + STAYS_OPEN).isoformat(),
        }
        return redirect(f"/pay/{token}/receipt", 303)

    @routes.get("/pay/<token>/receipt.pdf")
    def pdf(token: str) -> Response:
        receipt = _opened(edge, token)
        if receipt is None or not receipt.stands:
            return redirect(f"/pay/{token}/receipt", 303)
        content = rendered_once(edge.database, render, document_id=receipt.document_id, now=edge.clock())
        return pdf_answer(content, receipt.number)

    return routes


def _opened(edge: Edge, token: str) -> Receipt | None:
    """The receipt, when this visitor opened this very link a short while ago."""
    opened = session.get(OPENED)
    if not opened or opened["print"] != link_print(edge.database.vault, token):
        return None
    if datetime.fromisoformat(opened["until"]) <= edge.clock():
        return None
    return edge.read(lambda read: find_receipt(read, receipt_of_link(read, opened["link"]), SYSTEM))


def _fallen(edge: Edge, receipt: Receipt) -> str:
    """Why it does not stand any more, and whom to ask; nothing of what it said."""
    clinic = edge.read(lambda read: find_entity(read, receipt.entity_id))
    return render_template("portal/receipt_fallen.html", receipt=receipt, clinic=clinic)


def _refunds(read: Read, receipt: Receipt) -> list[tuple[Money, str]]:
    """What went back of the payment of a receipt, or is on its way, as one tells who paid."""
    if receipt.refund_id is not None:
        refunds = [find_refund(read, receipt.refund_id, SYSTEM)]
    else:
        found = list_refunds(read, SYSTEM, payment_id=receipt.payment_id, limit=MOST_REFUNDS)
        refunds = list(reversed(found))
    return [(refund.amount, told) for refund in refunds if (told := words.told_to_payer(refund))]
