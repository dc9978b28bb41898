"""/pay/<token>: what a link shows to whoever holds it, an amount and a button, and never a name.

Opening the page changes nothing, since mail scanners open links too; paying begins with a POST.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session
from werkzeug import Response

from billing.catalog.queries import find_entity
from billing.invoices.queries import find_invoice, find_share
from billing.invoices.states import ShareState
from billing.kernel.errors import NotFound, Unavailable
from billing.kernel.money import ZERO, Money, total
from billing.kernel.permissions import SYSTEM, Actor, Permission
from billing.payments.errors import CheckoutStands, NoSuchPayLink
from billing.payments.flows.checkouts import start_checkout
from billing.payments.flows.deposit_requests import start_deposit
from billing.payments.flows.room import Payments
from billing.payments.ports import CheckoutStatus, GatewayRefused
from billing.payments.queries.checkouts import (
    find_checkout,
    find_pay_link,
    no_such_link,
    pay_link_of_a_payer,
    refused_by_bank,
    standing_of_link,
)
from billing.payments.queries.credits import credit_coming_off, credits_from_payment
from billing.payments.queries.deposit_requests import find_deposit_request
from billing.payments.queries.gone import went_back
from billing.payments.queries.paid_links import receipt_paid_by
from billing.payments.queries.payments import find_payment
from billing.payments.records.checkouts import Checkout, PayLink, Way
from billing.payments.records.refunds import WentBack
from billing.payments.records.tenders import Rest
from billing.payments.states.checkouts import CheckoutState
from billing.payments.states.deposit_requests import DepositRequestState
from billing.platform.data.database import Read
from billing.platform.http.edge import Edge
from billing.platform.http.headers import allow_form_target
from billing.web.invoice_words import told_of
from billing.web.words import told_of_debit

PUBLIC_ENDPOINTS = frozenset({"pay.show", "pay.start"})

THANKS = "thanks"
"""In the place of a token: where the processor sends everybody back to, so that it never learns a token."""

LAST_PAID = "pay"
"""The name under which the visitor's own cookie keeps the link and the checkout that they went off with."""

TAKEN = (CheckoutStatus.COMPLETE, CheckoutStatus.PROCESSING)
"""How a page stands that has a card's money, or leave to debit a bank account."""


def make_blueprint(edge: Edge, room: Payments, checkout_origin: str, *, sends_mail: bool) -> Blueprint:
    """`checkout_origin` is where the processor's pages are, such as https://checkout.stripe.com."""
    routes = Blueprint("pay", __name__)

    @routes.get("/pay/<token>")
    def show(token: str) -> str | Response:
        if token == THANKS:
            return _welcome_back()
        try:
            link = edge.read(lambda read: find_pay_link(read, token, edge.clock()))
        except NoSuchPayLink:
            return _told_after_a_stop(edge, room, token)
        if page := _waiting(edge, room, link, token):
            return page
        if not link.amount:
            return _settled(edge, link, token, sends_mail=sends_mail)
        allow_form_target(checkout_origin)
        return _asked(edge, link, token)

    @routes.post("/pay/<token>")
    def start(token: str) -> Response:
        link = edge.read(lambda read: find_pay_link(read, token, edge.clock()))
        if not link.amount or _waits(edge, room, link, token):
            return redirect(f"/pay/{token}", 303)
        checkout = _started_unless_paid(edge, room, link, token)
        if checkout is None or checkout.state is CheckoutState.PAID:
            return redirect(f"/pay/{token}", 303)
        if checkout.url is None:
            raise CheckoutStands("Your payment is being confirmed. Open this link again in a moment.")
        session[LAST_PAID] = {"token": token, "checkout_id": checkout.id}
        return redirect(checkout.url, 303)

    return routes


def _asked(edge: Edge, link: PayLink, token: str) -> str:
    """What is owed, with the button that leads to the processor's page."""
    coming_off, came_off = edge.read(lambda read: _credit_of(read, link))
    return render_template(
        "portal/pay.html",
        clinic=_clinic(edge, link),
        token=token,
        left=link.amount - coming_off,
        coming_off=coming_off,
        came_off=came_off,
        owed=link.amount,
        refused=told_of_debit(edge.read(lambda read: refused_by_bank(read, link))),
    )


def _started_unless_paid(edge: Edge, room: Payments, link: PayLink, token: str) -> Checkout | None:
    """None when it turns out that what stands takes the money already. Raises: CheckoutStands."""
    try:
        return _started(room, link, f"{edge.public_url}/pay/{THANKS}")
    except CheckoutStands:
        if _waits(edge, room, link, token):
            return None
        raise


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


def _credit_of(read: Read, link: PayLink) -> tuple[Money, Money]:
    """How much credit comes off before a card pays, and how much did already, of the patient's own link."""
    if link.invoice_id is None or link.share_id is not None:
        return ZERO, ZERO
    invoice = find_invoice(read, link.invoice_id, SYSTEM)
    return credit_coming_off(read, invoice), told_of(read, [invoice])[invoice.id].by_credit


