"""A dispute is answered over real HTTP: drafted, approved, sent once, won, lost, given up, in doubt."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import timedelta

import pypdf
import pytest

from billing.accounting.queries.verify import verify
from billing.care.use_cases import cancel_session
from billing.kernel.clock import clock_from
from billing.kernel.permissions import SYSTEM, Role
from billing.ledger.queries import trial_balance
from billing.payments.flows.reconcile import reconcile
from billing.payments.flows.resolve import resolve
from billing.people.use_cases import issue_token
from tests.conftest import NOW
from tests.factories import loopback
from tests.factories.accounting import LIMIT
from tests.factories.care import give
from tests.factories.invoices import a_patient, billed
from tests.factories.sandbox import pay_on_card_page
from tests.http.test_disputes import decided, opened, until

pytestmark = pytest.mark.processes

SECRETS = ("Maria", "Ketamine", "ketamine", "infusion", "depression")
"""The patient's name, the drug, the service, the diagnosis."""


@dataclass
class Clerk:
    """Somebody with a token of a role."""

    office: object
    token: str

    def post(self, path, body=None, *, key="k"):
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        return loopback.post(f"{self.office.url}/api/v1{path}", json=body or {}, headers=headers, timeout=30)

    def get(self, path):
        return loopback.get(
            f"{self.office.url}/api/v1{path}", headers={"Authorization": f"Bearer {self.token}"}
        )


@pytest.fixture
def bill(office):
    return billed(office.database, a_patient(office.database), only_first=2)


@pytest.fixture
def dispute(office, bill):
    """900 by card for two sessions, the first given; the bank took it back as fraudulent."""
    checkout = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    assert pay_on_card_page(checkout["url"])
    until(office, "checkout.session.completed")
    give(office.database, bill.session_ids[0], now=NOW)
    opened(office)
    (found,) = office.get("/disputes").json()["items"]
    return found


@pytest.fixture
def clerk(office):
    return hire(office, Role.BILLING)


@pytest.fixture
def boss(office):
    return hire(office, Role.SUPERVISOR)


def hire(office, role, **where):
    scope = {"entity_id": None, "site_ids": None} | where
    issued = office.database.in_transaction(
        lambda tx: issue_token(tx, role=role, scopes=(), expires_at=None, actor=SYSTEM, now=NOW, **scope)
    )
    return Clerk(office, issued.secret)


def draft(clerk, dispute, **body):
    answer = clerk.post(f"/disputes/{dispute['id']}/evidence", body, key=f"draft-{len(str(body))}")
    assert answer.status_code == 201, answer.text
    return answer.json()


def path_of(answer, deed=""):
    return f"/disputes/{answer['dispute_id']}/answers/{answer['id']}{deed}"


def answers(office, dispute):
    return office.get(f"/disputes/{dispute['id']}/answers").json()["items"]


def shown(office):
    (found,) = office.get("/disputes").json()["items"]
    return found


def tasks(office, state="open"):
    return {task["kind"] for task in office.get(f"/tasks?state={state}").json()["items"]}


def words_in(pdf):
    return " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def told_the_processor(office):
    return str(office.sandbox.requests("/"))


def all_is_well(office):
    with office.database.reading() as read:
        verdict = verify(read, now=NOW, refund_limit=LIMIT)
        balances = dict(trial_balance(read))
    assert [check for check in verdict.checks if check.found] == []
    return balances


def uploads(office):
    return office.sandbox.requests("/v1/files")


def test_without_health_data_a_packet_needs_nobody_else_and_tells_of_no_patient(office, dispute, clerk):
    packet = draft(clerk, dispute)
    assert packet["state"] == "ready"
    assert packet["facts"] == ["receipt", "communication"]
    assert (packet["left_out"], packet["missing"]) == (["services"], ["earlier_payments"])
    pdf = clerk.get(path_of(packet, ".pdf"))
    assert pdf.headers["Content-Type"] == "application/pdf"
    words = words_in(pdf.content)
    assert "Clinic services" in words
    assert "$900.00" in words
    assert [secret for secret in SECRETS if secret in words] == []
    office.work()
    assert clerk.get(path_of(packet, ".pdf")).content == pdf.content


