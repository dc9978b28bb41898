"""Quotes over HTTP: priced and kept, looked up, listed."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.permissions import Permission
from billing.platform.data.database import Tx
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.pages import Page, page_of, page_view
from billing.platform.http.writes import edge_write
from billing.quotes.queries import find_quote, list_quotes
from billing.quotes.records import Quote, QuoteHead, QuoteOrder
from billing.quotes.schemas import NewQuote, QuoteHeadView, QuotesQuery, QuoteView
from billing.quotes.use_cases import issue_quote, quote_plan


def make_blueprint(edge: Edge) -> ApiBlueprint:
    routes = ApiBlueprint("quotes", __name__, description="Prices that were given, with their reasons")
    _add_writes(routes, edge)
    _add_reads(routes, edge)
    return routes


def _add_writes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/quotes", methods=["POST"])
    @routes.arguments(NewQuote)
    @routes.response(201, QuoteView)
    @guard(Permission.QUOTES_WRITE)
    def post_quote(body: dict[str, Any]) -> Response:
        """Price a treatment plan, or sessions given here, and keep the quote for ever."""
        actor = current_actor()
        plan_id = body["plan_id"]

        def work(tx: Tx) -> Quote:
            if plan_id is not None:
                return quote_plan(
                    tx, plan_id=plan_id, quoted_on=body["quoted_on"], actor=actor, now=edge.clock()
                )
            return issue_quote(tx, order=_order(body), actor=actor, now=edge.clock())

        return edge_write(edge, work, QuoteView)


def _add_reads(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/quotes/<quote_id>", methods=["GET"])
    @routes.response(200, QuoteView)
    @guard(Permission.QUOTES_READ)
    def get_quote(quote_id: str) -> Quote:
        """One quote with its sessions and the reasons of each price."""
        actor = current_actor()
        return edge.audited_read(
            lambda read: find_quote(read, quote_id, actor),
            actor=actor,
            action="quote.read",
            subject_id=quote_id,
        )

    @routes.route("/quotes", methods=["GET"])
    @routes.arguments(QuotesQuery, location="query")
    @routes.response(200, page_view(QuoteHeadView))
    @guard(Permission.QUOTES_READ)
    def get_quotes(query: dict[str, Any]) -> Page[QuoteHead]:
        """The quotes of the actor's clinic, newest first, or those of one patient or plan."""
        actor = current_actor()
        found = edge.audited_read(
            lambda read: list_quotes(read, actor=actor, **query),
            actor=actor,
            action="quote.list",
            subject_id=query["plan_id"] or query["patient_id"] or actor.entity_id or "all",
        )
        return page_of(found, query["limit"])


def _order(body: dict[str, Any]) -> QuoteOrder:
    return QuoteOrder(
        condition=body["condition"],
        sessions=tuple(body["sessions"]),
        eligibilities=tuple(body["eligibilities"]),
        quoted_on=body["quoted_on"],
        patient_id=body["patient_id"],
        site_id=body["site_id"],
    )
