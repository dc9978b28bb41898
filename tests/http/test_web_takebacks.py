"""A payer's demand on its page: billed, forgiven and repaid, once, by who may."""

import re

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.credits import credits_of_patient
from billing.payments.queries.takebacks import find_claim, find_takeback, list_takebacks
from billing.payments.states.takebacks import TakebackState
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refunds import request_refund
from billing.payments.use_cases.reimbursements import hold_reimbursement
from billing.payments.use_cases.takebacks import demand_takeback
from tests.factories.care import give
from tests.factories.catalog import seed_sample
from tests.factories.insurance import a_course, handed_out
from tests.factories.invoices import billed
from tests.factories.remittance_story import Story
from tests.factories.web import new_staff, send, sign_in
from tests.factories.world import a_world


@pytest.fixture
def world(database, now):
    """A demand of $0.50 that the patient's credit covered."""
    return a_world(database, now)


@pytest.fixture
def page(world):
    return f"/staff/takebacks/{world.ids['takeback_id'][0]}"


@pytest.fixture
def enter(pages, database, world, now):
    def work(role=Role.BILLING):
        return sign_in(pages, new_staff(database, role, now, entity_id=world.entity.id))

    return work


def takeback(edge, world):
    return edge.read(lambda read: find_takeback(read, world.ids["takeback_id"][0], SYSTEM))


def test_a_demand_is_repaid_once_and_never_above_what_is_demanded(edge, enter, page, world, now):
    clerk, today = enter(), now.date().isoformat()
    assert "A payer wants $0.50 back" in clerk.get(page).text
    assert "Sample, Maria" in clerk.get(page).text
    assert "The patient owes nothing of it</span>" in clerk.get(page).text
    for amount, status in (("0.51", 409), ("x", 422)):
        form = {"amount": amount, "repaid_on": today, "believed": "0"}
        answer = send(clerk, page, f"{page}/repay", **form, key=f"k{amount}")
        assert answer.status_code == status
        assert 'id="amount-wrong"' in answer.text
    for _ in range(2):
        send(clerk, page, f"{page}/repay", amount="0.30", repaid_on=today, believed="0", key="k1")
        assert "It is booked as repaid to the payer." in clerk.get(page).text
    assert takeback(edge, world).returned.cents == 30
    old = send(clerk, page, f"{page}/repay", amount="0.20", repaid_on=today, believed="0", key="k2")
    assert old.status_code == 409
    assert "changed meanwhile" in old.text


def test_what_nobody_has_to_decide_is_not_offered_and_changes_nothing(edge, enter, page, world):
    supervisor = enter(Role.SUPERVISOR)
    shown = supervisor.get(page).text
    assert "Bill the patient" not in shown
    assert "Forgive $" not in shown
    for deed in ("bill", "forgive"):
        send(supervisor, page, f"{page}/{deed}", believed="0", key=deed)
        assert "changed meanwhile" in supervisor.get(page).text
    assert takeback(edge, world).state is TakebackState.COVERED


def test_the_desk_and_another_clinic_decide_nothing(edge, pages, database, enter, page, world, now):
    clerk = enter(Role.FRONT_DESK)
    assert "Book it as repaid" not in clerk.get(page).text
    for deed in ("bill", "forgive", "repay"):
        assert send(clerk, "/staff/today", f"{page}/{deed}", key="k1").status_code == 403
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=other.id))
    assert stranger.get(page).status_code == 404
    assert takeback(edge, world).returned.cents == 0


def test_an_accountant_sees_the_demand_without_the_name(enter, page):
    assert "Maria" not in enter(Role.ACCOUNTANT).get(page).text


@pytest.fixture
def above(database, world, now):
    """The visit's insurer pays 600 more, of which 329.50 is nobody else's."""
    session_id = world.ids["session_id"][0]
    named = {"session_id": session_id, "source_id": "rmc_second", "received_on": now.date()}
    held = database.in_transaction(
        lambda tx: hold_reimbursement(tx, amount=Money(60_000), **named, actor=SYSTEM, now=now)
    )
    assert held.excess == Money(32_950), "of 450 the patient has 179.50 already"
    return "/staff/claims/rmc_second/demand"


def shown_on(client, page):
    """What a form of the page was shown with."""
    return dict(
        re.findall(r'<input type="hidden" name="(believed\w*)" value="(\d+)">', client.get(page).text)
    )


def test_what_was_paid_above_is_given_back_once_though_two_people_saw_it_held(edge, enter, above, world, now):
    """Each numbers the clinic's letter otherwise; the old page takes nothing of the patient's."""

    def left():
        lots = edge.read(lambda read: credits_of_patient(read, world.patient.id, SYSTEM))
        return sum(lot.available.cents for lot in lots)

    today = now.date().isoformat()
    clerks = {"L-1": enter(), "L-2": enter(Role.SUPERVISOR)}
    seen = {number: shown_on(clerk, above) for number, clerk in clerks.items()}
    before = left()
    first, second = (
        send(
            clerk, above, above, demand=number, amount="250.00", demanded_on=today, key=number, **seen[number]
        )
        for number, clerk in clerks.items()
    )
    assert (first.status_code, second.status_code, left()) == (303, 409, before)
    assert "changed meanwhile" in second.text
    assert "Of that held for the payer</dt><dd>$79.50" in second.text


