"""A debit of a bank account that came to nothing, as the desk sees it on the patient's page."""

import re

import pytest

from billing.invoices.records import Bearer, EndReason
from billing.invoices.use_cases.end_share import ask_to_end
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import ZERO, Money
from billing.kernel.permissions import SYSTEM, Role
from billing.payments.records.checkouts import Reader, Way
from billing.payments.records.tenders import Rest
from billing.payments.use_cases.checkouts import await_debit, begin_checkout, begin_deposit, decline_checkout
from billing.payments.use_cases.deposit_requests import ask_for_deposit
from billing.payments.use_cases.payer_payments import take_payers_cash
from billing.payments.use_cases.receive import take_cash
from tests.factories.paid import RETURN_URL
from tests.factories.payers import SPONSORS_NAME, a_fixed_part, a_payer
from tests.factories.web import Processor, new_package, send

REFUSED = "The payment from a bank account did not go through: the account had too little money."


@pytest.fixture
def usual_role():
    return Role.FRONT_DESK


@pytest.fixture
def processor():
    return Processor(readers=[Reader(id="tmr_desk", label="Front desk", is_online=True)])


@pytest.fixture
def page(clinic):
    return f"/staff/patients/{clinic.patient.id}"


@pytest.fixture
def do(database, now):
    return lambda use_case, **more: database.in_transaction(
        lambda tx: use_case(tx, **more, actor=SYSTEM, now=now)
    )


@pytest.fixture
def begun(do):
    """A debit that the payer of an invoice authorized."""

    def work(invoice, share_id=None):
        of = {"invoice_id": invoice.id, "share_id": share_id}
        checkout = do(begin_checkout, **of, return_url=RETURN_URL, request=None)
        do(await_debit, checkout_id=checkout.id, reference=f"cs_{checkout.id}")
        return checkout

    return work


@pytest.fixture
def refuse(do):
    def work(checkout, decline="insufficient_funds"):
        reference = f"cs_{checkout.id}"
        do(decline_checkout, checkout_id=checkout.id, reference=reference, lost_fee=ZERO, decline=decline)

    return work


def said(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_it_is_told_why_and_what_to_do_until_the_invoice_is_paid(clerk, page, clinic, begun, refuse, do):
    debit = begun(clinic.invoice)
    assert "did not go through" not in said(clerk.get(page))
    refuse(debit)
    told = said(clerk.get(page))
    assert f"Invoice {clinic.invoice.number}: {REFUSED} Nothing was taken." in told
    assert "Make a pay link" in told
    do(take_cash, invoice_id=clinic.invoice.id, amount=Money(255_000))
    assert "did not go through" not in said(clerk.get(page))


def test_a_bank_that_gave_no_reason_is_told_too(clerk, page, clinic, begun, refuse):
    refuse(begun(clinic.invoice), None)
    assert "did not go through: the bank gave no reason." in said(clerk.get(page))


def test_the_next_attempt_is_what_counts(clerk, page, clinic, begun, refuse):
    refuse(begun(clinic.invoice))
    begun(clinic.invoice)
    told = said(clerk.get(page))
    assert "did not go through" not in told
    assert "A payment from a bank account is on its way." in told


def test_it_is_told_of_its_own_invoice_alone(database, clerk, page, clinic, begun, refuse, now):
    other = new_package(database, clinic.patient, now)
    refuse(begun(other))
    told = said(clerk.get(page))
    assert told.count(REFUSED) == 1
    assert f"Invoice {other.number}: {REFUSED}" in told


def test_a_card_declined_at_the_reader_afterwards_is_told_in_its_place(
    clerk, page, clinic, processor, begun, refuse
):
    refuse(begun(clinic.invoice))
    asking = f"/staff/invoices/{clinic.invoice.id}/reader"
    send(clerk, f"{asking}/new", asking, reader="tmr_desk", key="k1")
    processor.gave_up[next(iter(processor.states))] = "generic_decline"
    told = said(clerk.get(page))
    assert ("The bank declined the card." in told, "did not go through" in told) == (True, False)


def test_of_a_deposit_it_is_told_where_it_is_asked_for(clerk, page, clinic, refuse, do):
    asked = do(ask_for_deposit, patient_id=clinic.patient.id, amount=Money(10_000), site_id=None)
    checkout = do(
        begin_deposit,
        deposit_request_id=asked.id,
        asked=Rest(way=Way.PAGE, return_url=RETURN_URL),
        is_health_account=False,
        request=None,
    )
    do(await_debit, checkout_id=checkout.id, reference=f"cs_{checkout.id}")
    assert "On its way from a bank account" in said(clerk.get(page))
    refuse(checkout)
    for at in (page, f"{page}/deposits/new"):
        assert REFUSED in said(clerk.get(at))


def test_who_takes_no_payment_is_not_told(enter, page, clinic, begun, refuse):
    refuse(begun(clinic.invoice))
    assert "did not go through" not in said(enter(Role.CLINICIAN).get(page))


@pytest.fixture
def of_payer(database, clinic, begun, do):
    """A sponsor's part of the invoice, and a debit of theirs for it that came to nothing."""
    order = a_fixed_part(a_payer(database, clinic.invoice.site_id), 10_000)
    share = do(agree_share, invoice_id=clinic.invoice.id, order=order)

    def work():
        return begun(clinic.invoice, share.id)

    return share, work


@pytest.fixture
def pages_of_payer(page, clinic, of_payer):
    share, _ = of_payer
    return (
        page,
        f"/staff/invoices/{clinic.invoice.id}/payers",
        f"/staff/payer-shares/{share.id}",
        f"/staff/payers/{share.payer_id}",
    )


def test_of_another_payer_it_is_told_on_their_pages_and_the_invoices_until_they_paid(
    clerk, clinic, of_payer, pages_of_payer, refuse, do
):
    share, debit = of_payer
    begun = debit()
    for at in pages_of_payer:
        assert "did not go through" not in said(clerk.get(at)), at
    refuse(begun)
    for at in pages_of_payer:
        assert said(clerk.get(at)).count(REFUSED) == 1, at
    told = said(clerk.get(pages_of_payer[0]))
    assert f"Invoice {clinic.invoice.number}, {SPONSORS_NAME}: {REFUSED} Nothing was taken." in told
    do(take_payers_cash, share_id=share.id, amount=Money(10_000))
    for at in pages_of_payer:
        assert "did not go through" not in said(clerk.get(at)), at


def test_the_next_attempt_of_another_payer_is_what_counts(clerk, of_payer, pages_of_payer, refuse):
    _, debit = of_payer
    refuse(debit())
    debit()
    for at in pages_of_payer:
        assert "did not go through" not in said(clerk.get(at)), at


def test_a_payers_part_that_ended_waits_for_no_debit(clerk, of_payer, pages_of_payer, refuse, do):
    share, debit = of_payer
    refuse(debit())
    do(ask_to_end, share_id=share.id, reason=EndReason.DENIED, borne_by=Bearer.PATIENT)
    for at in pages_of_payer:
        assert "did not go through" not in said(clerk.get(at)), at


def test_a_debit_of_the_patient_is_not_told_of_the_payer(clerk, clinic, pages_of_payer, begun, refuse):
    refuse(begun(clinic.invoice))
    assert [said(clerk.get(at)).count(REFUSED) for at in pages_of_payer] == [1, 0, 0, 0]
