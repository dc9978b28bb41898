"""Who may do what, told in the words of the table of permissions, at every route and for every role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import approve_refund, request_refund
from billing.people.use_cases import issue_token
from billing.platform.data.base import Base
from billing.platform.data.database import Database
from tests.factories.catalog import seed_sample
from tests.factories.web import PASSWORD, new_staff, sign_in
from tests.factories.world import CLERK, World, a_world

DESK, BILLING, SUPERVISOR = Role.FRONT_DESK, Role.BILLING, Role.SUPERVISOR
CLINICIAN, ACCOUNTANT, ADMIN = Role.CLINICIAN, Role.ACCOUNTANT, Role.ADMIN

OFFICE = {BILLING, SUPERVISOR}
"""A supervisor does what billing does, and overrides."""
COUNTER = {DESK, *OFFICE}

EVERYBODY = set(Role)

WHO: dict[str, set[Role]] = {
    "come in": EVERYBODY,
    "know the prices": {*COUNTER, CLINICIAN, ACCOUNTANT},
    "see a patient": {*COUNTER, CLINICIAN},
    "take a patient in": COUNTER,
    "lift a stop of charges": OFFICE,
    "verify an eligibility": OFFICE,
    "see care": {*COUNTER, CLINICIAN},
    "plan care": COUNTER,
    "let a patient in": COUNTER,
    "record what was given": {CLINICIAN},
    "read quotes": {*COUNTER, ACCOUNTANT},
    "draft quotes": COUNTER,
    "read invoices": {*COUNTER, ACCOUNTANT},
    "issue and void invoices": OFFICE,
    "read payers": {*COUNTER, ACCOUNTANT},
    "agree with payers": OFFICE,
    "read payments": {*COUNTER, ACCOUNTANT},
    "take a payment": COUNTER,
    "read refunds": {*COUNTER, ACCOUNTANT},
    "request a refund": COUNTER,
    "approve a refund": {SUPERVISOR, ACCOUNTANT},
    "answer a dispute": OFFICE,
    "approve an answer": {SUPERVISOR},
    "read credit": {*COUNTER, ACCOUNTANT},
    "apply credit": OFFICE,
    "read superbills": COUNTER,
    "read receipts": COUNTER,
    "read statements": COUNTER,
    "write superbills": OFFICE,
    "read claims": OFFICE,
    "write claims": OFFICE,
    "read remittances": {*OFFICE, ACCOUNTANT},
    "write remittances": OFFICE,
    "undo remittances": {SUPERVISOR, ACCOUNTANT},
    "read the journal": {*OFFICE, ACCOUNTANT},
    "write the journal": {ACCOUNTANT},
    "export the ledger": {*OFFICE, ACCOUNTANT},
    "export refunds": {*OFFICE, ACCOUNTANT},
    "export superbills": {ACCOUNTANT},
    "manage drawers": {SUPERVISOR, ACCOUNTANT},
    "work tasks off": {*OFFICE, ACCOUNTANT},
    "write people and keys": {ADMIN},
}

NEEDS: dict[str, str] = {
    "POST /api/v1/bank-deposits": "take a payment",
    "GET /api/v1/bank-deposits": "read payments",
    "POST /api/v1/cash-drawers": "take a payment",
    "GET /api/v1/cash-drawers": "read payments",
    "GET /api/v1/cash-drawers/<drawer_id>": "read payments",
    "POST /api/v1/cash-drawers/<drawer_id>/count": "take a payment",
    "POST /api/v1/cash-drawers/<drawer_id>/confirm": "manage drawers",
    "POST /api/v1/cash-floats": "manage drawers",
    "GET /api/v1/cash-floats": "read payments",
    "GET /api/v1/checkouts/<checkout_id>": "read payments",
    "POST /api/v1/checkouts/<checkout_id>/cancel": "take a payment",
    "GET /api/v1/claims": "read claims",
    "GET /api/v1/claims/<claim_id>": "read claims",
    "GET /api/v1/claims/<claim_id>/837p": "read claims",
    "GET /api/v1/claims/<claim_id>/acknowledgements": "read claims",
    "GET /api/v1/claims/<claim_id>/appeal-letters": "read claims",
    "GET /api/v1/claims/<claim_id>/appeal-letters/<appeal_id>/pdf": "read claims",
    "GET /staff/claims": "read claims",
    "GET /staff/claims/<claim_id>": "read claims",
    "GET /staff/claims/<claim_id>/cms1500.pdf": "read claims",
    "GET /staff/claims/<claim_id>.837": "read claims",
    "GET /staff/claims/<claim_id>/appeal-letters/<appeal_id>.pdf": "read claims",
    "GET /staff/sessions/<session_id>/claim/new": "write claims",
    "POST /api/v1/claims/<claim_id>/appeal-letters": "write claims",
    "POST /api/v1/claims/<claim_id>/mark": "write claims",
    "POST /staff/claims/<claim_id>/appeal-letters": "write claims",
    "POST /staff/claims/<claim_id>/correct": "write claims",
    "POST /staff/claims/<claim_id>/filed": "write claims",
    "POST /staff/claims/<claim_id>/filing-days": "write claims",
    "POST /staff/claims/<claim_id>/mark": "write claims",
    "POST /staff/claims/<claim_id>/void": "write claims",
    "POST /staff/sessions/<session_id>/claim": "write claims",
    "GET /api/v1/claims/<claim_id>/answers": "read claims",
    "GET /api/v1/claims/<claim_id>/cms1500": "read claims",
    "POST /api/v1/claims/acknowledgements": "write claims",
    "GET /api/v1/patients/<patient_id>/standing-election": "read credit",
    "POST /api/v1/patients/<patient_id>/standing-election": "apply credit",
    "POST /staff/patients/<patient_id>/standing-election": "apply credit",
    "POST /api/v1/claims/<claim_id>/correct": "write claims",
    "POST /api/v1/claims/<claim_id>/filed": "write claims",
    "POST /api/v1/claims/<claim_id>/void": "write claims",
    "GET /api/v1/conditions": "know the prices",
    "POST /api/v1/credit-applications/<application_id>/move": "apply credit",
    "POST /api/v1/credit-applications/<application_id>/reverse": "apply credit",
    "GET /api/v1/credits/<lot_id>": "read credit",
    "POST /api/v1/credits/<lot_id>/election": "apply credit",
    "GET /api/v1/patients/<patient_id>/choice-letters": "read credit",
    "GET /api/v1/choice-letters/<choice_letter_id>": "apply credit",
    "GET /api/v1/choice-letters/<choice_letter_id>.pdf": "apply credit",
    "POST /api/v1/choice-letters/<choice_letter_id>/posted": "apply credit",
    "GET /staff/choice-letters/<choice_letter_id>": "apply credit",
    "GET /staff/choice-letters/<choice_letter_id>.pdf": "apply credit",
    "POST /staff/choice-letters/<choice_letter_id>/posted": "apply credit",
    "POST /api/v1/credits/<lot_id>/refunds": "request a refund",
    "GET /api/v1/diagnoses": "know the prices",
    "GET /api/v1/dormant-credits": "read credit",
    "GET /api/v1/dormant-credits/<dormant_id>": "read credit",
    "POST /api/v1/dormant-credits/<dormant_id>/claim": "apply credit",
    "POST /api/v1/dormant-credits/<dormant_id>/letter": "apply credit",
    "POST /api/v1/dormant-credits/<dormant_id>/remit": "write the journal",
    "POST /api/v1/dormant-credits/<dormant_id>/set-aside": "write the journal",
    "GET /api/v1/exports/credits": "export the ledger",
    "GET /api/v1/exports/journal": "export the ledger",
    "GET /api/v1/exports/payments": "export the ledger",
    "GET /api/v1/exports/refunds": "export refunds",
    "GET /api/v1/exports/superbills": "export superbills",
    "GET /api/v1/fee-schedules/in-force": "know the prices",
    "POST /api/v1/patients/<patient_id>/holds": "take a patient in",
    "GET /api/v1/patients/<patient_id>/holds": "see a patient",
    "POST /api/v1/patients/<patient_id>/plan-limits": "take a patient in",
    "GET /api/v1/patients/<patient_id>/plan-limits": "see a patient",
    "POST /api/v1/holds/<hold_id>/lift": "lift a stop of charges",
    "POST /api/v1/invoices": "issue and void invoices",
    "GET /api/v1/invoices": "read invoices",
    "GET /api/v1/invoices/<invoice_id>": "read invoices",
    "POST /api/v1/invoices/<invoice_id>/cash-payments": "take a payment",
    "POST /api/v1/invoices/<invoice_id>/check-payments": "take a payment",
    "POST /api/v1/invoices/<invoice_id>/charges": "take a payment",
    "POST /api/v1/invoices/<invoice_id>/checkouts": "take a payment",
    "POST /api/v1/invoices/<invoice_id>/credit-applications": "apply credit",
    "GET /api/v1/invoices/<invoice_id>/credit-applications": "read credit",
    "POST /api/v1/invoices/<invoice_id>/payer-shares": "agree with payers",
    "GET /api/v1/invoices/<invoice_id>/payer-shares": "read payers",
    "POST /api/v1/invoices/<invoice_id>/pay-links": "take a payment",
    "POST /api/v1/invoices/<invoice_id>/tenders": "take a payment",
    "POST /api/v1/patients/<patient_id>/deposits": "take a payment",
    "POST /api/v1/invoices/<invoice_id>/terminal-payments": "take a payment",
    "GET /api/v1/invoices/<invoice_id>/stop": "read invoices",
    "POST /api/v1/invoices/<invoice_id>/stop": "issue and void invoices",
    "POST /api/v1/invoices/<invoice_id>/void": "issue and void invoices",
    "GET /api/v1/ledger/entries": "read the journal",
    "GET /api/v1/ledger/entries/<entry_id>": "read the journal",
    "GET /api/v1/ledger/trial-balance": "read the journal",
    "POST /api/v1/patients": "take a patient in",
    "GET /api/v1/patients": "see a patient",
    "GET /api/v1/patients/<patient_id>": "see a patient",
    "PATCH /api/v1/patients/<patient_id>": "take a patient in",
    "GET /api/v1/patients/<patient_id>/credits": "read credit",
    "POST /api/v1/patients/<patient_id>/eligibilities": "verify an eligibility",
    "GET /api/v1/patients/<patient_id>/eligibilities": "see a patient",
    "GET /api/v1/patients/<patient_id>/plans": "see care",
    "POST /api/v1/patients/<patient_id>/policies": "take a patient in",
    "GET /api/v1/patients/<patient_id>/policies": "see a patient",
    "POST /api/v1/patients/search": "see a patient",
    "GET /api/v1/patients/<patient_id>/receipts": "read receipts",
    "GET /api/v1/patients/<patient_id>/statement": "read statements",
    "GET /api/v1/patients/<patient_id>/statement.pdf": "read statements",
    "GET /api/v1/patients/<patient_id>/year-statement": "read statements",
    "GET /api/v1/patients/<patient_id>/year-statement.pdf": "read statements",
    "GET /api/v1/patients/<patient_id>/refund-plan": "read refunds",
    "POST /api/v1/patients/<patient_id>/refunds": "request a refund",
    "POST /api/v1/payers": "agree with payers",
    "GET /api/v1/payers": "read payers",
    "GET /api/v1/payers/<payer_id>": "read payers",
    "GET /api/v1/payers/<payer_id>/statement": "read payers",
    "GET /api/v1/payer-shares/<share_id>": "read payers",
    "POST /api/v1/payer-shares/<share_id>/bank-payments": "apply credit",
    "POST /api/v1/payer-shares/<share_id>/cash-payments": "take a payment",
    "POST /api/v1/payer-shares/<share_id>/check-payments": "take a payment",
    "POST /api/v1/payer-shares/<share_id>/pay-links": "take a payment",
    "POST /api/v1/payer-shares/<share_id>/deny": "agree with payers",
    "POST /api/v1/payer-shares/<share_id>/end": "agree with payers",
    "POST /api/v1/payer-shares/<share_id>/end/approve": "approve a refund",
    "POST /api/v1/payer-shares/<share_id>/end/reject": "approve a refund",
    "POST /api/v1/patients/<patient_id>/card-links": "take a payment",
    "GET /api/v1/patients/<patient_id>/saved-methods": "read payments",
    "GET /api/v1/payments": "read payments",
    "GET /api/v1/payments/<payment_id>": "read payments",
    "POST /api/v1/payments/<payment_id>/bounce": "apply credit",
    "POST /api/v1/payments/<payment_id>/move": "apply credit",
    "POST /api/v1/plans": "plan care",
    "GET /api/v1/plans/<plan_id>": "see care",
    "GET /api/v1/protocols": "know the prices",
    "GET /api/v1/providers": "know the prices",
    "POST /api/v1/quotes": "draft quotes",
    "GET /api/v1/quotes": "read quotes",
    "GET /api/v1/quotes/<quote_id>": "read quotes",
    "GET /api/v1/readers": "take a payment",
    "GET /api/v1/receipts/<receipt_id>": "read receipts",
    "GET /api/v1/receipts/<receipt_id>.pdf": "read receipts",
    "GET /api/v1/payments/<payment_id>/refundable": "read refunds",
    "POST /api/v1/payments/<payment_id>/refunds": "request a refund",
    "POST /api/v1/receipts/<receipt_id>/mail": "take a payment",
    "GET /api/v1/refunds": "read refunds",
    "GET /api/v1/refunds/<refund_id>": "read refunds",
    "POST /api/v1/refunds/<refund_id>/approve": "approve a refund",
    "POST /api/v1/refunds/<refund_id>/check": "request a refund",
    "POST /api/v1/refunds/<refund_id>/void-check": "approve a refund",
    "POST /api/v1/refunds/<refund_id>/reject": "approve a refund",
    "POST /api/v1/refunds/<refund_id>/settle": "approve a refund",
    "POST /api/v1/refunds/<refund_id>/cashed": "write the journal",
    "POST /api/v1/refunds/<refund_id>/not-cashed": "write the journal",
    "GET /api/v1/outdated-papers": "write claims",
    "POST /api/v1/outdated-papers/reissue": "write claims",
    "GET /api/v1/outstanding-checks": "read refunds",
    "POST /api/v1/remittances": "write remittances",
    "GET /api/v1/remittances": "read remittances",
    "GET /api/v1/remittances/<remittance_id>": "read remittances",
    "POST /api/v1/remittances/<remittance_id>/undo": "undo remittances",
    "POST /api/v1/remittances/paper": "write remittances",
    "POST /api/v1/remittances/preview": "write remittances",
    "GET /api/v1/remittance-uploads/<upload_id>": "write remittances",
    "POST /api/v1/remittance-uploads": "write remittances",
    "POST /api/v1/remittance-uploads/<upload_id>/post": "write remittances",
    "POST /api/v1/remittances/<remittance_id>/another-payment": "write remittances",
    "POST /api/v1/remittances/<remittance_id>/day-is-right": "write remittances",
    "POST /api/v1/remittances/<remittance_id>/payee-is-ours": "write remittances",
    "POST /api/v1/remittances/<remittance_id>/set-apart": "write remittances",
    "POST /api/v1/remittances/<remittance_id>/settle-apart": "write the journal",
    "POST /api/v1/remittances/<remittance_id>/unsettle": "write the journal",
    "POST /api/v1/remittances/<remittance_id>/look-again": "write remittances",
    "POST /api/v1/remittances/<remittance_id>/matches": "write remittances",
    "POST /api/v1/remittances/<remittance_id>/matches/withdraw": "write remittances",
    "POST /api/v1/remittances/<remittance_id>/put-back": "write remittances",
    "POST /api/v1/remittances/<remittance_id>/set-aside": "write remittances",
    "GET /api/v1/saved-methods/<saved_method_id>": "read payments",
    "GET /api/v1/saved-methods/<saved_method_id>/consents": "read payments",
    "POST /api/v1/saved-methods/<saved_method_id>/consents": "take a payment",
    "POST /api/v1/saved-methods/<saved_method_id>/consents/revoke": "take a payment",
    "POST /api/v1/saved-methods/<saved_method_id>/remove": "take a payment",
    "GET /api/v1/sessions": "see care",
    "GET /api/v1/sessions/<session_id>": "see care",
    "POST /api/v1/sessions/<session_id>/cancel": "plan care",
    "POST /api/v1/sessions/<session_id>/check-in": "let a patient in",
    "POST /api/v1/sessions/<session_id>/no-show": "let a patient in",
    "POST /api/v1/sessions/<session_id>/no-show-fee": "issue and void invoices",
    "POST /api/v1/sessions/<session_id>/record": "record what was given",
    "GET /api/v1/sessions/<session_id>/charts": "see care",
    "POST /api/v1/sessions/<session_id>/charts": "record what was given",
    "POST /api/v1/sessions/<session_id>/charts/sign": "record what was given",
    "POST /api/v1/sessions/<session_id>/charts/amend": "record what was given",
    "GET /api/v1/sessions/<session_id>/coding": "read superbills",
    "POST /api/v1/sessions/<session_id>/coding": "write superbills",
    "GET /staff/sessions/<session_id>/coding": "read superbills",
    "POST /staff/sessions/<session_id>/coding": "write superbills",
    "GET /staff/charts": "record what was given",
    "GET /staff/sessions/<session_id>/chart": "see care",
    "POST /staff/sessions/<session_id>/chart": "record what was given",
    "POST /staff/sessions/<session_id>/chart/more": "record what was given",
    "POST /staff/sessions/<session_id>/chart/sign": "record what was given",
    "POST /staff/sessions/<session_id>/chart/amend": "record what was given",
    "POST /api/v1/sessions/<session_id>/reschedule": "plan care",
    "POST /api/v1/sessions/<session_id>/claim": "write claims",
    "POST /api/v1/sessions/<session_id>/superbill": "write superbills",
    "POST /api/v1/sessions/<session_id>/turn-away": "let a patient in",
    "GET /api/v1/sites": "know the prices",
    "GET /api/v1/superbills": "read superbills",
    "GET /api/v1/superbills/<superbill_id>": "read superbills",
    "GET /api/v1/superbills/<superbill_id>/pdf": "read superbills",
    "POST /api/v1/superbills/<superbill_id>/void": "write superbills",
    "GET /api/v1/disputes": "read payments",
    "GET /api/v1/disputes/<dispute_id>": "read payments",
    "POST /api/v1/disputes/<dispute_id>/accept": "answer a dispute",
    "GET /api/v1/disputes/<dispute_id>/answers": "read payments",
    "GET /api/v1/disputes/<dispute_id>/answers/<answer_id>.pdf": "answer a dispute",
    "POST /api/v1/disputes/<dispute_id>/answers/<answer_id>/approve": "approve an answer",
    "POST /api/v1/disputes/<dispute_id>/answers/<answer_id>/submit": "answer a dispute",
    "GET /api/v1/disputes/<dispute_id>/evidence": "read payments",
    "POST /api/v1/disputes/<dispute_id>/evidence": "answer a dispute",
    "GET /api/v1/payouts": "read payments",
    "GET /api/v1/reconciliation": "read payments",
    "POST /api/v1/reconciliation/<exception_id>/book": "write the journal",
    "POST /api/v1/reconciliation/<exception_id>/refund": "request a refund",
    "GET /api/v1/deposit-requests": "read payments",
    "POST /api/v1/deposit-requests/<deposit_request_id>/checkouts": "take a payment",
    "POST /api/v1/deposit-requests/<deposit_request_id>/pay-links": "take a payment",
    "POST /api/v1/deposit-requests/<deposit_request_id>/terminal-payments": "take a payment",
    "POST /api/v1/deposit-requests/<deposit_request_id>/withdraw": "take a payment",
    "POST /api/v1/patients/<patient_id>/deposit-requests": "take a payment",
    "POST /api/v1/takebacks": "apply credit",
    "GET /api/v1/takebacks": "read credit",
    "GET /api/v1/takebacks/<takeback_id>": "read credit",
    "POST /api/v1/takebacks/<takeback_id>/bill": "apply credit",
    "POST /api/v1/takebacks/<takeback_id>/forgive": "approve a refund",
    "POST /api/v1/takebacks/<takeback_id>/repay": "apply credit",
    "GET /api/v1/tasks": "work tasks off",
    "POST /api/v1/tasks/<task_id>/done": "work tasks off",
    "POST /api/v1/tokens": "write people and keys",
    "DELETE /api/v1/tokens/<token_id>": "write people and keys",
    "GET /api/v1/undeposited": "read payments",
    "GET /api/v1/verify": "read the journal",
    "GET /staff/": "come in",
    "GET /staff/cash-drawers": "read payments",
    "POST /staff/cash-drawers": "take a payment",
    "GET /staff/cash-drawers/<drawer_id>": "read payments",
    "POST /staff/cash-drawers/<drawer_id>/count": "take a payment",
    "POST /staff/cash-drawers/<drawer_id>/confirm": "manage drawers",
    "POST /staff/cash-floats": "manage drawers",
    "POST /staff/credits/<lot_id>/election": "apply credit",
    "POST /staff/invoices/<invoice_id>/cancel-card-page": "take a payment",
    "POST /staff/invoices/<invoice_id>/cash": "take a payment",
    "POST /staff/invoices/<invoice_id>/credits": "apply credit",
    "POST /staff/invoices/<invoice_id>/pay-link": "take a payment",
    "GET /staff/invoices/<invoice_id>/stop/new": "issue and void invoices",
    "POST /staff/invoices/<invoice_id>/stop": "issue and void invoices",
    "GET /staff/patients/<patient_id>/holds": "see a patient",
    "POST /staff/patients/<patient_id>/holds": "take a patient in",
    "GET /staff/patients/<patient_id>/plan-limits": "see a patient",
    "POST /staff/patients/<patient_id>/plan-limits": "take a patient in",
    "POST /staff/holds/<hold_id>/lift": "lift a stop of charges",
    "GET /staff/sessions/<session_id>/absence/new": "plan care",
    "POST /staff/sessions/<session_id>/cancel": "plan care",
    "POST /staff/sessions/<session_id>/no-show": "let a patient in",
    "POST /staff/sessions/<session_id>/reschedule": "plan care",
    "POST /staff/sessions/<session_id>/turn-away": "let a patient in",
    "GET /staff/sessions/<session_id>/superbill/new": "write superbills",
    "POST /staff/sessions/<session_id>/superbill/look": "write superbills",
    "POST /staff/sessions/<session_id>/superbill": "write superbills",
    "POST /staff/diagnoses": "write superbills",
    "GET /staff/sessions/<session_id>/no-show-fee/new": "issue and void invoices",
    "POST /staff/sessions/<session_id>/no-show-fee": "issue and void invoices",
    "POST /staff/invoices/<invoice_id>/waive-fee": "issue and void invoices",
    "GET /staff/money": "read invoices",
    "POST /staff/patients": "see a patient",
    "GET /staff/patients/<patient_id>": "see a patient",
    "GET /staff/patients/<patient_id>/money": "read payments",
    "GET /staff/payments/<payment_id>/refunds/new": "request a refund",
    "POST /staff/payments/<payment_id>/bounce": "apply credit",
    "GET /staff/payments/<payment_id>/bounce/new": "apply credit",
    "POST /staff/payments/<payment_id>/refunds": "request a refund",
    "POST /staff/payments/<payment_id>/refunds/look": "request a refund",
    "GET /staff/patients/<patient_id>/refunds/new": "request a refund",
    "POST /staff/patients/<patient_id>/refunds": "request a refund",
    "POST /staff/patients/<patient_id>/refunds/look": "request a refund",
    "POST /staff/credit-applications/<application_id>/move": "apply credit",
    "POST /staff/credit-applications/<application_id>/reverse": "apply credit",
    "GET /staff/credits/<lot_id>/refunds/new": "request a refund",
    "POST /staff/credits/<lot_id>/refunds": "request a refund",
    "GET /staff/credits/<lot_id>/refunds/look": "request a refund",
    "GET /staff/payments/<payment_id>/moves/new": "apply credit",
    "POST /staff/payments/<payment_id>/moves": "apply credit",
    "GET /staff/payments/<payment_id>/moves/look": "apply credit",
    "POST /staff/payments/<payment_id>/moves/search": "apply credit",
    "GET /staff/bank-deposits": "read payments",
    "POST /staff/bank-deposits": "take a payment",
    "GET /staff/bank-deposits/<deposit_id>": "read payments",
    "GET /staff/invoices/<invoice_id>/checks/new": "take a payment",
    "GET /staff/invoices/<invoice_id>/reader/new": "take a payment",
    "POST /staff/invoices/<invoice_id>/reader": "take a payment",
    "GET /staff/reader-payments/<checkout_id>": "take a payment",
    "GET /staff/invoices/<invoice_id>/tenders/new": "take a payment",
    "POST /staff/invoices/<invoice_id>/tenders": "take a payment",
    "GET /staff/patients/<patient_id>/deposits/new": "take a payment",
    "POST /staff/patients/<patient_id>/deposits": "take a payment",
    "POST /staff/patients/<patient_id>/deposit-requests": "take a payment",
    "POST /staff/deposit-requests/<deposit_request_id>/pay-link": "take a payment",
    "POST /staff/deposit-requests/<deposit_request_id>/reader": "take a payment",
    "POST /staff/deposit-requests/<deposit_request_id>/withdraw": "take a payment",
    "POST /staff/invoices/<invoice_id>/checks": "take a payment",
    "GET /staff/takebacks/<takeback_id>": "read credit",
    "GET /staff/claims/<reimbursement_id>/demand": "apply credit",
    "POST /staff/claims/<reimbursement_id>/demand": "apply credit",
    "POST /staff/takebacks/<takeback_id>/bill": "apply credit",
    "POST /staff/takebacks/<takeback_id>/forgive": "approve a refund",
    "POST /staff/takebacks/<takeback_id>/repay": "apply credit",
    "GET /staff/approvals": "read refunds",
    "GET /staff/payments/<payment_id>": "read payments",
    "POST /staff/refunds/<refund_id>/approve": "approve a refund",
    "POST /staff/refunds/<refund_id>/reject": "approve a refund",
    "GET /staff/tasks": "work tasks off",
    "GET /staff/tasks/<task_id>/subject": "work tasks off",
    "POST /staff/tasks/<task_id>/done": "work tasks off",
    "GET /staff/disputes": "read payments",
    "GET /staff/disputes/<dispute_id>": "read payments",
    "GET /staff/disputes/<dispute_id>/accept": "answer a dispute",
    "POST /staff/disputes/<dispute_id>/accept": "answer a dispute",
    "GET /staff/disputes/<dispute_id>/answers/<answer_id>.pdf": "answer a dispute",
    "POST /staff/disputes/<dispute_id>/answers/<answer_id>/approve": "approve an answer",
    "POST /staff/disputes/<dispute_id>/answers/<answer_id>/submit": "answer a dispute",
    "POST /staff/disputes/<dispute_id>/evidence": "answer a dispute",
    "GET /staff/refunds/<refund_id>": "read refunds",
    "POST /staff/refunds/<refund_id>/check": "request a refund",
    "POST /staff/refunds/<refund_id>/void-check": "approve a refund",
    "GET /staff/payouts": "read payments",
    "GET /staff/payouts/<payout_id>": "read payments",
    "GET /staff/patients/<patient_id>/letters": "read claims",
    "GET /staff/patients/<patient_id>/statement": "read statements",
    "GET /staff/patients/<patient_id>/statement.pdf": "read statements",
    "GET /staff/patients/<patient_id>/year-statement": "read statements",
    "GET /staff/patients/<patient_id>/year-statement.pdf": "read statements",
    "POST /staff/patients/<patient_id>/statement-link": "read statements",
    "POST /staff/patients/<patient_id>/letter-link": "write claims",
    "GET /staff/letters/<letter_id>": "read claims",
    "GET /staff/letters/<letter_id>/file": "read claims",
    "GET /staff/outdated-papers": "write claims",
    "POST /staff/outdated-papers": "write claims",
    "GET /staff/remittances": "read remittances",
    "GET /staff/remittances/paper": "write remittances",
    "POST /staff/remittances/paper": "write remittances",
    "POST /staff/remittances/paper/look": "write remittances",
    "GET /staff/remittances/upload": "write remittances",
    "POST /staff/remittances/upload": "write remittances",
    "GET /staff/remittance-uploads/<upload_id>": "write remittances",
    "POST /staff/remittance-uploads/<upload_id>/post": "write remittances",
    "GET /staff/remittances/<remittance_id>": "read remittances",
    "POST /staff/remittances/<remittance_id>/another-payment": "write remittances",
    "POST /staff/remittances/<remittance_id>/day-is-right": "write remittances",
    "POST /staff/remittances/<remittance_id>/payee-is-ours": "write remittances",
    "POST /staff/remittances/<remittance_id>/set-apart": "write remittances",
    "POST /staff/remittances/<remittance_id>/set-apart/preview": "write remittances",
    "POST /staff/remittances/<remittance_id>/settle-apart": "write the journal",
    "POST /staff/remittances/<remittance_id>/unsettle": "write the journal",
    "POST /staff/remittances/<remittance_id>/look-again": "write remittances",
    "POST /staff/remittances/<remittance_id>/put-back": "write remittances",
    "POST /staff/remittances/<remittance_id>/set-aside": "write remittances",
    "GET /staff/remittances/<remittance_id>/claims/<remittance_claim_id>/visit": "write remittances",
    "POST /staff/remittances/<remittance_id>/claims/<remittance_claim_id>/search": "write remittances",
    "POST /staff/remittances/<remittance_id>/claims/<remittance_claim_id>/match": "write remittances",
    "POST /staff/remittances/<remittance_id>/claims/<remittance_claim_id>/unmatch": "write remittances",
    "GET /staff/reconciliation": "read payments",
    "GET /staff/reconciliation/<exception_id>": "read payments",
    "POST /staff/reconciliation/<exception_id>/book": "write the journal",
    "POST /staff/reconciliation/<exception_id>/refund": "request a refund",
    "GET /staff/patients/<patient_id>/cards": "read payments",
    "GET /staff/patients/<patient_id>/consents": "read payments",
    "POST /staff/patients/<patient_id>/card-link": "take a payment",
    "GET /staff/saved-methods/<saved_method_id>/remove": "take a payment",
    "POST /staff/saved-methods/<saved_method_id>/remove": "take a payment",
    "GET /staff/invoices/<invoice_id>/charges/new": "take a payment",
    "POST /staff/invoices/<invoice_id>/charges": "take a payment",
    "GET /staff/payers": "read payers",
    "POST /staff/payers": "agree with payers",
    "GET /staff/payers/<payer_id>": "read payers",
    "GET /staff/invoices/<invoice_id>/payers": "read payers",
    "POST /staff/invoices/<invoice_id>/payers": "agree with payers",
    "GET /staff/payer-shares/<share_id>": "read payers",
    "POST /staff/payer-shares/<share_id>/payments": "take a payment",
    "POST /staff/payer-shares/<share_id>/transfers": "apply credit",
    "POST /staff/payer-shares/<share_id>/pay-link": "take a payment",
    "POST /staff/payer-shares/<share_id>/deny": "agree with payers",
    "POST /staff/payer-shares/<share_id>/end": "agree with payers",
    "POST /staff/payer-shares/<share_id>/end/approve": "approve a refund",
    "POST /staff/payer-shares/<share_id>/end/reject": "approve a refund",
    "POST /staff/refunds/<refund_id>/settle": "approve a refund",
    "POST /staff/refunds/<refund_id>/cashed": "write the journal",
    "POST /staff/refunds/<refund_id>/not-cashed": "write the journal",
    "GET /staff/outstanding-checks": "read refunds",
    "GET /staff/unclaimed": "read credit",
    "GET /staff/unclaimed/<dormant_id>": "read credit",
    "POST /staff/unclaimed/<dormant_id>/letter": "apply credit",
    "GET /staff/unclaimed/<dormant_id>/set-aside": "write the journal",
    "POST /staff/unclaimed/<dormant_id>/set-aside": "write the journal",
    "GET /staff/unclaimed/<dormant_id>/remit": "write the journal",
    "POST /staff/unclaimed/<dormant_id>/remit": "write the journal",
    "GET /staff/unclaimed/<dormant_id>/claim": "apply credit",
    "POST /staff/unclaimed/<dormant_id>/claim": "apply credit",
    "GET /staff/people": "write people and keys",
    "POST /staff/people/<staff_id>/disable": "write people and keys",
    "GET /staff/receipts/<receipt_id>": "read receipts",
    "GET /staff/receipts/<receipt_id>.pdf": "read receipts",
    "POST /staff/receipts/<receipt_id>/mail": "take a payment",
    "GET /api/v1/superbill-batches": "write superbills",
    "GET /api/v1/superbill-batches/contents": "write superbills",
    "GET /staff/superbills": "write superbills",
    "GET /staff/superbills/file": "write superbills",
    "GET /staff/superbills/<superbill_id>": "read superbills",
    "POST /staff/superbills/<superbill_id>/void": "write superbills",
    "GET /staff/today": "see care",
    "POST /staff/tokens/<token_id>/revoke": "write people and keys",
}

OF_THE_WHOLE_CLINIC = {"remittance_id", "entity_id"}
"""An insurer's file answers for all sites of a clinic at once."""

