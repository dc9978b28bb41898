"""The office under load, its staff, and both sides of its money: the ledger's and the processor's."""

from __future__ import annotations

import csv
import io
import os
import signal
import threading
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.scenarios.client import Client
from tests.scenarios.office import Failed, Office
from tests.scenarios.soak_model import Model
from tests.scenarios.stand_in import StandIn

ROLES = ("front_desk", "billing", "clinician", "accountant")
CANARIES = ("Quillfeather", "Zanzibarova", "Canary Lane", "depression", "infusion", "ketamine")
"""Who is treated for what: a request to the processor that holds one is refused, and the run fails."""

GIVEN, FAMILY, STREET, CONDITION, SERVICE, _ = CANARIES
UNDER_WAY = ("pending", "in_transit")


class Clinic:
    def __init__(self, office: Office, begins: str) -> None:
        self.office, self.stand_in, self.model = office, StandIn(office), Model()
        self.now = datetime.fromisoformat(begins)
        self._killers: list[threading.Timer] = []
        self.stand_in.refuse_words(*CANARIES)
        office.flask("seed", "billing/catalog/samples/b.yaml")
        # A supervisor approves what somebody else asked for, so not with a token of the same person.
        admin, supervisor = (
            Client(office, office.flask_json("tokens", "issue", "--role", role)["secret"])
            for role in ("admin", "supervisor")
        )
        self.staff = {role: Client(office, admin.post("/tokens", {"role": role})["secret"]) for role in ROLES}
        self.staff["supervisor"] = supervisor
        site = self.desk.get("/sites")["items"][0]
        self.site_id, self.timezone = site["id"], site["timezone"]
        self.drawer_id = ""
        self.reader_id = self.stand_in.register_reader()
        self.provider_id = self.desk.get("/providers")["items"][0]["id"]

    @property
    def desk(self) -> Client:
        return self.staff["front_desk"]

    @property
    def billing(self) -> Client:
        return self.staff["billing"]

    @property
    def today(self) -> str:
        """At the site, where it may still be yesterday's date of the clock."""
        return self.now.astimezone(ZoneInfo(self.timezone)).date().isoformat()

    def pass_time(self, much: timedelta) -> None:
        self.now += much
        self.office.set_clock(self.now.isoformat())

    # --- mishaps -----------------------------------------------------------------------------------------

    def control(self, action: str, **body: Any) -> Any:
        """What a bank or the network does to the stand-in; not while somebody is about to kill it."""
        self._await_killers()
        return self.stand_in.control(action, **body)

    def show_card(self, number: str) -> None:
        """To the reader, which asks for one; like `control`, not while somebody is about to kill it."""
        self._await_killers()
        self.stand_in.show_card(self.reader_id, number.replace(" ", ""))

    def kill(self, name: str, *, after_ms: int) -> None:
        """As nobody would expect it, under whatever is done then; whoever waits next starts it again."""
        killer = threading.Timer(after_ms / 1_000, self._kill, [name])
        self._killers.append(killer)
        killer.start()

    def close(self) -> None:
        for killer in self._killers:
            killer.cancel()

    def _await_killers(self) -> None:
        for killer in self._killers:
            killer.join()
        self._killers.clear()

    def _kill(self, name: str) -> None:
        with suppress(ProcessLookupError, FileNotFoundError, ValueError):
            os.killpg(int((self.office.folder / "run" / f"{name}.pid").read_text()), signal.SIGKILL)

    # --- what must hold ----------------------------------------------------------------------------------

    def refuse_broken_invariants(self) -> None:
        verdict = self.staff["accountant"].get("/verify")
        assert verdict["ok"], [check for check in verdict["checks"] if check["status"] == "failed"]

    def compare(self) -> None:
        """Once nothing is on its way the ledger, the model and the processor say the same of every cent.

        Raises: AssertionError with the differences.
        """
        with suppress(Failed):
            self.office.until("the books are complete", lambda: not self._differences())
        assert self._differences() == []

    def compare_entries(self) -> None:
        """What the ledger's entries say of each kind of movement; balances alone could hide two mistakes."""
        moved = self._entries()
        told = {
            "captured": moved["payment", "received", "1050"],
            "refunded": -moved["refund", "sent", "1050"] - moved["refund", "failed", "1050"],
            "disputed": moved["dispute-movement", "moved", "1070"],
            "fees": moved["payment", "fee", "6100"]
            + moved["checkout", "fee", "6100"]
            + moved["dispute-movement", "moved", "6110"],
            "left": sum(cents for (_, _, account), cents in moved.items() if account in {"1000", "1050"}),
        }
        assert told == _moved(self.stand_in.state()["totals"])

    def _differences(self) -> list[str]:
        totals, on_its_way = self.stand_in.state()["totals"], self._on_its_way()
        here, gone = totals["available"] + totals["pending"], totals["paid_out"] - on_its_way
        expected = {**self.model.balances(), "1050": here + on_its_way - self.model.coming, "1000": gone}
        found = Counter(self._ledger())
        found.subtract(expected)
        wrong = [f"{account} is {cents} too much" for account, cents in sorted(found.items()) if cents]
        processor, model = _moved(totals), self.model.at_the_processor()
        return wrong if processor == model else [*wrong, f"the processor says {processor}, the model {model}"]

    def _ledger(self) -> dict[str, int]:
        accounts = self.staff["accountant"].get("/ledger/trial-balance")["accounts"]
        balances: Counter[str] = Counter()
        for row in accounts:
            balances[row["account"]] += row["cents"]
        return balances

    def _on_its_way(self) -> int:
        """Cents that left the processor and did not reach the bank yet."""
        newest = self.stand_in.listed("payouts", limit="20")["data"]
        return sum(payout["amount"] for payout in newest if payout["status"] in UNDER_WAY)

    def _entries(self) -> Counter[tuple[str, str, str]]:
        """Cents by an entry's source kind and purpose, and by account."""
        journal = self.staff["accountant"].content("/exports/journal", format="csv").decode("utf-8-sig")
        moved: Counter[tuple[str, str, str]] = Counter()
        for row in csv.DictReader(io.StringIO(journal)):
            cents = int(row["amount"].replace(".", ""))
            moved[row["source_kind"], row["purpose"], row["account"]] += cents
        return moved


def _moved(totals: dict[str, int]) -> dict[str, int]:
    """The processor's totals, whatever of it is at the bank already."""
    moved = {name: totals[name] for name in ("refunded", "fees")}
    moved["captured"] = totals["captured"] - totals["charge_failures"]
    left = totals["paid_out"] + totals["available"] + totals["pending"]
    return {**moved, "disputed": totals["disputed"] - totals["reinstated"], "left": left}
