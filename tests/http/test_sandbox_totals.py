"""Whatever happens at the stand-in, in whatever order, its figures agree with one another."""

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from billing.sandbox.app import create_app
from billing.sandbox.settings import Settings
from billing.sandbox.storage import Store

CARDS = ("pm_card_visa", "pm_card_refundFail", "pm_card_pendingRefund", "pm_card_createDispute",
         "pm_card_createDisputeInquiry", "pm_card_chargeDeclined")  # fmt: skip
CENTS = st.integers(50, 100_000)
PICK = st.integers(0, 1_000)
HEADERS = {"Authorization": "Bearer sk_test_1"}


class Processor(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        self.now = datetime(2026, 11, 2, 12, tzinfo=UTC)
        self.store = Store(self.folder / "sandbox.db")
        self.settings = Settings(
            port=0, secret_key="sk_test_1", webhook_secret="whsec_1", public_url="http://127.0.0.1:1",
            clock=lambda: self.now, clock_file=None, database=self.folder / "sandbox.db",
        )  # fmt: skip
        self.client = create_app(self.store, self.settings, lambda: None).test_client()

    def teardown(self):
        self.store.close()
        shutil.rmtree(self.folder)

    @rule(cents=CENTS, card=st.sampled_from(CARDS))
    def pay(self, cents, card):
        self.post("payment_intents", amount=cents, currency="usd", payment_method=card, confirm="true")

    @rule(pick=PICK, cents=st.none() | CENTS)
    def refund(self, pick, cents):
        charge = self.one("charges", pick)
        if charge:
            left = charge["amount_captured"] - charge["amount_refunded"]
            answer = self.post("refunds", charge=charge["id"], **({} if cents is None else {"amount": cents}))
            assert "error" in answer or answer["amount"] <= left

    @rule(pick=PICK, action=st.sampled_from(["fail-refund", "settle-refund", "cancel-refund"]))
    def end_refund(self, pick, action):
        refund = self.one("refunds", pick)
        if refund:
            self.control(action, refund=refund["id"])

    @rule(pick=PICK, cents=st.none() | CENTS, inquiry=st.booleans())
    def dispute(self, pick, cents, inquiry):
        charge = self.one("charges", pick)
        if charge:
            self.control(
                "open-dispute", charge=charge["id"], inquiry=inquiry, **({"amount": cents} if cents else {})
            )

    @rule(pick=PICK, outcome=st.sampled_from(["won", "lost"]), cents=st.none() | CENTS, fee=st.booleans())
    def decide(self, pick, outcome, cents, fee):
        dispute = self.one("disputes", pick)
        if dispute:
            self.control(
                "decide-dispute", dispute=dispute["id"], outcome=outcome, fee_returned=fee,
                **({"amount": cents} if cents else {}),
            )  # fmt: skip

    @rule(cents=st.none() | CENTS)
    def pay_out(self, cents):
        if cents is None:
            self.control("pay-out")
        else:
            self.post("payouts", amount=cents, currency="usd")

    @rule(pick=PICK, cancels=st.booleans())
    def stop_payout(self, pick, cancels):
        payout = self.one("payouts", pick)
        if payout and cancels:
            self.post(f"payouts/{payout['id']}/cancel")
        elif payout:
            self.control("fail-payout", payout=payout["id"])

    @rule(hours=st.sampled_from([1, 12, 24, 60, 24 * 30]))
    def wait(self, hours):
        self.now += timedelta(hours=hours)

    @rule()
    def restart(self):
        self.store.close()
        self.store = Store(self.folder / "sandbox.db")
        self.client = create_app(self.store, self.settings, lambda: None).test_client()

    @invariant()
    @precondition(lambda self: hasattr(self, "client"))
    def the_balance_is_the_sum_of_its_movements(self):
        balance, movements = self.get("balance"), self.all("balance_transactions")
        settled = [moved["net"] for moved in movements if moved["status"] == "available"]
        assert balance["available"][0]["amount"] == sum(settled)
        assert balance["available"][0]["amount"] + balance["pending"][0]["amount"] == sum(
            moved["amount"] - moved["fee"] for moved in movements
        )

    @invariant()
    @precondition(lambda self: hasattr(self, "client"))
    def the_totals_are_what_the_objects_say(self):
        totals = self.client.get("/_control/state").json["totals"]
        charges, refunds = self.all("charges"), self.all("refunds")
        assert totals["captured"] == sum(charge["amount_captured"] for charge in charges)
        kept = [refund["amount"] for refund in refunds if refund["status"] in ("pending", "succeeded")]
        assert totals["refunded"] == sum(kept) == sum(charge["amount_refunded"] for charge in charges)
        payouts = [p["amount"] for p in self.all("payouts") if p["status"] not in ("failed", "canceled")]
        assert totals["paid_out"] == sum(payouts)
        moved = [moved for dispute in self.all("disputes") for moved in dispute["balance_transactions"]]
        assert totals["reinstated"] - totals["disputed"] == sum(movement["amount"] for movement in moved)
        left = totals["captured"] - totals["refunded"] - totals["disputed"] + totals["reinstated"]
        assert left - totals["fees"] - totals["paid_out"] == totals["available"] + totals["pending"]

    @invariant()
    @precondition(lambda self: hasattr(self, "client"))
    def a_charge_never_gives_more_than_it_took(self):
        given = {charge["id"]: -charge["amount_refunded"] for charge in self.all("charges")}
        for dispute in self.all("disputes"):
            given[dispute["charge"]] += sum(moved["amount"] for moved in dispute["balance_transactions"])
        for charge in self.all("charges"):
            assert charge["amount_captured"] + given[charge["id"]] >= 0

    @invariant()
    @precondition(lambda self: hasattr(self, "client"))
    def an_automatic_payout_is_the_sum_of_what_is_in_it(self):
        for payout in self.all("payouts"):
            if payout["automatic"]:
                inside = self.all("balance_transactions", payout=payout["id"])
                sources = [moved["net"] for moved in inside if moved["id"] != payout["balance_transaction"]]
                assert sum(sources) == payout["amount"]
                assert sum(moved["net"] for moved in inside) == 0

    def one(self, what, pick):
        found = self.all(what)
        return found[pick % len(found)] if found else None

    def all(self, what, **params):
        found = self.get(what, limit=100, **params)["data"]
        while found and (more := self.get(what, limit=100, starting_after=found[-1]["id"], **params)["data"]):
            found += more
        return found

    def get(self, what, **params):
        return self.client.get(f"/v1/{what}", query_string=params, headers=HEADERS).json

    def post(self, what, **body):
        answer = self.client.post(f"/v1/{what}", data=body, headers=HEADERS)
        assert answer.status_code < 500
        return answer.json

    def control(self, action, **body):
        assert self.client.post(f"/_control/{action}", json=body).status_code < 500


TestProcessor = Processor.TestCase
TestProcessor.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
