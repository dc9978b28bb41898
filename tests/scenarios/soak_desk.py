"""What the clinic's staff and its payers do with bills: each deed does it over HTTP, and tells the model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count

from tests.scenarios.client import Browser
from tests.scenarios.soak_clinic import CONDITION, SERVICE
from tests.scenarios.soak_model import PRICE, Bill
from tests.scenarios.soak_visit import Check, Choose, Visit

GOOD, DECLINED = "4242 4242 4242 4242", "4000 0000 0000 0002"
ACCOUNT, POOR_ACCOUNT = "000123456789", "000222222227"
DEBIT_LASTS = timedelta(days=4)
DAY = timedelta(days=1)
CHECK_NUMBERS = count(1_001)


def leave_a_deposit(visit: Visit, choose: Choose) -> None:
    """Before anything is billed, so that it is the oldest of what the patient has."""
    cents = choose.part(PRICE)
    path = f"/patients/{visit.patient_id}/deposits"
    visit.clinic.desk.post(path, {"tender": "cash", "amount_cents": cents})
    visit.model.leave_a_deposit(cents)


def bill(visit: Visit, choose: Choose) -> None:
    on = (visit.clinic.now + choose.of((1, 2)) * DAY).date().isoformat()
    session = {"service": SERVICE, "planned_on": on, "minutes": 45, "dose_mg": 40, "weight_kg": 80}
    plan = visit.clinic.desk.post(
        "/plans",
        {
            "patient_id": visit.patient_id,
            "provider_id": visit.clinic.provider_id,
            "condition": CONDITION,
            "sessions": [session],
        },
    )
    quote = visit.clinic.desk.post("/quotes", {"plan_id": plan["id"]})
    invoice = visit.clinic.billing.post("/invoices", {"quote_id": quote["id"]})
    assert invoice["total_cents"] == PRICE
    issued = Bill(invoice["id"], plan["sessions"][0]["id"])
    visit.bills.append(issued)
    visit.model.bills.append(issued)
    visit.model.take_credit(issued)


def pay_by_card(visit: Visit, choose: Choose) -> None:
    paid = choose.of(visit.owing)
    numbers = (DECLINED, GOOD) if choose.of((False, True)) else (GOOD,)
    typed = [{"card_number": number, "expiry": "12 / 34", "cvc": "123"} for number in numbers]
    if not _pay_on_page(visit, paid, typed):
        return
    card = visit.model.charge(paid, visit.clinic.stand_in.newest_charge())
    visit.cards.append(card)
    if visit.is_calm:
        visit.await_booking(card)


def pay_from_bank(visit: Visit, choose: Choose) -> bool:
    """The bank takes days, and then may not pay."""
    paid, number = choose.of(visit.owing_undisputed), choose.of((ACCOUNT, POOR_ACCOUNT))
    typed = {"account_holder": "A. Payer", "routing_number": "110000000", "account_number": number}
    if not _pay_on_page(visit, paid, [typed]):
        return False
    charge, ends_at = visit.clinic.stand_in.newest_charge("pending"), visit.clinic.now + DEBIT_LASTS
    visit.model.begin_debit(paid, charge, ends_at, fails=number == POOR_ACCOUNT)
    return True


def _pay_on_page(visit: Visit, paid: Bill, typed: Sequence[dict[str, str]]) -> bool:
    """Whether a page was needed: credit comes off first."""
    needs_a_page = visit.model.available < paid.owed
    link = visit.clinic.desk.post(f"/invoices/{paid.invoice_id}/pay-links")
    browser = Browser(visit.clinic.office)
    try:
        page = browser.submit(browser.open(link["url"]))
        visit.model.take_credit(paid)
        for fields in typed if needs_a_page else ():
            page = browser.submit(page, **fields)
    finally:
        browser.close()
    return needs_a_page


def pay_in_cash(visit: Visit, choose: Choose) -> None:
    paid = choose.of(visit.owing_at_the_desk)
    cents = choose.of((paid.owed, choose.part(paid.owed)))
    visit.clinic.desk.post(f"/invoices/{paid.invoice_id}/cash-payments", {"amount_cents": cents})
    visit.model.pay_in_cash(paid, cents)


def pay_in_cash_and_by_check(visit: Visit, choose: Choose) -> None:
    paid = choose.of(visit.owing_two)
    cash = choose.part(paid.owed - 1)
    check = choose.part(paid.owed - cash)
    handed_over = [
        {"tender": "cash", "amount_cents": cash},
        {
            "tender": "check",
            "amount_cents": check,
            "number": str(next(CHECK_NUMBERS)),
            "dated_on": visit.clinic.today,
        },
    ]
    taken = visit.clinic.desk.post(f"/invoices/{paid.invoice_id}/tenders", {"tenders": handed_over})
    (payment_id,) = [each["id"] for each in taken["payments"] if each["tender"] == "check"]
    visit.model.pay_in_cash(paid, cash)
    visit.model.pay_by_check(paid, check)
    visit.checks.append(Check(paid, check, payment_id))


def check_that_bounces(visit: Visit, choose: Choose) -> None:
    check = choose.of(visit.bounceable)
    bounced = {"reason": "insufficient_funds", "bounced_on": visit.clinic.today}
    visit.clinic.billing.post(f"/payments/{check.payment_id}/bounce", bounced)
    visit.checks.remove(check)
    visit.model.pay_by_check(check.bill, -check.paid)


def move_credit(visit: Visit, choose: Choose) -> bool:
    """From the bill that took it to another one that owes."""
    shown = visit.clinic.billing.get(f"/patients/{visit.patient_id}/credits")
    uses = [each for each in shown["applications"] if each["amount_cents"] > each["undone_cents"]]
    bills = {bill.invoice_id: bill for bill in visit.bills}
    moves = [
        (use, to)
        for use in uses
        for to in visit.owing_at_the_desk
        if bills[use["invoice_id"]] not in (to, *visit.debited)
    ]
    if not moves:
        return False
    use, to = choose.of(moves)
    cents = min(use["amount_cents"] - use["undone_cents"], to.owed)
    body = {"invoice_id": to.invoice_id, "undone_cents": use["undone_cents"]}
    moved = visit.clinic.billing.post(f"/credit-applications/{use['id']}/move", body)
    assert moved["amount_cents"] == cents
    source = next(lot["source"] for lot in shown["items"] if lot["id"] == use["credit_id"])
    visit.model.move_credit(bills[use["invoice_id"]], to, cents, is_deposit=source == "deposit")
    return True


def open_a_drawer(visit: Visit, choose: Choose) -> None:
    opened = visit.clinic.desk.post("/cash-drawers", {"site_id": visit.clinic.site_id, "float_cents": 0})
    visit.clinic.drawer_id, visit.model.drawer = opened["id"], 0


def count_the_drawer(visit: Visit, choose: Choose) -> None:
    """Exact, a little over or short, or so far off that another person counts too."""
    there = visit.model.drawer or 0
    counted, path = (
        max(0, there + choose.of((0, -100, 250, -5_000))),
        f"/cash-drawers/{visit.clinic.drawer_id}",
    )
    found = visit.clinic.desk.post(f"{path}/count", {"counted_cents": counted})
    if found["state"] == "counted":
        found = visit.clinic.staff["supervisor"].post(f"{path}/confirm", {"counted_cents": counted})
    assert found["expected_cents"] == there
    visit.model.count(counted)


def cancel(visit: Visit, choose: Choose) -> None:
    cancelled = choose.of(visit.cancellable)
    visit.clinic.desk.post(f"/sessions/{cancelled.session_id}/cancel")
    visit.model.cancel(cancelled)


def give(visit: Visit, choose: Choose) -> None:
    clinic, given = visit.clinic, choose.of(visit.payable)
    session = clinic.desk.get(f"/sessions/{given.session_id}")
    day = datetime.fromisoformat(f"{session['planned_on']}T10:00:00-06:00")
    if day < clinic.now:
        today = {"planned_on": clinic.today}
        clinic.desk.post(f"/sessions/{given.session_id}/reschedule", today)
    clinic.pass_time(max(timedelta(minutes=1), day - clinic.now))
    start = clinic.now
    reason = {"override_reason": "Given all the same, should its money have gone back."}
    clinic.staff["supervisor"].post(f"/sessions/{given.session_id}/check-in", reason)
    clinic.pass_time(timedelta(minutes=46))
    stop = start + timedelta(minutes=45)
    facts = {"started_at": start.isoformat(), "stopped_at": stop.isoformat(), "dose_mg": 40}
    clinic.staff["clinician"].post(f"/sessions/{given.session_id}/record", facts)
    given.state = "given"
