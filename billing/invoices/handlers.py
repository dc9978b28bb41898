"""What this room does when a session is given, amended or cancelled."""

from billing.care.states import ChartAmended, PatientTurnedAway, SessionCancelled, SessionGiven, SessionMissed
from billing.invoices.use_cases.as_given import review_price
from billing.invoices.use_cases.earn import earn_session
from billing.invoices.use_cases.give_back import return_session
from billing.platform.data.database import Tx


def on_session_given(tx: Tx, fact: SessionGiven) -> None:
    earn_session(tx, session_id=fact.session_id, actor=fact.actor, now=fact.now)
    review_price(tx, session_id=fact.session_id, actor=fact.actor, now=fact.now)


def on_chart_amended(tx: Tx, fact: ChartAmended) -> None:
    review_price(tx, session_id=fact.session_id, actor=fact.actor, now=fact.now)


def on_session_not_given(tx: Tx, fact: SessionCancelled | SessionMissed | PatientTurnedAway) -> None:
    """Whatever the reason, nobody owes for what was not given; a fee for it is a bill of its own."""
    return_session(tx, session_id=fact.session_id, actor=fact.actor, now=fact.now)
