"""Plans and sessions at every stage, reached as staff reach them."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from billing.care.queries import find_session
from billing.care.records import Particulars, Plan, Session, SessionOrder
from billing.care.use_cases import (
    check_in,
    cover,
    plan_sessions,
    plan_treatment,
    record_session,
    set_due,
)
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.platform.data.database import Database
from tests.factories.patients import NOW

SAMPLE_PARTICULARS = Particulars(dose_mg=Decimal(40), weight_kg=Decimal(80))


def new_plan(
    database: Database,
    patient_id: str,
    *,
    condition: str = "depression",
    protocol: str = "series_of_six",
    starts_on: date = date(2026, 11, 2),
    particulars: Particulars = SAMPLE_PARTICULARS,
    now: datetime = NOW,
) -> Plan:
    """A plan of the sample clinic B; the series of six when nothing else is said."""
    return database.in_transaction(
        lambda tx: plan_treatment(
            tx,
            patient_id=patient_id,
            condition=condition,
            protocol=protocol,
            starts_on=starts_on,
            particulars=particulars,
            actor=SYSTEM,
            now=now,
        )
    )


def new_session(
    database: Database,
    patient_id: str,
    *,
    service: str = "infusion",
    condition: str = "depression",
    planned_on: date = date(2026, 11, 2),
    minutes: int | None = 45,
    dose_mg: Decimal | None = Decimal(40),
    now: datetime = NOW,
) -> Session:
    """The only session of a plan of its own."""
    order = SessionOrder(service=service, planned_on=planned_on, minutes=minutes, dose_mg=dose_mg)
    plan = database.in_transaction(
        lambda tx: plan_sessions(
            tx, patient_id=patient_id, condition=condition, orders=[order], actor=SYSTEM, now=now
        )
    )
    return plan.sessions[0]


def price(database: Database, session_id: str, due: Money | None, *, now: datetime = NOW) -> Session:
    return database.in_transaction(
        lambda tx: set_due(tx, session_id=session_id, due=due, actor=SYSTEM, now=now)
    )


def pay(
    database: Database,
    session_id: str,
    amount: Money,
    *,
    source_kind: str = "payment",
    source_id: str = "pay_1",
    now: datetime = NOW,
) -> Session:
    """Cover from a payment, without any payment: for tests of rooms beneath it."""
    return database.in_transaction(
        lambda tx: cover(
            tx,
            session_id=session_id,
            source_kind=source_kind,
            source_id=source_id,
            amount=amount,
            actor=SYSTEM,
            now=now,
        )
    )


def let_in(
    database: Database, session_id: str, *, reason: str | None = "sample", now: datetime = NOW
) -> Session:
    """Checked in, by a supervisor's override where it is not covered."""
    return database.in_transaction(
        lambda tx: check_in(tx, session_id=session_id, override_reason=reason, actor=SYSTEM, now=now)
    )


def give(
    database: Database,
    session_id: str,
    *,
    minutes: int = 45,
    dose_mg: Decimal | None = Decimal(40),
    now: datetime = NOW,
) -> Session:
    """Checked in unless it is already, and given so that it stops at `now`."""
    with database.reading() as read:
        is_waiting = find_session(read, session_id, SYSTEM).checked_in_at is None
    if is_waiting:
        let_in(database, session_id, now=now)
    return database.in_transaction(
        lambda tx: record_session(
            tx,
            session_id=session_id,
            started_at=now - timedelta(minutes=minutes),
            stopped_at=now,
            dose_mg=dose_mg,
            actor=SYSTEM,
            now=now,
        )
    )
