"""What this room does when a lower one says that something changed."""

from billing.care.states import ChartAmended, CoverMoved, SessionGiven
from billing.insurance.use_cases.amended_visits import review_later_visits, review_papers
from billing.insurance.use_cases.outdated_papers import review_figures
from billing.insurance.use_cases.plan_limits import review_payers, review_told
from billing.invoices.states import CostsMore, ShareAgreed
from billing.patients.records import PlanLimitsRecorded
from billing.platform.data.database import Tx


def on_chart_amended(tx: Tx, fact: ChartAmended) -> None:
    """An insurer or a patient was told of the visit as it was signed before."""
    review_papers(tx, session_id=fact.session_id, actor=fact.actor, now=fact.now)
    review_later_visits(tx, session_id=fact.session_id, actor=fact.actor, now=fact.now)


def on_visit_signed(tx: Tx, fact: SessionGiven) -> None:
    """Or of a later one that was the patient's first, as far as was known."""
    review_later_visits(tx, session_id=fact.session_id, actor=fact.actor, now=fact.now)


def on_plan_limits_recorded(tx: Tx, fact: PlanLimitsRecorded) -> None:
    """Superbills and claims that would not be issued any more wait to be sent, or are out already."""
    review_told(tx, patient_id=fact.patient_id, actor=fact.actor, now=fact.now)


def on_visits_cost_more(tx: Tx, fact: CostsMore) -> None:
    """An insurer or a patient was told of what they cost before."""
    for session_id in fact.session_ids:
        review_figures(tx, session_id=session_id, actor=fact.actor, now=fact.now)
        review_payers(tx, session_id=session_id, actor=fact.actor, now=fact.now)


def on_visits_covered_by_others(tx: Tx, fact: ShareAgreed) -> None:
    """A health plan or a patient was told of what compensation or the VA pays."""
    for session_id in fact.session_ids:
        review_payers(tx, session_id=session_id, actor=fact.actor, now=fact.now)


def on_cover_moved(tx: Tx, fact: CoverMoved) -> None:
    """Or of what had been paid by then."""
    review_figures(tx, session_id=fact.session_id, actor=fact.actor, now=fact.now)
