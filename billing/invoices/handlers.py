"""What this room does when a session is given or cancelled."""

from billing.care.states import SessionCancelled, SessionGiven
from billing.invoices.use_cases import earn_session, return_session
from billing.platform.data.database import Tx


def on_session_given(tx: Tx, fact: SessionGiven) -> None:
    earn_session(tx, session_id=fact.session_id, actor=fact.actor, now=fact.now)


def on_session_cancelled(tx: Tx, fact: SessionCancelled) -> None:
    return_session(tx, session_id=fact.session_id, actor=fact.actor, now=fact.now)
