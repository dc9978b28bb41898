"""A check that is booked already, on each page that takes one: said beside its number, with a way through."""

import re

import pytest

from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.payments import list_payments
from billing.payments.use_cases.payer_payments import take_payers_check
from tests.factories.paid import paid_by_check
from tests.factories.payers import a_fixed_part, a_payer
from tests.factories.web import send

ON_PAPER = {"amount": "100", "number": "1042", "dated_on": "2026-11-02"}
IN_ROW_TWO = {"check-2": "100", "check-2-number": "1042", "check-2-dated_on": "2026-11-02"}


def is_asked_about(edge, clerk, page, path, form, *, beside="number", tick="another"):
    """Refused beside the number until the box is ticked that was not there before."""
    assert f'name="{tick}"' not in clerk.get(page).text
    before = len(edge.read(lambda read: list_payments(read, SYSTEM, limit=9)))
    refused = send(clerk, page, path, **form, key="k1")
    assert refused.status_code == 409
    assert re.search(rf'id="{beside}-wrong">A check no. 1042 from the same .*\$50\.00', refused.text)
    assert f'name="{tick}"' in refused.text
    taken = send(clerk, page, path, **form, **{tick: "on"}, key="k2")
    assert taken.status_code == 303
    assert len(edge.read(lambda read: list_payments(read, SYSTEM, limit=9))) == before + 1


@pytest.mark.parametrize("way", ["check", "tenders", "deposit"])
def test_the_desk_is_asked_about_a_patients_check_wherever_it_is_taken(edge, clerk, clinic, now, way):
    paid_by_check(edge.database, clinic.invoice, now, Money(5_000))
    invoice, patient = f"/staff/invoices/{clinic.invoice.id}", f"/staff/patients/{clinic.patient.id}"
    if way == "check":
        is_asked_about(edge, clerk, f"{invoice}/checks/new", f"{invoice}/checks", ON_PAPER)
    elif way == "deposit":
        form = ON_PAPER | {"tender": "check"}
        is_asked_about(edge, clerk, f"{patient}/deposits/new", f"{patient}/deposits", form)
    else:
        at_row_two = {"beside": "check-2-number", "tick": "check-2-another"}
        is_asked_about(edge, clerk, f"{invoice}/tenders/new", f"{invoice}/tenders", IN_ROW_TWO, **at_row_two)


def test_of_a_payer_it_may_be_another_part_of_the_check(edge, clerk, clinic, now):
    payer = a_payer(edge.database, clinic.site.id)
    order = a_fixed_part(payer, 60_000)
    agreed = {"invoice_id": clinic.invoice.id, "order": order}
    share = edge.database.in_transaction(lambda tx: agree_share(tx, **agreed, actor=SYSTEM, now=now))
    check = {"amount": Money(5_000), "number": "1042", "dated_on": now.date()}
    edge.database.in_transaction(
        lambda tx: take_payers_check(tx, share_id=share.id, **check, actor=SYSTEM, now=now)
    )
    page = f"/staff/payer-shares/{share.id}"
    is_asked_about(edge, clerk, page, f"{page}/payments", ON_PAPER | {"tender": "check"})
