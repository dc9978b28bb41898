"""A mailed receipt whose money came to nothing since: what its link says, to whom, and what it keeps."""

import re

import pytest

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.mail import waiting_mail
from billing.payments.queries.receipts import list_receipts
from billing.payments.records.refunds import RefundReason
from billing.payments.use_cases.mail import mail_receipt
from billing.payments.use_cases.move import move_payment
from billing.payments.use_cases.refund_checks import send_check
from billing.payments.use_cases.refund_payment import refund_payment
from billing.payments.use_cases.refunds import fail_refund
from billing.people.rules import LINK_TRIES
from tests.factories.paid import banked, paid_by_check, paid_in_cash
from tests.factories.patients import SAMPLE_PERSON, new_patient
from tests.factories.web import send

BORN = SAMPLE_PERSON.born_on.isoformat()
BOUNCED = {"reason": "account_closed", "bounced_on": "2026-11-02", "fee": "0.00"}
GONE = "does not stand any more"
CLINIC = ("Sample Clinic B", "(512) 555-0100")


@pytest.fixture
def check(database, clinic, now):
    return banked(database, paid_by_check(database, clinic.invoice, now, clinic.invoice.total), now)


@pytest.fixture
def do(database, now):
    return lambda use_case, **more: database.in_transaction(
        lambda tx: use_case(tx, **more, actor=SYSTEM, now=now)
    )


@pytest.fixture
def mailed(database, clinic, do):
    """The newest receipt of the patient and the link to it that a mail carries."""

    def work():
        with database.reading() as read:
            receipt = list_receipts(read, SYSTEM, patient_id=clinic.patient.id, limit=1)[0]
        mail = do(mail_receipt, receipt_id=receipt.id)
        with database.reading() as read:
            _, secret = waiting_mail(read, mail.id)
        return receipt, f"/pay/{secret}/receipt"

    return work


def bounce(clerk, clinic, check):
    path = f"/staff/payments/{check.id}/bounce"
    believed = str(clinic.invoice.total.cents)
    assert send(clerk, f"{path}/new", path, **BOUNCED, believed=believed, key="k1").status_code == 303


def opened(pages, link, born_on=BORN):
    """A visitor's browser, with what the link answered to a date."""
    visitor = pages.test_client()
    return visitor, send(visitor, link, link, born_on=born_on)


def told(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


def test_the_receipt_of_a_check_that_bounced_says_so_and_whom_to_ask(pages, clerk, clinic, check, mailed):
    receipt, link = mailed()
    bounce(clerk, clinic, check)
    visitor, answer = opened(pages, link)
    assert (answer.status_code, answer.location) == (303, link)
    page = visitor.get(link)
    assert f"Receipt {receipt.number} {GONE}: the check did not pay." in told(page)
    assert [word for word in CLINIC if word not in told(page)] == []
    assert "born_on" not in page.text
    assert "$2,550.00" not in page.text
    away = visitor.get(f"{link}.pdf")
    assert (away.status_code, away.location) == (303, link)


def test_a_browser_that_had_it_open_is_told_so_too(pages, clerk, clinic, check, mailed):
    receipt, link = mailed()
    visitor, _ = opened(pages, link)
    assert receipt.number in visitor.get(link).text
    assert GONE not in visitor.get(link).text
    bounce(clerk, clinic, check)
    assert "the check did not pay" in told(visitor.get(link))


def test_a_stranger_learns_no_more_of_it_than_from_any_wrong_date(pages, clerk, clinic, check, mailed):
    _, link = mailed()
    never = "/pay/" + "A" * 27 + "/receipt"
    bounce(clerk, clinic, check)

    def bare(page):
        return re.sub(r'(nonce|value|action)="[^"]*"', "", page.text)

    assert bare(pages.test_client().get(link)) == bare(pages.test_client().get(never))
    for _ in range(LINK_TRIES):
        _, wrong = opened(pages, link, "1990-01-01")
        assert (wrong.status_code, bare(wrong)) == (422, bare(opened(pages, never)[1]))
    assert opened(pages, link)[1].status_code == 422


def test_the_receipt_of_a_payment_that_was_booked_for_another_patient_names_nobody(
    pages, database, clinic, mailed, do, now
):
    payment = paid_in_cash(database, clinic.invoice, now, Money(10_000))
    receipt, link = mailed()
    other = new_patient(
        database, entity_id=clinic.entity.id, site_id=clinic.site.id, given_name="Ruth", now=now
    )
    do(move_payment, payment_id=payment.id, patient_id=other.id, invoice_id=None)
    page = opened(pages, link)[0].get(link)
    assert f"Receipt {receipt.number} {GONE}: the clinic has booked this payment otherwise." in told(page)
    assert "Ruth" not in page.text


def test_the_receipt_of_a_refund_that_failed_says_that_it_did_not_go_through(
    pages, database, clinic, mailed, do, now
):
    payment = paid_in_cash(database, clinic.invoice, now, Money(10_000))
    refund = do(
        refund_payment,
        payment_id=payment.id,
        amount=Money(2_500),
        refundable=Money(10_000),
        reason=RefundReason.DUPLICATE,
        method=None,
        limit=Money(50_000),
    )
    do(send_check, refund_id=refund.id, check_number="77")
    receipt, link = mailed()
    assert receipt.refund_id == refund.id
    do(fail_refund, refund_id=refund.id)
    page = opened(pages, link)[0].get(link)
    assert f"Refund receipt {receipt.number} {GONE}: this refund did not go through." in told(page)
    assert [word for word in CLINIC if word not in told(page)] == []
