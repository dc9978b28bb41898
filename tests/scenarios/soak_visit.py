"""One patient's way through the soak: the bills and card payments, and what may be done with them next."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from tests.scenarios.soak_clinic import FAMILY, GIVEN, STREET, Clinic
from tests.scenarios.soak_model import Bill, Card, Model

T = TypeVar("T")

SMALLEST = 50
"""Cents that a card page takes."""
THROUGH_PROCESSOR = ("card", "card_present", "ach")
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
        self.saved = ""
        """The id of the card that may be charged."""
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
        if self.events_are_held:
            return
        for paid in self.model.end_debits(self.clinic.now):
            self.cards.append(paid)
            self.await_booking(paid)
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
        for debit in self.model.debits:
            self.clinic.pass_time(max(timedelta(), debit.ends_at - self.clinic.now))
        self.compare()

    def await_booking(self, card: Card) -> None:
        """Of a payment on a page, which is told by a webhook or by looking it up."""
        known = {each.payment_id for each in self.cards}

        def look() -> Any:
            items = self.clinic.billing.get("/payments", invoice_id=card.bill.invoice_id)["items"]
            return next((p for p in items if p["tender"] in THROUGH_PROCESSOR and p["id"] not in known), None)

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
        return [bill for bill in self._owing() if not 0 < bill.owed - available < SMALLEST]

    @property
    def owing_more_than_credit(self) -> list[Bill]:
        """So that a reader or a saved card has something to take: credit comes off first."""
        least = self.model.available + SMALLEST
        return [bill for bill in self.owing_at_the_desk if bill.owed >= least]

    @property
    def owing_to_the_saved_card(self) -> list[Bill]:
        return self.owing if self.saved and self.is_calm else []

    @property
    def owing_undisputed(self) -> list[Bill]:
        """What becomes of a bill that a bank debits while another bank takes its money back is a matter of
        its own tests.
        """
        disputed = [card.bill for card in self.disputed]
        return [bill for bill in self.owing if bill not in disputed]

    @property
    def owing_at_the_desk(self) -> list[Bill]:
        return self._owing() if self.is_calm else []

    @property
    def debited(self) -> list[Bill]:
        """Nothing else pays them, until the bank has."""
        return [debit.bill for debit in self.model.debits]

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
        """Each once, as banks do it, of bills of one payer; what became credit is no longer its bill's."""
        return [card for card in self._standing() if self._may_be_taken(card) and card.left]

    @property
    def disputable_twice(self) -> list[Card]:
        """Banks do not ask what went back."""
        return [card for card in self._standing() if self._may_be_taken(card) and card.given_back]

    @property
    def refundable(self) -> list[Card]:
        """None while a bank holds money of this patient."""
        waits = self.events_are_held or self.disputed
        return [] if waits else [card for card in self._standing() if card.left]

    @property
    def shareable(self) -> list[Bill]:
        """One part of each. A bill that a bank takes money back of is a matter of its own tests."""
        disputed = [card.bill for card in self.disputed]
        fit = [bill for bill in self.planned if not bill.share_id and bill not in disputed]
        return [bill for bill in fit if bill in self.owing_at_the_desk]

    @property
    def owed_by_payers(self) -> list[Bill]:
        return [bill for bill in self.bills if bill.part_owed] if self.is_calm else []

    @property
    def owed_by_payers_on_a_page(self) -> list[Bill]:
        return [bill for bill in self.owed_by_payers if bill.part_owed >= SMALLEST]

    @property
    def refundable_to_payers(self) -> list[Card]:
        """What was called off; more is a matter of its own tests."""
        waits = self.events_are_held or self.disputed
        called_off = [card for card in self.cards if card.is_payers and card.bill.state == "cancelled"]
        return [] if waits else [card for card in called_off if card.left]

    @property
    def planned(self) -> list[Bill]:
        return [bill for bill in self.bills if bill.state == "planned"] if self.is_calm else []

    @property
    def cancellable(self) -> list[Bill]:
        """What becomes of a session whose payment is disputed is a matter of its own tests."""
        busy = [*(card.bill for card in self.disputed), *self.debited]
        return [bill for bill in self.planned if bill not in busy]

    @property
    def payable(self) -> list[Bill]:
        return [bill for bill in self.planned if not bill.owed]

    def _may_be_taken(self, card: Card) -> bool:
        return not card.dispute and not card.bill.share_id

    def _standing(self) -> list[Card]:
        debited = self.debited
        own = [card for card in self.cards if not card.is_payers]
        return [card for card in own if card.bill.state != "cancelled" and card.bill not in debited]

    def _owing(self) -> list[Bill]:
        debited = self.debited
        return [bill for bill in self.bills if bill.owed and bill not in debited]
