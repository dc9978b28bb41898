"""/pay/<token>/card: where a patient agrees to a saved card, saves it, and removes it again.

Opening the page changes nothing, since mail scanners open links too. It names no patient; whoever holds
the link sees the brand and last digits of the cards that are saved.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session
from werkzeug import Response

from billing.catalog.queries import find_entity
from billing.kernel.errors import NotFound, Unavailable
from billing.kernel.permissions import Actor, Permission
from billing.payments.errors import BeingCharged, ConsentChanged, ConsentMissing
from billing.payments.flows.room import Payments
from billing.payments.flows.saved_methods import remove_saved_card, start_saving
from billing.payments.ports import GatewayRefused, SavingStatus
from billing.payments.queries.saved_methods import find_card_link, kept_methods, pending_saving
from billing.payments.records.saved_methods import CardLink
from billing.payments.rules.saved_methods import consent_text
from billing.platform.http.edge import Edge
from billing.platform.http.headers import allow_form_target
from billing.web.portal.pay import THANKS

PUBLIC_ENDPOINTS = frozenset({"card.show", "card.start", "card.remove"})
LAST_SAVED = "card"
"""The name under which the visitor's own cookie keeps the link that they went off with."""


def make_blueprint(edge: Edge, room: Payments, checkout_origin: str) -> Blueprint:
    """`checkout_origin` is where the processor's pages are, such as https://checkout.stripe.com."""
    routes = Blueprint("card", __name__)

    @routes.get("/pay/<token>/card")
    def show(token: str) -> str | Response:
        if token == THANKS:
            return _welcome_back()
        link = _link(edge, token)
        if session.get(LAST_SAVED) == token and _being_kept(edge, room, link):
            return render_template("portal/card_confirming.html", clinic=_clinic(edge, link))
        allow_form_target(checkout_origin)
        return _page(edge, link, token)

    @routes.post("/pay/<token>/card")
    def start(token: str) -> Response | tuple[str, int]:
        link = _link(edge, token)
        try:
            method = start_saving(
                room,
                link=link,
                agreed=request.form.getlist("agree"),
                return_url=f"{edge.public_url}/pay/{THANKS}/card",
                actor=_holder(link),
            )
        except (ConsentMissing, ConsentChanged) as refused:
            allow_form_target(checkout_origin)
            return _page(edge, link, token, refused=str(refused)), 422
        session[LAST_SAVED] = token
        return redirect(method.url or f"/pay/{token}/card", 303)

    @routes.post("/pay/<token>/card/<saved_method_id>/remove")
    def remove(token: str, saved_method_id: str) -> Response | tuple[str, int]:
        link = _link(edge, token)
        if saved_method_id in {
            each.id for each in edge.read(lambda read: kept_methods(read, link.patient_id))
        }:
            try:
                remove_saved_card(room, saved_method_id=saved_method_id, actor=_holder(link))
            except BeingCharged as refused:
                return _page(edge, link, token, refused=str(refused)), 409
        return redirect(f"/pay/{token}/card", 303)

    return routes


def _link(edge: Edge, token: str) -> CardLink:
    return edge.read(lambda read: find_card_link(read, token, edge.clock()))


def _page(edge: Edge, link: CardLink, token: str, refused: str | None = None) -> str:
    clinic = _clinic(edge, link)
    return render_template(
        "portal/card.html",
        clinic=clinic,
        token=token,
        texts=[consent_text(purpose, clinic) for purpose in link.purposes],
        cards=edge.read(lambda read: kept_methods(read, link.patient_id)),
        refused=refused,
    )


def _welcome_back() -> str | Response:
    last = session.get(LAST_SAVED)
    return redirect(f"/pay/{last}/card", 303) if last else render_template("portal/thanks.html")


def _being_kept(edge: Edge, room: Payments, link: CardLink) -> bool:
    """Whether this visitor comes back from a page that took the card, which is not recorded yet."""
    pending = edge.read(lambda read: pending_saving(read, link.patient_id))
    if pending is None or pending.page_reference is None:
        return False
    try:
        state = room.gateway.read_saving(pending.page_reference)
        return state is not None and state.status is SavingStatus.COMPLETE
    except (NotFound, GatewayRefused):
        return False
    except Unavailable:
        return True


def _holder(link: CardLink) -> Actor:
    """Whoever holds a link may save and remove this patient's cards, and nothing else."""
    return Actor(id=link.id, entity_id=link.entity_id, permissions=frozenset({Permission.PAYMENTS_TAKE}))


def _clinic(edge: Edge, link: CardLink) -> str:
    return edge.read(lambda read: find_entity(read, link.entity_id)).trade_name