def test_what_became_the_patients_meanwhile_is_not_taken_as_the_payers(
    edge, enter, database, above, world, now
):
    """The first claim of the visit is demanded back, so that some of what was held is the patient's."""
    clerk, today = enter(), now.date().isoformat()
    seen = shown_on(clerk, above)
    lots = edge.read(lambda read: credits_of_patient(read, world.patient.id, SYSTEM))
    first = next(lot.source_id for lot in lots if lot.source == "reimbursement")
    letter = {"demand": "L-1", "amount": Money(10_000), "demanded_on": now.date()}
    database.in_transaction(
        lambda tx: demand_takeback(tx, reimbursement_id=first, **letter, actor=SYSTEM, now=now)
    )
    form = {"demand": "L-2", "amount": "329.50", "demanded_on": today}
    assert send(clerk, above, above, **form, **seen, key="k1").status_code == 409
    assert send(clerk, above, above, **form, **shown_on(clerk, above), key="k2").status_code == 303


def test_what_an_insurer_paid_above_is_given_back_from_the_patients_page(edge, enter, above, world, now):
    clerk, today = enter(), now.date().isoformat()
    money = clerk.get(f"/staff/patients/{world.patient.id}/money").text
    assert "$329.50 is held for the payer." in money
    assert f'href="{above}"' in money
    form, seen = {"demand": "L-77", "amount": "329.50", "demanded_on": today}, shown_on(clerk, above)
    for wrong in ({"amount": "600.01"}, {"demand": ""}, {"demanded_on": ""}):
        answer = send(clerk, above, above, **(form | wrong), **seen, key=f"k-{next(iter(wrong))}")
        assert answer.status_code in (409, 422)
        assert f'id="{next(iter(wrong))}-wrong"' in answer.text
    send(clerk, above, above, **form, **seen, key="k1")
    taken = edge.read(lambda read: list_takebacks(read, SYSTEM, patient_id=world.patient.id, limit=1))[0]
    page = f"/staff/takebacks/{taken.id}"
    assert "Held for the payer already</dt><dd>$329.50" in clerk.get(page).text
    known = send(clerk, above, above, **(form | {"amount": "1.00"}), **shown_on(clerk, above), key="k2")
    assert 'id="demand-wrong"' in known.text
    repaid = {"amount": "329.50", "repaid_on": today, "believed": "0"}
    send(clerk, page, f"{page}/repay", **repaid, key="k3")
    assert edge.read(lambda read: find_takeback(read, taken.id, SYSTEM)).returned == Money(32_950)
    assert "is held for the payer." not in clerk.get(f"/staff/patients/{world.patient.id}/money").text


def test_a_demand_for_what_became_the_patients_credit_begins_at_that_credit(edge, enter, world, now):
    money = f"/staff/patients/{world.patient.id}/money"
    claim = takeback(edge, world).reimbursement_id
    form = f"/staff/claims/{claim}/demand"
    clerk = enter()
    assert f'href="{form}"' in clerk.get(money).text
    assert f'href="{form}"' not in enter(Role.FRONT_DESK).get(money).text, "who may not record a demand"
    left = edge.read(lambda read: find_claim(read, claim, SYSTEM)).left
    entered = {"demand": "L-78", "amount": str(left).strip("$"), "demanded_on": now.date().isoformat()}
    assert send(clerk, form, form, **shown_on(clerk, form), **entered, key="k1").status_code == 303
    assert "All of it was demanded back." in clerk.get(form).text


def test_a_share_of_what_an_insurer_paid_above_leads_to_its_claim(database, enter, above, world, now):
    """A demand for the first claim makes room for the second one's money, as a credit of its own."""
    with database.reading() as read:
        (other,) = {each.reimbursement_id for each in list_takebacks(read, SYSTEM, limit=9)}
        left = find_claim(read, other, SYSTEM).left
    order = {"reimbursement_id": other, "demand": "L-79", "amount": left, "demanded_on": now.date()}
    database.in_transaction(lambda tx: demand_takeback(tx, **order, actor=SYSTEM, now=now))
    shown = enter().get(f"/staff/patients/{world.patient.id}/money").text
    credit = shown.split('id="credits-title"')[1].split("</section>")[0]
    assert credit.count(f'href="{above}"') == 2, "what was the patient's at once, and what became theirs"


