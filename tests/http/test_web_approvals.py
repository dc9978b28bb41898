"""Refunds that wait for another person, and the tasks of people, on their pages."""

import re

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.refunds import list_refunds
from billing.payments.records.refunds import RefundReason
from billing.payments.states.refunds import RefundState
from billing.payments.use_cases.refund_payment import refund_payment
from billing.platform.data.tasks import TaskState, list_tasks, open_task
from tests.factories.catalog import seed_sample
from tests.factories.paid import paid_by_card, statements_of
from tests.factories.web import new_staff, send, sign_in

PAGE = "/staff/approvals"


@pytest.fixture
def ask_for(database, clinic, now):
    """A refund above the limit, of the clinic's one card payment."""
    payment = paid_by_card(database, clinic.invoice, now)
    left = [payment.amount]

    def work(cents=1_000):
        def place(tx):
            return refund_payment(
                tx,
                payment_id=payment.id,
                amount=Money(cents),
                refundable=left[0],
                reason=RefundReason.DUPLICATE,
                method=None,
                limit=Money(0),
                actor=SYSTEM,
                now=now,
            )

        refund = database.in_transaction(place)
        left[0] -= refund.amount
        return refund

    return work


def state_of(edge):
    return edge.read(lambda read: list_refunds(read, SYSTEM, limit=9))[0].state


def test_nothing_to_approve_is_said(enter):
    assert "No refund waits for approval." in enter(Role.ACCOUNTANT).get(PAGE).text


def test_a_supervisor_sees_who_asked_and_why_and_approves_once(edge, enter, ask_for):
    refund, supervisor = ask_for(), enter(Role.SUPERVISOR)
    page = supervisor.get(PAGE).text
    assert "to the card that paid, visa **** 4242" in page
    assert "It was paid twice" in page
    assert "Sample, Maria" in page
    for _ in range(2):
        answer = send(supervisor, PAGE, f"/staff/refunds/{refund.id}/approve", key="k1")
        assert answer.location == PAGE
        assert "The refund is approved" in supervisor.get(PAGE).text
    assert state_of(edge) is RefundState.APPROVED
    send(supervisor, PAGE, f"/staff/refunds/{refund.id}/reject", reason="ask_first", key="k2")
    page = supervisor.get(PAGE).text
    assert "Somebody decided about this refund meanwhile. Its page says what" in page
    assert "calls off a check not written yet" in page
    assert state_of(edge) is RefundState.APPROVED


def test_an_accountant_rejects_without_knowing_the_name(edge, enter, ask_for):
    refund, accountant = ask_for(), enter(Role.ACCOUNTANT)
    page = accountant.get(PAGE).text
    assert "Maria" not in page
    assert "Maria" not in accountant.get(f"/staff/refunds/{refund.id}").text
    for reason in ("", "anxiety", "withdrawn", "taken_back"):
        send(accountant, PAGE, f"/staff/refunds/{refund.id}/reject", reason=reason, key=f"k{reason}")
        assert "Choose why it is refused." in accountant.get(PAGE).text
        assert state_of(edge) is RefundState.REQUESTED
    send(accountant, PAGE, f"/staff/refunds/{refund.id}/reject", reason="ask_first", key="k1")
    assert "The money is where it was before." in accountant.get(PAGE).text
    assert state_of(edge) is RefundState.REJECTED


def test_who_asked_reads_why_it_was_refused(enter, ask_for, clinic):
    refund, supervisor = ask_for(), enter(Role.SUPERVISOR)
    assert "Ask the patient first" in supervisor.get(PAGE).text
    send(supervisor, PAGE, f"/staff/refunds/{refund.id}/reject", reason="ask_first", key="k1")
    clerk = enter(Role.BILLING)
    for page in (f"/staff/refunds/{refund.id}", f"/staff/patients/{clinic.patient.id}/money"):
        assert "It was refused: ask the patient first." in clerk.get(page).text


def test_who_asked_is_told_that_somebody_else_approves_and_cannot(
    edge, enter, ask_for, clinic, database, now
):
    payment_id = ask_for().payment_id
    supervisor = enter(Role.SUPERVISOR)
    form = {"amount": "600", "refundable": "254000", "reason": "duplicate", "method": "card"}
    own = send(supervisor, PAGE, f"/staff/payments/{payment_id}/refunds", key="k1", **form).location
    for page in (PAGE, own):
        assert "You asked for this yourself. Somebody else has to approve it." in supervisor.get(page).text
    assert f'action="{own}/approve"' not in supervisor.get(PAGE).text
    send(supervisor, PAGE, f"{own}/approve", key="k2")
    assert "Somebody else has to approve what you asked for." in supervisor.get(PAGE).text
    assert state_of(edge) is RefundState.REQUESTED


