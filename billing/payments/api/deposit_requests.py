"""Deposits that are asked for, over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.permissions import Permission
from billing.payments.api.checkouts import RETURN_PATH
from billing.payments.flows.deposit_requests import start_deposit, withdraw_deposit
from billing.payments.flows.room import Payments
from billing.payments.queries.deposit_requests import list_deposit_requests
from billing.payments.records.checkouts import Way
from billing.payments.records.tenders import Rest
from billing.payments.schemas.checkouts import AskOnReader, CheckoutView, PayLinkView
from billing.payments.schemas.deposit_requests import (
    AskForDeposit,
    DepositRequestsQuery,
    DepositRequestView,
)
from billing.payments.use_cases.deposit_requests import ask_for_deposit
from billing.payments.use_cases.links import make_deposit_link
from billing.platform.data.database import Tx
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import page_of, page_view
from billing.platform.http.writes import edge_write, edge_write_secret, request_key


def add_deposit_request_routes(routes: ApiBlueprint, edge: Edge, room: Payments) -> None:
    @routes.route("/patients/<patient_id>/deposit-requests", methods=["POST"])
    @routes.arguments(AskForDeposit)
    @routes.response(201, DepositRequestView)
    @guard(Permission.PAYMENTS_TAKE)
    def ask(body: dict[str, Any], patient_id: str) -> Response:
        """Ask for a deposit, to be paid by card, on a reader or by a link."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: ask_for_deposit(tx, patient_id=patient_id, **body, actor=actor, now=now),
            DepositRequestView,
        )

    @routes.route("/deposit-requests", methods=["GET"])
    @routes.arguments(DepositRequestsQuery, location="query")
    @routes.response(200, page_view(DepositRequestView))
    @guard(Permission.PAYMENTS_READ)
    def show_requests(query: dict[str, Any]) -> Any:
        limit, actor = query.pop("limit"), current_actor()
        return page_of(
            edge.read(lambda read: list_deposit_requests(read, actor, limit=limit + 1, **query)), limit
        )

    @routes.route("/deposit-requests/<deposit_request_id>/withdraw", methods=["POST"])
    @routes.response(200, DepositRequestView)
    @guard(Permission.PAYMENTS_TAKE)
    def withdraw(deposit_request_id: str) -> Any:
        return withdraw_deposit(room, request_id=deposit_request_id, actor=current_actor())

    @routes.route("/deposit-requests/<deposit_request_id>/pay-links", methods=["POST"])
    @routes.response(201, PayLinkView)
    @guard(Permission.PAYMENTS_TAKE)
    def pay_link(deposit_request_id: str) -> Response:
        actor, now = current_actor(), edge.clock()

        def make(tx: Tx) -> dict[str, Any]:
            link, secret = make_deposit_link(tx, deposit_request_id=deposit_request_id, actor=actor, now=now)
            return {**vars(link), "url": f"{edge.public_url}/pay/{secret}"}

        return edge_write_secret(edge, make, PayLinkView)


def add_deposit_checkout_routes(routes: ApiBlueprint, edge: Edge, room: Payments) -> None:
    @routes.route("/deposit-requests/<deposit_request_id>/checkouts", methods=["POST"])
    @routes.response(201, CheckoutView)
    @guard(Permission.PAYMENTS_TAKE)
    def checkout(deposit_request_id: str) -> Any:
        return start_deposit(
            room,
            deposit_request_id=deposit_request_id,
            asked=Rest(way=Way.PAGE, return_url=f"{edge.public_url}{RETURN_PATH}"),
            request=request_key(),
            actor=current_actor(),
        )

    @routes.route("/deposit-requests/<deposit_request_id>/terminal-payments", methods=["POST"])
    @routes.arguments(AskOnReader)
    @routes.response(201, CheckoutView)
    @guard(Permission.PAYMENTS_TAKE)
    def ask_on_reader(body: dict[str, Any], deposit_request_id: str) -> Any:
        return start_deposit(
            room,
            deposit_request_id=deposit_request_id,
            asked=Rest(way=Way.READER, reader_id=body["reader_id"]),
            request=request_key(),
            actor=current_actor(),
        )
