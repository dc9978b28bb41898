"""/pay/<token>: what a link shows to whoever holds it, an amount and a button, and never a name.

Opening the page changes nothing, since mail scanners open links too; paying begins with a POST.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session
from werkzeug import Response

from billing.catalog.queries import find_entity
from billing.invoices.queries import find_invoice, find_share
from billing.invoices.states import InvoiceState
from billing.kernel.errors import NotFound, Unavailable
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.payments.errors import CheckoutStands
from billing.payments.flows.checkouts import start_checkout, start_deposit
from billing.payments.flows.room import Payments
from billing.payments.ports import CheckoutStatus, GatewayRefused
from billing.payments.queries.checkouts import find_checkout, find_pay_link, standing_of_link
from billing.payments.queries.deposit_requests import find_deposit_request
from billing.payments.queries.paid_links import receipt_paid_by
from billing.payments.records.checkouts import Checkout, PayLink, Way
from billing.payments.records.tenders import Rest
from billing.payments.states.checkouts import CheckoutState
from billing.payments.states.deposit_requests import DepositRequestState
from billing.platform.http.edge import Edge
from billing.platform.http.headers import allow_form_target

PUBLIC_ENDPOINTS = frozenset({"pay.show", "pay.start"})

THANKS = "thanks"
"""In the place of a token: where the processor sends everybody back to, so that it never learns a token."""

LAST_PAID = "pay"
"""The name under which the visitor's own cookie keeps the link and the checkout that they went off with."""


def make_blueprint(edge: Edge, room: Payments, checkout_origin: str) -> Blueprint:
    """`checkout_origin` is where the processor's pages are, such as https://checkout.stripe.com."""
    routes = Blueprint("pay", __name__)

    @routes.get("/pay/<token>")
    def show(token: str) -> str | Response:
        if token == THANKS:
            return _welcome_back()
        link = edge.read(lambda read: find_pay_link(read, token, edge.clock()))
        if not link.amount:
            return _settled(edge, link, token)
        standing = edge.read(lambda read: standing_of_link(read, link))
        if standing and standing.state is CheckoutState.PROCESSING:
            return render_template("portal/on_its_way.html", clinic=_clinic(edge, link), amount=link.amount)
        if (standing and standing.way is Way.SAVED) or _being_confirmed(edge, room, token):
            return render_template("portal/confirming.html", clinic=_clinic(edge, link), amount=link.amount)
        allow_form_target(checkout_origin)
        return render_template("portal/pay.html", clinic=_clinic(edge, link), amount=link.amount, token=token)

    @routes.post("/pay/<token>")
    def start(token: str) -> Response:
        link = edge.read(lambda read: find_pay_link(read, token, edge.clock()))
        if not link.amount:
            return redirect(f"/pay/{token}", 303)
        checkout = _started(room, link, f"{edge.public_url}/pay/{THANKS}")
        if checkout.url is None:
            raise CheckoutStands("Your payment is being confirmed. Open this link again in a moment.")
        session[LAST_PAID] = {"token": token, "checkout_id": checkout.id}
        return redirect(checkout.url, 303)

    return routes


def _started(room: Payments, link: PayLink, return_url: str) -> Checkout:
    by_health_account, actor = "health_account" in request.form, _holder(link)
    if link.deposit_request_id is not None:
        return start_deposit(
            room,
            deposit_request_id=link.deposit_request_id,
            asked=Rest(way=Way.PAGE, return_url=return_url),
            is_health_account=by_health_account,
            request=None,
            actor=actor,
        )
    return start_checkout(
        room,
        invoice_id=str(link.invoice_id),
        return_url=return_url,
        request=None,
        is_health_account=by_health_account,
        share_id=link.share_id,
        actor=actor,
    )


def _settled(edge: Edge, link: PayLink, token: str) -> str:
    receipt = edge.read(lambda read: receipt_paid_by(read, link))
    return render_template(
        _settled_page(edge, link),
        clinic=_clinic(edge, link),
        token=token,
        receipt=receipt,
        is_payers=link.share_id is not None,
    )


def _settled_page(edge: Edge, link: PayLink) -> str:
    share_id, deposit_id = link.share_id, link.deposit_request_id
    if deposit_id is not None:
        deposit = edge.read(lambda read: find_deposit_request(read, deposit_id, SYSTEM))
        is_paid = deposit.state is DepositRequestState.PAID
        return "portal/paid.html" if is_paid else "portal/void.html"
    if share_id is not None:
        share = edge.read(lambda read: find_share(read, share_id, SYSTEM))
        return "portal/paid.html" if share.paid else "portal/void.html"
    invoice = edge.read(lambda read: find_invoice(read, str(link.invoice_id), SYSTEM))
    return "portal/void.html" if invoice.state is InvoiceState.VOID else "portal/paid.html"


def _welcome_back() -> str | Response:
    last = session.get(LAST_PAID)
    return redirect(f"/pay/{last['token']}", 303) if last else render_template("portal/thanks.html")


def _being_confirmed(edge: Edge, room: Payments, token: str) -> bool:
    """Whether this visitor comes back from a page that took the money, which is not booked yet."""
    last = session.get(LAST_PAID)
    if not last or last["token"] != token:
        return False
    try:
        checkout = edge.read(lambda read: find_checkout(read, last["checkout_id"], SYSTEM))
        if checkout.state is not CheckoutState.OPEN or checkout.reference is None:
            return False
        return room.gateway.read_checkout(checkout.reference).status is CheckoutStatus.COMPLETE
    except (NotFound, GatewayRefused):
        return False
    except Unavailable:
        return True


def _holder(link: PayLink) -> Actor:
    """Whoever holds a link may begin to pay what it is for, and nothing else."""
    return Actor(id=link.id, entity_id=link.entity_id, permissions=frozenset({Permission.PAYMENTS_TAKE}))


def _clinic(edge: Edge, link: PayLink) -> str:
    return edge.read(lambda read: find_entity(read, link.entity_id)).trade_name