def test_the_desk_sees_what_waits_and_decides_nothing(edge, enter, ask_for):
    refund, clerk = ask_for(), enter(Role.FRONT_DESK)
    page = clerk.get(PAGE).text
    assert "A supervisor or the accountant decides." in page
    assert "/approve" not in page
    for deed in ("approve", "reject"):
        assert send(clerk, PAGE, f"/staff/refunds/{refund.id}/{deed}", key="k1").status_code == 403
    assert state_of(edge) is RefundState.REQUESTED


def test_another_clinics_supervisor_sees_and_decides_nothing(pages, database, now, edge, ask_for):
    refund = ask_for()
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.SUPERVISOR, now, entity_id=other.id))
    assert refund.id not in stranger.get(PAGE).text
    assert stranger.get(f"/staff/refunds/{refund.id}").status_code == 404
    assert send(stranger, PAGE, f"/staff/refunds/{refund.id}/approve", key="k1").status_code == 404
    assert state_of(edge) is RefundState.REQUESTED


def test_more_refunds_do_not_cost_more_statements(database, enter, ask_for):
    supervisor = enter(Role.SUPERVISOR)
    ask_for()
    with statements_of(database) as few:
        supervisor.get(PAGE)
    for _ in range(6):
        ask_for()
    with statements_of(database) as many:
        assert supervisor.get(PAGE).text.count("Approve the refund") == 7
    assert len(many) == len(few)


# --- tasks ---------------------------------------------------------------------------------------------


def open_one(database, clinic, now, kind, subject_id):
    return database.in_transaction(
        lambda tx: open_task(
            tx,
            kind=kind,
            subject_id=subject_id,
            entity_id=clinic.entity.id,
            site_id=clinic.site.id,
            actor=SYSTEM,
            now=now,
        )
    )


def test_a_task_says_what_happened_leads_there_and_is_closed_with_a_note(edge, enter, ask_for, clinic, now):
    refund, clerk = ask_for(), enter(Role.BILLING)
    assert "Nothing waits for a person." in clerk.get("/staff/tasks").text
    task = open_one(edge.database, clinic, now, "refund-failed", refund.id)
    page = clerk.get("/staff/tasks").text
    assert "A refund came back" in page
    assert f'href="/staff/refunds/{refund.id}"' in page
    assert "A refund came back" in clerk.get("/staff/today").text
    too_long = send(clerk, "/staff/tasks", f"/staff/tasks/{task.id}/done", note="x" * 501, key="k1")
    assert too_long.status_code == 303
    assert re.search(r'role="alert"[^>]*>Write at most 500', clerk.get("/staff/tasks").text)
    send(clerk, "/staff/tasks", f"/staff/tasks/{task.id}/done", note="Sent a check.", key="k2")
    assert "The task is closed." in clerk.get("/staff/tasks").text
    (closed,) = edge.read(lambda read: list_tasks(read, SYSTEM, limit=9))
    assert (closed.state, closed.note) == (TaskState.DONE, "Sent a check.")
    send(clerk, "/staff/tasks", f"/staff/tasks/{task.id}/done", note="", key="k3")
    assert "Somebody closed this task meanwhile." in clerk.get("/staff/tasks").text


def test_a_task_about_a_payment_leads_to_the_patients_money(enter, ask_for, clinic, database, now):
    payment_id, clerk = ask_for().payment_id, enter(Role.BILLING)
    open_one(database, clinic, now, "privacy-review", payment_id)
    assert f'href="/staff/payments/{payment_id}"' in clerk.get("/staff/tasks").text
    assert clerk.get(f"/staff/payments/{payment_id}").location == f"/staff/patients/{clinic.patient.id}/money"


def test_a_task_of_another_clinic_is_neither_shown_nor_closed(pages, database, enter, clinic, now):
    task = open_one(database, clinic, now, "payout-failed", "pyo_1")
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=other.id))
    assert task.id not in stranger.get("/staff/tasks").text
    assert send(stranger, "/staff/today", f"/staff/tasks/{task.id}/done", key="k1").status_code == 404
