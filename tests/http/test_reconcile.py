"""The processor's lists beside the books, over real HTTP: what was missed, and what nobody can explain."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest

from billing.accounting.queries.verify import verify
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.ledger.queries import trial_balance
from billing.payments.flows.reconcile import reconcile
from billing.people.use_cases import issue_token
from tests.conftest import NOW
from tests.factories.accounting import LIMIT, behind_the_back
from tests.factories.catalog import seed_sample
from tests.factories.invoices import a_patient, billed
from tests.factories.office import open_office
from tests.factories.sandbox import pay_on_card_page, sdk_client, submit_account

pytestmark = pytest.mark.processes

FEE = 1_335
"""Of a card payment of one session of 450."""


@pytest.fixture
def office(tmp_path, database_url, clock_file):
    opened = open_office(tmp_path, database_url, clock_file)
    opened.sandbox.control("payout-schedule", schedule="manual")
    yield opened
    opened.close()


def paid(office, patient=None, key="k1", sessions=1):
    bill = billed(office.database, patient or a_patient(office.database), only_first=sessions)
    checkout = office.post(f"/invoices/{bill.invoice.id}/checkouts", key=key).json()
    assert pay_on_card_page(checkout["url"])
    return bill


def held_against(office, **span):
    """In books that are well."""
    found = reconcile(
        office.room, since=span.get("since"), until=span.get("until"), refund_limit=Money(20_000)
    )
    with office.database.reading() as read:
        checks = verify(read, now=office.room.clock(), refund_limit=LIMIT).checks
    assert [check for check in checks if check.found] == []
    return found


def books(office):
    with office.database.reading() as read:
        return {account: cents for account, cents in trial_balance(read).items() if cents}


def named(found):
    return [(str(each.kind), each.amount.cents) for each in found.exceptions]


def charges(office):
    return sdk_client(office.sandbox).charges.list().data


def stranger(office, cents=10_000, **more):
    """A charge made at the processor by somebody else than us."""
    return sdk_client(office.sandbox).payment_intents.create(
        {
            "amount": cents,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
            **more,
        }
    )


def test_a_payment_that_no_webhook_told_of_is_booked(deaf):
    paid(deaf)
    found = held_against(deaf)
    assert books(deaf) == {"1050": 45_000 - FEE, "2100": -45_000, "6100": FEE}
    assert (found.ok, found.events.missed > 0, found.movements) == (True, True, type(found.movements)(1, 1))
    again = held_against(deaf)
    assert (again.ok, again.events.missed, again.movements.missed) == (True, 0, 0)


def test_a_notice_that_is_sent_again_a_month_late_is_kept_and_books_the_payment(deaf, clock_file):
    paid(deaf)
    (late,) = sdk_client(deaf.sandbox).events.list({"type": "checkout.session.completed"}).data
    clock_file.write_text((NOW + timedelta(days=31)).isoformat())
    deaf.sandbox.control("resend-event", event=late.id)
    waiting = threading.Event()
    for _ in range(400):
        if deaf.kept(late.type):
            break
        waiting.wait(0.05)
    deaf.hear(late.type, late.data.object["id"])
    assert books(deaf) == {"1050": 45_000 - FEE, "2100": -45_000, "6100": FEE}


def test_what_happened_longer_ago_than_events_are_kept_is_booked_from_the_movements(deaf, clock_file):
    paid(deaf)
    clock_file.write_text((NOW + timedelta(days=40)).isoformat())
    found = held_against(deaf)
    assert (found.ok, found.events.listed) == (True, 0)
    assert books(deaf)["1050"] == 45_000 - FEE


def by_hand(office, charge, cents):
    """A refund made in the processor's dashboard."""
    return sdk_client(office.sandbox).refunds.create({"charge": charge, "amount": cents})


def token_for(office, role):
    """A token of another person."""

    def issue(tx):
        return issue_token(
            tx,
            role=role,
            scopes=(),
            entity_id=None,
            site_ids=None,
            expires_at=None,
            actor=SYSTEM,
            now=NOW,
        )

    return office.database.in_transaction(issue).secret


