"""Several tenders on one invoice, over HTTP."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response

from billing.kernel.permissions import Permission
from billing.payments.api.checkouts import RETURN_PATH
from billing.payments.flows.checkouts import ask_for_rest
from billing.payments.flows.room import Payments
from billing.payments.records.checkouts import Way
from billing.payments.records.tenders import Rest
from billing.payments.schemas.checkouts import CheckoutView
from billing.payments.schemas.payments import PaymentView
from billing.payments.schemas.tenders import TakeDeposit, TakenView, TakenWithRestView, TakeTenders
from billing.payments.use_cases.patient_deposits import take_deposit
from billing.payments.use_cases.tenders import take_tenders
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import edge_write, request_key, schema_of


def add_tender_routes(routes: ApiBlueprint, edge: Edge, room: Payments) -> None:
    @routes.route("/invoices/<invoice_id>/tenders", methods=["POST"])
    @routes.arguments(TakeTenders)
    @routes.response(201, TakenWithRestView)
    @guard(Permission.PAYMENTS_TAKE)
    def tenders(body: dict[str, Any], invoice_id: str) -> Any:
        """Take several tenders whole or not at all; what they leave may be asked for by card."""
        actor, now, request = current_actor(), edge.clock(), request_key()
        taken = edge_write(
            edge,
            lambda tx: take_tenders(
                tx,
                invoice_id=invoice_id,
                tenders=body["tenders"],
                rest=_rest(edge, body["rest"]),
                request=request,
                actor=actor,
                now=now,
            ),
            TakenView,
            moves_money=True,
        )
        return _with_rest(room, taken)


def add_patient_deposit_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/patients/<patient_id>/deposits", methods=["POST"])
    @routes.arguments(TakeDeposit)
    @routes.response(201, PaymentView)
    @guard(Permission.PAYMENTS_TAKE)
    def deposit(body: dict[str, Any], patient_id: str) -> Response:
        """Take what a patient pays when they book, before there is an invoice."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: take_deposit(tx, patient_id=patient_id, **body, actor=actor, now=now),
            PaymentView,
            moves_money=True,
        )


def _rest(edge: Edge, asked: dict[str, str] | None) -> Rest | None:
    if asked is None:
        return None
    return Rest(
        way=Way(asked["way"]),
        return_url=f"{edge.public_url}{RETURN_PATH}",
        reader_id=asked.get("reader_id", ""),
    )


def _with_rest(room: Payments, taken: Response) -> Response:
    """The kept answer, with the attempt as it stands now: what was taken is told whatever became of it."""
    told = orjson.loads(taken.data)
    asked = told["checkout_id"]
    checkout = ask_for_rest(room, checkout_id=asked, actor=current_actor()) if asked else None
    told["checkout"] = schema_of(CheckoutView).dump(checkout) if checkout else None
    taken.data = orjson.dumps(told)
    return taken
