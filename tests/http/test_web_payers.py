"""Other payers on their pages: taken in, agreed with, paying, denying, and let go by two people."""

import re
from datetime import date

import pytest

from billing.care.use_cases import reschedule_session
from billing.invoices.queries import find_invoice, find_share, list_payers, shares_of_invoice
from billing.invoices.records import PayerKind
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.payments import list_payments
from billing.platform.data.tasks import list_tasks
from tests.factories.care import give
from tests.factories.catalog import seed_sample
from tests.factories.paid import banked
from tests.factories.payers import SPONSORS_NAME, a_fixed_part, a_payer
from tests.factories.web import new_staff, send, sign_in


@pytest.fixture
def agree_page(clinic):
    return f"/staff/invoices/{clinic.invoice.id}/payers"


@pytest.fixture
def agreed(database, clinic, now):
    """A payer of a kind takes $600.00 of the patient's invoice of $2,550.00."""

    def work(kind=PayerKind.SPONSOR):
        payer = a_payer(database, clinic.site.id, kind)
        return database.in_transaction(
            lambda tx: agree_share(
                tx,
                invoice_id=clinic.invoice.id,
                order=a_fixed_part(payer, 60_000),
                actor=SYSTEM,
                now=now,
            )
        )

    return work


def page_of(share):
    return f"/staff/payer-shares/{share.id}"


def found(edge, share):
    return edge.read(lambda read: find_share(read, share.id, SYSTEM))


def test_a_payer_is_taken_in_once_and_listed(edge, enter, clinic):
    clerk = enter()
    form = {"site_id": clinic.site.id, "kind": "grant", "name": "Blue Lantern Grant", "contact": "PO Box 7"}
    for field, wrong in (("kind", "friend"), ("name", " "), ("contact", "4242 4242 4242 4242")):
        answer = send(clerk, "/staff/payers", "/staff/payers", **form | {field: wrong}, key=field)
        assert answer.status_code == 422
        assert f'id="{field}-wrong"' in answer.text
    for _ in range(2):
        answer = send(clerk, "/staff/payers", "/staff/payers", **form, key="k1")
        assert answer.status_code == 303
    assert "Statement: Blue Lantern Grant" in clerk.get(answer.location).text
    assert len(edge.read(lambda read: list_payers(read, SYSTEM, limit=9))) == 1


def test_a_payer_takes_an_amount_under_a_number_and_the_patient_owes_the_rest(
    edge, enter, clinic, database, agree_page
):
    payer, clerk = a_payer(database, clinic.site.id), enter()
    assert agree_page in clerk.get(f"/staff/patients/{clinic.patient.id}").text
    form = {"payer_id": payer.id, "amount": "600.00", "reference": "L-17"}
    wrongs = (
        ({"payer_id": ""}, "payer_id", 422),
        ({"amount": ""}, "amount", 422),
        ({"amount": "2550.01"}, "amount", 409),
        ({"session_ids": clinic.invoice.lines[0].session_id}, "session_ids", 422),
    )
    for wrong, field, status in wrongs:
        answer = send(clerk, agree_page, agree_page, **form | wrong, key=field + str(status))
        assert (answer.status_code, f'id="{field}-wrong"' in answer.text) == (status, True)
    answer = send(clerk, agree_page, agree_page, **form, key="k1")
    page = clerk.get(answer.location).text
    assert f"{SPONSORS_NAME} takes $600.00" in page
    assert "L-17" in page
    assert SPONSORS_NAME in clerk.get(agree_page).text
    assert edge.read(lambda read: find_invoice(read, clinic.invoice.id, SYSTEM)).open_balance.cents == 195_000


def test_compensation_takes_whole_visits_under_its_days(edge, enter, clinic, database, agree_page):
    payer, clerk = a_payer(database, clinic.site.id, PayerKind.COMPENSATION), enter()
    form = {"payer_id": payer.id, "session_ids": clinic.invoice.lines[0].session_id, "reference": "WC-1"}
    answer = send(clerk, agree_page, agree_page, **form, key="k1")
    assert 'id="from_on-wrong"' in answer.text
    days = {"from_on": "2026-01-01", "until_on": "2026-12-31"}
    assert send(clerk, agree_page, agree_page, **form, **days, key="k2").status_code == 303
    (share,) = edge.read(lambda read: shares_of_invoice(read, clinic.invoice.id, SYSTEM))
    assert (share.agreed, share.reference) == (Money(42_500), "WC-1")