PERSON: dict[str, Any] = {
    "given_name": "Maria",
    "family_name": "Sample",
    "born_on": "1980-05-17",
    "address": {"line1": "12 Elm Street", "city": "Austin", "state": "TX", "postal_code": "78701"},
}
POLICY = {"payer_name": "Plan", "payer_id": "P1", "member_id": "W1", "effective_from": "2026-01-01"}
PROOF = {"category": "veteran", "proof": "dd_214", "verified_on": "2026-11-02"}
TIMES = {"started_at": "2026-11-02T14:00:00Z", "stopped_at": "2026-11-02T14:45:00Z", "dose_mg": 40}

NAMED = {"claim_id": "rmc_" + "0" * 26, "reason": "by the letter"}

BODIES: dict[str, dict[str, Any]] = {
    "/cash-drawers/<drawer_id>/confirm": {"counted_cents": 1},
    "/cash-drawers/<drawer_id>/count": {"counted_cents": 1},
    "/credit-applications/<application_id>/move": {"invoice_id": "inv_" + "0" * 26},
    "/choice-letters/<choice_letter_id>/posted": {"sha256": "0" * 64},
    "/claims/<claim_id>/mark": {"event": "closed"},
    "/credits/<lot_id>/election": {"election": "refund"},
    "/patients/<patient_id>/standing-election": {"election": "refund"},
    "/credits/<lot_id>/refunds": {"amount_cents": 100, "available_cents": 17_850},
    "/disputes/<dispute_id>/accept": {"amount_cents": 1},
    "/dormant-credits/<dormant_id>/letter": {"sent_on": "2026-11-02"},
    "/dormant-credits/<dormant_id>/remit": {"reference": "TX-1"},
    "/holds/<hold_id>/lift": {"why": "by mistake"},
    "/patients/<patient_id>/plan-limits": {"contract_on": "2030-01-01"},
    "/patients/<patient_id>/holds": {"reason": "death", "effective_from": "2030-01-01"},
    "/invoices/<invoice_id>/cash-payments": {"amount_cents": 100},
    "/invoices/<invoice_id>/check-payments": {"amount_cents": 1, "number": "1", "dated_on": "2026-11-02"},
    "/invoices/<invoice_id>/payer-shares": {"payer_id": "pyr_" + "0" * 26, "amount_cents": 1},
    "/patients/<patient_id>/deposits": {"tender": "cash", "amount_cents": 100},
    "/invoices/<invoice_id>/tenders": {"tenders": [{"tender": "cash", "amount_cents": 100}]},
    "/remittances/<remittance_id>/undo": {"reason": "by mistake"},
    "/payer-shares/<share_id>/bank-payments": {"amount_cents": 1, "reference": "EFT 1"},
    "/payer-shares/<share_id>/cash-payments": {"amount_cents": 1},
    "/payer-shares/<share_id>/check-payments": {"amount_cents": 1, "number": "1", "dated_on": "2026-11-02"},
    "/payer-shares/<share_id>/end": {"reason": "withdrawn", "borne_by": "patient"},
    "/invoices/<invoice_id>/void": {"reason": "typo"},
    "/invoices/<invoice_id>/terminal-payments": {"reader_id": "tmr_1"},
    "/patients/<patient_id>/eligibilities": PROOF,
    "/patients/<patient_id>/policies": POLICY,
    "/patients/<patient_id>": {"given_name": "Mary"},
    "/invoices/<invoice_id>/charges": {"saved_method_id": "svm_" + "0" * 26, "due_cents": 1},
    "/saved-methods/<saved_method_id>/consents": {"purpose": "future_visits", "signed_on": "2026-11-02"},
    "/saved-methods/<saved_method_id>/consents/revoke": {"purpose": "future_visits"},
    "/patients/<patient_id>/refunds": {"amount_cents": 1, "refundable_cents": 1, "reason": "duplicate"},
    "/payments/<payment_id>/bounce": {"reason": "other", "bounced_on": "2026-11-02"},
    "/payments/<payment_id>/move": {"patient_id": "pat_" + "0" * 26},
    "/payments/<payment_id>/refunds": {"amount_cents": 1, "refundable_cents": 1, "reason": "duplicate"},
    "/reconciliation/<exception_id>/refund": {"reason": "duplicate"},
    "/deposit-requests/<deposit_request_id>/terminal-payments": {"reader_id": "tmr_1"},
    "/patients/<patient_id>/deposit-requests": {"amount_cents": 10_000},
    "/reconciliation/<exception_id>/book": {"parts": [{"account": "6100", "amount_cents": -1}]},
    "/refunds/<refund_id>/check": {"check_number": "1001"},
    "/refunds/<refund_id>/cashed": {"cashed_on": "2026-11-02"},
    "/takebacks/<takeback_id>/repay": {"amount_cents": 1, "repaid_on": "2026-11-02"},
    "/remittances/<remittance_id>/another-payment": {"reason": "two deposits"},
    "/remittances/<remittance_id>/matches": NAMED | {"session_id": "ses_" + "0" * 26},
    "/remittances/<remittance_id>/matches/withdraw": NAMED,
    "/remittances/<remittance_id>/day-is-right": {"reason": "late"},
    "/remittances/<remittance_id>/payee-is-ours": {"reason": "our former number"},
    "/remittances/<remittance_id>/set-apart": {"places": [1], "reason": "not known"},
    "/remittances/<remittance_id>/settle-apart": {
        "parts": [{"account": "6130", "amount_cents": 100}],
        "reason": "a fee",
    },
    "/remittances/<remittance_id>/unsettle": {"reason": "another account"},
    "/remittances/<remittance_id>/put-back": {"reason": "ours"},
    "/remittances/<remittance_id>/set-aside": {"reason": "not ours"},
    "/sessions/<session_id>/record": TIMES,
    "/sessions/<session_id>/coding": {"lines": [], "reason": "typo"},
    "/sessions/<session_id>/charts/amend": {"reason": "typo"},
    "/sessions/<session_id>/reschedule": {"planned_on": "2026-11-12"},
}
"""What the routes about one thing need to be understood; the others take an empty body."""