def test_a_charge_that_is_not_ours_is_named_once_with_a_task(deaf):
    paid(deaf)
    intent = stranger(deaf)
    found = held_against(deaf)
    assert (found.ok, named(found)) == (False, [("charge-not-in-books", 10_000 - 320)])
    assert (found.standing.named.cents, found.standing.unexplained.cents) == (9_680, 0)
    assert held_against(deaf).exceptions == found.exceptions
    (shown,) = deaf.get("/reconciliation?is_open=true").json()["items"]
    assert (shown["object_id"], shown["cents"]) == (intent.latest_charge, 9_680)
    assert deaf.get("/reconciliation?is_open=false").json()["items"] == []
    (task,) = deaf.get("/tasks?state=open").json()["items"]
    assert (task["kind"], task["subject_id"]) == ("charge-not-in-books", shown["id"])


def test_a_refund_made_in_the_dashboard_is_booked_as_if_asked_for_here(deaf):
    paid(deaf)
    held_against(deaf)
    refund = by_hand(deaf, charges(deaf)[0].id, 5_000)
    found = held_against(deaf)
    assert (found.ok, books(deaf)["1050"], books(deaf)["2100"]) == (True, 40_000 - FEE, -40_000)
    (kept,) = deaf.get("/refunds").json()["items"]
    assert (kept["state"], kept["amount_cents"]) == ("succeeded", 5_000)
    deaf.work()
    held_against(deaf)
    assert [each.id for each in sdk_client(deaf.sandbox).refunds.list().data] == [refund.id]


def test_a_refund_in_the_dashboard_that_wanted_a_second_person_is_named(deaf):
    paid(deaf)
    held_against(deaf)
    by_hand(deaf, charges(deaf)[0].id, 20_001)
    found = held_against(deaf)
    assert (found.ok, named(found)) == (False, [("refund-not-in-books", -20_001)])
    assert deaf.get("/refunds").json()["items"] == []


def asked_for(office, named, key, reason="duplicate"):
    return office.post(f"/reconciliation/{named.id}/refund", {"reason": reason}, key=key)


def test_above_the_limit_one_person_owns_up_to_a_refund_in_the_dashboard_and_another_approves(deaf):
    paid(deaf, sessions=2)
    held_against(deaf)
    made = by_hand(deaf, charges(deaf)[0].id, 60_001)
    (named_,) = held_against(deaf).exceptions
    clerk, boss = deaf.token, token_for(deaf, Role.SUPERVISOR)
    asked = asked_for(deaf, named_, "r1")
    assert (asked.status_code, asked.json()["state"]) == (201, "requested")
    again = asked_for(deaf, named_, "r2")
    assert (again.status_code, again.json()["code"]) == (409, "refund-known")
    refund = f"/refunds/{asked.json()['id']}"
    assert deaf.post(f"{refund}/approve", key="a1").json()["code"] == "own-refund"
    assert named(held_against(deaf)) == [("refund-not-in-books", -60_001)]
    deaf.token = boss
    assert deaf.post(f"{refund}/reject", {"reason": "wrong_amount"}, key="j1").status_code == 200
    deaf.token = clerk
    anew = asked_for(deaf, named_, "r3").json()
    deaf.token = boss
    assert deaf.post(f"/refunds/{anew['id']}/approve", key="a2").json()["state"] == "approved"
    deaf.work()
    assert deaf.get(f"/refunds/{anew['id']}").json()["state"] == "succeeded"
    found = held_against(deaf)
    assert deaf.get("/tasks?state=open").json()["items"] == []
    assert (found.ok, books(deaf)["1050"], books(deaf)["2100"]) == (True, 29_999 - FEE - FEE + 30, -29_999)
    assert [each.id for each in sdk_client(deaf.sandbox).refunds.list().data] == [made.id]
    ended = asked_for(deaf, named_, "r4")
    assert (ended.status_code, ended.json()["code"]) == (409, "exception-ended")


