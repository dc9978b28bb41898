"""Patient 1: six infusions as a veteran, paid online, claimed, partly reimbursed, and a booster after.
Patient 2: five days of four hours, a dispute that is won, the last day cancelled and its money given back.

Everything goes through the doors that people use: the API with a token for each role, the stand-in's card
page, webhooks, and the command line. All people and numbers are sample data.
"""

from datetime import date, timedelta
from typing import Any

from tests.factories.remittance_835 import Claim, Payment, remittance
from tests.scenarios.books import close_the_books, file_claims
from tests.scenarios.client import Browser, Client
from tests.scenarios.office import Failed, Office
from tests.scenarios.record import Record
from tests.scenarios.stage import Journey
from tests.scenarios.stand_in import StandIn

FIRST_INSTANT = "2026-11-02T09:00:00-06:00"
SAMPLE_CLINIC = "billing/catalog/samples/b.yaml"
FIRST_SESSION = date(2026, 11, 3)
REMITTED_ON = date(2026, 12, 4)
FOUR_HOUR_DAYS = tuple(date(2026, 12, day) for day in range(7, 12))
BOOSTER_ON = date(2026, 12, 15)
CORRECTED_ON = date(2026, 12, 22)
LAST_DAY = date(2026, 12, 31)
DIAGNOSES = {"depression": ["F32.1"], "crps": ["G90.50"]}
ROLES = ("front_desk", "billing", "clinician", "accountant")
TOLD_NOBODY = (
    "Patient-One",
    "Patient-Two",
    "Sample St",
    "1984-05-17",
    "depression",
    "complex regional",
    "infusion",
)
"""Who is treated for what is none of the processor's business."""

CARD = {"card_number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123"}
PAID_BY_INSURER = (18_000, 12_500)
"""Cents, for the first two sessions."""
CORRECTED, THIRD = 10_000, 5_000
"""Cents: what the insurer pays for the second session after all, and for the third one."""


def play(office: Office, record: Record) -> None:
    """The whole journey, in order. Raises: Failed at the first step that does not come to its end."""
    journey = Journey(office=office, record=record, browser=Browser(office))
    try:
        open_the_clinic(journey)
        welcome_the_patient(journey)
        sell_and_give_the_series(journey)
        receive_the_insurers_answer(journey)
        treat_the_second_patient(journey)
        sell_and_give_a_booster(journey)
        receive_a_correction(journey)
        close_the_books(journey, date.fromisoformat(FIRST_INSTANT[:10]), LAST_DAY)
    finally:
        journey.browser.close()
        for client in journey.staff.values():
            client.close()


def open_the_clinic(journey: Journey) -> None:
    """The sample clinic, and a token for each role. Whoever approves is a person of their own."""
    office = journey.office
    StandIn(office).refuse_words(*TOLD_NOBODY)
    office.flask("seed", SAMPLE_CLINIC)
    for role in ("admin", "supervisor"):
        secret = office.flask_json("tokens", "issue", "--role", role)["secret"]
        journey.staff[role] = Client(office, secret)
    for role in ROLES:
        journey.staff[role] = Client(office, journey.staff["admin"].post("/tokens", {"role": role})["secret"])


def welcome_the_patient(journey: Journey) -> None:
    """Demographics, insurance, and a veteran's proof that somebody looked at."""
    journey.provider_id = journey.desk.get("/providers")["items"][0]["id"]
    patient = journey.desk.post(
        "/patients",
        {
            "site_id": first_site(journey),
            "given_name": "Sample",
            "family_name": "Patient-One",
            "born_on": "1984-05-17",
            "sex": "female",
            "address": {
                "line1": "100 Sample Street",
                "city": "Austin",
                "state": "TX",
                "postal_code": "78702",
            },
            "phone": "+1 512 555 0142",
            "email": "patient.one@sample.example",
        },
    )
    journey.patient_id = patient["id"]
    policy = {
        "payer_name": "Sample Health Plan",
        "payer_id": "SAMPLEPAYER",
        "member_id": "M0001",
        "effective_from": "2026-01-01",
    }
    journey.desk.post(f"/patients/{patient['id']}/policies", policy)
    proof = {"category": "veteran", "proof": "va_card", "verified_on": "2026-11-02"}
    journey.billing.post(f"/patients/{patient['id']}/eligibilities", proof)