@pytest.fixture
def world(database, now) -> World:
    made = a_world(database, now)
    token = database.in_transaction(
        lambda tx: issue_token(
            tx,
            role=DESK,
            scopes=(),
            entity_id=made.entity.id,
            site_ids=[made.site.id],
            expires_at=None,
            actor=SYSTEM,
            now=now,
        )
    )
    made.ids.update(token_id=[token.token.id], staff_id=["usr_" + "0" * 26], deposit_id=["dep_" + "0" * 26])
    return made


def test_the_table_names_every_route_that_is_not_public(app: Flask):
    assert set(_guarded(app)) == set(NEEDS)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_reaches_what_the_table_gives_it_and_is_refused_the_rest(issue, database, world, role):
    token = issue(role, entity_id=world.entity.id)
    before = _rows(database)
    for route, deed in _api_routes():
        if role not in WHO[deed]:
            answer = _call(token, route, world)
            assert (answer.status_code, answer.json["code"]) == (403, "not-permitted"), route
    assert _rows(database) == before
    for route, deed in _api_routes():
        if role in WHO[deed]:
            assert _call(token, route, world).status_code not in (401, 403), route


@pytest.mark.parametrize("role", list(Role))
def test_a_page_opens_for_the_roles_of_the_table_only(app, database, world, now, role):
    staff = new_staff(database, role, now, entity_id=world.entity.id)
    browser = app.test_client()
    form_token = _form_token(browser.get("/staff/sign-in"))
    form = {"email": staff.email, "password": PASSWORD, "csrf_token": form_token}
    assert browser.post("/staff/sign-in", data=form).status_code == 302
    form_token = _form_token(browser.get("/staff/", follow_redirects=True))
    before = _rows(database)
    for route, deed in NEEDS.items():
        method, path = route.split(" ")
        if path.startswith("/staff/") and role not in WHO[deed]:
            fields = {"csrf_token": form_token} if method == "POST" else None
            assert browser.open(_filled(path, world), method=method, data=fields).status_code == 403, route
    assert _rows(database) == before


