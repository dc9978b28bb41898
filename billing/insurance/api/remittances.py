"""Decisions about insurers' answers over HTTP, and what an upload would do. Each may post money."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.insurance.records.remittances import PaperEob
from billing.insurance.schemas.paper import KeyInEob
from billing.insurance.schemas.remittances import (
    DecideRemittance,
    LookAgain,
    MatchAnswer,
    RemittanceView,
    UnmatchAnswer,
)
from billing.insurance.use_cases.paper_remittances import key_in_eob
from billing.insurance.use_cases.remittance_decisions import (
    call_distinct,
    look_again,
    match_claim,
    put_back,
    set_aside,
    unmatch_claim,
)
from billing.kernel.permissions import Permission
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import edge_write


def add_remittance_decisions(routes: ApiBlueprint, edge: Edge) -> None:
    """What people decide about a parked remittance; the answer is the remittance as it stands then."""
    _add_matches(routes, edge)

    @routes.route("/remittances/<remittance_id>/look-again", methods=["POST"])
    @routes.arguments(LookAgain)
    @routes.response(200, RemittanceView)
    @guard(Permission.REMITTANCES_WRITE)
    def look(body: dict[str, Any], remittance_id: str) -> Response:
        """Post a parked one if its reason is gone, as sending its file again does."""
        return _decided(edge, look_again, body, remittance_id)

    @routes.route("/remittances/<remittance_id>/set-aside", methods=["POST"])
    @routes.arguments(DecideRemittance)
    @routes.response(200, RemittanceView)
    @guard(Permission.REMITTANCES_WRITE)
    def keep_aside(body: dict[str, Any], remittance_id: str) -> Response:
        """Say that a parked one is not for these books: it is not posted, also when it is sent again."""
        return _decided(edge, set_aside, body, remittance_id)

    @routes.route("/remittances/<remittance_id>/put-back", methods=["POST"])
    @routes.arguments(DecideRemittance)
    @routes.response(200, RemittanceView)
    @guard(Permission.REMITTANCES_WRITE)
    def take_back(body: dict[str, Any], remittance_id: str) -> Response:
        """Have one that was set aside wait again; it is looked at at once."""
        return _decided(edge, put_back, body, remittance_id)

    @routes.route("/remittances/<remittance_id>/another-payment", methods=["POST"])
    @routes.arguments(DecideRemittance)
    @routes.response(200, RemittanceView)
    @guard(Permission.REMITTANCES_WRITE)
    def is_another(body: dict[str, Any], remittance_id: str) -> Response:
        """Say that it is another payment than a posted one of the same number."""
        return _decided(edge, call_distinct, body, remittance_id)


def add_paper_remittances(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/remittances/paper", methods=["POST"])
    @routes.arguments(KeyInEob)
    @routes.response(201, RemittanceView)
    @guard(Permission.REMITTANCES_WRITE)
    def key_in(eob: PaperEob) -> Response:
        """Key in an EOB that came on paper, with its check; it goes the path of a file.

        What does not add up is refused by field. Typed again, it is a duplicate, and nothing is booked.
        """
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: key_in_eob(tx, eob=eob, actor=actor, now=now),
            RemittanceView,
            moves_money=True,
        )


def _add_matches(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/remittances/<remittance_id>/matches", methods=["POST"])
    @routes.arguments(MatchAnswer)
    @routes.response(200, RemittanceView)
    @guard(Permission.REMITTANCES_WRITE)
    def match(body: dict[str, Any], remittance_id: str) -> Response:
        """Say which visit a claim of a parked one is about; it is posted if nothing else is in the way."""
        return _decided(edge, match_claim, body, remittance_id)

    @routes.route("/remittances/<remittance_id>/matches/withdraw", methods=["POST"])
    @routes.arguments(UnmatchAnswer)
    @routes.response(200, RemittanceView)
    @guard(Permission.REMITTANCES_WRITE)
    def withdraw(body: dict[str, Any], remittance_id: str) -> Response:
        """Take such a match back, as long as the remittance is parked."""
        return _decided(edge, unmatch_claim, body, remittance_id)


def _decided(edge: Edge, decide: Any, body: dict[str, Any], remittance_id: str) -> Response:
    actor, now = current_actor(), edge.clock()
    return edge_write(
        edge,
        lambda tx: decide(tx, remittance_id=remittance_id, **body, actor=actor, now=now),
        RemittanceView,
        status=200,
        moves_money=True,
    )
