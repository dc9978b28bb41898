"""Credits over HTTP."""

from __future__ import annotations

from typing import Any

from flask import Response

from billing.kernel.permissions import Permission
from billing.patients.queries import find_patient
from billing.payments.queries.choices import standing_choice
from billing.payments.queries.credits import applied_to, credit_balance, find_credit
from billing.payments.records.credits import Election
from billing.payments.schemas.credits import (
    AppliedCreditsView,
    CreditApplicationView,
    CreditsView,
    CreditView,
    Elect,
    MoveCredit,
    StandingElection,
)
from billing.payments.use_cases.choices import choose_always
from billing.payments.use_cases.credits import apply_credits_now, elect
from billing.payments.use_cases.unapply import move_credit, unapply
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge
from billing.platform.http.guard import current_actor, guard
from billing.platform.http.writes import edge_write


def add_credit_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/invoices/<invoice_id>/credit-applications", methods=["POST"])
    @routes.response(201, AppliedCreditsView)
    @guard(Permission.CREDITS_WRITE)
    def apply(invoice_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: apply_credits_now(tx, invoice_id=invoice_id, actor=actor, now=now),
            AppliedCreditsView,
            moves_money=True,
        )

    @routes.route("/invoices/<invoice_id>/credit-applications", methods=["GET"])
    @routes.response(200, AppliedCreditsView)
    @guard(Permission.CREDITS_READ)
    def show_applications(invoice_id: str) -> Any:
        actor = current_actor()
        return edge.read(lambda read: applied_to(read, invoice_id, actor))

    @routes.route("/patients/<patient_id>/credits", methods=["GET"])
    @routes.response(200, CreditsView)
    @guard(Permission.CREDITS_READ)
    def show_credits(patient_id: str) -> Any:
        actor = current_actor()
        return edge.read(lambda read: credit_balance(read, find_patient(read, patient_id, actor).id, actor))

    @routes.route("/credits/<lot_id>", methods=["GET"])
    @routes.response(200, CreditView)
    @guard(Permission.CREDITS_READ)
    def show_credit(lot_id: str) -> Any:
        return edge.read(lambda read: find_credit(read, lot_id, current_actor()))

    @routes.route("/credits/<lot_id>/election", methods=["POST"])
    @routes.arguments(Elect)
    @routes.response(200, CreditView)
    @guard(Permission.CREDITS_WRITE)
    def choose(body: dict[str, Election], lot_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: elect(tx, lot_id=lot_id, election=body["election"], actor=actor, now=now),
            CreditView,
            status=200,
        )


def add_standing_choice(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/patients/<patient_id>/standing-election", methods=["GET"])
    @routes.response(200, StandingElection)
    @guard(Permission.CREDITS_READ)
    def show_standing_choice(patient_id: str) -> Any:
        actor = current_actor()
        return edge.read(
            lambda read: _always(standing_choice(read, find_patient(read, patient_id, actor).id))
        )

    @routes.route("/patients/<patient_id>/standing-election", methods=["POST"])
    @routes.arguments(StandingElection)
    @routes.response(200, StandingElection)
    @guard(Permission.CREDITS_WRITE)
    def choose_for_all(body: dict[str, Election | None], patient_id: str) -> Response:
        """What the patient wants done with all that insurers pay; null asks each time."""
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: _always(choose_always(tx, patient_id=patient_id, **body, actor=actor, now=now)),
            StandingElection,
            status=200,
        )


def _always(election: Election | None) -> dict[str, Election | None]:
    return {"election": election}


def add_application_routes(routes: ApiBlueprint, edge: Edge) -> None:
    @routes.route("/credit-applications/<application_id>/reverse", methods=["POST"])
    @routes.response(200, CreditApplicationView)
    @guard(Permission.CREDITS_WRITE)
    def reverse(application_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: unapply(tx, application_id=application_id, actor=actor, now=now),
            CreditApplicationView,
            status=200,
            moves_money=True,
        )

    @routes.route("/credit-applications/<application_id>/move", methods=["POST"])
    @routes.arguments(MoveCredit)
    @routes.response(201, CreditApplicationView)
    @guard(Permission.CREDITS_WRITE)
    def move(body: dict[str, Any], application_id: str) -> Response:
        actor, now = current_actor(), edge.clock()
        return edge_write(
            edge,
            lambda tx: move_credit(tx, application_id=application_id, **body, actor=actor, now=now),
            CreditApplicationView,
            moves_money=True,
        )
