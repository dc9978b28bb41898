"""What other payers pay, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from billing.kernel.permissions import Permission
from billing.payments.records.payments import Payment
from billing.payments.schemas.checkouts import PayLinkView
from billing.payments.schemas.payments import PaymentView, TakeCash, TakePayersCheck, TakeTransfer
from billing.payments.use_cases.links import make_payers_link
from billing.payments.use_cases.payer_payments import (
    take_payers_cash,
    take_payers_check,
    take_payers_transfer,
)
from billing.platform.data.database import Tx
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import edge_write, edge_write_secret


def add_payer_payment_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/payer-shares/<share_id>/cash-payments", methods=["POST"])
    @routes.arguments(TakeCash)
    @routes.response(201, PaymentView)
    @guard(Permission.PAYMENTS_TAKE)
    def cash(body: dict[str, Any], share_id: str) -> Response:
        return _taken(edge, take_payers_cash, share_id, **body)

    @routes.route("/payer-shares/<share_id>/check-payments", methods=["POST"])
    @routes.arguments(TakePayersCheck)
    @routes.response(201, PaymentView)
    @guard(Permission.PAYMENTS_TAKE)
    def check(body: dict[str, Any], share_id: str) -> Response:
        return _taken(edge, take_payers_check, share_id, **body)

    @routes.route("/payer-shares/<share_id>/bank-payments", methods=["POST"])
    @routes.arguments(TakeTransfer)
    @routes.response(201, PaymentView)
    @guard(Permission.CREDITS_WRITE)
    def transfer(body: dict[str, Any], share_id: str) -> Response:
        """What came to the clinic's bank account by itself."""
        return _taken(edge, take_payers_transfer, share_id, **body)

    @routes.route("/payer-shares/<share_id>/pay-links", methods=["POST"])
    @routes.response(201, PayLinkView)
    @guard(Permission.PAYMENTS_TAKE)
    def pay_link(share_id: str) -> Response:
        """A link for the payer: an amount, and nothing of the patient."""
        actor, now = current_actor(), edge.clock()

        def make(tx: Tx) -> dict[str, Any]:
            link, secret = make_payers_link(tx, share_id=share_id, actor=actor, now=now)
            return {**vars(link), "url": f"{edge.public_url}/pay/{secret}"}

        return edge_write_secret(edge, make, PayLinkView)


def _taken(edge: Edge, take: Callable[..., Payment], share_id: str, **body: Any) -> Response:
    actor, now = current_actor(), edge.clock()
    return edge_write(
        edge,
        lambda tx: take(tx, share_id=share_id, **body, actor=actor, now=now),
        PaymentView,
        moves_money=True,
    )
