"""Payments of one insurer for two paid visits, told file by file, and what the books say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from billing.insurance.records import ImportedFile, Remittance, Superbill
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import trial_balance
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.takebacks import list_takebacks
from billing.payments.records.takebacks import Takeback
from billing.platform.data.database import Database
from billing.platform.data.tasks import TaskState, list_tasks
from tests.factories.insurance import Course, imported
from tests.factories.remittance_835 import Claim, remittance

PAID_ON = date(2026, 11, 2)


@dataclass
class Story:
    """Each payment has a trace of its own and is a day later than the one before."""

    database: Database
    course: Course
    bills: Sequence[Superbill]
    payments: int = 0

    def __post_init__(self) -> None:
        self.before = self._balances()

    def answer(self, cents: int, *, of: int = 0, **more: Any) -> Claim:
        """What the insurer pays for a visit; below zero, the reversal of such an answer."""
        bill = self.bills[of]
        charge = bill.charge.cents
        told: dict[str, Any] = {
            "control_number": bill.control_number,
            "payer_claim_number": f"ICN{of}",
            "served_on": bill.service_on,
        }
        if cents < 0:
            told |= {"charge_cents": -charge, "paid_cents": cents, "status": "22"}
        else:
            told |= {"charge_cents": charge, "paid_cents": cents}
        return Claim(**told | more)

    def file(self, *claims: Claim, plb: Sequence[tuple[str, int]] = (), **payment: Any) -> bytes:
        self.payments += 1
        told = {
            "trace": f"EFT{self.payments:04d}",
            "paid_on": PAID_ON + timedelta(days=self.payments),
        }
        return remittance(claims, provider_adjustments=plb, **told | payment)

    def send(self, *claims: Claim, plb: Sequence[tuple[str, int]] = (), **payment: Any) -> Remittance:
        (sent,) = self.read(self.file(*claims, plb=plb, **payment)).transactions
        return sent

    def read(self, content: bytes) -> ImportedFile:
        return imported(self.database, content)

    def moved(self) -> dict[str, int]:
        """What the accounts have changed by since the story began."""
        after = self._balances()
        changes = {each: after.get(each, 0) - self.before.get(each, 0) for each in after | self.before}
        return {account: cents for account, cents in sorted(changes.items()) if cents}

    def credit(self) -> int:
        with self.database.reading() as read:
            lots = credits_of_patient(read, self.course.patient.id, SYSTEM)
        return sum(lot.available.cents for lot in lots)

    def demands(self) -> Sequence[Takeback]:
        with self.database.reading() as read:
            return list(reversed(list_takebacks(read, SYSTEM, limit=50)))

    def reviews(self) -> int:
        """How many demands wait for a person."""
        with self.database.reading() as read:
            tasks = list_tasks(read, SYSTEM, state=TaskState.OPEN, limit=50)
        return len([each for each in tasks if each.kind == "takeback-review"])

    def _balances(self) -> dict[str, int]:
        with self.database.reading() as read:
            return trial_balance(read)
