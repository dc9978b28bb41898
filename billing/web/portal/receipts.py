"""/pay/<token>/receipt: a receipt for who has the link and knows the patient's birth date.

The link is one that was mailed, or the patient's own pay link once it was paid by.
How it opens: birth_dates. Who knows the date is told when a receipt does not stand any more.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template
from werkzeug import Response

from billing.catalog.queries import find_entity
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.ports import RenderReceipt
from billing.payments.queries.mail import LINK_PURPOSE, receipt_of_link
from billing.payments.queries.receipts import find_receipt
from billing.payments.queries.refunds import find_refund, list_refunds
from billing.payments.records.receipts import Receipt
from billing.payments.use_cases.mail import open_link
from billing.platform.data.database import Read
from billing.platform.data.documents import rendered_once
from billing.platform.http.edge import Edge
from billing.platform.http.papers import pdf_answer
from billing.web import words
from billing.web.portal.birth_dates import WRONG, Door

PUBLIC_ENDPOINTS = frozenset({"receipt.ask", "receipt.open_it", "receipt.pdf"})
MOST_REFUNDS = 100


def make_blueprint(edge: Edge, render: RenderReceipt) -> Blueprint:
    routes = Blueprint("receipt", __name__)
    door = Door(
        edge=edge,
        name="receipt",
        purpose=LINK_PURPOSE,
        open_link=open_link,
        title="Your receipt",
        heading="Your receipt",
        button="Open the receipt",
        refused=f"This did not open a receipt. {WRONG}; ask the clinic for a new one.",
    )

    @routes.get("/pay/<token>/receipt")
    def ask(token: str) -> str:
        receipt = _opened(door, token)
        if receipt is None:
            return door.ask(token)
        if not receipt.stands:
            return _fallen(edge, receipt)
        refunds = edge.read(lambda read: _refunds(read, receipt))
        return render_template("portal/receipt.html", token=token, receipt=receipt, refunds=refunds)

    @routes.post("/pay/<token>/receipt")
    def open_it(token: str) -> Response | tuple[str, int]:
        return door.open_it(token)

    @routes.get("/pay/<token>/receipt.pdf")
    def pdf(token: str) -> Response:
        receipt = _opened(door, token)
        if receipt is None or not receipt.stands:
            return redirect(f"/pay/{token}/receipt", 303)
        content = rendered_once(edge.database, render, document_id=receipt.document_id, now=edge.clock())
        return pdf_answer(content, receipt.number)

    return routes


def _opened(door: Door, token: str) -> Receipt | None:
    """The receipt, when this visitor opened this very link a short while ago."""
    link_id = door.opened(token)
    if link_id is None:
        return None
    return door.edge.read(lambda read: find_receipt(read, receipt_of_link(read, link_id), SYSTEM))


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