def first_site(journey: Journey) -> str:
    site_id: str = journey.desk.get("/sites")["items"][0]["id"]
    return site_id


def sell_and_give_the_series(journey: Journey) -> None:
    plan = journey.desk.post(
        "/plans",
        {
            "patient_id": journey.patient_id,
            "provider_id": journey.provider_id,
            "condition": "depression",
            "protocol": "series_of_six",
            "starts_on": FIRST_SESSION.isoformat(),
            "dose_mg": 40,
            "weight_kg": 80,
        },
    )
    invoice = quote_and_invoice(journey, plan, "Six infusions, veteran")
    pay_by_card(journey, invoice, "The package, online")
    for session in plan["sessions"]:
        give(journey, session)
    file_claims(journey, "series.837", "Claims of the series")


def quote_and_invoice(journey: Journey, plan: dict[str, Any], name: str) -> dict[str, Any]:
    quote = journey.desk.post("/quotes", {"plan_id": plan["id"]})
    parts = ("list_cents", "package_cents", "discount_cents", "total_cents")
    journey.record.step("quote", name, {part.removesuffix("_cents"): quote[part] for part in parts})
    invoice: dict[str, Any] = journey.billing.post("/invoices", {"quote_id": quote["id"]})
    journey.record.step("invoice", f"{name}, invoice {invoice['number']}", {"total": invoice["total_cents"]})
    return invoice


def pay_by_card(journey: Journey, invoice: dict[str, Any], name: str) -> None:
    """A pay link leads to the processor's page; its webhook tells the office, and the worker books it."""
    link = journey.desk.post(f"/invoices/{invoice['id']}/pay-links")
    amount_page = journey.browser.open(link["url"])
    card_page = journey.browser.submit(amount_page)
    journey.browser.submit(card_page, **CARD)
    paid = journey.office.until("the payment is booked", lambda: _card_payment(journey, invoice["id"]))
    journey.record.step("payment", name, {"amount": paid["amount_cents"], "fee": paid["fee_cents"]})


def _card_payment(journey: Journey, invoice_id: str) -> dict[str, Any] | None:
    payments = journey.billing.get("/payments", invoice_id=invoice_id)["items"]
    return next((payment for payment in payments if payment["tender"] == "card"), None)


def give(journey: Journey, session: dict[str, Any]) -> None:
    """Check in, infuse, record start and stop, hand out the superbill and issue the claim."""
    day = date.fromisoformat(session["planned_on"])
    journey.go_to(day, "09:55")
    journey.desk.post(f"/sessions/{session['id']}/check-in")
    start = journey.go_to(day, "10:00")
    stop = start + timedelta(minutes=session["planned_minutes"])
    journey.go_to(day, f"{stop:%H:%M}")
    facts = {
        "started_at": start.isoformat(),
        "stopped_at": stop.isoformat(),
        "dose_mg": session["planned_dose_mg"],
    }
    given = journey.clinician.post(f"/sessions/{session['id']}/record", facts)
    name = f"{session['service'].capitalize()} {session['number']} on {day:%d %b %Y}"
    journey.record.step("session", name, {"earned": given["due_cents"]})
    hand_out_superbill(journey, session, name)


