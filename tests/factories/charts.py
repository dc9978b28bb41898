"""What clinicians record: an infusion of the clinic's drug, and whatever is said beside it."""

from datetime import datetime, timedelta
from decimal import Decimal

from billing.care.records import Chart, ChartEntry, DrugEntry, Way
from billing.care.use_cases import amend_chart, sign_chart
from billing.kernel.permissions import SYSTEM, Actor
from billing.platform.data.database import Database
from tests.factories.care import let_in
from tests.factories.patients import NOW

KETAMINE = DrugEntry(drug="ketamine", dose_mg=Decimal(40), way=Way.INFUSION)


def entry(*drugs: DrugEntry, minutes: int = 45, now: datetime = NOW, **more: object) -> ChartEntry:
    """An infusion that stopped at `now`; of ketamine when no drug is told."""
    times = {"started_at": now - timedelta(minutes=minutes), "stopped_at": now}
    return ChartEntry(**{"drugs": drugs or (KETAMINE,), **times, **more})


def signed(
    database: Database, session_id: str, told: ChartEntry, *, actor: Actor = SYSTEM, now: datetime = NOW
) -> Chart:
    """Checked in, and signed."""
    let_in(database, session_id, now=now)
    return database.in_transaction(
        lambda tx: sign_chart(tx, session_id=session_id, entry=told, actor=actor, now=now)
    )


def amended(
    database: Database,
    session_id: str,
    told: ChartEntry,
    *,
    reason: str = "misread the clock",
    actor: Actor = SYSTEM,
    now: datetime = NOW,
) -> Chart:
    return database.in_transaction(
        lambda tx: amend_chart(tx, session_id=session_id, entry=told, reason=reason, actor=actor, now=now)
    )