@pytest.mark.parametrize(
    ("deed", "form", "tender"),
    [
        ("payments", {"amount": "100", "tender": "cash"}, "cash"),
        ("payments", {"amount": "100", "tender": "check", "number": "7", "dated_on": "2026-11-02"}, "check"),
        ("transfers", {"transferred": "100", "reference": "EFT 77"}, "bank"),
    ],
)
def test_a_payers_money_is_booked_once(edge, enter, agreed, deed, form, tender):
    share, clerk = agreed(), enter()
    for _ in range(2):
        answer = send(clerk, page_of(share), f"{page_of(share)}/{deed}", **form, key="k1")
        assert (answer.status_code, answer.location) == (303, page_of(share))
    (payment,) = edge.read(lambda read: list_payments(read, SYSTEM, limit=9))
    assert (payment.tender, payment.payer_id, payment.amount) == (tender, share.payer_id, Money(10_000))
    assert found(edge, share).open_balance == Money(50_000)


def test_an_instalment_like_the_one_before_is_booked_once_somebody_looked(edge, enter, agreed):
    share, clerk = agreed(), enter()
    to, form = f"{page_of(share)}/transfers", {"transferred": "100", "reference": "ACME"}
    assert "another_transfer" not in clerk.get(page_of(share)).text
    send(clerk, page_of(share), to, **form, key="k1")
    refused = send(clerk, page_of(share), to, **form, key="k2")
    assert refused.status_code == 409
    assert 'id="reference-wrong"' in refused.text
    assert 'name="another_transfer"' in refused.text
    answer = send(clerk, page_of(share), to, **form, another_transfer="on", key="k3")
    assert answer.location == page_of(share)
    assert found(edge, share).open_balance == Money(40_000)


def test_the_page_of_a_part_shows_what_paid_it_and_a_check_that_bounced_is_the_payers_debt_again(
    edge, enter, agreed, clinic, now
):
    share, clerk = agreed(), enter()
    check = {"amount": "600", "tender": "check", "number": "7", "dated_on": "2026-11-02"}
    send(clerk, page_of(share), f"{page_of(share)}/payments", **check, key="k1")
    (payment,) = edge.read(lambda read: list_payments(read, SYSTEM, share_id=share.id, limit=9))
    banked(edge.database, payment, now)
    ask = f"/staff/payments/{payment.id}/bounce/new"
    assert ask in clerk.get(page_of(share)).text
    said = clerk.get(ask).text
    assert f"The payer owes <strong>$600.00</strong> of invoice {clinic.invoice.number} again" in said
    assert "talk to the payer" in said
    told = {"reason": "stale", "bounced_on": "2026-11-02", "fee": "", "believed": "60000"}
    assert send(clerk, ask, ask.removesuffix("/new"), **told, key="k2").status_code == 303
    shown = clerk.get(page_of(share)).text
    assert "The bank took it back" in shown
    assert ask not in shown


