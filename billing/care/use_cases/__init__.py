"""Writes of care, one file for each kind: plans, cover, visits, charts."""

from billing.care.use_cases.charts import amend_chart, keep_chart, sign_chart
from billing.care.use_cases.cover import cover, set_due, set_dues, uncover
from billing.care.use_cases.plan import plan_sessions, plan_treatment, reschedule_session
from billing.care.use_cases.visit import cancel_session, check_in, mark_no_show, record_session, turn_away

__all__ = [
    "amend_chart",
    "cancel_session",
    "check_in",
    "cover",
    "keep_chart",
    "mark_no_show",
    "plan_sessions",
    "plan_treatment",
    "record_session",
    "reschedule_session",
    "set_due",
    "set_dues",
    "sign_chart",
    "turn_away",
    "uncover",
]