def hand_out_superbill(journey: Journey, session: dict[str, Any], name: str) -> None:
    chosen = {"diagnoses": DIAGNOSES[session["condition"]]}
    superbill = journey.billing.post(f"/sessions/{session['id']}/superbill", chosen)
    content = journey.billing.content(f"/superbills/{superbill['id']}/pdf")
    journey.record.keep("superbills", f"{superbill['number']}.pdf", content)
    journey.superbills.append(superbill)
    amounts = {"charge": superbill["charge_cents"], "paid": superbill["paid_cents"]}
    journey.record.step("superbill", f"For {name}", amounts)
    issue_claim(journey, session, name)


def issue_claim(journey: Journey, session: dict[str, Any], name: str) -> None:
    """The same facts as X12 837P, in a file of its own."""
    claim = journey.billing.post(f"/sessions/{session['id']}/claim")
    content = journey.billing.content(f"/claims/{claim['id']}/837p")
    journey.record.keep("claims", f"{claim['number']}.837", content)
    amounts = {"charge": claim["charge_cents"], "paid": claim["paid_cents"]}
    journey.record.step("claim", f"For {name}", amounts)


def receive_the_insurers_answer(journey: Journey) -> None:
    """An 835 for the first two sessions is posted once; the patient lets the clinic keep it as credit."""
    journey.go_to(REMITTED_ON)
    answered = journey.superbills[: len(PAID_BY_INSURER)]
    claims = [answer(superbill, paid) for superbill, paid in zip(answered, PAID_BY_INSURER, strict=True)]
    import_answers(journey, claims, "DEMO0001", REMITTED_ON, "Two sessions, paid in part")
    elect_credit(journey)


def answer(superbill: dict[str, Any], paid: int, *, is_reversal: bool = False) -> Claim:
    """What the insurer says of one session; a reversal says the opposite of what it said before."""
    sign = -1 if is_reversal else 1
    return Claim(
        control_number=superbill["control_number"],
        charge_cents=sign * superbill["charge_cents"],
        paid_cents=sign * paid,
        status="22" if is_reversal else "1",
        served_on=date.fromisoformat(superbill["service_on"]),
    )


def import_answers(journey: Journey, claims: list[Claim], trace: str, paid_on: date, name: str) -> None:
    content = remittance(payments=[Payment(claims=claims, trace=trace, paid_on=paid_on)])
    path = journey.record.keep("remittances", f"{trace.lower()}.835", content)
    report = journey.office.flask_json("remittances", "import", str(path))
    (transaction,) = report["files"][0]["transactions"]
    credits = {
        f"credit_{number}": claim["credit_cents"] for number, claim in enumerate(transaction["claims"], 1)
    }
    journey.record.step("remittance", name, {"paid": transaction["paid_cents"], **credits})


def elect_credit(journey: Journey) -> None:
    lots = journey.billing.get(f"/patients/{journey.patient_id}/credits")["items"]
    for lot in lots:
        journey.billing.post(f"/credits/{lot['id']}/election", {"election": "credit"})
    held = sum(lot["available_cents"] for lot in lots)
    if held != sum(PAID_BY_INSURER):
        raise Failed(f"The insurer paid {sum(PAID_BY_INSURER)} cents, but {held} are held.")
    journey.record.step("election", "Off the next infusion", {"credit": held})


def treat_the_second_patient(journey: Journey) -> None:
    """A package of pain infusions by card; its last day is not given, and what is left goes to the card."""
    journey.go_to(FOUR_HOUR_DAYS[0], "08:00")
    patient = journey.desk.post(
        "/patients",
        {
            "site_id": first_site(journey),
            "given_name": "Sample",
            "family_name": "Patient-Two",
            "born_on": "1971-09-30",
            "sex": "male",
            "address": {"line1": "2 Sample St", "city": "Austin", "state": "TX", "postal_code": "78702"},
        },
    )
    journey.second_patient_id = patient["id"]
    insure_by_the_spouse(journey, patient["id"])
    session = {"service": "infusion", "minutes": 240, "dose_mg": 60, "weight_kg": 80}
    plan = journey.desk.post(
        "/plans",
        {
            "patient_id": patient["id"],
            "provider_id": journey.provider_id,
            "condition": "crps",
            "sessions": [{**session, "planned_on": day.isoformat()} for day in FOUR_HOUR_DAYS],
        },
    )
    invoice = quote_and_invoice(journey, plan, "Five days of four hours")
    pay_by_card(journey, invoice, "The five days, online")
    win_a_dispute(journey, patient["id"])
    for given in plan["sessions"][:-1]:
        give(journey, given)
    left = cancel_the_last_day(journey, invoice, plan["sessions"][:-1])
    refund(journey, invoice, left)


