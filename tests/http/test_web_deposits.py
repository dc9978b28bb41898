"""Checks at the desk and what is taken to the bank, on their pages."""

import re
from datetime import timedelta

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.deposits import list_deposits, list_undeposited
from billing.payments.queries.payments import list_payments
from tests.factories.catalog import seed_sample
from tests.factories.paid import paid_by_check, paid_in_cash, statements_of
from tests.factories.web import new_staff, send, sign_in, token_of

PAGE = "/staff/bank-deposits"


@pytest.fixture
def usual_role():
    return Role.FRONT_DESK


def payments(edge):
    return edge.read(lambda read: list_payments(read, SYSTEM, limit=9))


# --- a check -------------------------------------------------------------------------------------------


@pytest.fixture
def checks(clinic):
    return f"/staff/invoices/{clinic.invoice.id}/checks"


@pytest.fixture
def check(now):
    return {"amount": "500.00", "number": "1042", "dated_on": now.date().isoformat()}


def test_a_check_is_booked_once_and_said_to_wait_for_the_bank(edge, enter, clinic, checks, check):
    clerk = enter()
    assert f"{checks}/new" in clerk.get(f"/staff/patients/{clinic.patient.id}").text
    for _ in range(2):
        answer = send(clerk, f"{checks}/new", checks, **check, health_account="on", key="k1")
        assert answer.location == f"/staff/patients/{clinic.patient.id}"
        assert "The check is booked." in clerk.get(answer.location).text
    (taken,) = payments(edge)
    assert (taken.amount, taken.instrument, taken.is_health_account) == (Money(50_000), "no. 1042", True)


def test_what_is_wrong_with_a_check_is_said_beside_its_field(edge, enter, checks, check, now):
    clerk = enter()
    wrong = (
        ("amount", "", 422),
        ("number", "10-42", 422),
        ("dated_on", "", 422),
        ("dated_on", "2026-13-01", 422),
        ("dated_on", (now + timedelta(days=2)).date().isoformat(), 409),
        ("dated_on", (now - timedelta(days=200)).date().isoformat(), 409),
    )
    for field, entered, status in wrong:
        answer = send(clerk, f"{checks}/new", checks, **check | {field: entered}, key=f"k{entered}")
        assert answer.status_code == status
        assert f'id="{field}-wrong"' in answer.text
    assert payments(edge) == []


# --- the bank ------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(database, clinic, now):
    """$400.00 in cash and a check of $300.00."""
    return [
        paid_in_cash(database, clinic.invoice, now, Money(40_000)),
        paid_by_check(database, clinic.invoice, now, Money(30_000)),
    ]


@pytest.fixture
def bank(clinic, now):
    """Send the form of the page with these payments marked."""

    def work(clerk, chosen, **changed):
        form = {
            "csrf_token": token_of(clerk, PAGE),
            "site_id": clinic.site.id,
            "payment_id": [each.id for each in chosen],
            "banked_on": now.date().isoformat(),
            "together": str(sum(each.amount.cents for each in chosen)),
            "key": "k1",
        }
        return clerk.post(PAGE, data=form | changed)

    return work


def test_an_empty_drawer_says_so(enter):
    page = enter().get(PAGE).text
    assert "No cash and no check waits" in page
    assert "Nothing was taken to the bank yet." in page


def test_what_waits_is_banked_once_and_has_a_slip_that_names_nobody(edge, enter, waiting, bank):
    clerk = enter()
    assert "$700.00" in clerk.get(PAGE).text
    first, second = bank(clerk, waiting), bank(clerk, waiting)
    (deposit,) = edge.read(lambda read: list_deposits(read, SYSTEM, limit=9))
    assert first.location == second.location == f"{PAGE}/{deposit.id}"
    slip = clerk.get(first.location).text
    for told in ("1042", "$400.00", "$300.00", "$700.00", "Together, with 1 check"):
        assert told in slip
    assert "Maria" not in slip
    assert not re.search(r">[^<]*(dep|pay)_", slip), "no raw id is shown"
    assert "Day at the bank" in slip
    assert edge.read(lambda read: list_undeposited(read, SYSTEM, limit=9)) == []


