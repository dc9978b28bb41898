"""`make soak`: any order of deeds and mishaps over HTTP, on real processes, beside a small model.

After each step the invariants hold, and once nothing is on its way the ledger says what the model says and
its clearing account what the processor's balance says. SOAK_SECONDS says how long (60), SOAK_SEED repeats a
run, SOAK_MACHINES=2 starts web and worker twice over; without DATABASE_URL on SQLite in var/soak.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ClassVar

import httpx
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing.platform.processes import KeepsDying, end_on_signals
from tests.scenarios.client import Browser, Client
from tests.scenarios.demo_database import claim
from tests.scenarios.office import ROOT, Failed, Office
from tests.scenarios.soak_model import PRICE, Bill, Card, Model

FOLDER = ROOT / "var" / "soak"
BEGINS = "2026-11-02T09:00:00-06:00"
STEPS = 25
WHICH = st.integers(0, 99)
SMALLEST = 50
"""Cents that a card page takes."""
GOOD, DECLINED = "4242 4242 4242 4242", "4000 0000 0000 0002"
DAY = timedelta(days=1)
MISHAPS = (
    *(("kill", name) for name in ("web", "worker", "sandbox")),
    *(("lose", path) for path in ("/v1/checkout/sessions", "/v1/refunds")),
    ("duplicate", "on"),
    ("duplicate", "off"),
    ("hold", "events"),
)
ROLES = ("front_desk", "billing", "clinician", "accountant", "supervisor")


class Clinic:
    """The office under load, its staff, and the one model of all that was done in it."""

    def __init__(self, office: Office) -> None:
        self.office, self.model = office, Model()
        office.flask("seed", "billing/catalog/samples/b.yaml")
        admin = Client(office, office.flask_json("tokens", "issue", "--role", "admin")["secret"])
        self.staff = {role: Client(office, admin.post("/tokens", {"role": role})["secret"]) for role in ROLES}
        self.site_id = self.desk.get("/sites")["items"][0]["id"]
        self.provider_id = self.desk.get("/providers")["items"][0]["id"]
        self.now = datetime.fromisoformat(BEGINS)

    @property
    def desk(self) -> Client:
        return self.staff["front_desk"]

    @property
    def billing(self) -> Client:
        return self.staff["billing"]

    def pass_time(self, much: timedelta) -> None:
        self.now += much
        self.office.set_clock(self.now.isoformat())

    def control(self, action: str, **body: Any) -> None:
        def act() -> bool:
            with suppress(httpx.TransportError):
                return httpx.post(f"{self._stand_in}/_control/{action}", json=body, timeout=20).is_success
            return False

        self.office.until(f"the stand-in does {action}", act)

    def processor_balance(self) -> int:
        """What all movements at the processor come to, in cents, paid out to the bank or still there."""
        net, after = 0, None
        while True:
            query = {"limit": "100", **({"starting_after": after} if after else {})}
            page = self.office.until("the processor lists", lambda q=query: self._movements(q))  # type: ignore[misc]
            net += sum(
                movement["net"]
                for movement in page["data"]
                if not movement["reporting_category"].startswith("payout")
            )
            if not page["has_more"]:
                return net
            after = page["data"][-1]["id"]

    def kill(self, name: str) -> None:
        """As nobody would expect it; whoever waits next starts it again."""
        with suppress(ProcessLookupError, FileNotFoundError, ValueError):
            os.killpg(int((self.office.folder / "run" / f"{name}.pid").read_text()), signal.SIGKILL)

    @property
    def _stand_in(self) -> str:
        return self.office.settings.stripe_api_base

    def _movements(self, query: dict[str, str]) -> Any:
        with suppress(httpx.TransportError):
            key = self.office.settings.stripe_secret_key
            answer = httpx.get(
                f"{self._stand_in}/v1/balance_transactions", params=query, auth=(key, ""), timeout=20
            )
            return answer.json() if answer.is_success else None
        return None


def told(deed: Callable[..., None]) -> Callable[..., None]:
    """A deed that is counted, and whose failure is printed before anything else happens."""

    @wraps(deed)
    def do(self: Soak, *args: Any, **chosen: Any) -> None:
        try:
            deed(self, *args, **chosen)
        except Exception:
            if not Soak.failure:
                Soak.failure = f"{deed.__name__}({chosen}) failed, the {Soak.steps}th step"
                traceback.print_exc()
            raise
        Soak.deeds[deed.__name__] += 1

    return do


class Soak(RuleBasedStateMachine):
    clinic: ClassVar[Clinic]
    steps: ClassVar[int] = 0
    failure: ClassVar[str] = ""
    deeds: ClassVar[Counter[str]] = Counter()

    @initialize()
    @told
    def a_new_patient_comes(self) -> None:
        if self.failure:
            raise Failed("The run is over.")
        self.bills: list[Bill] = []
        self.cards: list[Card] = []
        self.unbooked: list[Bill] = []
        number = type(self).steps
        patient = self.clinic.desk.post(
            "/patients",
            {
                "site_id": self.clinic.site_id,
                "given_name": "Sample",
                "family_name": f"Soak-{number}",
                "born_on": "1980-01-01",
                "address": {"line1": "1 Sample St", "city": "Austin", "state": "TX", "postal_code": "78702"},
            },
        )
        self.patient_id = patient["id"]
        # What earlier patients hold is theirs, and comes off no bill of this one.
        self.credit_of_others, self.model.credit = self.model.credit, 0
        for _ in range(2):
            self.bill()

    @told
    def teardown(self) -> None:
        if hasattr(self, "patient_id") and not self.failure:
            if self.model.events_are_held:
                self.release("as_sent")
            self.compare()
            self.model.credit += self.credit_of_others

    @property
    def model(self) -> Model:
        return self.clinic.model

    # --- deeds -------------------------------------------------------------------------------------------

    @precondition(lambda self: not self.model.events_are_held and len(self.bills) < 6)
    @rule()
    @told
    def bill(self) -> None:
        on = (self.clinic.now + DAY).date().isoformat()
        session = {"service": "infusion", "planned_on": on, "minutes": 45, "dose_mg": 40, "weight_kg": 80}
        plan = self.clinic.desk.post(
            "/plans",
            {
                "patient_id": self.patient_id,
                "provider_id": self.clinic.provider_id,
                "condition": "depression",
                "sessions": [session],
            },
        )
        quote = self.clinic.desk.post("/quotes", {"plan_id": plan["id"]})
        invoice = self.clinic.billing.post("/invoices", {"quote_id": quote["id"]})
        assert invoice["total_cents"] == PRICE
        bill = Bill(invoice["id"], plan["sessions"][0]["id"])
        self.bills.append(bill)
        self.model.bills.append(bill)
        self.model.take_credit(bill)

    @precondition(lambda self: self._owing())
    @rule(which=WHICH, first_declined=st.booleans())
    @told
    def pay_by_card(self, which: int, first_declined: bool) -> None:
        bill = _pick(self._owing(), which)
        needs_a_card = self.model.credit < bill.owed
        link = self.clinic.desk.post(f"/invoices/{bill.invoice_id}/pay-links")
        browser = Browser(self.clinic.office)
        try:
            page = browser.submit(browser.open(link["url"]))
            self.model.take_credit(bill)
            if not needs_a_card:
                return
            card = {"card_number": DECLINED, "expiry": "12 / 34", "cvc": "123"}
            if first_declined:
                page = browser.submit(page, **card)
            browser.submit(page, **{**card, "card_number": GOOD})
        finally:
            browser.close()
        if self.model.events_are_held:
            self.unbooked.append(bill)
        else:
            self._booked(bill)

    @precondition(lambda self: not self.model.events_are_held and self._owing())
    @rule(which=WHICH, part=st.integers(1, 4))
    @told
    def pay_in_cash(self, which: int, part: int) -> None:
        bill = _pick(self._owing(), which)
        cents = max(1, bill.owed * part // 4)
        self.clinic.desk.post(f"/invoices/{bill.invoice_id}/cash-payments", {"amount_cents": cents})
        bill.covered += cents
        self.model.cash += cents

    @precondition(lambda self: not self.model.events_are_held and len(self._planned()) > 2)
    @rule(which=WHICH)
    @told
    def cancel(self, which: int) -> None:
        bill = _pick(self._planned(), which)
        self.clinic.desk.post(f"/sessions/{bill.session_id}/cancel")
        self.model.cancel(bill)

    @precondition(lambda self: not self.model.events_are_held and self._payable())
    @rule(which=WHICH)
    @told
    def give(self, which: int) -> None:
        bill = _pick(self._payable(), which)
        session = self.clinic.desk.get(f"/sessions/{bill.session_id}")
        day = datetime.fromisoformat(f"{session['planned_on']}T10:00:00-06:00")
        if day < self.clinic.now:
            self.clinic.desk.post(
                f"/sessions/{bill.session_id}/reschedule", {"planned_on": self.clinic.now.date().isoformat()}
            )
        self.clinic.pass_time(max(timedelta(minutes=1), day - self.clinic.now))
        start = self.clinic.now
        self.clinic.desk.post(f"/sessions/{bill.session_id}/check-in")
        self.clinic.pass_time(timedelta(minutes=46))
        facts = {
            "started_at": start.isoformat(),
            "stopped_at": (start + timedelta(minutes=45)).isoformat(),
            "dose_mg": 40,
        }
        self.clinic.staff["clinician"].post(f"/sessions/{bill.session_id}/record", facts)
        bill.state = "given"

    # --- mishaps: fewer rules than deeds, so that there is something to go wrong ---------------------------

    @rule(mishap=st.sampled_from(MISHAPS))
    @told
    def something_goes_wrong(self, mishap: tuple[str, str]) -> None:
        kind, what = mishap
        if kind == "lose":
            self.clinic.control("lose-response", path=what, times=1)
        elif kind == "duplicate":
            self.clinic.control("duplicate-events", on=what == "on")
        elif kind == "kill":
            self.clinic.kill(what)
            self.clinic.office.tend()
        elif not self.model.events_are_held:
            self.clinic.control("hold-events")
            self.model.events_are_held = True

    @rule(minutes=st.sampled_from([1, 6, 70, 25 * 60]))
    @told
    def time_passes(self, minutes: int) -> None:
        """Held events are let go before their day is over: what came late is looked up meanwhile."""
        if self.model.events_are_held and minutes > 70:
            self.release("reversed")
        self.clinic.pass_time(timedelta(minutes=minutes))

    @precondition(lambda self: self.model.events_are_held)
    @rule(order=st.sampled_from(["as_sent", "reversed"]))
    @told
    def release(self, order: str) -> None:
        self.clinic.control("release-events", order=order)
        self.model.events_are_held = False
        for bill in self.unbooked:
            self._booked(bill)
        self.unbooked = []

    # --- what must hold ----------------------------------------------------------------------------------

    @invariant()
    @told
    def invariants_hold(self) -> None:
        type(self).steps += 1
        verdict = self.clinic.staff["accountant"].get("/verify")
        assert verdict["ok"], [check for check in verdict["checks"] if check["status"] == "failed"]

    @invariant()
    @told
    def the_books_say_what_was_done(self) -> None:
        if hasattr(self, "patient_id") and not self.model.events_are_held:
            self.compare()

    def compare(self) -> None:
        expected = self.model.balances()
        credit = self.model.credit + self.credit_of_others
        expected = {**expected, **({"2200": -credit} if credit else {})}
        with suppress(Failed):
            self.clinic.office.until("the books are complete", lambda: self._books() == expected)
        assert self._books() == expected
        assert self.clinic.processor_balance() == expected.get("1050", 0)

    def _books(self) -> dict[str, int]:
        """The trial balance; what was paid out counts as with the processor, since that happens by itself."""
        accounts = self.clinic.staff["accountant"].get("/ledger/trial-balance")["accounts"]
        found: Counter[str] = Counter()
        for row in accounts:
            found["1050" if row["account"] == "1000" else row["account"]] += row["cents"]
        return {account: cents for account, cents in found.items() if cents}

    def _booked(self, bill: Bill) -> None:
        """Wait for the payment of a bill's page, which came by a webhook or by looking it up."""
        known = {card.payment_id for card in self.cards}
        path = "/payments"

        def look() -> Any:
            items = self.clinic.billing.get(path, invoice_id=bill.invoice_id)["items"]
            return next((p for p in items if p["tender"] == "card" and p["id"] not in known), None)

        payment = self.clinic.office.until("the card payment is booked", look)
        assert payment["amount_cents"] == bill.owed
        self.model.charge(bill, payment["id"], payment.get("charge_reference", ""))
        self.cards.append(self.model.cards[-1])

    def _owing(self) -> list[Bill]:
        credit = self.model.credit
        return [
            bill
            for bill in self.bills
            if bill.owed and bill not in self.unbooked and not 0 < bill.owed - credit < SMALLEST
        ]

    def _planned(self) -> list[Bill]:
        return [bill for bill in self.bills if bill.state == "planned"]

    def _payable(self) -> list[Bill]:
        return [bill for bill in self._planned() if not bill.owed]