def test_an_admin_sees_no_health_data_and_a_clinician_no_money(issue, world):
    admin, clinician = (issue(role, entity_id=world.entity.id) for role in (ADMIN, CLINICIAN))
    for route, _ in _api_routes():
        assert world.patient.family_name not in _call(admin, route, world).text
        if route.startswith("GET"):
            assert not re.search(
                r'"(total|open|amount|available)_cents"', _call(clinician, route, world).text
            )


def test_who_is_shown_a_name_is_on_the_trail(app, issue, database, world, now):
    """Invariant 19: every read of health data names its actor."""
    by = {"refund_id": world.ids["refund_id"][0], "actor": SYSTEM, "now": now}
    database.in_transaction(lambda tx: approve_refund(tx, **by))
    database.in_transaction(lambda tx: send_check(tx, check_number="1001", **by))
    token = issue(SUPERVISOR, entity_id=world.entity.id)
    browser = sign_in(app, new_staff(database, SUPERVISOR, now, entity_id=world.entity.id))
    shown = set()
    for route, deed in NEEDS.items():
        method, path = route.split(" ")
        if method == "GET" and SUPERVISOR in WHO[deed]:
            before = _rows(database)["audit_row"]
            is_page = path.startswith("/staff/")
            answer = browser.get(_filled(path, world)) if is_page else _call(token, route, world)
            if world.patient.given_name.encode() in answer.data:
                shown.add(route)
                assert _rows(database)["audit_row"] > before, route
    assert {"GET /staff/outstanding-checks", "GET /staff/today"} <= shown