@pytest.mark.parametrize(
    ("deed", "form", "field", "status"),
    [
        ("payments", {"amount": "600.01", "tender": "cash"}, "amount", 409),
        ("payments", {"amount": "x", "tender": "cash"}, "amount", 422),
        ("payments", {"amount": "1"}, "tender", 422),
        ("payments", {"amount": "1", "tender": "card"}, "tender", 422),
        ("payments", {"amount": "1", "tender": "check", "dated_on": "2026-11-02"}, "number", 422),
        (
            "payments",
            {"amount": "1", "tender": "check", "number": "7", "dated_on": "2027-01-01"},
            "dated_on",
            409,
        ),
        ("transfers", {"transferred": "x", "reference": "EFT"}, "transferred", 422),
        ("transfers", {"transferred": "1", "reference": ""}, "reference", 422),
        ("end", {"borne_by": "patient"}, "ending", 422),
        ("end", {"ending": "withdrawn"}, "borne_by", 422),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(edge, enter, agreed, deed, form, field, status):
    share = agreed()
    answer = send(enter(), page_of(share), f"{page_of(share)}/{deed}", **form, key="k1")
    assert (answer.status_code, f'id="{field}-wrong"' in answer.text) == (status, True)
    assert found(edge, share) == share


def test_the_link_of_a_payer_opens_a_page_that_knows_no_patient(enter, agreed, clinic):
    share, clerk = agreed(), enter(Role.FRONT_DESK)
    shown = send(clerk, page_of(share), f"{page_of(share)}/pay-link").text
    assert "Send this to the payer." in shown
    path = re.search(r"http://localhost(/pay/[\w-]+)", shown)[1]
    opened = clerk.application.test_client().get(path).text
    assert "$600.00" in opened
    assert clinic.patient.given_name not in opened


def test_of_a_part_that_ended_no_link_is_made_and_the_page_says_why(enter, agreed):
    share, clerk = agreed(), enter()
    ended = send(
        clerk, page_of(share), f"{page_of(share)}/end", ending="withdrawn", borne_by="patient", key="k1"
    )
    assert ended.status_code == 303
    refused = send(clerk, page_of(share), f"{page_of(share)}/pay-link")
    assert (refused.status_code, refused.location) == (303, page_of(share))
    assert "This payer owes nothing of it any more." in clerk.get(page_of(share)).text


def test_the_statement_names_no_patient(enter, agreed, clinic):
    share = agreed()
    page = enter().get(f"/staff/payers/{share.payer_id}").text
    assert "$600.00" in page
    for private in (clinic.patient.given_name, clinic.patient.id, "Infusion"):
        assert private not in page.split("<main", 1)[1]


def test_a_denial_is_a_task_and_the_patient_owes_no_more(edge, enter, agreed, clinic):
    share, clerk = agreed(), enter()
    for _ in range(2):
        send(clerk, page_of(share), f"{page_of(share)}/deny", key="k1")
    assert found(edge, share).denied_at is not None
    assert [task.kind for task in edge.read(lambda read: list_tasks(read, SYSTEM, limit=9))] == [
        "payer-denied"
    ]
    assert edge.read(lambda read: find_invoice(read, clinic.invoice.id, SYSTEM)).open_balance.cents == 195_000


def test_what_somebody_would_owe_by_it_ends_only_when_another_person_agrees(
    edge, enter, agreed, clinic, database
):
    share, boss = agreed(), enter(Role.SUPERVISOR)
    database_line = clinic.invoice.lines[0].session_id
    send(boss, "/staff/payers", f"/staff/invoices/{clinic.invoice.id}/cash", amount="1950", key="cash")
    give(database, database_line)
    asked = {"ending": "denied", "borne_by": "patient", "key": "k1"}
    assert send(boss, page_of(share), f"{page_of(share)}/end", **asked).status_code == 303
    assert "You asked for this yourself" in boss.get("/staff/approvals").text
    send(boss, "/staff/approvals", f"{page_of(share)}/end/approve", key="k2")
    assert "Somebody else has to agree" in boss.get("/staff/approvals").text
    assert found(edge, share).state == "ending"
    accountant = enter(Role.ACCOUNTANT)
    page = accountant.get("/staff/approvals").text
    assert SPONSORS_NAME in page
    assert clinic.patient.given_name not in page
    send(accountant, "/staff/approvals", f"{page_of(share)}/end/approve", key="k3")
    assert "The part is ended." in accountant.get("/staff/approvals").text
    assert edge.read(lambda read: find_invoice(read, clinic.invoice.id, SYSTEM)).open_balance.cents == 60_000


def test_who_may_only_read_of_payers_is_offered_nothing(enter, agreed, agree_page, clinic):
    share, reader = agreed(), enter(Role.ACCOUNTANT)
    for path in ("/staff/payers", agree_page, page_of(share)):
        page = reader.get(path)
        assert page.status_code == 200
        assert "<button" not in page.text.split("<main", 1)[1]
        assert clinic.patient.given_name not in page.text


def test_the_desk_takes_a_payers_money_and_agrees_to_nothing(enter, agreed, agree_page):
    share, clerk = agreed(), enter(Role.FRONT_DESK)
    page = clerk.get(page_of(share)).text
    assert "They pay at the desk" in page
    for absent in ("Book the transfer", "Record the denial", "End this part"):
        assert absent not in page
    for deed in ("transfers", "deny", "end", "end/approve", "end/reject"):
        assert send(clerk, page_of(share), f"{page_of(share)}/{deed}", key=deed).status_code == 403
    assert send(clerk, page_of(share), agree_page, key="k1").status_code == 403


def test_another_clinic_finds_no_such_payer(pages, database, agreed, agree_page, now):
    share, other = agreed(), seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=other.id))
    for path in (agree_page, page_of(share), f"/staff/payers/{share.payer_id}"):
        assert stranger.get(path).status_code == 404
    form = {"amount": "1", "tender": "cash", "key": "k1"}
    assert send(stranger, "/staff/today", f"{page_of(share)}/payments", **form).status_code == 404
    assert SPONSORS_NAME not in stranger.get("/staff/payers").text


def test_a_visit_that_was_moved_is_offered_under_its_new_day(database, enter, clinic, agree_page, now):
    first = clinic.invoice.lines[0]
    a_payer(database, clinic.site.id)
    database.in_transaction(
        lambda tx: reschedule_session(
            tx, session_id=first.session_id, planned_on=date(2026, 11, 30), actor=SYSTEM, now=now
        )
    )
    page = re.sub(r"<[^>]+>", "", enter().get(agree_page).text)
    assert "Infusion of Nov 30, 2026, $425.00" in page
    assert "Infusion of Nov 2, 2026" not in page
