"""What this room does when a session is given or cancelled."""

from billing.care.states import PatientTurnedAway, SessionCancelled, SessionGiven, SessionMissed
from billing.invoices.use_cases.earn import earn_session
from billing.invoices.use_cases.give_back import return_session
from billing.platform.data.database import Tx


def on_session_given(tx: Tx, fact: SessionGiven) -> None:
    earn_session(tx, session_id=fact.session_id, actor=fact.actor, now=fact.now)


def on_session_not_given(tx: Tx, fact: SessionCancelled | SessionMissed | PatientTurnedAway) -> None:
    """Whatever the reason, nobody owes for what was not given; a fee for it is a bill of its own."""
    return_session(tx, session_id=fact.session_id, actor=fact.actor, now=fact.now)