def test_nobody_approves_the_refund_that_they_asked_for(issue, world, database, now):
    supervisor, lot_id = issue(SUPERVISOR, entity_id=world.entity.id), world.ids["lot_id"][0]
    small = supervisor.post(
        f"/credits/{lot_id}/refunds", {"amount_cents": 100, "available_cents": 17_850}
    ).json
    same_actor = replace(CLERK, id=small["requested_by"])
    large = database.in_transaction(
        lambda tx: request_refund(
            tx, lot_id=lot_id, amount=Money(100), payment_id=None, limit=Money(0), actor=same_actor, now=now
        )
    )
    refused = supervisor.post(f"/refunds/{large.id}/approve")
    assert (refused.status_code, refused.json["code"]) == (403, "own-refund")
    assert issue(ACCOUNTANT).post(f"/refunds/{large.id}/approve").json["state"] == "approved"


@pytest.mark.parametrize("stranger", ["of another clinic", "of another site"])
def test_what_belongs_to_others_does_not_exist(issue, database, world, now, stranger):
    tokens = _strangers(issue, database, world, now, stranger)
    before = _rows(database)
    for route, deed in _api_routes():
        if "<" in route and not (stranger == "of another site" and "<remittance_id>" in route):
            answer = _call(next(tokens[role] for role in WHO[deed]), route, world)
            assert answer.status_code == 404, f"{route} answered {answer.status_code} {answer.text[:200]}"
    assert _rows(database) == before