def insure_by_the_spouse(journey: Journey, patient_id: str) -> None:
    policy = {
        "payer_name": "Sample Mutual",
        "payer_id": "SAMPLEPAYER2",
        "member_id": "M0002",
        "group_number": "G-22",
        "relationship": "spouse",
        "subscriber_given_name": "Sample",
        "subscriber_family_name": "Spouse-Two",
        "subscriber_born_on": "1970-03-04",
        "effective_from": "2026-01-01",
    }
    journey.desk.post(f"/patients/{patient_id}/policies", policy)


def win_a_dispute(journey: Journey, patient_id: str) -> None:
    """The bank takes the money, reads the evidence, and gives it back without its fee."""
    stand_in = StandIn(journey.office)
    opened = stand_in.control("open-dispute", charge=stand_in.newest_charge(), reason="product_not_received")
    dispute = await_dispute(journey, patient_id, "needs_response", "A bank asks for the five days")
    send_evidence(journey, dispute)
    await_dispute(journey, patient_id, "under_review", "The bank has the clinic's evidence")
    stand_in.control("decide-dispute", dispute=opened["id"], outcome="won")
    await_dispute(journey, patient_id, "won", "The bank decides for the clinic")


def send_evidence(journey: Journey, dispute: dict[str, Any]) -> None:
    """What is on file short of health data, as one PDF that the bank gets as it is kept here."""
    answer = journey.billing.post(f"/disputes/{dispute['id']}/evidence", {})
    content = journey.billing.content(f"/disputes/{dispute['id']}/answers/{answer['id']}.pdf")
    journey.record.keep("evidence", f"evidence-{answer['number']}.pdf", content)
    journey.billing.post(f"/disputes/{dispute['id']}/answers/{answer['id']}/submit")


