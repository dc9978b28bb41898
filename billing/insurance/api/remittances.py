"""Decisions about insurers' answers over HTTP, and answers that came on paper. Each may post money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response
from marshmallow import Schema

from billing.insurance.records.remittances import PaperEob
from billing.insurance.schemas.paper import KeyInEob
from billing.insurance.schemas.remittances import (
    DecideRemittance,
    LookAgain,
    MatchAnswer,
    RemittanceView,
    SetApart,
    SettleApart,
    UnmatchAnswer,
)
from billing.insurance.use_cases.paper_remittances import key_in_eob
from billing.insurance.use_cases.remittance_decisions.matches import match_claim, unmatch_claim
from billing.insurance.use_cases.remittance_decisions.payments import (
    call_day_right,
    call_distinct,
    call_payee_ours,
    look_again,
    put_back,
    set_aside,
)
from billing.insurance.use_cases.remittance_decisions.set_apart import set_adjustments_apart
from billing.insurance.use_cases.remittance_decisions.settling import settle_set_apart, unsettle_set_apart
from billing.kernel.permissions import Permission
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import guard
from billing.platform.http.writes import edge_deed


@dataclass(frozen=True)
class Decision:
    """What people decide about a remittance that waits, or was set aside; `told` describes its route."""

    path: str
    use_case: Callable[..., Any]
    body: type[Schema]
    told: str
    permission: Permission = Permission.REMITTANCES_WRITE


DECISIONS = (
    Decision(
        "matches",
        match_claim,
        MatchAnswer,
        "Say which visit a claim of a parked one is about; it is posted if nothing else is in the way.",
    ),
    Decision(
        "matches/withdraw",
        unmatch_claim,
        UnmatchAnswer,
        "Take such a match back, as long as the remittance is parked.",
    ),
    Decision(
        "look-again",
        look_again,
        LookAgain,
        "Post a parked one if its reason is gone, as sending its file again does.",
    ),
    Decision(
        "set-aside",
        set_aside,
        DecideRemittance,
        "Say that a parked one is not for these books: it is not posted, also when it is sent again.",
    ),
    Decision(
        "put-back",
        put_back,
        DecideRemittance,
        "Have one that was set aside wait again; it is looked at at once.",
    ),
    Decision(
        "another-payment",
        call_distinct,
        DecideRemittance,
        "Say that it is another payment than a posted one of the same number.",
    ),
    Decision(
        "day-is-right",
        call_day_right,
        DecideRemittance,
        "Say that its day is right, long ago or before the visit. It is booked today, in the open month.",
    ),
    Decision(
        "payee-is-ours",
        call_payee_ours,
        DecideRemittance,
        "Say that its payee is the clinic, by a number that the settings lack. It holds for later ones, too.",
    ),
    Decision(
        "set-apart",
        set_adjustments_apart,
        SetApart,
        "Keep adjustments of a parked one that nobody can book on 2240, so that the rest can be posted.",
    ),
    Decision(
        "settle-apart",
        settle_set_apart,
        SettleApart,
        "Say what they were, once that is known: all of it leaves 2240, today.",
        Permission.LEDGER_WRITE,
    ),
    Decision(
        "unsettle",
        unsettle_set_apart,
        DecideRemittance,
        "Take back how it was settled: reversed today, it is on 2240 again and can be settled anew.",
        Permission.LEDGER_WRITE,
    ),
)


def add_remittance_decisions(routes: ApiBlueprint, edge: Edge) -> None:
    """The answer to each is the remittance as it stands then."""
    for decision in DECISIONS:
        _add_decision(routes, edge, decision)


def _add_decision(routes: ApiBlueprint, edge: Edge, decision: Decision) -> None:
    def decide(body: dict[str, Any], remittance_id: str) -> Response:
        what = {"remittance_id": remittance_id, **body}
        return edge_deed(edge, decision.use_case, RemittanceView, status=200, moves_money=True, **what)

    decide.__name__, decide.__doc__ = decision.use_case.__name__, decision.told
    guarded = guard(decision.permission)(decide)
    shown = routes.arguments(decision.body)(routes.response(200, RemittanceView)(guarded))
    routes.route(f"/remittances/<remittance_id>/{decision.path}", methods=["POST"])(shown)


def add_paper_remittances(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/remittances/paper", methods=["POST"])
    @routes.arguments(KeyInEob)
    @routes.response(201, RemittanceView)
    @guard(Permission.REMITTANCES_WRITE)
    def key_in(eob: PaperEob) -> Response:
        """Key in an EOB that came on paper, with its check; it goes the path of a file.

        What does not add up is refused by field. Typed again, it is a duplicate, and nothing is booked.
        """
        return edge_deed(edge, key_in_eob, RemittanceView, moves_money=True, eob=eob)
