"""The pay page of another payer: their amount, and nothing of the patient, on the page or anywhere else."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from pypdf import PdfReader

from billing.adapters.receipt_pdf import render_receipt
from billing.invoices.queries import find_invoice, find_share
from billing.invoices.records import Bearer, EndReason, PayerKind
from billing.invoices.use_cases.end_share import ask_to_end
from billing.invoices.use_cases.shares import agree_share
from billing.kernel.money import Money
from billing.kernel.permissions import SYSTEM
from billing.patients.use_cases import amend_patient
from billing.payments.flows.checkouts import settle_checkout
from billing.payments.flows.room import Payments
from billing.payments.queries.receipts import list_receipts
from billing.payments.use_cases.links import make_payers_link
from tests.factories.payers import SPONSORS_NAME, a_fixed_part, a_payer
from tests.factories.web import new_pay_link, open_clinic

GIVEN, FAMILY = "Zephyrine", "Quixwell"
CANARIES = re.compile(f"{GIVEN}|{FAMILY}|infusion|ketamine|depress|anxiety", re.IGNORECASE)


@pytest.fixture
def client(pages):
    return pages.test_client()


@pytest.fixture
def clinic(database, now):
    made = open_clinic(database, now)
    database.in_transaction(
        lambda tx: amend_patient(
            tx,
            patient_id=made.patient.id,
            expected_version=made.patient.version,
            changes={"given_name": GIVEN, "family_name": FAMILY},
            actor=SYSTEM,
            now=now,
        )
    )
    return made


@pytest.fixture
def share(database, clinic, now):
    payer = a_payer(database, clinic.site.id, PayerKind.RELATIVE)
    return database.in_transaction(
        lambda tx: agree_share(
            tx, invoice_id=clinic.invoice.id, order=a_fixed_part(payer, 50_000), actor=SYSTEM, now=now
        )
    )


@pytest.fixture
def link(database, share, now):
    _, secret = database.in_transaction(
        lambda tx: make_payers_link(tx, share_id=share.id, actor=SYSTEM, now=now)
    )
    return f"/pay/{secret}"


def press_pay(client, link):
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(link).text)[1]
    return client.post(link, data={"csrf_token": token})


def test_the_payers_page_shows_their_amount_and_the_patients_page_the_rest(
    client, clinic, link, database, now
):
    assert "$500.00" in client.get(link).text
    own = client.get(f"/pay/{new_pay_link(database, clinic.invoice.id, now)}").text
    assert "$2,050.00" in own
    assert SPONSORS_NAME not in own


def test_nothing_that_the_payer_or_the_processor_is_told_names_the_patient_or_the_care(
    client, processor, link, share, clinic, edge, database, now
):
    pages = [client.get(link).text]
    answer = press_pay(client, link)
    assert answer.status_code == 303
    (reference,) = processor.states
    processor.complete(reference, Money(50_000), now)
    settle_checkout(Payments(database, processor, edge.clock), reference=reference)
    pages.append(client.get(link).text)
    assert "Paid. Thank you." in pages[-1]
    assert "$500.00" in pages[-1]
    assert "RC-000001" in pages[-1]
    assert "/receipt" not in pages[-1]
    with database.reading() as read:
        (receipt,) = list_receipts(read, SYSTEM, patient_id=clinic.patient.id, limit=9)
        assert find_share(read, share.id, SYSTEM).paid == Money(50_000)
        assert find_invoice(read, clinic.invoice.id, SYSTEM).open_balance == Money(205_000)
    pdf = "\n".join(page.extract_text() for page in PdfReader(BytesIO(render_receipt(receipt.body))).pages)
    assert SPONSORS_NAME in pdf
    for told in (*pages, *processor.told, answer.location, pdf, str(receipt.body)):
        assert not CANARIES.search(told.replace(clinic.entity.name, "the payee")), told
        assert clinic.patient.id not in told


def test_a_link_of_a_part_that_ended_thanks_nobody(client, link, share, database, now):
    database.in_transaction(
        lambda tx: ask_to_end(
            tx,
            share_id=share.id,
            reason=EndReason.WITHDRAWN,
            borne_by=Bearer.PATIENT,
            actor=SYSTEM,
            now=now,
        )
    )
    page = client.get(link).text
    assert "Nothing is owed any more." in page
    assert "Thank you" not in page