def await_dispute(journey: Journey, patient_id: str, state: str, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        disputes = journey.billing.get("/disputes", patient_id=patient_id)["items"]
        return next((dispute for dispute in disputes if dispute["state"] == state), None)

    dispute: dict[str, Any] = journey.office.until(f"the dispute is {state}", look)
    journey.record.step("dispute", name, {"amount": dispute["amount_cents"], "lost": dispute["lost_cents"]})
    return dispute


def cancel_the_last_day(journey: Journey, invoice: dict[str, Any], given: list[dict[str, Any]]) -> int:
    """Four days do not reach the package: they cost what they cost alone, and the rest is the patient's.

    Each of which the price changed has its superbill and its claim issued anew.
    """
    shown = journey.billing.get(f"/invoices/{invoice['id']}/stop")
    stopped = journey.billing.post(f"/invoices/{invoice['id']}/stop")
    amounts = {"freed": stopped["freed_cents"], "charged": stopped["charged_cents"]}
    if shown["left_cents"] != stopped["left_cents"]:
        raise Failed("Stopping the package did something else than was shown before.")
    journey.record.step("cancellation", "The fifth day", {**amounts, "left": stopped["left_cents"]})
    difference = journey.billing.get(f"/invoices/{stopped['invoice_id']}")
    told = {"total": difference["total_cents"], "open": difference["open_cents"]}
    journey.record.step("invoice", f"What four days cost more, invoice {difference['number']}", told)
    by_id = {session["id"]: session for session in given}
    for line in difference["lines"]:
        session = by_id[line["session_id"]]
        hand_out_superbill(journey, session, f"day {session['number']}, at its new price")
    left: int = stopped["left_cents"]
    return left


def refund(journey: Journey, invoice: dict[str, Any], cents: int) -> None:
    """One person asks, with what they were shown; another approves, since it is above the limit."""
    payment = journey.office.until("the payment is there", lambda: _card_payment(journey, invoice["id"]))
    shown = journey.billing.get(f"/payments/{payment['id']}/refundable")
    asked = {"amount_cents": cents, "refundable_cents": shown["refundable_cents"], "reason": "cancelled"}
    refund = journey.billing.post(f"/payments/{payment['id']}/refunds", asked)
    journey.staff["supervisor"].post(f"/refunds/{refund['id']}/approve")

    def arrived() -> bool:
        return bool(journey.billing.get(f"/refunds/{refund['id']}")["state"] == "succeeded")

    journey.office.until("the refund has arrived", arrived)
    journey.record.step("refund", "What is left, to the card", {"amount": refund["amount_cents"]})


def sell_and_give_a_booster(journey: Journey) -> None:
    """An elected credit is taken off as the invoice is issued; the rest is paid by card."""
    journey.go_to(BOOSTER_ON)
    plan = journey.desk.post(
        "/plans",
        {
            "patient_id": journey.patient_id,
            "provider_id": journey.provider_id,
            "condition": "depression",
            "sessions": [
                {
                    "service": "booster",
                    "planned_on": BOOSTER_ON.isoformat(),
                    "minutes": 45,
                    "dose_mg": 40,
                    "weight_kg": 80,
                }
            ],
        },
    )
    invoice = quote_and_invoice(journey, plan, "A booster, veteran")
    applied = journey.billing.get(f"/invoices/{invoice['id']}/credit-applications")
    left = journey.billing.get(f"/invoices/{invoice['id']}")
    taken = {"applied": applied["amount_cents"], "open": left["open_cents"]}
    journey.record.step("credit", "Taken off the booster first", taken)
    pay_by_card(journey, left, "The rest of the booster, online")
    for session in plan["sessions"]:
        give(journey, session)


def receive_a_correction(journey: Journey) -> None:
    """The insurer takes back an answer whose money was spent, and pays less; new credit makes it good."""
    journey.go_to(CORRECTED_ON)
    _, second, third, *_ = journey.superbills
    claims = [
        answer(second, PAID_BY_INSURER[1], is_reversal=True),
        answer(second, CORRECTED),
        answer(third, THIRD),
    ]
    import_answers(journey, claims, "DEMO0002", CORRECTED_ON, "The second session again, and the third")
    (demand,) = journey.billing.get("/takebacks", patient_id=journey.patient_id)["items"]
    asked = {"demanded": demand["amount_cents"], "owed": demand["owed_cents"]}
    journey.record.step("takeback", "What the insurer took back and the booster had used", asked)
    journey.billing.post(f"/takebacks/{demand['id']}/bill")
    settle_with_credit(journey)


def settle_with_credit(journey: Journey) -> None:
    """What the third session brought pays what the booster owes again."""
    of_patient = {"patient_id": journey.patient_id}
    (owing,) = [
        each for each in journey.billing.get("/invoices", **of_patient)["items"] if each["open_cents"]
    ]
    for lot in journey.billing.get(f"/patients/{journey.patient_id}/credits")["items"]:
        if lot["available_cents"]:
            journey.billing.post(f"/credits/{lot['id']}/election", {"election": "credit"})
    applied = journey.billing.post(f"/invoices/{owing['id']}/credit-applications")
    left = journey.billing.get(f"/patients/{journey.patient_id}/credits")["available_cents"]
    told = {"applied": applied["amount_cents"], "left": left}
    journey.record.step("credit", "What the booster owed again", told)
