"""Accounts on which all charges are stopped."""

from __future__ import annotations

from datetime import datetime

from billing.kernel.permissions import SYSTEM
from billing.patients.records import AccountHold, HoldReason, HoldTerms
from billing.patients.use_cases import lift_hold, place_hold
from billing.platform.data.database import Database
from tests.conftest import NOW

NOTE = "Case 26-10417, Austin"


def stopped(
    database: Database, patient_id: str, reason: HoldReason = HoldReason.BANKRUPTCY, *, now: datetime = NOW
) -> AccountHold:
    """From today on."""
    return database.in_transaction(
        lambda tx: place_hold(
            tx,
            patient_id=patient_id,
            terms=HoldTerms(reason=reason, note=NOTE),
            effective_from=now.date(),
            actor=SYSTEM,
            now=now,
        )
    )


def let_go_on(database: Database, hold: AccountHold, *, now: datetime = NOW) -> AccountHold:
    return database.in_transaction(
        lambda tx: lift_hold(tx, hold_id=hold.id, why="Dismissed", actor=SYSTEM, now=now)
    )