def _pick(things: list[Any], which: int) -> Any:
    return things[which % len(things)]


def soak(database_url: str, *, seconds: float, seed_number: int, machines: int) -> int:
    """Play runs of STEPS steps until the time is over; return how many steps were taken."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    claim(database_url)
    office = Office(folder=FOLDER, database_url=database_url, clock=BEGINS, machines=machines)
    ends = time.monotonic() + seconds
    try:
        office.open()
        Soak.clinic, Soak.steps = Clinic(office), 0
        while time.monotonic() < ends:
            play_once(seed_number)
            seed_number += 1
    finally:
        office.close()
    return Soak.steps


def play_once(seed_number: int) -> None:
    """Three patients, one after the other. What fails is told at once, never replayed: processes have a past.

    Raises: Failed.
    """
    how = settings(
        max_examples=3,  # the first is always the simplest of all
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(seed_number)(Soak), settings=how)
    except Exception as error:
        raise Failed(f"{Soak.failure or error!r}") from error


def main() -> int:
    end_on_signals()
    seed_number = int(os.environ.get("SOAK_SEED") or random.randrange(1_000_000_000))
    seconds = float(os.environ.get("SOAK_SECONDS", "60"))
    machines = int(os.environ.get("SOAK_MACHINES", "1"))
    print(f"Soaking for {seconds:.0f} s from seed {seed_number} (SOAK_SEED={seed_number} begins the same).")
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{FOLDER / 'soak.db'}"
    try:
        steps = soak(url, seconds=seconds, seed_number=seed_number, machines=machines)
    except (Failed, KeepsDying) as problem:
        print(f"\nThe soak failed. {problem} Logs are in var/soak/log.", file=sys.stderr)
        return 1
    print("  ".join(f"{name} {times}" for name, times in Soak.deeds.most_common()))
    print(f"{steps} steps; after each the books were those of the model, and the processor's.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
