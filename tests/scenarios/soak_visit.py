"""One patient's way through the soak: the bills and card payments, and what may be done with them next."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.scenarios.soak_clinic import FAMILY, GIVEN, STREET, Clinic
from tests.scenarios.soak_model import Bill, Card, Model

T = TypeVar("T")

SMALLEST = 50
"""Cents that a card page takes."""
MOST_BILLS = 6


class Choose:
    """What chance decides of a step."""

    def __init__(self, chance: str) -> None:
        self._random = random.Random(chance)

    def of(self, things: Sequence[T]) -> T:
        return self._random.choice(things)

    def part(self, cents: int) -> int:
        """From a quarter to three, but a cent at least."""
        return max(1, cents * self.of((1, 2, 3)) // 4)


@dataclass(frozen=True)
class Check:
    bill: Bill
    paid: int
    payment_id: str


class Visit:
    """While events are held the clinic does not know what happened; then only others than it do something."""

    def __init__(self, clinic: Clinic, number: int) -> None:
        self.clinic = clinic
        self.bills: list[Bill] = []
        self.cards: list[Card] = []
        self.checks: list[Check] = []
        self.sent: list[tuple[Card, str, int]] = []
        """Refunds that arrived: their payment, the processor's id, and cents."""
        self.events_are_held = self.events_are_doubled = False
        patient = clinic.desk.post(
            "/patients",
            {
                "site_id": clinic.site_id,
                "given_name": GIVEN,
                "family_name": f"{FAMILY}-{number}",
                "born_on": "1980-01-01",
                "address": {"line1": f"1 {STREET}", "city": "Austin", "state": "TX", "postal_code": "78702"},
            },
        )
        self.patient_id: str = patient["id"]
        self.model.another_patient_comes()

    @property
    def model(self) -> Model:
        return self.clinic.model

    def compare(self) -> None:
        if not self.events_are_held:
            self.clinic.compare()

    def release_events(self, order: str, *, seed: int = 0) -> None:
        self.clinic.control("release-events", order=order, seed=seed)
        self.events_are_held = False
        for card in self.cards:
            if not card.payment_id:
                self.await_booking(card)

    def end(self) -> None:
        if self.events_are_held:
            self.release_events("as_sent")
        self.clinic.control("duplicate-events", on=False)
        self.compare()

    def await_booking(self, card: Card) -> None:
        """Of a payment on a page, which is told by a webhook or by looking it up."""
        known = {each.payment_id for each in self.cards}

        def look() -> Any:
            items = self.clinic.billing.get("/payments", invoice_id=card.bill.invoice_id)["items"]
            return next((p for p in items if p["tender"] == "card" and p["id"] not in known), None)

        payment = self.clinic.office.until("the card payment is booked", look)
        assert payment["amount_cents"] == card.paid
        card.payment_id = payment["id"]

    # --- what may be done next ---------------------------------------------------------------------------

    @property
    def is_calm(self) -> bool:
        return not self.events_are_held

    @property
    def has_room(self) -> bool:
        return self.is_calm and len(self.bills) < MOST_BILLS

    @property
    def owing(self) -> list[Bill]:
        available = self.model.available
        return [bill for bill in self.bills if bill.owed and not 0 < bill.owed - available < SMALLEST]

    @property
    def owing_at_the_desk(self) -> list[Bill]:
        return [bill for bill in self.bills if bill.owed] if self.is_calm else []

    @property
    def owing_two(self) -> list[Bill]:
        """Something to each of two tenders."""
        return [bill for bill in self.owing_at_the_desk if bill.owed > 1]

    @property
    def bounceable(self) -> list[Check]:
        """What became credit and is on other bills is a matter of its own tests."""
        standing = [check for check in self.checks if check.bill.state != "cancelled"]
        return standing if self.is_calm else []

    @property
    def disputed(self) -> list[Card]:
        return [card for card in self.cards if card.disputed]

    @property
    def disputable(self) -> list[Card]:
        """Each once, as banks do it; what became credit is no longer its bill's."""
        return [card for card in self._standing() if card.left and not card.dispute]

    @property
    def refundable(self) -> list[Card]:
        """None while a bank holds money of this patient."""
        waits = self.events_are_held or self.disputed
        return [] if waits else [card for card in self._standing() if card.left]

    @property
    def planned(self) -> list[Bill]:
        return [bill for bill in self.bills if bill.state == "planned"] if self.is_calm else []

    @property
    def cancellable(self) -> list[Bill]:
        """What becomes of a session whose payment is disputed is a matter of its own tests."""
        return [bill for bill in self.planned if bill not in [card.bill for card in self.disputed]]

    @property
    def payable(self) -> list[Bill]:
        return [bill for bill in self.planned if not bill.owed]

    def _standing(self) -> list[Card]:
        return [card for card in self.cards if card.bill.state != "cancelled"]
