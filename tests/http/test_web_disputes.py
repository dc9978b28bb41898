"""The pages on which a dispute is looked at, answered, or given up."""

from datetime import timedelta

import pytest

from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.dispute_answers import list_answers
from billing.payments.states.disputes import DisputeEvent
from billing.platform.data.documents import find_document
from tests.factories.disputes import disputed
from tests.factories.invoices import a_patient, billed
from tests.factories.paid import paid_by_card
from tests.factories.web import new_staff, send, sign_in


@pytest.fixture
def boss(pages, edge, clinic, now):
    return sign_in(pages, new_staff(edge.database, Role.SUPERVISOR, now, entity_id=clinic.entity.id))


@pytest.fixture
def dispute(database, clinic, now):
    """2,550 by card for six sessions, none of them given."""
    return disputed(database, paid_by_card(database, clinic.invoice, now), now)


@pytest.fixture
def page(dispute):
    return f"/staff/disputes/{dispute.id}"


def answers(database, dispute):
    with database.reading() as read:
        return list(list_answers(read, dispute.id, SYSTEM))


def key(number):
    return f"form-{number}"


def test_without_a_dispute_the_list_says_so(clerk):
    assert "No bank disputes a payment." in clerk.get("/staff/disputes").text


def test_the_list_names_patient_reason_amount_and_the_last_day(clerk, dispute, page):
    told = clerk.get("/staff/disputes").text
    for words in (
        page,
        "Sample, Maria",
        "The payer says they did not pay this",
        "$2,550.00",
        "Wants an answer",
    ):
        assert words in told
    assert (dispute.due_at.date().isoformat() in told) or dispute.due_at.strftime("%b") in told


def test_a_page_says_what_is_on_file_and_what_is_not(clerk, page):
    told = clerk.get(page).text
    assert "It comes back only if the answer convinces it." in told
    assert told.count("On file") == 2
    assert told.count("Planned only, nothing was given yet") == 1
    assert told.count("Not on file") == 1


def test_a_packet_without_health_data_is_drafted_seen_and_sent(database, clerk, dispute, page):
    assert send(clerk, page, f"{page}/evidence", key=key(1), facts="receipt").status_code == 303
    (packet,) = answers(database, dispute)
    told = clerk.get(page).text
    assert "Holds no health information." in told
    assert "Left out: Days of service and what was given (planned only: nothing was given); " in told
    assert "Not on file: " in told
    pdf = clerk.get(f"{page}/answers/{packet.id}.pdf")
    assert (pdf.status_code, pdf.mimetype) == (200, "application/pdf")
    assert send(clerk, page, f"{page}/answers/{packet.id}/submit", key=key(2)).status_code == 303
    assert answers(database, dispute)[0].state == "sending"
    told = clerk.get(page).text
    assert "An answer to this dispute was sent, or is on its way already." in told
    assert "Draft a packet" not in told


def test_where_nothing_was_given_days_of_service_convince_nobody(database, clerk, clinic, now):
    paid = paid_by_card(database, clinic.invoice, now)
    unserved = disputed(database, paid, now, reason="product_not_received")
    page = f"/staff/disputes/{unserved.id}"
    told = clerk.get(page).text
    assert 'Days of service and what was given <span class="badge bad">Not on file</span>' in told
    assert "that speaks for the payer" in told
    assert 'value="services"' not in told
    refused = send(clerk, page, f"{page}/evidence", key=key(1), facts="services")
    assert refused.status_code == 409


def test_a_statement_keeps_its_paragraphs(database, clerk, dispute, page):
    two = "They came.\r\n\r\nThey thanked us."
    send(clerk, page, f"{page}/evidence", key=key(1), facts="receipt", statement=two)
    (packet,) = answers(database, dispute)
    with database.reading() as read:
        body = find_document(read, packet.document_id).body
    assert body["facts"]["statement"] == "They came.\nThey thanked us."


def test_a_statement_waits_for_another_person(database, clerk, boss, dispute, page):
    send(
        clerk, page, f"{page}/evidence", key=key(1), facts="receipt", statement="They came\r\nand thanked us."
    )
    (packet,) = answers(database, dispute)
    assert packet.has_health_data
    told = clerk.get(page).text
    assert "Somebody else has to approve it, since you asked for it yourself." in told
    assert "Send packet 1" not in told
    assert "Approve packet 1" in boss.get(page).text
    refused = send(clerk, page, f"{page}/answers/{packet.id}/submit", key=key(2))
    assert refused.status_code == 409
    assert "Another person has to approve this before it leaves." in refused.text
    send(boss, page, f"{page}/answers/{packet.id}/approve", key=key(3))
    assert "Send packet 1" in clerk.get(page).text


def test_what_was_entered_stays_when_it_is_refused(database, clerk, dispute, page):
    for number, statement in enumerate(("paid with 4242 4242 4242 4242", "x" * 2_001)):
        refused = send(clerk, page, f"{page}/evidence", key=key(number), facts="receipt", statement=statement)
        assert refused.status_code == 422
        assert statement in refused.text
        assert 'id="statement-wrong"' in refused.text
    assert 'value="receipt" checked' in refused.text
    empty = send(clerk, page, f"{page}/evidence", key=key(8))
    assert (empty.status_code, 'id="facts-wrong"' in empty.text) == (409, True)
    strange = send(clerk, page, f"{page}/evidence", key=key(9), facts="diary")
    assert strange.status_code == 422
    assert answers(database, dispute) == []


def test_two_clicks_draft_one_packet(database, clerk, dispute, page):
    for _ in range(2):
        send(clerk, page, f"{page}/evidence", key=key(1), facts="receipt")
    assert len(answers(database, dispute)) == 1


def test_giving_up_is_confirmed_and_above_the_limit_approved(database, clerk, boss, dispute, page):
    told = clerk.get(f"{page}/accept").text
    assert "Give up $2,550.00?" in told
    assert "Another person has to approve it first" in told
    stale = send(clerk, f"{page}/accept", f"{page}/accept", key=key(1), amount="100")
    assert (stale.status_code, "The bank disputes another amount." in stale.text) == (409, True)
    assert send(clerk, f"{page}/accept", f"{page}/accept", key=key(2), amount="255000").status_code == 303
    (asked,) = answers(database, dispute)
    assert asked.state == "waiting"
    assert "Approve, and give up $2,550.00" in boss.get(page).text
    send(boss, page, f"{page}/answers/{asked.id}/approve", key=key(3))
    assert answers(database, dispute)[0].state == "sending"


def test_when_the_time_is_over_nothing_is_offered(pages, edge, clinic, dispute, page):
    edge.clock.now = dispute.due_at + timedelta(seconds=1)
    clerk = sign_in(pages, new_staff(edge.database, Role.BILLING, edge.clock.now, entity_id=clinic.entity.id))
    told = clerk.get(page).text
    assert "The time to answer this dispute is over." in told
    assert "Draft a packet" not in told
    assert "Give up" not in clerk.get(f"{page}/accept").text.split("<h1")[1].split("</h1>")[1]


def test_an_accountant_sees_no_name_and_is_offered_nothing(pages, database, clinic, now, page):
    accountant = sign_in(pages, new_staff(database, Role.ACCOUNTANT, now, entity_id=clinic.entity.id))
    for path in ("/staff/disputes", page):
        told = accountant.get(path)
        assert told.status_code == 200
        assert "Maria" not in told.text
        assert "Draft a packet" not in told.text


def test_who_works_at_another_site_finds_nothing(pages, database, clinic, now, page):
    elsewhere = new_staff(
        database, Role.SUPERVISOR, now, entity_id=clinic.entity.id, site_ids=["sit_" + "0" * 26]
    )
    browser = sign_in(pages, elsewhere)
    assert browser.get(page).status_code == 404
    assert "Maria" not in browser.get("/staff/disputes").text


def test_the_refund_page_of_a_disputed_payment_offers_nothing(clerk, dispute):
    shown = clerk.get(f"/staff/payments/{dispute.payment_id}/refunds/new").text
    assert '<dt>Can go back now</dt><dd class="large">Nothing</dd>' in shown
    assert "Nothing can go back now: a bank disputes it." in shown
    assert "Of it, " not in shown


@pytest.mark.parametrize(("days", "asked"), [(0, True), (-1, False)])
def test_a_visit_of_today_that_a_lost_dispute_calls_off_is_a_task(database, app, days, asked, now):
    then = now + timedelta(days=days)
    visit = billed(database, a_patient(database), only_first=1)
    payment = paid_by_card(database, visit.invoice, then)
    for became in (DisputeEvent.DISPUTE, DisputeEvent.LOSE):
        disputed(database, payment, then, told=became)
    clerk = sign_in(app, new_staff(database, Role.BILLING, now, entity_id=visit.invoice.entity_id))
    shown = clerk.get("/staff/tasks").text
    assert ("A lost dispute had paid for sessions to come" in shown) is asked
    assert ("called off by itself: tell who was to come today." in shown) is asked