def test_what_nobody_approved_yet_is_dropped_when_the_bank_sends_it_back(deaf):
    paid(deaf, sessions=2)
    held_against(deaf)
    made = by_hand(deaf, charges(deaf)[0].id, 60_001)
    (named_,) = held_against(deaf).exceptions
    asked = asked_for(deaf, named_, "r1").json()
    deaf.sandbox.control("fail-refund", refund=made.id)
    assert held_against(deaf).ok
    told = deaf.get(f"/refunds/{asked['id']}").json()
    assert (told["state"], told["rejected_for"]) == ("rejected", "came_back")
    assert deaf.get("/tasks?state=open").json()["items"] == []


def test_only_what_went_back_of_a_payment_of_ours_is_asked_for_as_a_refund(deaf):
    paid(deaf)
    stranger(deaf)
    (named_,) = held_against(deaf).exceptions
    answer = asked_for(deaf, named_, "r1")
    assert (answer.status_code, answer.json()["code"]) == (409, "not-a-patients-refund")
    assert deaf.get("/refunds").json()["items"] == []


def test_a_refund_that_the_bank_sent_back_is_no_exception_any_more(deaf):
    paid(deaf)
    held_against(deaf)
    refund = by_hand(deaf, charges(deaf)[0].id, 20_001)
    (before,) = held_against(deaf).exceptions
    deaf.sandbox.control("fail-refund", refund=refund.id)
    assert held_against(deaf).ok
    (shown,) = deaf.get("/reconciliation").json()["items"]
    assert (shown["id"], shown["resolved_at"] is None) == (before.id, False)


def test_a_dispute_and_its_end_that_no_webhook_told_of_are_booked(deaf):
    paid(deaf)
    dispute = deaf.sandbox.control("open-dispute", charge=charges(deaf)[0].id)
    deaf.sandbox.control("decide-dispute", dispute=dispute["id"], outcome="lost")
    assert held_against(deaf).ok
    assert books(deaf) == {"1050": -FEE - 1_500, "6100": FEE, "6110": 1_500}


def test_payouts_are_followed_and_those_on_their_way_are_no_exception(deaf, clock_file):
    paid(deaf)
    clock_file.write_text((NOW + timedelta(days=3)).isoformat())
    deaf.sandbox.control("pay-out", arrives=False)
    found = held_against(deaf)
    assert (found.ok, found.standing.under_way.cents) == (True, -(45_000 - FEE))
    clock_file.write_text((NOW + timedelta(days=5)).isoformat())
    assert held_against(deaf).ok
    assert (books(deaf)["1000"], "1050" in books(deaf)) == (45_000 - FEE, False)


def test_a_debit_that_failed_leaves_its_fees_and_nothing_to_explain(deaf, clock_file):
    bill = billed(deaf.database, a_patient(deaf.database), only_first=1)
    checkout = deaf.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    submit_account(checkout["url"], "000111111116")
    found = held_against(deaf)
    assert (found.ok, found.standing.under_way.cents) == (True, 45_000 - 360)
    clock_file.write_text((NOW + timedelta(days=6)).isoformat())
    assert held_against(deaf).ok
    assert books(deaf) == {"1050": -760, "6100": 760}


def test_what_the_books_hold_and_the_processor_does_not_is_named(deaf):
    paid(deaf)
    held_against(deaf)
    charge = charges(deaf)[0].id
    behind_the_back(deaf.database, "UPDATE payment SET charge_reference = 'ch_elsewhere'")
    found = held_against(deaf)
    assert sorted((str(each.kind), each.object_id, each.amount.cents) for each in found.exceptions) == [
        ("charge-not-in-books", charge, 45_000 - FEE),
        ("not-at-processor", "ch_elsewhere", FEE - 45_000),
    ]
    assert found.standing.unexplained.cents == 0


def test_an_operation_of_ours_that_was_made_twice_is_said(deaf):
    bill = paid(deaf)
    checkout = deaf.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    stranger(deaf, 45_000, metadata={"operation": checkout["id"]})
    found = held_against(deaf)
    assert (found.operations, found.made_twice) == (1, 1)
    assert sorted(named(found)) == [("charge-not-in-books", 45_000 - FEE), ("operation-twice", 45_000)]


