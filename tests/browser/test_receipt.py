"""A patient opens a receipt by its link, in a browser and on a narrow one."""

import pytest
from playwright.sync_api import expect

from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.payments.queries.mail import waiting_mail
from billing.payments.queries.receipts import list_receipts
from billing.payments.use_cases.mail import mail_receipt
from billing.payments.use_cases.receive import take_cash
from tests.factories.patients import SAMPLE_PERSON

pytestmark = [pytest.mark.browser, pytest.mark.processes]


@pytest.fixture
def link(office):
    invoice = office.clinic.invoice

    def queue(tx):
        take_cash(tx, invoice_id=invoice.id, amount=Money(45_000), actor=SYSTEM, now=office.now)
        (receipt,) = list_receipts(tx, SYSTEM, patient_id=invoice.patient_id, limit=9)
        return mail_receipt(tx, receipt_id=receipt.id, actor=SYSTEM, now=office.now).id

    mail_id = office.database.in_transaction(queue)
    with office.database.reading() as read:
        _, secret = waiting_mail(read, mail_id)
    return f"{office.url}/pay/{secret}/receipt"


def open_with(page, born_on):
    page.get_by_label("The patient's date of birth").fill(born_on)
    page.get_by_role("button", name="Open the receipt").click()


def test_a_wrong_date_is_refused_aloud_and_the_right_one_opens_the_receipt(page, link):
    page.goto(link)
    open_with(page, "1990-01-01")
    expect(page.get_by_role("alert")).to_contain_text("did not open a receipt")
    open_with(page, SAMPLE_PERSON.born_on.isoformat())
    expect(page.get_by_role("heading", level=1)).to_have_text("Receipt RC-000001")
    expect(page.get_by_role("row", name="Ketamine infusion treatment").first).to_be_visible()
    expect(page.get_by_role("link", name="Open the PDF")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("th:not([scope])").count() == 0


def test_a_receipt_fits_a_telephone(page, link):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(link)
    open_with(page, SAMPLE_PERSON.born_on.isoformat())
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
