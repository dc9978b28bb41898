"""The processor pays out to the bank, over real HTTP: daily, told twice, sent back, made by hand."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.accounting.records import Status
from billing.kernel.money import total
from billing.kernel.permissions import SYSTEM
from billing.ledger.queries import trial_balance
from billing.payments.errors import UnexplainedMoney
from billing.payments.queries.payout_parts import contents_of
from billing.payments.queries.payouts import list_payouts
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back
from tests.factories.catalog import seed_sample
from tests.factories.invoices import a_patient, billed
from tests.factories.sandbox import pay_on_card_page, sdk_client

pytestmark = pytest.mark.processes

NET = 90_000 - 2_640
"""Two sessions of 450, less the fee of the charge."""


@pytest.fixture
def paid_by_card(office):
    bill = billed(office.database, a_patient(office.database), only_first=2)
    checkout = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    assert pay_on_card_page(checkout["url"])
    until(office, "checkout.session.completed")


@pytest.fixture
def settled(office, paid_by_card, clock_file):
    """Days later the charge may be paid out; automatic payouts wait for the control."""
    office.sandbox.control("payout-schedule", schedule="manual")
    clock_file.write_text((NOW + timedelta(days=3)).isoformat())


def until(office, kind, count=1):
    """Webhooks come by themselves within a moment; then the worker works them off."""
    waiting = threading.Event()
    for _ in range(400):
        if len(office.kept(kind)) >= count:
            office.work()
            return
        waiting.wait(0.05)
    raise AssertionError(f"no {kind} came")


def checked(office):
    with office.database.reading() as read:
        return verify(read, now=NOW, refund_limit=LIMIT).checks


def books(office):
    """Bank and clearing, in books that are well."""
    assert [check for check in checked(office) if check.found] == []
    with office.database.reading() as read:
        told = trial_balance(read)
    return told.get("1000", 0), told.get("1050", 0)


def shown(office):
    (payout,) = office.get("/payouts").json()["items"]
    return payout


def entries(office):
    items = office.get("/ledger/entries?limit=200").json()["items"]
    return sorted(entry["purpose"] for entry in items if entry["source_kind"] == "payout")


def test_a_daily_payout_is_posted_once_though_it_is_told_twice(office, paid_by_card, clock_file):
    office.sandbox.control("duplicate-events", on=True)
    for days in (1, 2, 3, 4):
        clock_file.write_text((NOW + timedelta(days=days)).isoformat())
        sdk_client(office.sandbox).payouts.list()
    until(office, "payout.paid")
    until(office, "payout.reconciliation_completed")
    payout = shown(office)
    assert (payout["state"], payout["amount_cents"], payout["matched_cents"]) == ("paid", NET, NET)
    assert (payout["is_automatic"], payout["arrives_on"]) == (True, "2026-11-05")
    for kind in ("payout.paid", "payout.created", "payout.paid"):
        office.hear(kind, payout["reference"])
    assert books(office) == (NET, 0)
    assert entries(office) == ["paid"]


def test_a_payout_on_its_way_moves_nothing_yet(office, settled):
    office.sandbox.control("pay-out", arrives=False)
    until(office, "payout.created")
    assert (shown(office)["state"], shown(office)["matched_cents"]) == ("in_transit", None)
    assert books(office) == (0, NET)


def test_a_payout_that_the_bank_sends_back_is_reversed_once(office, settled):
    payout = office.sandbox.control("pay-out")
    until(office, "payout.paid")
    assert books(office) == (NET, 0)
    office.sandbox.control("fail-payout", payout=payout["id"])
    until(office, "payout.failed")
    for kind in ("payout.failed", "payout.paid"):
        office.hear(kind, payout["id"])
    assert (shown(office)["state"], books(office)) == ("failed", (0, NET))
    assert entries(office) == ["failed", "paid"]
    tasks = office.get("/tasks").json()["items"]
    assert [(task["kind"], task["subject_id"]) for task in tasks] == [("payout-failed", shown(office)["id"])]


def test_what_came_back_is_paid_out_again(office, settled):
    failed = office.sandbox.control("pay-out")
    office.sandbox.control("fail-payout", payout=failed["id"])
    again = office.sandbox.control("pay-out")
    for payout in (again, failed):
        office.hear("payout.updated", payout["id"])
    assert books(office) == (NET, 0)
    items = office.get("/payouts?state=paid").json()["items"]
    assert [(each["reference"], each["matched_cents"]) for each in items] == [(again["id"], NET)]
    first = office.get("/payouts?limit=1").json()
    rest = office.get(f"/payouts?limit=1&cursor={first['next_cursor']}").json()
    assert [each["reference"] for each in first["items"] + rest["items"]] == [failed["id"], again["id"]]


def test_all_that_the_processor_pays_out_is_found_in_the_books(office, settled, clock_file):
    """A payment, a refund of it, a dispute of another one, a payout by hand, and one that came back."""
    failed = office.sandbox.control("pay-out")
    office.sandbox.control("fail-payout", payout=failed["id"])
    (payment,) = office.get("/payments").json()["items"]
    asked = {"amount_cents": 10_000, "refundable_cents": 90_000, "reason": "duplicate"}
    assert office.post(f"/payments/{payment['id']}/refunds", asked, key="k2").status_code == 201
    office.work()
    bill = billed(office.database, a_patient(office.database), only_first=2)
    checkout = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k3").json()
    pay_on_card_page(checkout["url"], "4000000000000259")
    until(office, "checkout.session.completed", 2)
    (dispute,) = sdk_client(office.sandbox).disputes.list().data
    office.hear("charge.dispute.created", dispute.id)
    clock_file.write_text((NOW + timedelta(days=9)).isoformat())
    by_hand = sdk_client(office.sandbox).payouts.create({"amount": 1_000, "currency": "usd"}).id
    again = office.sandbox.control("pay-out")
    for reference in (failed["id"], by_hand, again["id"]):
        office.hear("payout.updated", reference)
    first, second = (contents(office, payout["id"]) for payout in (failed, again))
    assert [(part.category, part.fee.cents) for part in first.parts] == [("charge", 2_640)]
    told = sorted(part.category for part in second.parts)
    assert told == ["charge", "dispute", "payout", "payout_reversal", "refund"]
    assert [each.unexplained.cents for each in (first, second)] == [0, 0]
    assert None not in [part.fee for part in second.parts]
    assert total(part.net for part in second.parts) == second.payout.amount


def contents(office, reference):
    with office.database.reading() as read:
        payouts = [each for each in list_payouts(read, SYSTEM, limit=9) if each.reference == reference]
        (found,) = contents_of(read, payouts, SYSTEM)
    return found


def test_a_payout_made_by_hand_is_posted_without_lines(office, settled, clock_file):
    sdk_client(office.sandbox).payouts.create({"amount": 10_000, "currency": "usd"})
    clock_file.write_text((NOW + timedelta(days=5)).isoformat())
    until(office, "payout.paid")
    assert books(office) == (10_000, NET - 10_000)
    assert (shown(office)["is_automatic"], shown(office)["matched_cents"]) == (False, None)


def test_of_two_legal_entities_the_one_whose_charges_they_are_is_paid(office, settled):
    seed_sample(office.database, NOW, "a")
    payout = office.sandbox.control("pay-out", arrives=False)
    office.hear("payout.created", payout["id"])
    assert office.get("/payouts").json()["items"] == []
    office.sandbox.control("advance-clock", days=2)
    until(office, "payout.reconciliation_completed")
    assert (shown(office)["reference"], books(office)) == (payout["id"], (NET, 0))


def test_a_payout_of_nobody_known_waits_for_a_person(office, settled):
    seed_sample(office.database, NOW, "a")
    made = sdk_client(office.sandbox).payouts.create({"amount": 10_000, "currency": "usd"})
    office.sandbox.control("fail-payout", payout=made.id)
    with pytest.raises(UnexplainedMoney):
        office.hear("payout.failed", made.id)


@pytest.mark.parametrize(
    ("numbers", "attack"),
    [
        ({8, 17}, "UPDATE payout SET amount_cents = amount_cents + 1"),
        ({17}, "UPDATE payout_line SET net_cents = net_cents - 1"),
        ({17}, "UPDATE payout SET matched_cents = NULL"),
        ({8, 17}, "UPDATE ledger_entry SET source_id = 'pyo_none' WHERE source_kind = 'payout'"),
    ],
)
def test_a_payout_changed_behind_the_back_is_found(office, settled, numbers, attack):
    payout = office.sandbox.control("pay-out")
    office.hear("payout.paid", payout["id"])
    assert books(office) == (NET, 0)
    behind_the_back(office.database, attack)
    assert {check.number for check in checked(office) if check.status is Status.FAILED} == numbers
