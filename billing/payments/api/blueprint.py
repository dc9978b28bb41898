"""Payments, credits and refunds over HTTP."""

from __future__ import annotations

from billing.kernel.money import Money
from billing.payments.api.checkouts import add_checkout_routes
from billing.payments.api.checks import add_check_routes
from billing.payments.api.choice_letters import add_choice_letter_routes
from billing.payments.api.credits import add_application_routes, add_credit_routes, add_standing_choice
from billing.payments.api.deposit_requests import add_deposit_checkout_routes, add_deposit_request_routes
from billing.payments.api.deposits import add_deposit_routes
from billing.payments.api.dispute_answers import add_answer_deeds, add_evidence_routes
from billing.payments.api.disputes import add_dispute_routes
from billing.payments.api.dormant import add_dormant_deeds, add_dormant_routes
from billing.payments.api.drawers import add_drawer_counts, add_drawer_routes, add_float_routes
from billing.payments.api.payers import add_payer_payment_routes
from billing.payments.api.payments import add_payment_routes
from billing.payments.api.payouts import add_payout_routes
from billing.payments.api.receipts import add_receipt_routes
from billing.payments.api.reconciliation import add_reconciliation_routes
from billing.payments.api.refund_checks import add_cashing_routes, add_refund_check_routes
from billing.payments.api.refund_plans import add_refund_plan_routes
from billing.payments.api.refunds import add_payment_refund_routes, add_refund_decisions, add_refund_routes
from billing.payments.api.saved_methods import add_charge_routes, add_consent_routes, add_saved_method_routes
from billing.payments.api.takebacks import add_takeback_decisions, add_takeback_routes
from billing.payments.api.tenders import add_patient_deposit_routes, add_tender_routes
from billing.payments.flows.room import Payments
from billing.payments.ports import RenderChoiceLetter, RenderEvidence, RenderReceipt
from billing.platform.http.api import ApiBlueprint
from billing.platform.http.edge import Edge


def make_blueprint(
    edge: Edge,
    room: Payments,
    refund_limit: Money,
    render: RenderReceipt,
    render_evidence: RenderEvidence,
    render_choice_letter: RenderChoiceLetter,
    *,
    sends_mail: bool,
    drawer_limit: Money,
) -> ApiBlueprint:
    """`refund_limit` is the largest amount given back, or given up, that needs no second person.

    `drawer_limit` is what a cash drawer may be over or short without one.
    """
    routes = ApiBlueprint("payments", __name__, description="Money in, credit, money back")
    add_checkout_routes(routes, edge, room)
    add_charge_routes(routes, edge, room)
    add_saved_method_routes(routes, edge, room)
    add_consent_routes(routes, edge)
    add_payment_routes(routes, edge)
    add_check_routes(routes, edge)
    add_tender_routes(routes, edge, room)
    add_patient_deposit_routes(routes, edge)
    add_deposit_request_routes(routes, edge, room)
    add_deposit_checkout_routes(routes, edge, room)
    add_payer_payment_routes(routes, edge)
    add_deposit_routes(routes, edge)
    add_float_routes(routes, edge)
    add_drawer_routes(routes, edge)
    add_drawer_counts(routes, edge, drawer_limit)
    add_credit_routes(routes, edge)
    add_standing_choice(routes, edge)
    add_choice_letter_routes(routes, edge, render_choice_letter)
    add_application_routes(routes, edge)
    add_refund_routes(routes, edge, refund_limit)
    add_payment_refund_routes(routes, edge, refund_limit)
    add_refund_plan_routes(routes, edge, refund_limit)
    add_refund_decisions(routes, edge)
    add_refund_check_routes(routes, edge)
    add_cashing_routes(routes, edge)
    add_dispute_routes(routes, edge)
    add_evidence_routes(routes, edge, render_evidence)
    add_answer_deeds(routes, edge, refund_limit)
    add_payout_routes(routes, edge)
    add_reconciliation_routes(routes, edge, refund_limit)
    add_takeback_routes(routes, edge)
    add_takeback_decisions(routes, edge, refund_limit)
    add_dormant_routes(routes, edge)
    add_dormant_deeds(routes, edge)
    add_receipt_routes(routes, edge, render, sends_mail=sends_mail)
    return routes