@pytest.mark.parametrize("stranger", ["of another clinic", "of another site"])
def test_no_list_shows_what_belongs_to_others(issue, database, world, now, stranger):
    tokens = _strangers(issue, database, world, now, stranger)
    shared = OF_THE_WHOLE_CLINIC if stranger == "of another site" else set()
    theirs = {one for name, ids in world.ids.items() if name not in shared | {"staff_id"} for one in ids}
    for route, deed in _api_routes():
        method, path = route.split(" ")
        if method == "GET" and "<" not in path:
            for query in _queries(path, world):
                answer = next(tokens[role] for role in WHO[deed]).get(_within(path), query_string=query)
                text = answer.data.decode("utf-8", "replace")
                assert {one for one in theirs if one in text} == set(), f"{path} {query}"
    assert world.ids["patient_id"][0] not in tokens[ACCOUNTANT].get("/exports/journal?format=beancount").text
    found = tokens[DESK].post("/patients/search", {"text": "Maria Sample"})
    assert found.json == {"items": []}


def test_the_trial_balance_of_a_site_holds_no_money_of_another(issue, database, world, now):
    here = issue(BILLING, entity_id=world.entity.id, site_ids=[world.site.id])
    before = here.get("/ledger/trial-balance").json
    assert before["accounts"] != []
    a_world(database, now, site=1, given_name="Elsa", family_name="Where")
    assert here.get("/ledger/trial-balance").json == before