def test_what_a_reason_calls_for_and_what_is_missing_is_named(office, dispute, clerk):
    needs = clerk.get(f"/disputes/{dispute['id']}/evidence").json()
    assert needs["called_for"] == ["receipt", "services", "communication", "earlier_payments"]
    assert needs["on_file"] == ["receipt", "services", "communication"]
    assert needs["missing"] == ["earlier_payments"]
    refused = clerk.post(f"/disputes/{dispute['id']}/evidence", {"facts": ["refunds", "receipt"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "fact-not-on-file")
    assert refused.json()["missing"] == ["refunds"]


def test_health_data_leaves_in_the_approved_file_alone(office, dispute, clerk, boss):
    packet = draft(clerk, dispute, facts=["receipt", "services"], statement="The patient thanked us.")
    assert (packet["state"], packet["has_health_data"]) == ("waiting", True)
    office.work()
    early = clerk.post(path_of(packet, "/submit"))
    assert (early.status_code, early.json()["code"]) == (409, "answer-not-approved")
    office.work()
    assert uploads(office) == []
    assert clerk.post(path_of(packet, "/approve")).status_code == 403
    assert boss.post(path_of(packet, "/approve")).json()["state"] == "ready"
    assert clerk.post(path_of(packet, "/submit"), key="s").json()["state"] == "sending"
    office.work()
    (upload,) = uploads(office)
    pdf = clerk.get(path_of(packet, ".pdf")).content
    assert upload["parameters"]["file"]["sha256"] == hashlib.sha256(pdf).hexdigest()
    assert upload["parameters"]["file"]["name"] == "evidence.pdf"
    words = words_in(pdf)
    assert "Ketamine infusion treatment: given, from" in words
    assert "not given so far" in words
    assert [secret for secret in SECRETS if secret in told_the_processor(office)] == []
    assert (answers(office, dispute)[0]["state"], shown(office)["state"]) == ("sent", "under_review")
    assert (tasks(office), tasks(office, "done")) == (set(), {"dispute-opened"})
    all_is_well(office)


def test_a_supervisor_does_not_approve_their_own_packet(office, dispute, boss):
    packet = draft(boss, dispute, facts=["services"])
    refused = boss.post(path_of(packet, "/approve"))
    assert (refused.status_code, refused.json()["code"]) == (403, "own-answer")


@pytest.mark.parametrize(("outcome", "lost"), [("won", 0), ("lost", 90_000)])
def test_an_answered_dispute_ends_as_the_bank_decides(office, dispute, clerk, outcome, lost):
    packet = draft(clerk, dispute)
    clerk.post(path_of(packet, "/submit"), key="s")
    office.work()
    decided(office, {"id": dispute["reference"], "status": "under_review"}, outcome)
    assert (shown(office)["state"], shown(office)["lost_cents"]) == (outcome, lost)
    assert all_is_well(office)["1070"] == 0
    again = clerk.post(f"/disputes/{dispute['id']}/evidence", {}, key="later")
    assert (again.status_code, again.json()["code"]) == (409, "dispute-answered")


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_what_the_bank_took_and_gave_back_of_an_answered_dispute_is_one_thing(
    office, dispute, clerk, outcome
):
    packet = draft(clerk, dispute)
    clerk.post(path_of(packet, "/submit"), key="s")
    office.work()
    decided(office, {"id": dispute["reference"], "status": "under_review"}, outcome)
    office.sandbox.control("payout-schedule", schedule="manual")
    found = reconcile(office.room, since=None, until=None, refund_limit=LIMIT)
    assert (found.ok, found.operations, found.made_twice) == (True, 2, 0)
    assert office.get("/reconciliation").json()["items"] == []
    assert "operation-twice" not in tasks(office) | tasks(office, "done")


@pytest.mark.parametrize("path", ["/v1/files", "/v1/disputes"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_response_is_sent_again_under_the_same_key(office, dispute, clerk, path, when):
    packet = draft(clerk, dispute)
    office.work()
    office.sandbox.control("lose-response", path=path, when=when)
    clerk.post(path_of(packet, "/submit"), key="s")
    office.work()
    assert answers(office, dispute)[0]["state"] == "sending"
    second = clerk.post(path_of(draft_again(clerk, dispute, packet), "/submit"), key="t")
    assert second.status_code == 409
    resolve_later(office)
    assert answers(office, dispute)[-1]["state"] == "sent"
    assert shown(office)["state"] == "under_review"
    keys = {
        asked["idempotency_key"]
        for asked in office.sandbox.requests("/v1/disputes")
        if asked["method"] == "POST"
    }
    assert keys == {packet["id"]}


def draft_again(clerk, dispute, packet):
    """No other packet while one is on its way: the first stands for it."""
    refused = clerk.post(f"/disputes/{dispute['id']}/evidence", {}, key="again")
    assert (refused.status_code, refused.json()["code"]) == (409, "dispute-answered")
    return packet


def resolve_later(office, after=timedelta(minutes=6)):
    path = office.app.extensions["billing"].settings.clinic_clock
    path.write_text((clock_from(str(path))() + after).isoformat())
    return resolve(office.room)


@pytest.mark.parametrize(("when", "state"), [("after", "sent"), ("before", "refused")])
def test_after_a_day_an_answer_is_looked_up_and_not_sent_again(office, dispute, clerk, when, state):
    packet = draft(clerk, dispute)
    office.work()
    office.sandbox.control("lose-response", path="/v1/disputes", when=when)
    clerk.post(path_of(packet, "/submit"), key="s")
    office.work()
    sent = len(office.sandbox.requests("/v1/disputes"))
    resolve_later(office, timedelta(hours=25))
    asked = office.sandbox.requests("/v1/disputes")[sent:]
    assert {one["method"] for one in asked} == {"GET"}
    assert answers(office, dispute)[0]["state"] == state
    assert ("dispute-answer-refused" in tasks(office)) == (state == "refused")


def test_what_comes_too_late_is_refused_here(office, dispute, clerk, clock_file):
    packet = draft(clerk, dispute)
    clock_file.write_text((NOW + timedelta(days=10)).isoformat())
    for path in (path_of(packet, "/submit"), f"/disputes/{dispute['id']}/evidence"):
        late = clerk.post(path, key=path[-5:])
        assert (late.status_code, late.json()["code"]) == (409, "dispute-overdue")
    office.work()
    assert uploads(office) == []


def test_a_person_is_reminded_before_the_time_is_over_unless_it_was_answered(
    office, dispute, clerk, clock_file
):
    office.work()
    assert "dispute-due" not in tasks(office)
    clock_file.write_text((NOW + timedelta(days=6, hours=12)).isoformat())
    office.work()
    assert tasks(office) == {"dispute-opened", "dispute-due"}
    clerk.post(path_of(draft(clerk, dispute), "/submit"), key="s")
    office.work()
    assert tasks(office) == set()


def test_above_the_limit_another_person_gives_the_money_up(office, dispute, clerk, boss):
    wrong = clerk.post(f"/disputes/{dispute['id']}/accept", {"amount_cents": 80_000}, key="a")
    assert (wrong.status_code, wrong.json()["code"]) == (409, "dispute-changed")
    assert wrong.json()["amount_cents"] == 90_000
    asked = clerk.post(f"/disputes/{dispute['id']}/accept", {"amount_cents": 90_000}, key="b").json()
    assert asked["state"] == "waiting"
    twice = clerk.post(f"/disputes/{dispute['id']}/accept", {"amount_cents": 90_000}, key="c")
    assert (twice.status_code, twice.json()["code"]) == (409, "dispute-answered")
    office.work()
    assert shown(office)["state"] == "needs_response"
    assert boss.post(path_of(asked, "/approve"), key="d").json()["state"] == "sending"
    office.work()
    assert (shown(office)["state"], shown(office)["lost_cents"]) == ("lost", 90_000)
    assert all_is_well(office)["1070"] == 0
    assert boss.get(path_of(asked, ".pdf")).status_code == 404


def test_within_the_limit_one_person_gives_it_up_and_a_lost_response_does_not_lose_it(office, bill, clerk):
    checkout = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    assert pay_on_card_page(checkout["url"])
    until(office, "checkout.session.completed")
    opened(office, amount=5_000)
    small = shown(office)
    office.sandbox.control("lose-response", path="/v1/disputes", when="after")
    clerk.post(f"/disputes/{small['id']}/accept", {"amount_cents": 5_000}, key="a")
    office.work()
    resolve_later(office)
    assert answers(office, small)[0]["state"] == "sent"
    assert (shown(office)["state"], shown(office)["lost_cents"]) == ("lost", 5_000)
    all_is_well(office)


def test_what_the_bank_decided_meanwhile_is_a_task_and_no_answer(office, dispute, clerk):
    packet = draft(clerk, dispute)
    office.work()
    office.sandbox.control("decide-dispute", dispute=dispute["reference"], outcome="lost")
    clerk.post(path_of(packet, "/submit"), key="s")
    office.work()
    assert answers(office, dispute)[0]["state"] == "refused"
    assert "dispute-answer-refused" in tasks(office)
    assert "dispute-opened" not in tasks(office)
    assert shown(office)["state"] == "lost"
    all_is_well(office)


def test_an_inquiry_is_answered_and_once_more_when_it_becomes_a_dispute(office, bill, clerk):
    checkout = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    assert pay_on_card_page(checkout["url"])
    until(office, "checkout.session.completed")
    asked = opened(office, inquiry=True)
    found = shown(office)
    first = draft(clerk, found)
    clerk.post(path_of(first, "/submit"), key="s")
    office.work()
    second = clerk.post(f"/disputes/{found['id']}/evidence", {}, key="again")
    assert second.json()["code"] == "dispute-answered"
    assert tasks(office) == set()
    assert tasks(office, "done") == {"dispute-opened"}
    office.sandbox.control("escalate-dispute", dispute=asked["id"])
    until(office, "charge.dispute.funds_withdrawn")
    assert tasks(office) == {"dispute-escalated"}
    packet = clerk.post(f"/disputes/{found['id']}/evidence", {}, key="escalated").json()
    clerk.post(path_of(packet, "/submit"), key="u")
    office.work()
    assert [answer["state"] for answer in answers(office, found)] == ["sent", "sent"]
    assert tasks(office) == set()
    assert shown(office)["state"] == "under_review"


def test_another_sites_clerk_knows_of_no_dispute(office, dispute, clerk):
    packet = draft(clerk, dispute)
    elsewhere = hire(office, Role.SUPERVISOR, site_ids=["sit_" + "0" * 26])
    for answer in (
        elsewhere.get(f"/disputes/{dispute['id']}/evidence"),
        elsewhere.get(path_of(packet, ".pdf")),
        elsewhere.post(path_of(packet, "/approve")),
        elsewhere.post(path_of(packet, "/submit"), key="x"),
        elsewhere.post(f"/disputes/{dispute['id']}/accept", {"amount_cents": 90_000}, key="y"),
    ):
        assert answer.status_code == 404, answer.text


def test_while_a_bank_holds_money_no_plan_of_refunds_takes_any(office, dispute, bill, clerk):
    office.database.in_transaction(
        lambda tx: cancel_session(tx, session_id=bill.session_ids[1], actor=SYSTEM, now=NOW)
    )
    refused = clerk.get(f"/patients/{bill.patient.id}/refund-plan?amount_cents=1000")
    assert (refused.status_code, refused.json()["code"]) == (409, "payment-disputed"), refused.text


def test_a_statement_has_a_longest_length_and_holds_no_card_number(office, dispute, clerk):
    for text in ("x" * 2_001, "paid with 4242 4242 4242 4242"):
        refused = clerk.post(f"/disputes/{dispute['id']}/evidence", {"statement": text}, key=text[:4])
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/statement"


def test_who_was_reminded_of_an_inquiry_is_reminded_of_the_dispute_that_it_becomes_and_once(
    office, bill, clerk, clock_file
):
    checkout = office.post(f"/invoices/{bill.invoice.id}/checkouts", key="k1").json()
    assert pay_on_card_page(checkout["url"])
    until(office, "checkout.session.completed")
    asked = opened(office, inquiry=True)
    clock_file.write_text((NOW + timedelta(days=6, hours=12)).isoformat())
    office.work()
    assert tasks(office) == {"dispute-opened", "dispute-due"}
    clerk.post(path_of(draft(clerk, shown(office)), "/submit"), key="s")
    office.work()
    clock_file.write_text((NOW + timedelta(days=7)).isoformat())
    office.sandbox.control("escalate-dispute", dispute=asked["id"])
    until(office, "charge.dispute.funds_withdrawn")
    clock_file.write_text((NOW + timedelta(days=7, hours=13)).isoformat())
    office.work()
    assert tasks(office) == {"dispute-escalated", "dispute-due"}
    (due,) = (
        each for each in office.get("/tasks?state=open").json()["items"] if each["kind"] == "dispute-due"
    )
    assert clerk.post(f"/tasks/{due['id']}/done", {}, key="seen").status_code == 200
    clock_file.write_text((NOW + timedelta(days=8, hours=14)).isoformat())
    office.work()
    assert tasks(office) == {"dispute-escalated"}