def _told_after_a_stop(edge: Edge, room: Payments, token: str) -> str:
    """What became of the payment of this visitor, who went off to pay before charges were stopped.

    Raises: NoSuchPayLink, when there is none.
    """
    last = session.get(LAST_PAID)
    if not last or last["token"] != token:
        raise no_such_link()
    link = edge.read(lambda read: pay_link_of_a_payer(read, token, edge.clock()))
    if page := _waiting(edge, room, link, token, is_stopped=True):
        return page
    checkout = edge.read(lambda read: find_checkout(read, last["checkout_id"], SYSTEM))
    if checkout.state is not CheckoutState.PAID:
        raise no_such_link()
    return _settled(edge, link, token, sends_mail=False, is_stopped=True)


def _settled(edge: Edge, link: PayLink, token: str, *, sends_mail: bool, is_stopped: bool = False) -> str:
    """Nothing is to pay: by money that was paid here and what became of it, or because nobody has to."""
    receipt = edge.read(lambda read: receipt_paid_by(read, link))
    _, by_credit = edge.read(lambda read: _credit_of(read, link))
    if receipt is None:
        page, is_withdrawn = edge.read(lambda read: _without_receipt(read, link))
        return render_template(
            page, clinic=_clinic(edge, link), is_withdrawn=is_withdrawn, by_credit=by_credit
        )
    payment = edge.read(lambda read: find_payment(read, str(receipt.payment_id), SYSTEM))
    return render_template(
        "portal/paid.html",
        clinic=_clinic(edge, link),
        token=token,
        receipt=receipt,
        sends_mail=sends_mail,
        payment=payment,
        by_credit=by_credit,
        back=edge.read(lambda read: went_back(read, [payment.id])).get(payment.id, WentBack()),
        held=edge.read(lambda read: _held_of(read, link, payment.id)),
        has_ended=edge.read(lambda read: _has_ended(read, link)),
        is_payers=link.share_id is not None,
        by_clinic_alone=is_stopped or link.share_id is not None,
    )


def _held_of(read: Read, link: PayLink, payment_id: str) -> Money:
    """What is held for who paid, since it was not owed; a deposit is held on purpose."""
    if link.deposit_request_id is not None:
        return ZERO
    return total(lot.available for lot in credits_from_payment(read, payment_id))


def _has_ended(read: Read, link: PayLink) -> bool:
    """Whether it is of another payer's part that somebody ended."""
    return link.share_id is not None and find_share(read, link.share_id, SYSTEM).state is ShareState.ENDED


def _without_receipt(read: Read, link: PayLink) -> tuple[str, bool]:
    """The page, and whether the clinic asks nobody for it any more."""
    if link.deposit_request_id is not None:
        deposit = find_deposit_request(read, link.deposit_request_id, SYSTEM)
        is_paid = deposit.state is DepositRequestState.PAID
        is_withdrawn = not is_paid
    elif link.share_id is not None:
        is_paid = bool(find_share(read, link.share_id, SYSTEM).paid)
        is_withdrawn = not is_paid
    else:
        invoice = find_invoice(read, str(link.invoice_id), SYSTEM)
        told = told_of(read, [invoice])[invoice.id]
        is_paid, is_withdrawn = bool(told.kept) and not told.is_withdrawn, told.is_withdrawn
    return "portal/paid.html" if is_paid else "portal/void.html", is_withdrawn


def _welcome_back() -> str | Response:
    last = session.get(LAST_PAID)
    return redirect(f"/pay/{last['token']}", 303) if last else render_template("portal/thanks.html")


def _waiting(
    edge: Edge, room: Payments, link: PayLink, token: str, *, is_stopped: bool = False
) -> str | None:
    page = _waits(edge, room, link, token)
    if page is None:
        return None
    standing = edge.read(lambda read: standing_of_link(read, link))
    return render_template(
        page,
        clinic=_clinic(edge, link),
        amount=standing.amount if standing else link.amount,
        is_stopped=is_stopped,
    )


def _waits(edge: Edge, room: Payments, link: PayLink, token: str) -> str | None:
    """The page for who has paid and must not pay again, though the money is not booked."""
    standing = edge.read(lambda read: standing_of_link(read, link))
    if standing and standing.state is CheckoutState.PROCESSING:
        return "portal/on_its_way.html"
    if (standing and standing.way is Way.SAVED) or _being_confirmed(edge, room, token):
        return "portal/confirming.html"
    return None


def _being_confirmed(edge: Edge, room: Payments, token: str) -> bool:
    """Whether this visitor comes back from a page that took the money or a debit, as yet untold here."""
    last = session.get(LAST_PAID)
    if not last or last["token"] != token:
        return False
    try:
        checkout = edge.read(lambda read: find_checkout(read, last["checkout_id"], SYSTEM))
        if checkout.state is not CheckoutState.OPEN or checkout.reference is None:
            return False
        return room.gateway.read_checkout(checkout.reference).status in TAKEN
    except (NotFound, GatewayRefused):
        return False
    except Unavailable:
        return True


def _holder(link: PayLink) -> Actor:
    """Whoever holds a link may begin to pay what it is for, and nothing else."""
    return Actor(id=link.id, entity_id=link.entity_id, permissions=frozenset({Permission.PAYMENTS_TAKE}))


def _clinic(edge: Edge, link: PayLink) -> str:
    return edge.read(lambda read: find_entity(read, link.entity_id)).trade_name
