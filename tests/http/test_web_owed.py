"""What is owed in all, where only the newest invoices are listed."""

import re

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import Role
from tests.factories.catalog import seed_sample
from tests.factories.paid import paid_in_cash, statements_of
from tests.factories.web import new_package, new_staff, sign_in

TODAY, MONEY = "/staff/today", "/staff/money"


@pytest.fixture
def usual_role():
    return Role.FRONT_DESK


def owed_at(client, page):
    """The footer of the open invoices as it is read."""
    text = client.get(page).text
    footer = text.split('id="owed-title"')[1].split("</tbody>")[1].split("</tfoot>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", footer).split())


@pytest.fixture
def twelve(database, clinic, now):
    """Packages of $2,550.00, of which $50.00 were paid."""
    for _ in range(11):
        new_package(database, clinic.patient, now)
    paid_in_cash(database, clinic.invoice, now, Money(5_000))


def test_the_sum_is_that_of_all_open_invoices_and_says_how_many_are_listed(clerk, twelve):
    assert (
        owed_at(clerk, TODAY) == "Owed on all 12 open invoices, of which the newest 10 are listed $30,550.00"
    )
    assert owed_at(clerk, MONEY) == "Owed $30,550.00"


def test_where_all_are_listed_nothing_else_is_said(clerk, clinic):
    assert owed_at(clerk, TODAY) == "Owed $2,550.00"


def test_the_sum_takes_as_many_statements_for_one_invoice_as_for_twelve(database, clerk, clinic, request):
    def statements():
        with statements_of(database) as asked:
            assert clerk.get(TODAY).status_code == 200
        return len(asked)

    statements()
    for_one = statements()
    request.getfixturevalue("twelve")
    assert statements() <= for_one + 2, "what the payment is marked with"


def test_another_clinics_invoices_are_in_no_sum(database, clerk, pages, twelve, now):
    other = seed_sample(database, now, "a")
    stranger = sign_in(pages, new_staff(database, Role.BILLING, now, entity_id=other.id))
    assert "Nothing is owed." in stranger.get(TODAY).text