def test_a_movement_that_was_changed_behind_the_back_is_found(deaf, clock_file):
    paid(deaf)
    held_against(deaf)
    clock_file.write_text((NOW + timedelta(days=1)).isoformat())
    assert held_against(deaf).ok
    behind_the_back(deaf.database, "UPDATE processor_movement SET fee_cents = fee_cents + 1")
    with deaf.database.reading() as read:
        checks = verify(read, now=deaf.room.clock(), refund_limit=LIMIT).checks
    assert [check.number for check in checks if check.found] == [17]


def test_a_payout_of_nobody_known_is_named_for_the_first_entity(deaf, clock_file):
    paid(deaf)
    seed_sample(deaf.database, NOW, "a")
    clock_file.write_text((NOW + timedelta(days=3)).isoformat())
    sdk_client(deaf.sandbox).payouts.create({"amount": 10_000, "currency": "usd"})
    clock_file.write_text((NOW + timedelta(days=6)).isoformat())
    assert named(held_against(deaf)) == [("payout-not-in-books", -10_000)]


def test_the_command_says_it_for_people_and_machines(deaf):
    paid(deaf)
    run = deaf.app.test_cli_runner().invoke
    good = run(args=["reconcile", "--json"])
    told = json.loads(good.stdout)
    assert (good.exit_code, told["ok"], told["exceptions"]) == (0, True, [])
    assert told["operations"] == {"examined": 1, "made_twice": 0}
    assert told["balance_cents"] == told["clearing_cents"] == 45_000 - FEE
    stranger(deaf)
    bad = run(args=["reconcile", "--from", "2026-01-01", "--to", "2026-12-31", "--json"])
    (one,) = json.loads(bad.stdout)["exceptions"]
    assert (bad.exit_code, one["kind"], one["cents"]) == (1, "charge-not-in-books", 9_680)
    words = run(args=["reconcile"])
    assert "missed" not in words.stdout
    assert "movements listed, of which 0 are new since the last time." in words.stdout
    assert (words.exit_code, "charge-not-in-books" in words.stdout) == (1, True)
    deaf.sandbox.kill()
    away = run(args=["reconcile", "--json"])
    assert (away.exit_code, json.loads(away.stdout)["ok"]) == (1, False)
    hint = run(args=["reconcile"]).stderr
    for told in (deaf.sandbox.url, "STRIPE_API_BASE", "SANDBOX_PORT"):
        assert told in hint


def test_the_worker_does_it_daily(deaf, clock_file):
    deaf.work()
    paid(deaf)
    clock_file.write_text((NOW + timedelta(days=1)).isoformat())
    deaf.work()
    assert books(deaf)["1050"] == 45_000 - FEE


def booked(office, named, *parts, key="b1"):
    body = {"parts": [{"account": account, "amount_cents": cents} for account, cents in parts]}
    return office.post(f"/reconciliation/{named.id}/book", body, key=key)


def test_what_a_person_found_out_is_booked_and_ends_the_exception(deaf):
    """A patient paid twice: the second charge went back in the dashboard, and its fee is the clinic's."""
    bill = paid(deaf)
    checkout = deaf.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    second = stranger(deaf, 45_000, metadata={"operation": checkout["id"]})
    by_hand(deaf, second.latest_charge, 45_000)
    found = {str(each.kind): each for each in held_against(deaf).exceptions}
    deaf.token = token_for(deaf, Role.ACCOUNTANT)
    charge, refund, twice = (
        found[kind] for kind in ("charge-not-in-books", "refund-not-in-books", "operation-twice")
    )
    short = booked(deaf, charge, ("2240", 45_000))
    assert (short.status_code, short.json()["code"]) == (422, "parts-do-not-add-up")
    assert booked(deaf, charge, ("2200", 45_000 - FEE)).status_code == 422
    assert booked(deaf, twice, ("2240", 45_000)).json()["code"] == "exception-ended"
    assert booked(deaf, charge, ("2240", 45_000), ("6100", -FEE), key="b2").status_code == 200
    assert booked(deaf, refund, ("2240", -45_000), key="b3").json()["resolved_at"] is not None
    again = booked(deaf, refund, ("2240", -45_000), key="b4")
    assert (again.status_code, again.json()["code"]) == (409, "exception-ended")
    assert held_against(deaf).ok
    assert books(deaf) == {"1050": 45_000 - 2 * FEE, "2100": -45_000, "6100": 2 * FEE}