@pytest.mark.parametrize("stranger", ["of another clinic", "of another site"])
def test_nothing_can_be_made_of_what_belongs_to_others(issue, database, world, now, stranger):
    tokens = _strangers(issue, database, world, now, stranger)
    ids = {name: known[0] for name, known in world.ids.items()}
    session = {"service": "booster", "on": "2026-11-03", "minutes": 45, "dose_mg": 40}
    deposit = {"payment_ids": [ids["payment_id"]], "banked_on": "2026-11-02"}
    change = {"amount_cents": 1, "brought_on": "2026-11-02"}
    course = {"condition": "depression", "protocol": "series_of_six", "starts_on": "2026-11-03"}
    attempts = [
        (DESK, "/patients", PERSON | {"site_id": ids["site_id"]}),
        (DESK, "/plans", course | {"patient_id": ids["patient_id"]}),
        (DESK, "/quotes", {"plan_id": ids["plan_id"]}),
        (DESK, "/quotes", {"patient_id": ids["patient_id"], "condition": "crps", "sessions": [session]}),
        (DESK, "/quotes", {"site_id": ids["site_id"], "condition": "crps", "sessions": [session]}),
        (BILLING, "/invoices", {"quote_id": ids["quote_id"]}),
        (DESK, "/bank-deposits", deposit | {"site_id": ids["site_id"]}),
        (DESK, "/cash-drawers", {"site_id": ids["site_id"], "float_cents": 0}),
        (SUPERVISOR, "/cash-floats", change | {"site_id": ids["site_id"]}),
        (ADMIN, "/tokens", {"role": "billing", "entity_id": ids["entity_id"], "site_ids": [ids["site_id"]]}),
    ]
    before = _rows(database)
    for role, path, body in attempts:
        answer = tokens[role].post(path, body)
        assert answer.status_code in (403, 404, 422), f"{path} answered {answer.status_code} {answer.text}"
    assert _rows(database) == before