def test_a_demand_for_what_only_settled_an_invoice_begins_at_what_insurers_paid_on_invoices(
    edge, database, enter, world, now
):
    bill = billed(database, world.patient, only_first=1)
    give(database, bill.session_ids[0])
    named = {"session_id": bill.session_ids[0], "source_id": "rmc_settled", "received_on": now.date()}
    paid = database.in_transaction(
        lambda tx: hold_reimbursement(tx, amount=Money(30_000), **named, actor=SYSTEM, now=now)
    )
    assert paid.settled == Money(30_000)
    form, money = "/staff/claims/rmc_settled/demand", f"/staff/patients/{world.patient.id}/money"
    clerk = enter()

    def settled(client):
        parts = client.get(money).text.split('id="settled-title"')
        return parts[1].split("</section>")[0] if parts[1:] else ""

    told = f"$300.00 of invoice {bill.invoice.number}"
    assert told in settled(clerk)
    assert f'href="{form}"' in settled(clerk)
    at_desk = settled(enter(Role.FRONT_DESK))
    assert told in at_desk
    assert form not in at_desk, "who may not record a demand"
    letter = {"demand": "L-80", "amount": "300", "demanded_on": now.date().isoformat()}
    page = send(clerk, form, form, **shown_on(clerk, form), **letter, key="k1").location
    assert told in settled(clerk), "the invoice stays settled until somebody decides"
    send(clerk, page, f"{page}/bill", believed="30000", key="k2")
    (taken,) = edge.read(lambda read: list_takebacks(read, SYSTEM, state=TakebackState.BILLED, limit=9))
    assert taken.demand == "L-80"
    assert told not in settled(clerk)


def test_above_the_limit_the_page_says_that_somebody_else_repays(enter, above, now):
    clerk, today = enter(), now.date().isoformat()
    form = {"demand": "L-77", "amount": "600.00", "demanded_on": today}
    page = send(clerk, above, above, **form, **shown_on(clerk, above), key="k1").headers["Location"]
    repaid = {"amount": "600.00", "repaid_on": today, "believed": "0"}
    refused = send(clerk, page, f"{page}/repay", **repaid, key="k2")
    assert refused.status_code == 403
    assert "Somebody else has to repay what you recorded." in refused.text
    assert send(enter(Role.SUPERVISOR), page, f"{page}/repay", **repaid, key="k3").status_code == 303


def test_the_desk_and_another_clinic_record_no_demand(app, database, enter, above, now):
    assert enter(Role.FRONT_DESK).get(above).status_code == 403
    other = seed_sample(database, now, "a")
    stranger = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=other.id))
    assert stranger.get(above).status_code == 404


def test_the_tasks_name_a_demand_no_more_once_it_was_forgiven(edge, enter, above, world, now):
    """The visit's credit went out by a check, so that the patient would owe it."""
    supervisor = enter(Role.SUPERVISOR)
    lots = edge.read(lambda read: credits_of_patient(read, world.patient.id, SYSTEM))
    lot = next(lot for lot in lots if lot.source_id == "rmc_second")
    path, cents = f"/staff/credits/{lot.id}/refunds", lot.available.cents
    gone = {"amount": str(lot.available).strip("$"), "available": str(cents), "target": "check", "key": "r1"}
    refund = send(supervisor, f"{path}/new", path, **gone).location
    send(supervisor, refund, f"{refund}/check", number="1001", key="r2")
    form = {"demand": "L-78", "amount": "600.00", "demanded_on": now.date().isoformat()}
    page = send(supervisor, above, above, **shown_on(supervisor, above), **form, key="t1").location
    assert "A payer wants spent money back" in supervisor.get("/staff/tasks").text
    owed = edge.read(lambda read: find_takeback(read, page.rpartition("/")[2], SYSTEM)).owed
    send(supervisor, page, f"{page}/forgive", believed=str(owed.cents), key="t2")
    assert "A payer wants spent money back" not in supervisor.get("/staff/tasks").text


@pytest.fixture
def took(database, pages, now):
    """An insurer paid $250.00, of which $210.00 is spent, and takes it back; with the pages of a clerk."""
    course = a_course(database)
    story = Story(database, course, [handed_out(database, each) for each in course.session_ids])
    story.send(story.answer(25_000))
    with database.reading() as read:
        lots = credits_of_patient(read, course.patient.id, SYSTEM)
    spent = {"lot_id": lots[0].id, "amount": Money(21_000), "payment_id": None, "limit": Money(50_000)}
    refund = database.in_transaction(lambda tx: request_refund(tx, **spent, actor=SYSTEM, now=now))
    database.in_transaction(
        lambda tx: send_check(tx, refund_id=refund.id, check_number="1001", actor=SYSTEM, now=now)
    )
    story.send(story.answer(-25_000), story.answer(30_000, of=1))
    staff = new_staff(database, Role.SUPERVISOR, now, entity_id=course.patient.entity_id)
    return story, sign_in(pages, staff)


def test_what_an_insurer_took_back_is_told_by_payer_trace_and_day_and_by_no_id_of_ours(took):
    story, clerk = took
    (demand,) = story.demands()
    assert demand.demand.startswith("ICN0 rtk_")
    for path in (f"/staff/patients/{story.course.patient.id}/money", f"/staff/takebacks/{demand.id}"):
        shown = clerk.get(path).text
        assert "rtk_" not in shown
        assert "SAMPLE HEALTH PLAN, payment EFT0002 of" in shown
        assert "ICN0" in shown


def test_a_task_about_spent_money_says_what_is_still_owed(took):
    story, clerk = took
    assert story.demands()[0].owed == Money(21_000)
    shown = clerk.get("/staff/tasks").text
    assert "$210.00" in shown
    assert "$250.00" not in shown