def test_the_page_names_whose_money_it_is_to_those_who_may_know(enter, waiting):
    assert enter().get(PAGE).text.count("Sample, Maria</a>") == 2
    assert "Maria" not in enter(Role.ACCOUNTANT).get(PAGE).text


@pytest.mark.parametrize(("days", "is_stale"), [(180, False), (181, True)])
def test_a_check_that_a_bank_need_not_pay_is_marked_stale_and_not_ticked(
    database, enter, clinic, bank, now, days, is_stale
):
    at = now - timedelta(days=days)
    old = paid_by_check(database, clinic.invoice, at, Money(30_000), "77")
    paid_by_check(database, clinic.invoice, now, Money(10_000), "78")
    paid_in_cash(database, clinic.invoice, at, Money(5_000))
    clerk = enter()
    page = clerk.get(PAGE).text
    assert page.count("stale, older than 180 days") == is_stale
    assert (f'value="{old.id}" data-cents="30000" checked' in page) is not is_stale
    assert f"<output data-together>{'$150.00' if is_stale else '$450.00'}</output>" in page
    slip = clerk.get(bank(clerk, [old]).location).text
    assert slip.count("stale, older than 180 days") == is_stale


def test_what_is_marked_is_booked_only_after_the_page_said_how_much_it_is(edge, enter, waiting, bank):
    """As a browser without scripts sends it: the sum is still that of all that waits."""
    clerk, (cash, check) = enter(), waiting
    refused = bank(clerk, [check], together="70000")
    assert refused.status_code == 422
    assert "What is marked is $300.00 together." in refused.text
    assert f'value="{cash.id}" data-cents="40000" aria' in refused.text
    assert f'value="{check.id}" data-cents="30000" checked' in refused.text
    assert "<output data-together>$300.00</output>" in refused.text
    assert 'name="together" value="30000"' in refused.text
    assert "$300.00" in clerk.get(bank(clerk, [check], key="k2").location).text
    assert edge.read(lambda read: list_undeposited(read, SYSTEM, limit=9)) == [cash]


def test_an_old_page_is_told_what_was_banked_meanwhile(edge, enter, waiting, bank):
    clerk = enter()
    bank(clerk, waiting[:1])
    answer = bank(clerk, waiting, key="k2")
    assert answer.status_code == 409
    assert re.search(r'role="alert"[^>]*>[^<]*was banked', answer.text)
    assert len(edge.read(lambda read: list_deposits(read, SYSTEM, limit=9))) == 1


def test_nothing_marked_or_an_impossible_day_banks_nothing(edge, enter, waiting, bank):
    clerk = enter()
    assert "Mark what goes to the bank." in bank(clerk, []).text
    assert bank(clerk, waiting, banked_on="").status_code == 422
    assert bank(clerk, waiting, banked_on="2027-01-01", key="k2").status_code == 422
    assert edge.read(lambda read: list_deposits(read, SYSTEM, limit=9)) == []


def test_an_accountant_looks_and_a_clinician_does_not(enter, waiting, bank):
    accountant = enter(Role.ACCOUNTANT)
    page = accountant.get(PAGE).text
    assert "$700.00" in page
    assert "Take along" not in page
    assert accountant.post(PAGE, data={"csrf_token": token_of(accountant, PAGE)}).status_code == 403
    assert enter(Role.CLINICIAN).get(PAGE).status_code == 403


def test_another_clinic_sees_neither_what_waits_nor_the_slip(pages, database, enter, waiting, bank, now):
    slip = bank(enter(), waiting).location
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.SUPERVISOR, now, entity_id=other.id))
    assert "$700.00" not in stranger.get(PAGE).text
    assert stranger.get(slip).status_code == 404
    assert bank(stranger, waiting).status_code == 404


def test_more_in_the_drawer_does_not_cost_more_statements(database, enter, waiting, clinic, now):
    clerk = enter()
    with statements_of(database) as few:
        clerk.get(PAGE)
    for number in range(1, 7):
        paid_by_check(database, clinic.invoice, now, Money(1_000), str(number))
    with statements_of(database) as many:
        assert clerk.get(PAGE).text.count('type="checkbox"') == 8
    assert len(many) == len(few)
