"""A claim's money of which the payer kept some against an earlier demand."""

from __future__ import annotations

from datetime import date, datetime

from billing.care.queries import find_session
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor
from billing.patients.use_cases import lock_patient
from billing.payments.errors import MoreThanAvailable
from billing.payments.queries.takebacks import find_takeback
from billing.payments.records.credits import Reimbursement
from billing.payments.use_cases.recoup import withhold
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.platform.data.database import Tx


def hold_what_was_withheld_from(
    tx: Tx,
    *,
    session_id: str,
    amount: Money,
    source_id: str,
    received_on: date,
    takeback_id: str,
    withheld: Money,
    actor: Actor,
    now: datetime,
) -> Reimbursement:
    """All of `amount` is the patient's; the bank got the difference, as when a remittance recovers it.

    Raises: MoreThanAvailable.
    """
    owner = find_takeback(tx, takeback_id, actor).patient_id
    for one in sorted({owner, find_session(tx, session_id, SYSTEM).patient_id}):
        lock_patient(tx, one)
    if withheld > amount:
        raise MoreThanAvailable("No claim can lose more than it pays.", available_cents=amount.cents)
    kept = {"source_id": source_id, "withheld_on": received_on, "actor": actor, "now": now}
    line = withhold(tx, takeback_id=takeback_id, amount=withheld, **kept)
    told = {"session_id": session_id, "source_id": source_id, "received_on": received_on}
    return hold_reimbursement(tx, amount=amount, withheld=(line,), **told, actor=actor, now=now)
