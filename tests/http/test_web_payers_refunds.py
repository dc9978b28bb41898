"""Another payer's money on the pages: it goes back to who paid, named, and never as the patient's."""

import re

import pytest

from billing.invoices.records import PayerKind
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.queries.credits import credit_balance
from billing.payments.queries.payments import list_payments
from billing.payments.queries.refunds import list_refunds
from billing.platform.http.edge import Edge
from tests.factories.paid import paid_by_card
from tests.factories.payers import SPONSORS_NAME, a_fixed_part, a_payer
from tests.factories.web import MovableClock, Processor, new_staff, open_clinic, send, sign_in, web_app


@pytest.fixture
def edge(database, now):
    return Edge(database, MovableClock(now), "http://localhost")


@pytest.fixture
def clinic(database, now):
    return open_clinic(database, now)


@pytest.fixture
def app(edge):
    return web_app(edge, Processor())


@pytest.fixture
def clerk(app, edge, clinic, now):
    return sign_in(app, new_staff(edge.database, Role.BILLING, now, entity_id=clinic.entity.id))


@pytest.fixture
def paid(database, clinic, clerk, now):
    """A sponsor's check of $700.00 for a part of $600.00: the part's page and the payment."""
    payer = a_payer(database, clinic.site.id, PayerKind.SPONSOR)
    share = database.in_transaction(
        lambda tx: agree_share(
            tx,
            invoice_id=clinic.invoice.id,
            order=a_fixed_part(payer, 60_000),
            actor=SYSTEM,
            now=now,
        )
    )
    page = f"/staff/payer-shares/{share.id}"
    check = {"amount": "700", "tender": "check", "number": "7", "dated_on": "2026-11-02"}
    assert send(clerk, page, f"{page}/payments", **check, key="paid").status_code == 303
    with database.reading() as read:
        (payment,) = list_payments(read, SYSTEM, share_id=share.id, limit=9)
    return page, payment


def refunds(edge):
    return edge.read(lambda read: list_refunds(read, SYSTEM, limit=9))


def test_a_payers_payment_goes_back_to_the_payer_whose_name_is_said_at_each_step(edge, clerk, paid):
    page, payment = paid
    base = f"/staff/payments/{payment.id}/refunds"
    assert f'href="{base}/new"' in clerk.get(page).text
    assert f"{SPONSORS_NAME} paid this" in clerk.get(f"{base}/new").text
    wish = {"amount": "50", "refundable": "70000", "reason": "duplicate", "method": "check"}
    confirm = clerk.get(f"{base}/look", query_string=wish).text
    assert f"goes back <strong>by a check to {SPONSORS_NAME}</strong>" in confirm
    for _ in range(2):
        answer = send(clerk, f"{base}/new", base, **wish, key="k1")
        assert answer.status_code == 303
    (refund,) = refunds(edge)
    assert (refund.payer_id, refund.amount) == (payment.payer_id, Money(5_000))
    followed = clerk.get(answer.location).text
    assert SPONSORS_NAME in followed
    assert "Write the check" in followed
    assert f"Pay to: <strong>{SPONSORS_NAME}, 512-555-0177</strong>" in followed


def test_what_a_payer_paid_too_much_is_refunded_to_them_and_never_to_a_card_of_the_patient(
    edge, database, clerk, clinic, paid, now
):
    _, payment = paid
    paid_by_card(database, clinic.invoice, now)
    (lot,) = edge.read(lambda read: credit_balance(read, clinic.patient.id, SYSTEM)).items
    base = f"/staff/credits/{lot.id}/refunds"
    assert f'href="{base}/new"' in clerk.get(f"/staff/patients/{clinic.patient.id}/money").text
    shown = clerk.get(f"{base}/new").text
    assert f"{SPONSORS_NAME} paid this" in shown
    assert re.findall(r'name="target" value="([^"]+)"', shown) == ["check"]
    wish = {"amount": "100", "available": "10000", "target": "check"}
    assert f"to {SPONSORS_NAME}" in clerk.get(f"{base}/look", query_string=wish).text
    assert send(clerk, f"{base}/new", base, **wish, key="k1").status_code == 303
    (refund,) = refunds(edge)
    assert (refund.payer_id, refund.method) == (payment.payer_id, "check")
