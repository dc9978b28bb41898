"""Whether compensation or the VA has a visit, so that its patient's health plan is not asked for it."""

from __future__ import annotations

from billing.care.queries import coverage_of
from billing.insurance.records import Paper
from billing.insurance.rules.plan_limits import why_billed_elsewhere, why_not_told
from billing.invoices.queries import find_payer, find_share
from billing.invoices.records import FORGIVEN, OF_PAYERS
from billing.kernel.permissions import SYSTEM
from billing.patients.queries import plan_limits_of
from billing.payments.queries.payments import paid_for_session
from billing.payments.queries.refunds import WHENEVER
from billing.platform.data.database import Read


def why_not_asked(read: Read, paper: Paper) -> str | None:
    """The reason why the plan is not told of a visit any more: the patient's limit, or who else has it."""
    limit = why_not_told(plan_limits_of(read, paper.patient_id), paper.service_on)
    return limit or why_another_pays(read, paper.session_id)


def why_another_pays(read: Read, session_id: str) -> str | None:
    """The reason why a visit has neither superbill nor claim, or None.

    It stays theirs when they have paid it, and when the clinic bears what they did not.
    """
    theirs = {*OF_PAYERS, FORGIVEN}
    shares = [part.source_id for part in coverage_of(read, session_id) if part.source_kind in theirs]
    payers = {paid.payer_id for paid in paid_for_session(read, session_id, WHENEVER) if paid.payer_id}
    kinds = {find_share(read, each, SYSTEM).kind for each in shares}
    return why_billed_elsewhere(kinds | {find_payer(read, each, SYSTEM).kind for each in payers})