def test_a_refund_goes_to_no_card_of_another_patient(issue, database, world, now):
    other = a_world(database, now, family_name="Other")
    clerk = issue(DESK, entity_id=world.entity.id)
    body = {"amount_cents": 100, "available_cents": 17_850, "payment_id": other.ids["payment_id"][1]}
    answer = clerk.post(f"/credits/{world.ids['lot_id'][0]}/refunds", body)
    assert (answer.status_code, answer.json["code"]) == (409, "refund-target")


def test_a_key_of_one_actor_tells_another_actor_nothing(issue, world):
    path = f"/invoices/{world.ids['invoice_id'][1]}/cash-payments"
    first, second = (issue(DESK, entity_id=world.entity.id) for _ in range(2))
    paid = first.post(path, {"amount_cents": 100}, key="mine").json
    assert second.post(path, {"amount_cents": 100}, key="mine").json["id"] != paid["id"]


def _guarded(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        if getattr(app.view_functions[rule.endpoint], "permission", None) is not None:
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield f"{method} {rule.rule}"


def _api_routes() -> list[tuple[str, str]]:
    return [(route, deed) for route, deed in NEEDS.items() if " /api/v1" in route]


def _strangers(issue, database: Database, world: World, now, which: str) -> dict[Role, Any]:
    """One of each role, who has nothing to do with the world's site."""
    if which == "of another clinic":
        entity = seed_sample(database, now, "a")
        return {role: issue(role, entity_id=entity.id) for role in Role}
    elsewhere = a_world(database, now, site=1, given_name="Elsa", family_name="Where")
    return {role: issue(role, entity_id=world.entity.id, site_ids=[elsewhere.site.id]) for role in Role}


def _call(token: Any, route: str, world: World) -> TestResponse:
    method, path = route.split(" ")
    address = _within(_filled(path, world))
    if method == "GET":
        return token.get(address)
    headers = {
        **token._headers,
        "Idempotency-Key": f"{method} {address}".replace(" ", "-"),
        "If-Match": '"1"',
    }
    if path in ("/api/v1/remittances", "/api/v1/remittances/preview", "/api/v1/remittance-uploads"):
        return token._client.post(path, data=b"ISA", content_type="text/plain", headers=headers)
    body = BODIES.get(_within(path), {})
    return token._client.open(f"/api/v1{address}", method=method, json=body, headers=headers)


def _filled(path: str, world: World) -> str:
    return re.sub(r"<(\w+)>", lambda found: world.ids[found[1]][0], path)


def _within(path: str) -> str:
    return path.removeprefix("/api/v1")


def _queries(path: str, world: World) -> Iterator[dict[str, str]]:
    """Without a filter, and with those that name what belongs to the world."""
    day = {"on": "2026-11-02"} if path.endswith("/sessions") else {}
    yield day
    for name in ("patient_id", "invoice_id", "plan_id", "site_id"):
        yield {**day, name: world.ids[name][0]}


def _form_token(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def _rows(database: Database) -> dict[str, int]:
    """How many rows each table has."""
    with database.reading() as read:
        return {
            table.name: read.session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }
