"""Giving a payment back on the pages: what is shown, what is asked, what a second click does."""

import re
from datetime import UTC, datetime

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Actor, Permission, Role
from billing.payments.queries.payments import list_payments
from billing.payments.queries.refunds import list_refunds
from billing.payments.use_cases.refunds import approve_refund
from billing.web.staff.money import marks_of_all
from tests.factories.catalog import seed_sample
from tests.factories.paid import paid_by_card, paid_by_check, paid_in_cash, statements_of
from tests.factories.web import new_package, new_staff, send, sign_in, token_of

OUTSTANDING = "/staff/outstanding-checks"
ASKED = {"amount": "100.00", "refundable": "255000", "reason": "duplicate", "method": "card"}


@pytest.fixture
def usual_role():
    return Role.FRONT_DESK


@pytest.fixture
def payment(database, clinic, now):
    """$2,550.00 by card."""
    return paid_by_card(database, clinic.invoice, now)


@pytest.fixture
def ask(payment):
    return f"/staff/payments/{payment.id}/refunds/new"


@pytest.fixture
def deed(payment):
    """Where the confirmed form goes."""
    return f"/staff/payments/{payment.id}/refunds"


@pytest.fixture
def look(deed):
    return f"{deed}/look"


@pytest.fixture
def money_page(clinic):
    return f"/staff/patients/{clinic.patient.id}/money"


def refunds(edge):
    return edge.read(lambda read: list_refunds(read, SYSTEM, limit=9))


def alert(text):
    found = re.search(r'role="alert"[^>]*>([^<]*)<', text)
    return found and found[1]


# --- what a patient's money page says ------------------------------------------------------------------


def test_a_patient_without_money_has_a_page_that_says_so(enter, money_page):
    page = enter().get(money_page).text
    for empty in ("No payment yet.", "Nothing was given back.", "Nothing is held."):
        assert empty in page


def test_the_page_shows_what_was_paid_what_waits_and_what_is_left(enter, money_page, ask, deed):
    clerk = enter()
    send(clerk, ask, deed, **ASKED | {"amount": "600.00", "key": "k1"})
    page = clerk.get(money_page).text
    assert "Card (visa 4242)" in page
    assert page.count("$600.00") >= 2
    assert "$1,950.00" in page
    assert "Waits for approval" in page


def test_what_is_asked_for_at_night_is_of_the_clinics_day(enter, edge, money_page, ask, deed):
    edge.clock.now = datetime(2026, 11, 3, 2, 30, tzinfo=UTC)
    clerk = enter()
    send(clerk, ask, deed, **ASKED | {"amount": "600.00", "key": "k1"})
    page = clerk.get(money_page).text
    assert "Nov 2, 2026" in page
    assert "Nov 3, 2026" not in page


def test_who_pays_by_another_way_does_not_cost_more_statements(enter, database, clinic, money_page, now):
    clerk = enter(Role.SUPERVISOR)
    paid_in_cash(database, clinic.invoice, now, Money(1_000))
    with statements_of(database) as few:
        clerk.get(money_page)
    for number in range(1, 9):
        paid_by_check(database, clinic.invoice, now, Money(1_000), str(number))
    paid_by_card(database, new_package(database, clinic.patient, now), now)
    with statements_of(database) as many:
        assert clerk.get(money_page).text.count("no. ") == 8
    assert len(many) == len(few)


def test_an_accountant_sees_the_money_without_the_name(enter, money_page, payment):
    page = enter(Role.ACCOUNTANT).get(money_page).text
    assert "$2,550.00" in page
    assert "Maria" not in page
    assert "/refund" not in page


def test_a_clinician_and_an_admin_have_no_page_of_money(enter, money_page, ask, clinic):
    for role in (Role.CLINICIAN, Role.ADMIN):
        assert enter(role).get(money_page).status_code == 403


def test_another_clinics_clerk_finds_nothing(pages, database, edge, now, payment, money_page, ask, deed):
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.SUPERVISOR, now, entity_id=other.id))
    assert [stranger.get(page).status_code for page in (money_page, ask)] == [404, 404]
    answer = send(stranger, "/staff/today", deed, **ASKED, key="k1")
    assert answer.status_code == 404
    assert refunds(edge) == []


# --- asking --------------------------------------------------------------------------------------------


def test_what_will_happen_is_said_in_words_before_anything_happens(edge, enter, ask, look):
    answer = send(enter(), ask, look, **ASKED)
    assert answer.status_code == 200
    words = re.sub(r"<[^>]+>", "", answer.text)
    assert "$100.00 goes back to the card that paid, visa **** 4242, of $2,550.00" in words
    assert "Their bank shows it 5 to 10 business days after it was sent." in words.replace("&#39;", "'")
    assert "Nobody has to approve it." in words
    assert "$100.00 paid for sessions to come" in words
    assert re.search(r"the session on (Nov|Dec) \d+, 2026\s+is not covered any more", words)
    assert refunds(edge) == []


def test_no_reason_stands_in_an_address(enter, ask, look, money_page):
    clerk = enter()
    for page in (ask, f"{money_page.removesuffix('/money')}/refunds/new"):
        shown = clerk.get(page).text
        forms = re.findall(r"<form[^>]*>.*?</form>", shown, re.DOTALL)
        (asks,) = [form for form in forms if 'name="reason"' in form]
        assert asks.startswith('<form method="post"')
    assert clerk.get(look, query_string=ASKED | {"reason": "severe depression"}).status_code == 405


def test_above_the_limit_the_page_says_that_another_person_approves(enter, ask, look):
    page = send(enter(), ask, look, **ASKED | {"amount": "500.01"}).text
    assert "Another person has to approve it first" in page
    assert "Ask for the refund of $500.01" in page


def told(answer):
    """The page without its markup."""
    return " ".join(re.sub(r"<[^>]+>", "", answer.text).split())


def test_what_went_without_a_second_person_within_a_day_counts_and_is_named(enter, ask, deed, look):
    clerk = enter()
    send(clerk, ask, deed, **ASKED | {"amount": "300.00", "key": "k1"})
    asked = ASKED | {"refundable": "225000"}
    page = told(send(clerk, ask, look, **asked | {"amount": "200.01"}))
    assert (
        "Another person has to approve it first: with $300.00 that goes back without a second person's look, "
        "asked for within the last 24 hours, it is more than $500.00."
    ) in page.replace("&#39;", "'")
    assert "Nobody has to approve it." in told(send(clerk, ask, look, **asked | {"amount": "200.00"}))


def test_what_a_program_approved_is_not_called_within_the_limit(edge, enter, ask, deed, now):
    clerk = enter()
    send(clerk, ask, deed, **ASKED | {"amount": "600.00", "key": "k1"})
    (refund,) = refunds(edge)
    program = Actor(id="tok_1", entity_id=None, permissions=frozenset(Permission))
    edge.database.in_transaction(lambda tx: approve_refund(tx, refund_id=refund.id, actor=program, now=now))
    page = clerk.get(f"/staff/refunds/{refund.id}").text
    assert "another program or office" in page
    assert "within the limit" not in page


def test_what_a_second_person_approved_or_still_has_to_does_not_count(edge, enter, ask, deed, look):
    clerk = enter()
    send(clerk, ask, deed, **ASKED | {"amount": "600.00", "key": "k1"})
    asked = ASKED | {"refundable": "195000", "amount": "500.00"}
    assert "Nobody has to approve it." in told(send(clerk, ask, look, **asked))
    (refund,) = refunds(edge)
    boss = enter(Role.SUPERVISOR)
    send(boss, f"/staff/refunds/{refund.id}", f"/staff/refunds/{refund.id}/approve", key="k2")
    assert refunds(edge)[0].approved_by is not None
    assert "Nobody has to approve it." in told(send(clerk, ask, look, **asked))
    page = told(send(clerk, ask, look, **asked | {"amount": "500.01"}))
    assert "Another person has to approve it first: it is more than $500.00." in page


def test_two_clicks_are_one_refund_and_lead_to_its_page(edge, enter, ask, deed):
    clerk = enter()
    first = send(clerk, ask, deed, **ASKED, key="k1")
    second = send(clerk, ask, deed, **ASKED, key="k1")
    (refund,) = refunds(edge)
    assert first.location == second.location == f"/staff/refunds/{refund.id}"
    assert "Being sent" in clerk.get(first.location).text


def test_the_same_form_with_another_amount_is_refused(edge, enter, ask, deed):
    clerk = enter()
    send(clerk, ask, deed, **ASKED, key="k1")
    answer = send(clerk, ask, deed, **ASKED | {"amount": "200.00"}, key="k1")
    assert answer.status_code == 422
    assert "sent before with another entry" in alert(answer.text)
    assert len(refunds(edge)) == 1


def test_an_old_page_is_told_the_new_amount_and_moves_nothing(edge, enter, ask, deed, look):
    clerk = enter()
    send(clerk, ask, deed, **ASKED, key="k1")
    for step in (look, deed):
        answer = send(clerk, ask, step, **ASKED, key="k2")
        assert answer.status_code == 409
        assert 'id="amount-wrong"' in answer.text
        assert "Look at the new amount" in answer.text
        assert "$2,450.00" in answer.text
    assert len(refunds(edge)) == 1


def test_what_is_wrong_is_said_beside_its_field(edge, enter, ask, deed, look):
    clerk = enter()
    wrong = {
        "amount": [("", 422), ("0", 422), ("-5", 422), ("1e3", 422), ("2550.01", 409)],
        "reason": [("", 422), ("hurt", 422)],
        "method": [("wire", 422)],
    }
    for field, entries in wrong.items():
        for entered, status in entries:
            for step in (look, deed):
                form = ASKED | {field: entered, "key": f"{len(step)}{entered}{field}"}
                answer = send(clerk, ask, step, **form)
                assert (answer.status_code, answer.text.count("autofocus")) == (status, 1), (field, entered)
                assert f'id="{field}-wrong"' in answer.text
    assert refunds(edge) == []


def test_a_form_without_a_believed_amount_moves_nothing(edge, enter, ask, deed):
    clerk = enter()
    token = token_of(clerk, ask)
    for cents in ("", "x", "-1", "²", "9" * 40):
        form = ASKED | {"refundable": cents, "key": "k1", "csrf_token": token}
        assert clerk.post(deed, data=form).status_code == 422
    assert refunds(edge) == []


def test_a_form_without_a_key_moves_nothing(edge, enter, ask, deed):
    assert send(enter(), ask, deed, **ASKED).status_code == 422
    assert refunds(edge) == []


def test_when_all_went_back_the_page_says_why_nothing_can(enter, ask, deed):
    clerk = enter()
    send(clerk, ask, deed, **ASKED | {"amount": "2550.00"}, key="k1")
    page = clerk.get(ask).text
    assert "Nothing can go back now: all of it went back, or waits to." in page
    assert "<button" not in page.split("<main")[1]


def test_a_refused_form_shows_typed_text_as_text(enter, ask, look):
    page = send(enter(), ask, look, **ASKED | {"amount": '"><script>x</script>'}).text
    assert "<script>" not in page


# --- a check, and what becomes of it -------------------------------------------------------------------


@pytest.fixture
def check_refund(edge, enter, ask, deed):
    """$100.00 that go back by check, approved."""
    clerk = enter()
    page = send(clerk, ask, deed, **ASKED | {"method": "check"}, key="k1").location
    assert "Write the check" in clerk.get(page).text
    return clerk, page


def test_a_check_is_entered_with_its_number_and_has_a_receipt(check_refund, clinic):
    clerk, page = check_refund
    for told in (page, f"/staff/patients/{clinic.patient.id}/money"):
        assert "Write the check, then enter its number with this refund." in clerk.get(told).text
    assert "Pay to: <strong>Maria Sample</strong>" in clerk.get(page).text
    assert send(clerk, page, f"{page}/check", number="1001", key="k2").location == page
    shown = clerk.get(page).text
    assert "Check 1001 went out on Nov 2, 2026." in shown
    assert "Open or mail the receipt" in shown
    assert "Void the check" not in shown


def test_a_number_that_is_none_is_refused_beside_the_field(check_refund):
    clerk, page = check_refund
    token = token_of(clerk, page)
    for number in ("", "12a", "1" * 13, "١٢"):
        form = {"number": number, "key": f"k{len(number)}", "csrf_token": token}
        answer = clerk.post(f"{page}/check", data=form)
        assert answer.status_code == 422
        assert 'id="number-wrong"' in answer.text
    assert "Write the check" in clerk.get(page).text


def test_a_number_that_went_out_before_is_said_beside_the_field(check_refund, ask, deed):
    clerk, page = check_refund
    send(clerk, page, f"{page}/check", number="1001", key="k2")
    second = send(clerk, ask, deed, **ASKED | {"method": "check", "refundable": "245000"}, key="k3").location
    answer = send(clerk, second, f"{second}/check", number="1001", key="k4")
    assert answer.status_code == 409
    assert "Look at the number again" in answer.text


def test_a_lost_check_is_voided_by_who_approves_and_another_one_is_written(check_refund, enter, edge):
    clerk, page = check_refund
    send(clerk, page, f"{page}/check", number="1001", key="k2")
    assert send(clerk, page, f"{page}/void-check", key="k3").status_code == 403
    assert "is voided here by a supervisor or an accountant" in clerk.get(page).text
    supervisor = enter(Role.SUPERVISOR)
    assert send(supervisor, page, f"{page}/void-check", key="k3").location == page
    shown = supervisor.get(page).text
    assert "The check is void." in shown
    (owed,) = [refund for refund in refunds(edge) if refund.replaces_id]
    again = f"/staff/refunds/{owed.id}"
    assert f'href="{again}"' in shown
    assert send(supervisor, again, f"{again}/check", number="1002", key="k4").status_code == 403
    assert send(clerk, again, f"{again}/check", number="1002", key="k5").location == again
    assert "Check 1002 went out" in clerk.get(again).text


def test_an_accountant_sees_what_is_outstanding_without_names_and_records_what_the_bank_paid(
    check_refund, enter, clinic
):
    clerk, page = check_refund
    send(clerk, page, f"{page}/check", number="1001", key="k2")
    assert clinic.patient.given_name in clerk.get(OUTSTANDING).text
    accountant = enter(Role.ACCOUNTANT)
    shown = accountant.get(OUTSTANDING).text
    assert "No. 1001" in shown
    assert clinic.patient.given_name not in shown
    after = page.rpartition("/")[2]
    assert "No further check is outstanding" in accountant.get(f"{OUTSTANDING}?after={after}").text
    assert "No. 1001" in accountant.get(f"{OUTSTANDING}?after=%00").text
    assert send(clerk, page, f"{page}/cashed", cashed_on="2026-11-02", key="k3").status_code == 403
    late = send(accountant, OUTSTANDING, f"{page}/cashed", cashed_on="2027-11-02", key="k4")
    assert (late.status_code, 'id="cashed_on-wrong"' in late.text) == (422, True)
    paid = send(accountant, OUTSTANDING, f"{page}/cashed", cashed_on="2026-11-02", key="k5")
    assert paid.location == OUTSTANDING
    assert "No refund check is outstanding." in accountant.get(OUTSTANDING).text
    assert "and the bank paid it on Nov 2, 2026" in accountant.get(page).text
    supervisor = enter(Role.SUPERVISOR)
    assert "Void the check" not in supervisor.get(page).text
    assert send(supervisor, page, f"{page}/void-check", key="k6").status_code == 409


def test_a_voided_check_that_the_bank_paid_is_a_task_and_settles_what_is_owed_again(
    check_refund, enter, edge
):
    clerk, page = check_refund
    send(clerk, page, f"{page}/check", number="1001", key="k2")
    accountant = enter(Role.ACCOUNTANT)
    send(accountant, page, f"{page}/void-check", key="k3")
    refused = send(accountant, page, f"{page}/cashed", cashed_on="2026-11-02", key="k4")
    assert refused.status_code == 409
    assert "The bank paid a voided check" in accountant.get("/staff/tasks").text
    (owed,) = [refund for refund in refunds(edge) if refund.replaces_id]
    again = f"/staff/refunds/{owed.id}"
    assert send(clerk, again, f"{again}/check", number="1002", key="k5").status_code == 409
    assert send(accountant, again, f"{again}/settle", key="k6").location == again
    assert "paid though voided" in accountant.get(again).text
    assert "The bank paid a voided check" not in accountant.get("/staff/tasks").text


def test_who_may_not_read_refunds_is_shown_nothing_that_went_back(edge, clinic, enter, ask, deed):
    send(enter(), ask, deed, **ASKED, key="k1")
    reader = Actor(id="usr_r", entity_id=clinic.entity.id, permissions=frozenset({Permission.PAYMENTS_READ}))
    for actor, marks in ((SYSTEM, [("$100.00 being refunded", "waiting")]), (reader, [])):
        payments = edge.read(lambda read, actor=actor: list_payments(read, actor, limit=9))
        found = edge.read(lambda read, actor=actor, paid=payments: marks_of_all(read, paid, actor))
        assert list(found.values()) == [marks]
