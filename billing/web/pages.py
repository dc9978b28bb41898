"""All pages, registered in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, g

from billing.accounting.ports import RenderStatement, RenderYearEnd
from billing.insurance.flows import Press
from billing.insurance.ports import PrintClaims, RemittanceReader, RenderAppeal, RenderClaims, RenderSuperbill
from billing.kernel.clock import told_minutes
from billing.kernel.money import Money
from billing.payments.flows.room import Payments
from billing.payments.ports import RenderChoiceLetter, RenderEvidence, RenderReceipt
from billing.platform.http.edge import Edge
from billing.platform.http.guard import Authenticate
from billing.web.errors import show_errors_as_pages
from billing.web.forms import protect_forms
from billing.web.portal import cards, choices, letters, notice, pay, problem
from billing.web.portal import receipts as receipt_links
from billing.web.portal import statements as statement_links
from billing.web.staff import (
    absences,
    account,
    approvals,
    bounces,
    charts,
    checks,
    choice_letters,
    claim_papers,
    claims,
    coding,
    consents,
    credits,
    demands,
    deposits,
    desk,
    disputes,
    drawers,
    holds,
    landing,
    money,
    moves,
    no_shows,
    paper_remittances,
    patient_deposits,
    patients,
    payers,
    payouts,
    people,
    plan_limits,
    reader_payments,
    receipts,
    reconciliation,
    refund_checks,
    refund_plans,
    refunds,
    reissues,
    remittance_apart,
    remittance_matches,
    remittance_uploads,
    remittances,
    share_deeds,
    shares,
    sign_in,
    statements,
    stops,
    superbill_batches,
    superbills,
    takebacks,
    tasks,
    tenders,
    today,
    unclaimed,
)
from billing.web.staff import cards as staff_cards
from billing.web.staff import letters as staff_letters
from billing.web.staff.shell import shell_of
from billing.web.words import clinic_local, day_of, payment_in_words

PUBLIC_ENDPOINTS = sign_in.PUBLIC_ENDPOINTS.union(
    landing.PUBLIC_ENDPOINTS,
    cards.PUBLIC_ENDPOINTS,
    choices.PUBLIC_ENDPOINTS,
    letters.PUBLIC_ENDPOINTS,
    notice.PUBLIC_ENDPOINTS,
    pay.PUBLIC_ENDPOINTS,
    problem.PUBLIC_ENDPOINTS,
    receipt_links.PUBLIC_ENDPOINTS,
    statement_links.PUBLIC_ENDPOINTS,
)
"""What a stranger may open."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What pages need to know of this installation. Within a limit no second person is needed.

    `zone` is of dates that no site decides.
    """

    zone: ZoneInfo
    checkout_origin: str
    render: RenderSuperbill
    render_claims: RenderClaims
    print_claims: PrintClaims
    render_appeal: RenderAppeal
    press: Press
    render_receipt: RenderReceipt
    render_evidence: RenderEvidence
    render_choice_letter: RenderChoiceLetter
    render_statement: RenderStatement
    render_year_end: RenderYearEnd
    reader: RemittanceReader
    sends_mail: bool
    refund_limit: Money
    drawer_limit: Money


def register_pages(
    app: Flask,
    edge: Edge,
    *,
    authenticate: Authenticate,
    payments: Payments,
    installation: Installation,
) -> None:
    """Add sign-in, staff pages and portal pages. Call it after the API is made and before the guard."""
    app.add_template_filter(lambda when: clinic_local(when, installation.zone), "clinic_local")
    app.add_template_filter(day_of, "day")
    app.add_template_filter(told_minutes, "minutes")
    app.add_template_filter(payment_in_words, "paid_with")
    show_errors_as_pages(app)
    protect_forms(app, PUBLIC_ENDPOINTS)
    sign_in.install_sign_in(app, edge)
    rooms = [*_staff_pages(edge, payments, installation), *_pages_by_link(edge, payments, installation)]
    for blueprint in [landing.make_blueprint(authenticate), *rooms]:
        app.register_blueprint(blueprint)
    _show_frame(app, edge)


def _staff_pages(edge: Edge, payments: Payments, installation: Installation) -> tuple[Blueprint, ...]:
    return (
        today.make_blueprint(edge),
        money.make_blueprint(edge),
        patients.make_blueprint(edge, payments, installation.render),
        receipts.make_blueprint(edge, installation.render_receipt, sends_mail=installation.sends_mail),
        desk.make_blueprint(edge, payments),
        account.make_blueprint(edge),
        statements.make_blueprint(edge, installation.render_statement, installation.render_year_end),
        remittances.make_blueprint(edge),
        remittance_apart.make_blueprint(edge),
        remittance_matches.make_blueprint(edge),
        paper_remittances.make_blueprint(edge),
        remittance_uploads.make_blueprint(edge, installation.reader),
        disputes.make_blueprint(edge, installation.render_evidence, installation.refund_limit),
        approvals.make_blueprint(edge),
        takebacks.make_blueprint(edge, installation.refund_limit),
        demands.make_blueprint(edge),
        tasks.make_blueprint(edge),
        refunds.make_blueprint(edge, installation.refund_limit),
        refund_checks.make_blueprint(edge),
        unclaimed.make_blueprint(edge),
        choice_letters.make_blueprint(edge, installation.render_choice_letter),
        credits.make_blueprint(edge, installation.refund_limit),
        moves.make_blueprint(edge),
        checks.make_blueprint(edge, payments),
        tenders.make_blueprint(edge, payments),
        reader_payments.make_blueprint(edge, payments),
        patient_deposits.make_blueprint(edge, payments),
        bounces.make_blueprint(edge),
        stops.make_blueprint(edge),
        superbills.make_blueprint(edge),
        claims.make_blueprint(edge, installation.render_claims, installation.render_appeal),
        claim_papers.make_blueprint(edge, installation.print_claims),
        superbill_batches.make_blueprint(edge, installation.press),
        reissues.make_blueprint(edge),
        charts.make_blueprint(edge),
        coding.make_blueprint(edge),
        holds.make_blueprint(edge),
        plan_limits.make_blueprint(edge),
        no_shows.make_blueprint(edge),
        absences.make_blueprint(edge),
        payers.make_blueprint(edge),
        staff_cards.make_blueprint(edge, payments),
        consents.make_blueprint(edge),
        reconciliation.make_blueprint(edge, installation.refund_limit),
        payouts.make_blueprint(edge),
        shares.make_blueprint(edge),
        share_deeds.make_blueprint(edge),
        deposits.make_blueprint(edge),
        drawers.make_blueprint(edge, installation.drawer_limit),
        refund_plans.make_blueprint(edge, installation.refund_limit),
        people.make_blueprint(edge),
        staff_letters.make_blueprint(edge),
    )


def _pages_by_link(edge: Edge, payments: Payments, installation: Installation) -> tuple[Blueprint, ...]:
    """Of patients, and of who pays for them."""
    return (
        pay.make_blueprint(edge, payments, installation.checkout_origin, sends_mail=installation.sends_mail),
        cards.make_blueprint(edge, payments, installation.checkout_origin),
        receipt_links.make_blueprint(edge, installation.render_receipt),
        statement_links.make_blueprint(edge, installation.render_statement, installation.render_year_end),
        letters.make_blueprint(edge),
        choices.make_blueprint(edge),
        notice.make_blueprint(),
        problem.make_blueprint(),
    )


def _show_frame(app: Flask, edge: Edge) -> None:
    @app.context_processor
    def frame() -> dict[str, Any]:
        """What the layout of staff pages shows, errors among them, once the guard knows who asks.

        A page about something broken goes without, so that it needs no database.
        """
        actor = None if g.get("without_frame") else g.get("actor")
        return {"shell": edge.read(lambda read: shell_of(read, actor, edge.clock())) if actor else None}
